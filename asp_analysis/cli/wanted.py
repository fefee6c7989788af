"""Options of a question about other tasks than one to come: several at once, and sessions that still run."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from asp_analysis.cli.printing import note, print_frame, print_table, say

if TYPE_CHECKING:
    import pandas as pd

    from asp_analysis.probe.models.nested import NewTask
    from asp_analysis.probe.question import Question
    from asp_analysis.probe.totals import Total
    from asp_analysis.session import Session

OPEN_SQL = (
    "SELECT task_id, project_id, task_type, estimated_size AS size FROM tasks WHERE outcome = 'open' "
    "ORDER BY created_at, task_id"
)
NAMED_SQL = (
    "SELECT task_id, project_id, task_type, estimated_size AS size FROM tasks "
    "WHERE list_contains($task_ids, task_id) ORDER BY task_id"
)


@dataclass(frozen=True, kw_only=True)
class WantedTasks:
    """Which tasks are meant: named ones, all that are open, a CSV of sizes; or a session that runs, or all that do.

    budget: for all tasks together, or for one session.
    """

    session: str | None = None
    is_running: bool = False
    names: tuple[str, ...] = ()
    is_open: bool = False
    sizes: Path | None = None
    budget: float | None = None

    @property
    def are_sessions(self) -> bool:
        """True where sessions that run are asked for."""
        return self.session is not None or self.is_running

    @property
    def is_asked(self) -> bool:
        """True where a total is asked for."""
        return bool(self.names) or self.is_open or self.sizes is not None

    def find(self, session: "Session") -> "list[NewTask]":
        """The tasks with what is known of them.

        Raises:
            InputError: a named task is not in the store, no task is open, or the file cannot be read.
        """
        if self.sizes is not None:
            return _make_tasks(_read_sizes(self.sizes))
        return _make_tasks(self._look_up(session))

    def _look_up(self, session: "Session") -> "pd.DataFrame":
        from asp_analysis.errors import InputError

        if self.is_open:
            found = session.sql(OPEN_SQL)
            if found.empty:
                raise InputError(
                    "No task of the store is open. Load the tasks to come, or name sizes with --sizes FILE."
                )
            return found
        found = session.sql(NAMED_SQL, task_ids=list(self.names)).set_index("task_id", drop=False)
        missing = [name for name in self.names if name not in found.index]
        if missing:
            raise InputError(f"There is no task {missing[0]!r} in the store. Load it first, or correct --tasks.")
        return found.loc[list(self.names)]


def batch_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--tasks`, `--open`, `--sizes`, `--session`, `--running` and `--budget`; hand them over as `wanted`."""

    @wraps(command)
    def gather(*words: Any, **said: Any) -> Any:
        names = tuple(name.strip() for name in (said.pop("tasks") or "").split(",") if name.strip())
        given = {name: said.pop(name) for name in ("is_open", "sizes", "budget", "session", "is_running")}
        wanted = WantedTasks(names=names, **given)
        ways = sum((bool(names), wanted.is_open, wanted.sizes is not None, bool(wanted.session), wanted.is_running))
        if ways > 1:
            raise click.UsageError(
                "--tasks, --open, --sizes, --session and --running name other tasks. Use one of them."
            )
        if wanted.budget is not None and not ways:
            raise click.UsageError(
                "--budget is for several tasks or a running session: use it with --tasks, --open, --sizes, --session "
                "or --running."
            )
        if wanted.budget is not None and not 0 < wanted.budget < float("inf"):
            raise click.UsageError(f"The budget {wanted.budget:g} is not a finite amount above 0.")
        return command(*words, wanted=wanted, **said)

    for option in (
        click.option("--budget", type=float, help="How likely the total, or a running session, stays within it."),
        click.option(
            "--running", "is_running", is_flag=True, help="What each running session will have cost at its end."
        ),
        click.option("--session", metavar="ID", help="What a running session will have cost at its end."),
        click.option(
            "--sizes",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help="Total of the tasks of a CSV with a column size (and task_id, project_id, task_type).",
        ),
        click.option("--open", "is_open", is_flag=True, help="Total of all open tasks of the store."),
        click.option("--tasks", metavar="ID,ID", help="Total of several tasks of the store, in this order."),
    ):
        gather = option(gather)
    return gather


