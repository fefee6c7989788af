"""`asp-analysis quality`: yields, cost of quality and reviews, as PSP defines them."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from asp_analysis.cli.options import format_options, open_session, reading_options
from asp_analysis.cli.printing import note, print_frame, print_report, say
from asp_analysis.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from asp_analysis.quality import Work

_AREAS = {"components": "component", "task-types": "task_type", "roles": "agent_role"}
_QUALITY_TABLES = (
    *("measures", "yields", "matrix", "costs", "reviews", "reviews-by-type", "fixes", "accepted", "types", "charts"),
    *_AREAS,
    "predictions",
    *("people", "costs-with-people"),
)
_MAIN_OF_QUALITY = ("measures", "yields", "costs", "reviews")


@click.command()
@click.option("--table", type=click.Choice(_QUALITY_TABLES), help="One table alone. [default: the four main ones]")
@click.option(
    "--phases",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="CSV",
    help="Order of your own phases: agent_role, phase_order, kind. [default: the store's roles]",
)
@click.option("--before", metavar="PHASE", help="Process yield before PHASE. [default: the first failure phase]")
@click.option(
    "--minutes",
    "stated",
    multiple=True,
    metavar="WHAT=NUMBER",
    help="Minutes of a person for one prompt, review or interruption, as in review=20; repeatable.",
)
@click.option("--usd-per-hour", type=float, metavar="NUMBER", help="What an hour of a person costs.")
@format_options
@reading_options
def command(
    table: str | None,
    phases: Path | None,
    before: str | None,
    stated: tuple[str, ...],
    usd_per_hour: float | None,
    output: str | None,
    db: str | None,
) -> None:
    """Show where defects come from, what finds them, and the cost.

    Example: asp-analysis quality --table yields
    """
    from asp_analysis.quality import PeopleRates, Work, costs_with_people, flow_note, people_costs

    order = None if phases is None else _read_phases(phases)
    rates = PeopleRates(minutes=_read_minutes(stated), usd_per_hour=usd_per_hour)
    with open_session(db) as session:
        work = Work.read(session.view, order)
        people = people_costs(session.view("human_effort"), rates)
    of_people = {"people": people, "costs-with-people": costs_with_people(work, people)}
    remarks = [remark for remark in (work.unfinished_note(), flow_note(work)) if remark]
    shown = {name: frame for name, frame in of_people.items() if rates != PeopleRates()}
    if table in of_people:
        print_frame(of_people[table], output)
    elif table:
        print_frame(_make_table(work, table, before), output)
    elif output:
        tables = {name: _make_table(work, name, before) for name in _MAIN_OF_QUALITY}
        print_report(tables | shown | {"notes": remarks}, output)
    else:
        for name in _MAIN_OF_QUALITY:
            say(f"{name}:")
            print_frame(_drop_remark(_make_table(work, name, before), work.unfinished_note()), None)
        for name, frame in shown.items():
            say(f"{name}:")
            print_frame(frame, None)
    for remark in remarks:
        note(remark)


def _read_minutes(stated: tuple[str, ...]) -> dict[str, float]:
    found = {}
    for pair in stated:
        name, _, number = pair.partition("=")
        try:
            found[name.strip()] = float(number)
        except ValueError:
            raise InputError(f"{pair!r} is not WHAT=NUMBER. Write the minutes as in --minutes review=20.") from None
    return found


def _drop_remark(frame: "pd.DataFrame", remark: str) -> "pd.DataFrame":
    """Take from the notes what is said once below the tables."""
    notes = frame["note"].astype(str).str.removesuffix(remark).str.removesuffix("; ")
    return frame.assign(note=notes) if notes.ne("").any() else frame.drop(columns="note")


def _read_phases(path: Path) -> "pd.DataFrame":
    import pandas as pd

    try:
        return pd.read_csv(path)
    except (OSError, ValueError) as error:
        said = str(error).split("\n")[0]
        raise InputError(
            f"The file of phases {path} cannot be read: {said}. Name a CSV file with agent_role, phase_order and kind."
        ) from None


def _make_table(work: "Work", name: str, before: str | None) -> "pd.DataFrame":
    from asp_analysis import quality

    if name in _AREAS:
        return _rank_areas(work, _AREAS[name])
    functions = {
        "measures": lambda data: quality.removal_measures(data, before),
        "yields": quality.phase_yields,
        "matrix": lambda data: quality.injection_matrix(data).reset_index(),
        "costs": quality.cost_of_quality,
        "reviews": quality.review_effectiveness,
        "fixes": quality.fix_costs,
        "accepted": quality.accepted_costs,
        "types": quality.defect_pareto,
        "reviews-by-type": lambda data: quality.review_effectiveness(data, by_type=True),
        "predictions": _predict_types,
        "charts": quality.cost_charts,
    }
    return functions[name](work)


def _rank_areas(work: "Work", by: str) -> "pd.DataFrame":
    from asp_analysis.learning import error_prone_areas

    return error_prone_areas(work.ended_tasks, work.defects, work.runs, by)


def _predict_types(work: "Work") -> "pd.DataFrame":
    from asp_analysis.learning.prediction import predict_open_tasks, rolling_type_forecasts

    note(f"Defect types: {rolling_type_forecasts(work.ended_tasks, work.defects, work.runs).verdict}.")
    return predict_open_tasks(work.tasks, work.defects, work.runs)
