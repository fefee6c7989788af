"""Options and steps that the estimating verbs share: estimate, backtest and probe."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from asp_analysis.cli.options import open_session, reading_options

if TYPE_CHECKING:
    import pandas as pd

COSTS = ("cost_usd", "latency_ms", "tokens_in", "tokens_out", "tool_calls")
LEVELS = (0.7, 0.9)


class Level(click.ParamType):
    """A level of an interval, as a share (0.7) or in percent (70)."""

    name = "level"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Give the level as a share."""
        try:
            number = float(str(value).rstrip("%"))
        except ValueError:
            self.fail(f"{value!r} is no number; write 70 or 0.7.", param, ctx)
        share = number / 100 if number >= 1 else number
        if not 0 < share < 1:
            self.fail(f"{value!r} is not between 0 and 100 percent.", param, ctx)
        return share


cost_option = click.option("--cost", "component", type=click.Choice(COSTS), default="cost_usd", show_default=True)


def question_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--model`, `--role`, `--level`, `--db` and `--live`."""
    for option in (
        reading_options,
        click.option(
            "--level", "levels", type=Level(), multiple=True, help="Level of an interval; repeatable. [default: 70, 90]"
        ),
        click.option("--role", "agent_role", metavar="ROLE", help="Only this agent role. [default: the whole task]"),
        click.option("--model", "llm_model", metavar="MODEL", help="Only this model. [default: all that worked on it]"),
    ):
        function = option(function)
    return function


def read_history(db: str | None) -> "pd.DataFrame":
    """Read `task_history` in one order, whatever the engine does: equal instants keep the order of the rows."""
    with open_session(db) as session:
        return session.sql('SELECT * FROM task_history ORDER BY "at", task_id, agent_role, llm_model')
