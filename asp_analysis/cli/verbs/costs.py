"""`asp-analysis costs`: what was spent, by person, team, machine and any other name."""

import math
from pathlib import Path
from typing import TYPE_CHECKING

import click

from asp_analysis.cli.options import format_options, open_session, reading_options
from asp_analysis.cli.printing import counted, print_frame, say

if TYPE_CHECKING:
    import pandas as pd

_NOT_ASSIGNED = "(not assigned)"


@click.command()
@click.option(
    "--by",
    default="project,month",
    show_default=True,
    metavar="NAME,...",
    help="person, team, cost_center, machine, project, repository, branch, model, role, task, tool, prompt, "
    "label NAME, day, week, month.",
)
@click.option("--since", metavar="INSTANT", help="Only executions of this day (UTC) or later.")
@click.option("--until", metavar="INSTANT", help="Only executions of this day (UTC) or earlier.")
@click.option("--pseudonyms", is_flag=True, help="Name persons by a keyed hash; the key stays next to the store.")
@click.option("--team-view", is_flag=True, help="Put groups of few people into one row.")
@click.option("--least", type=click.IntRange(2), default=5, show_default=True, help="People of a group that is shown.")
@format_options
@reading_options
def command(
    by: str,
    since: str | None,
    until: str | None,
    pseudonyms: bool,
    team_view: bool,
    least: int,
    output: str | None,
    db: str | None,
) -> None:
    """Show what was spent, by any names that executions have.

    Every execution is in one row; what is not assigned has a row of its own, and the rows sum up to the total. Teams
    follow the days of the table people: load it with --as people.

    Example: asp-analysis costs --by team,week --since 2026-01-01
    """
    from asp_analysis.cost_groups import group_costs, hide_small_groups, read_names
    from asp_analysis.session.scope import Scope

    names = read_names(by)
    scope = Scope.read(since=since, until=until)
    with open_session(db) as session:
        frame = group_costs(session, names, scope)
        folder = session.url.data_dir, session.url.local_name
    if team_view:
        frame = hide_small_groups(frame, names, least)
    if pseudonyms:
        _hide_persons(frame, folder[0] / f"{folder[1]}.pseudonyms.key")
    if output:
        print_frame(frame, output)
        return
    total = _total(frame)
    for name in names:
        frame[name] = frame[name].astype(object).where(frame[name].notna(), _NOT_ASSIGNED)
    print_frame(frame.assign(cost_usd=frame["cost_usd"].round(6)), None)
    say(total)


def _hide_persons(frame: "pd.DataFrame", key_file: Path) -> None:
    from asp_analysis.privacy import pseudonym, pseudonym_key

    key = pseudonym_key(key_file)
    for name in ("person", "label account"):
        if name in frame:
            frame[name] = frame[name].map(lambda value: pseudonym(value, key), na_action="ignore")


def _total(frame: "pd.DataFrame") -> str:
    known = frame["cost_usd"].dropna()
    count, without = int(frame["executions"].sum()), int(frame["executions_without_cost"].sum())
    if not count:
        return "There are no executions to add up. Load some with: asp-analysis load FILE"
    cost = f"{math.fsum(known):,.2f} USD" if len(known) else "unknown"
    return f"Total: {cost} of {counted(count, 'execution')}, {without:,} of them without a cost."
