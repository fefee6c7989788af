"""`asp-analysis costs`: what was spent, by person, team, machine and any other name."""

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from asp_analysis.cli.options import format_options, open_session, pseudonyms_option, reading_options
from asp_analysis.cli.printing import counted, print_frame, say

if TYPE_CHECKING:
    import pandas as pd

    from asp_analysis.session import Session
    from asp_analysis.session.scope import Scope

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
@click.option("--since", metavar="INSTANT", help="Only executions of this day or later.")
@click.option("--until", metavar="INSTANT", help="Only executions of this day or earlier.")
@click.option("--time-zone", "zone", metavar="ZONE", help="Whose days, as in Europe/Berlin. [default: UTC]")
@click.option("--view", metavar="VIEW", help="Group this view, such as role_costs, instead of adding up.")
@pseudonyms_option
@click.option("--team-view", is_flag=True, help="Put groups of few people into one row.")
@click.option("--least", type=click.IntRange(2), default=5, show_default=True, help="People of a group that is shown.")
@format_options
@reading_options
def command(
    by: str,
    since: str | None,
    until: str | None,
    zone: str | None,
    view: str | None,
    team_view: bool,
    least: int,
    output: str | None,
    db: str | None,
) -> None:
    """Show what was spent, by any names that executions have.

    Every execution is in one row; what is not assigned has a row of its own, and the rows sum up to the total. Teams
    follow the days of the table people: load it with --as people. With --view, each row of the view comes once for each
    group: changes, cost_per_outcome, daily_costs, models, rework, role_costs, task_activity, task_costs, tasks, work.

    Example: asp-analysis costs --by team,week --since 2026-01-01
    """
    from asp_analysis.cost_groups import group_costs, group_team_costs, read_names

    names = read_names(by)
    if view is not None:
        if team_view:
            raise click.UsageError("--team-view adds up. Leave --view out, or --team-view.")
        with open_session(db, zone) as session:
            frame = _group_view(session, view, names, (since, until))
        print_frame(frame if output else _name_unassigned(frame, names), output)
        return
    scope = _read_period(since, until, zone)
    with open_session(db) as session:
        if team_view:
            frame = group_team_costs(session, names, least, scope, zone)
        else:
            frame = group_costs(session, names, scope, zone)
    if output:
        print_frame(frame, output)
        return
    total = _total(frame)
    print_frame(_name_unassigned(frame, names), None)
    say(total)


def _group_view(
    session: "Session", view: str, names: tuple[str, ...], period: tuple[str | None, str | None]
) -> "pd.DataFrame":
    """Group a view over a period, whose days are those of the session's clock; an instant in it is one of UTC."""
    from asp_analysis.grouped_views import group_view
    from asp_analysis.session.scope import Scope
    from asp_analysis.time_zones import from_utc

    since, until = period
    scope = Scope.read(since=since, until=until)
    if scope.since is not None and ":" in (since or ""):
        scope = replace(scope, since=from_utc(scope.since, session.clock))
    if scope.until is not None and ":" in (until or ""):
        scope = replace(scope, until=from_utc(scope.until, session.clock))
    session.narrow(scope)
    return group_view(session, view, names)


def _name_unassigned(frame: "pd.DataFrame", names: tuple[str, ...]) -> "pd.DataFrame":
    """Return a frame as people read it: what is not assigned says so, and money has no more digits than it needs."""
    from asp_analysis.wording import round_numbers

    said = {name: frame[name].astype(object).where(frame[name].notna(), _NOT_ASSIGNED) for name in names}
    money = {name: round_numbers(frame[name].astype(float), 6) for name in frame.columns if str(name).endswith("_usd")}
    return frame.assign(**said, **money)


def _read_period(since: str | None, until: str | None, zone: str | None) -> "Scope":
    """Return the period, whose days are those of the time zone; an instant with a time of day is one of UTC.

    Raises:
        InputError: it cannot be read, or the time zone is none.
    """
    from asp_analysis.cost_groups import move_to_zone
    from asp_analysis.session.scope import Scope
    from asp_analysis.time_zones import check_time_zone

    scope = Scope.read(since=since, until=until)
    if zone is None:
        return scope
    check_time_zone(zone)
    moved = move_to_zone(scope, zone)
    return Scope(
        since=scope.since if ":" in (since or "") else moved.since,
        until=scope.until if ":" in (until or "") else moved.until,
    )


def _total(frame: "pd.DataFrame") -> str:
    from asp_analysis.wording import write_sum_usd

    known = frame["cost_usd"].dropna()
    count, without = int(frame["executions"].sum()), int(frame["executions_without_cost"].sum())
    if not count:
        return "There are no executions to add up. Load some with: asp-analysis load FILE"
    cost = write_sum_usd(math.fsum(known) if len(known) else None)
    return f"Total: {cost} of {counted(count, 'execution')}, {without:,} of them without a cost."
