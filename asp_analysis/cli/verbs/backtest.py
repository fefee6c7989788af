"""`asp-analysis backtest`: how good the estimates would have been."""

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from asp_analysis.cli.asking import asks, cost_option, per_option, prior_option, question_options, read_history
from asp_analysis.cli.options import format_options, open_session
from asp_analysis.cli.printing import print_frame
from asp_analysis.cli.progress import show_progress

if TYPE_CHECKING:
    from asp_analysis.probe.question import Question

_SCORE_COLUMNS = (
    *("series", "model", "n", "mdape", "coverage_70", "coverage_90", "wis", "skill", "skill_lower", "skill_upper"),
    *("above", "mean_ratio"),
)


@click.command()
@cost_option
@per_option
@prior_option
@format_options
@question_options
@asks
def command(question: "Question", output: str | None, db: str | None) -> None:
    """Score how well past tasks would have been estimated.

    Every past task is forecast from those completed when it started, and each model is compared with the baselines:
    skill is 1 - score / score of the past median, with a 95 % interval. Without --model and --role, every model and
    role is a separate series.

    Example: asp-analysis backtest --role Code --cost latency_ms
    """
    from asp_analysis.probe.backtest import backtest
    from asp_analysis.probe.question import EACH
    from asp_analysis.probe.scores import score

    if question.model is None:
        question = replace(question, model=EACH, role=question.role or EACH)
    with open_session(db) as session:
        history = read_history(session)
    with show_progress("forecasting"):
        frame = score(backtest(history, question))
    frame.insert(1, "series", frame["llm_model"].astype(str) + " / " + frame["agent_role"].astype(str))
    frame = frame.drop(columns=["llm_model", "agent_role"])
    print_frame(frame if output else frame[[name for name in _SCORE_COLUMNS if name in frame.columns]].round(3), output)
