"""Options of a question to the past, and the one place where a command line becomes a `Question`.

A verb takes its options from here, and `asks` hands them to it as `question`: an option whose name is a field of
`Question` is said of the question, all others stay the verb's own.
"""

from collections.abc import Callable
from dataclasses import fields
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from asp_analysis.cli.options import newest_part, reading_options
from asp_analysis.executions import COST_VECTOR

if TYPE_CHECKING:
    from datetime import datetime

    import pandas as pd

    from asp_analysis.session import Session

_Command = Callable[..., Any]


class _Level(click.ParamType):
    """A level of an interval, as a share (0.7) or in percent (70)."""

    name = "level"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the level as a share."""
        try:
            number = float(str(value).rstrip("%"))
        except ValueError:
            self.fail(f"{value!r} is no number; write 70 or 0.7.", param, ctx)
        return number / 100 if number >= 1 else number


class _Units(click.File):
    """A file with the semantic units of a task: their sizes."""

    name = "filename"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the size of each unit."""
        from asp_analysis.probe.complexity import measure_unit, parse_units

        return tuple(measure_unit(unit) for unit in parse_units(super().convert(value, param, ctx).read()))


class _Prior(click.Path):
    """A file with a prior for the spread."""

    name = "filename"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the prior."""
        from asp_analysis.probe.models.spread_prior import read_prior

        return read_prior(Path(str(super().convert(value, param, ctx))))


def _know_task(_context: click.Context, _parameter: click.Parameter, task_id: str | None) -> Any:
    """Make of the name of a task what is known of it so far."""
    from asp_analysis.probe.question import KnownTask

    return KnownTask(task_id=task_id)


def _put_alone(_context: click.Context, _parameter: click.Parameter, component: str) -> tuple[str, ...]:
    return (component,)


model_option = click.option("--model", metavar="MODEL", help="Only this model. [default: all that worked on it]")
role_option = click.option("--role", metavar="ROLE", help="Only this agent role. [default: the whole task]")
size_option = click.option("--size", type=float, help="Estimated size of the new task, in complexity units.")
level_option = click.option(
    "--level", "levels", type=_Level(), multiple=True, help="Level of an interval; repeatable. [default: 70, 90]"
)
units_option = click.option("--units", type=_Units(encoding="utf-8"), help="JSON list of semantic units to sum up.")
task_option = click.option(
    "--task", metavar="ID", callback=_know_task, help="A task of the store: its size, type and project are used."
)
cost_option = click.option(
    "--cost", "components", type=click.Choice(COST_VECTOR), default="cost_usd", show_default=True, callback=_put_alone
)
costs_option = click.option(
    "--cost", "components", type=click.Choice(COST_VECTOR), multiple=True, help="Repeatable. [default: cost_usd]"
)
method_option = click.option(
    "--method", default="auto", show_default=True, help="A model of `backtest`, or auto: the best by backtest."
)
per_option = click.option("--per", type=click.Choice(["finished", "attempt"]), default="finished", show_default=True)

prior_option = click.option(
    "--prior",
    type=_Prior(dir_okay=False),
    help="JSON file with sd_log and tasks: the spread of the first tasks. [default: that of the package]",
)


_SINCE_WHEN = "asp_analysis.since"


def _remember_since(context: click.Context, _parameter: click.Parameter, value: str | None) -> None:
    if value is not None:
        context.meta[_SINCE_WHEN] = value


_since_option = click.option(
    "--since",
    metavar="DATE",
    expose_value=False,
    callback=_remember_since,
    help="Only what became known from DATE on (UTC). [default: all; of a large lake the newest]",
)


def question_options(command: _Command) -> _Command:
    """Add `--model`, `--role`, `--level`, `--since`, `--db` and `--live`, and hand the question over as `question`."""
    for option in (reading_options, _since_option, level_option, role_option, model_option):
        command = option(command)
    return command


def asks(command: _Command) -> _Command:
    """Hand a command what is said of the question as one `question`; what nobody said is left to `Question`."""

    @wraps(command)
    def ask(*words: Any, **said: Any) -> Any:
        from asp_analysis.probe.question import Question

        names = [field.name for field in fields(Question) if field.name in said]
        found = {name: said.pop(name) for name in names}
        question = Question(**{name: value for name, value in found.items() if value not in (None, ())})
        return command(*words, question=question, **said)

    return ask


def read_history(session: "Session") -> "pd.DataFrame":
    """Read `task_history` in one order, whatever the engine does: equal instants keep the order of the rows.

    Only what became known since `--since`; of a large lake, where nobody says that, what is new.
    """
    since = read_since(session)
    known = "" if since is None else "WHERE known_at >= $since"
    values = {} if since is None else {"since": since}
    return session.sql(f"FROM task_history {known} ORDER BY known_at, task_id, agent_role, llm_model", **values)


def read_known_before(session: "Session") -> "pd.DataFrame":
    """Read `known_before` of the tasks that `read_history` returns, or of all tasks where all count."""
    since = read_since(session)
    if since is None:
        return session.view("known_before")
    counted = "SELECT task_id FROM task_history WHERE known_at >= $since"
    return session.sql(f"FROM known_before WHERE task_id IN ({counted}) ORDER BY task_id", since=since)


def read_since(session: "Session") -> "datetime | None":
    """Return the first instant that counts, None where all do: as `--since` says, else the newest of a large lake.

    Raises:
        InputError: it is no date.
    """
    from asp_analysis.session import Scope

    meta = click.get_current_context().meta
    if _SINCE_WHEN not in meta:
        meta[_SINCE_WHEN] = newest_part(session)
    elif isinstance(meta[_SINCE_WHEN], str):
        meta[_SINCE_WHEN] = Scope.read(since=meta[_SINCE_WHEN]).since
    return meta[_SINCE_WHEN]
