"""`asp-analysis why`: why one period cost more than another."""

from typing import TYPE_CHECKING

import click

from asp_analysis.cli.options import format_options, open_session, pairs, pseudonyms_option, reading_options
from asp_analysis.cli.printing import note, print_frame, print_report, say

if TYPE_CHECKING:
    import pandas as pd

    from asp_analysis.comparisons.spend_change import SpendChange

_WHY_TABLES = ("terms", "movers", "models", "periods")


@click.command()
@click.option("--from", "before", metavar="PERIOD", help="The earlier period. [default: the one before --to]")
@click.option(
    "--to",
    "after",
    metavar="PERIOD",
    help="The later period: 2026-W10, 2026-03, 2026-Q1, 2026-03-05, 2026-03-01..2026-03-14, last-week, last-month. "
    "[default: the last whole week of the record]",
)
@click.option("--only", multiple=True, metavar="NAME=VALUE", help="Only these executions, as in team=shop.")
@click.option(
    "--by", default="task,person,day", show_default=True, metavar="NAME,...", help="Whose changes are listed."
)
@click.option("--time-zone", "zone", metavar="ZONE", help="Whose days, as in Europe/Berlin. [default: UTC]")
@click.option("--table", type=click.Choice(_WHY_TABLES), help="One table alone. [default: terms and movers]")
@pseudonyms_option
@format_options
@reading_options
def command(
    before: str | None,
    after: str | None,
    only: tuple[str, ...],
    by: str,
    zone: str | None,
    table: str | None,
    output: str | None,
    db: str | None,
) -> None:
    """Show why one period cost more than another.

    NAME is what `costs --by` takes. The terms add up to the change of the known cost exactly; a control chart of
    earlier periods says whether the change is ordinary scatter. --only may come several times.

    Example: asp-analysis why --from 2026-W09 --to 2026-W10
    """
    from asp_analysis.comparisons.spend_change import explain_spend
    from asp_analysis.comparisons.spend_reading import SpendQuestion
    from asp_analysis.cost_groups import read_names

    chosen = tuple(pairs(only, "--only").items())
    question = SpendQuestion(before=before, after=after, zone=zone, only=chosen, by=read_names(by))
    with open_session(db) as session:
        change = explain_spend(session, question)
    if table or output == "csv":
        print_frame(_table(change, table or "terms"), output)
        return
    if output:
        tables: dict[str, pd.DataFrame | str | list[str]] = {name: _table(change, name) for name in _WHY_TABLES}
        print_report({"answer": change.answer, **tables, "remarks": list(change.remarks)}, output)
        return
    say(change.answer)
    has_spend = bool(change.before_usd or change.after_usd)
    for name in ("terms", "movers") if has_spend else ():
        if len(frame := _table(change, name)):
            print_frame(_round(frame), None)
    for remark in change.remarks:
        note(remark)


def _table(change: "SpendChange", name: str) -> "pd.DataFrame":
    if name == "periods":
        points = change.scatter.points
        return points.assign(first_day=points["first_day"].dt.strftime("%Y-%m-%d"))
    frame: pd.DataFrame = getattr(change, name)
    return frame


def _round(frame: "pd.DataFrame") -> "pd.DataFrame":
    from asp_analysis.wording import round_numbers

    numbers = {name: round_numbers(frame[name].astype(float), 4) for name in frame.select_dtypes("number").columns}
    return frame.assign(**numbers)
