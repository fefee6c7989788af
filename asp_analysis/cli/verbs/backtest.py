"""`asp-analysis backtest`: how good the estimates would have been."""

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from asp_analysis.cli.asking import asks, cost_option, per_option, prior_option, question_options, read_history
from asp_analysis.cli.options import format_options, open_session
from asp_analysis.cli.printing import print_frame
from asp_analysis.cli.progress import show_progress
from asp_analysis.errors import EstimationRefusal

if TYPE_CHECKING:
    import pandas as pd

    from asp_analysis.probe.question import Question

_SCORE_COLUMNS = (
    *("series", "model", "n", "mdape", "coverage_70", "coverage_90", "wis", "skill", "skill_lower", "skill_upper"),
    *("above", "mean_ratio"),
)


_CONDITIONS = {"size": "size_tercile", "knowledge": "knowledge", "change": "is_after_change"}
_COMPARED_MODELS = ("auto", "past_median")


@click.command()
@click.option(
    "--by",
    type=click.Choice(list(_CONDITIONS)),
    help="How often intervals held by size of the task, by what was known of it, or after a change of costs.",
)
@cost_option
@per_option
@prior_option
@format_options
@question_options
@asks
def command(question: "Question", by: str | None, output: str | None, db: str | None) -> None:
    """Score how well past tasks would have been estimated.

    Every past task is forecast from those completed when it started, and each model is compared with the baselines:
    skill is 1 - score / score of the past median, with a 95 % interval. Without --model and --role, every model and
    role is a separate series.

    Example: asp-analysis backtest --role Code --cost latency_ms
    """
    from asp_analysis.probe.backtest import backtest
    from asp_analysis.probe.question import EACH
    from asp_analysis.probe.scores import cover, score

    if question.model is None:
        question = replace(question, model=EACH, role=question.role or EACH)
    with open_session(db) as session:
        history = read_history(session)
    with show_progress("forecasting"):
        forecasts = backtest(history, question)
    if by is not None:
        _print_conditions(cover(forecasts, _CONDITIONS[by]), by, output)
        return
    frame = score(forecasts)
    frame.insert(1, "series", frame["llm_model"].astype(str) + " / " + frame["agent_role"].astype(str))
    frame = frame.drop(columns=["llm_model", "agent_role"])
    print_frame(frame if output else frame[[name for name in _SCORE_COLUMNS if name in frame.columns]].round(3), output)


def _print_conditions(table: "pd.DataFrame", by: str, output: str | None) -> None:
    """Print how often intervals held under each condition; of all models only where it is for a program.

    Raises:
        EstimationRefusal: the condition is known of no forecast.
    """
    if table.empty:
        raise EstimationRefusal(
            f"No forecast task has a known {by}, so its intervals cannot be counted by it. Load sizes with "
            "asp-analysis load FILE --as task_metadata --map estimated_size=COLUMN."
        )
    table = table.sort_values(["model", _CONDITIONS[by], "level"], ignore_index=True)
    print_frame(table if output else table[table["model"].isin(_COMPARED_MODELS)].round(3), output)