def print_total(total: "Total", question: "Question", budget: float | None, output: str | None) -> None:
    """Print what several tasks cost together."""
    plain = total.to_dict(question.levels, budget)
    if output:
        import pandas as pd

        refusals = plain.pop("refusals")
        print_frame(pd.DataFrame([plain]), output)
        for name, reason in dict(refusals).items():  # type: ignore[call-overload]
            note(f"{name} is not in the total: {reason}")
        return
    from asp_analysis.wording import write_share

    bounds = [total.bound(level) for level in question.levels]
    headers = ["component", "tasks", "total", *(f"{100 * level:g} % interval" for level in question.levels), "mean"]
    row = [total.component, str(len(total.tasks)), f"{total.estimate:,.4g}"]
    print_table(headers, [[*row, *(f"{low:,.4g} to {high:,.4g}" for low, high in bounds), f"{total.mean:,.4g}"]])
    say(
        f"From {total.n} past tasks, forecast again in batches of {len(total.tasks) + len(total.refusals)}; "
        f"{write_share(total.level_share)} of the variance of their errors is common to a batch."
    )
    if budget is not None:
        say(
            f"P(total <= {budget:g}) = {write_share(total.find_chance_within(budget))}. Within {budget:g}, the first "
            f"{total.count_fitting(budget)} of {len(total.tasks)} tasks fit with a probability of 80 %."
        )
    for name, reason in total.refusals.items():
        note(f"{name} is not in the total: {reason}")


def say_finish(total: "Total", history: "pd.DataFrame", question: "Question") -> None:
    """Say when tasks are finished that are begun now, from their total time and the parallelism that was seen."""
    from datetime import UTC, datetime, timedelta

    from asp_analysis.probe.totals import measure_parallelism

    parallel = measure_parallelism(history)
    if parallel != parallel:
        note("When the tasks will be finished is unknown: no past task has a start and an end.")
        return
    low, high = total.bound(question.levels[0])
    begin = datetime.now(UTC)
    ends = [begin + timedelta(milliseconds=value / parallel) for value in (total.estimate, low, high)]
    middle, first, last = (f"{end:%Y-%m-%d %H:%M}" for end in ends)
    say(
        f"Begun now and worked on without a break, they are finished at {middle} UTC ({100 * question.levels[0]:g} %: "
        f"{first} to {last}), with {parallel:.1f} tasks at a time, as many as ran while any ran."
    )


def _read_sizes(path: Path) -> "pd.DataFrame":
    import pandas as pd

    from asp_analysis.errors import InputError

    try:
        frame = pd.read_csv(path, dtype=str)
    except (ValueError, OSError) as error:
        raise InputError(f"{path} cannot be read as a CSV: {error}. Its first line names the columns.") from None
    if "size" not in frame.columns or frame.empty:
        found = ", ".join(map(str, frame.columns)) if "size" not in frame.columns else "no row"
        raise InputError(f"{path} needs a column size and one row or more, found: {found}.")
    sizes = pd.to_numeric(frame["size"], errors="coerce")
    wrong = frame.index[~((sizes > 0) & (sizes < float("inf")))]
    if len(wrong):
        value = frame["size"].iloc[wrong[0]]
        raise InputError(f"{path}, line {wrong[0] + 2}: the size {value!r} is not a finite number above 0. Correct it.")
    return frame.assign(size=sizes)


def _make_tasks(frame: "pd.DataFrame") -> "list[NewTask]":
    import numpy as np
    import pandas as pd

    from asp_analysis.probe.models.nested import KnownTask, NewTask

    found = []
    for row in frame.to_dict("records"):
        known = {name: str(row[name]) for name in ("task_id", "project_id", "task_type") if not pd.isna(row.get(name))}
        size = float(row["size"]) if not pd.isna(row["size"]) else float("nan")
        found.append(NewTask(task=KnownTask(**known), log_size=float(np.log(size)) if size > 0 else float("nan")))
    return found
