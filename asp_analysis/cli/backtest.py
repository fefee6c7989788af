"""`asp-analysis backtest`: how good the estimates would have been."""

from typing import Any

import click

from asp_analysis.cli.asking import LEVELS, cost_option, question_options, read_history
from asp_analysis.cli.options import format_options, print_frame

_TABLE = ("series", "model", "n", "mdape", "coverage_70", "coverage_90", "interval_score_70", "log_bias", "sa")


@click.command()
@cost_option
@click.option("--per", type=click.Choice(["finished", "attempt"]), default="finished", show_default=True)
@format_options
@question_options
def command(component: str, per: str, output: str | None, **asked: Any) -> None:
    """Forecast every past task from those before it and score each model against the baselines.

    Without --model and --role every model and role is a series of its own.

    Example: asp-analysis backtest --role Code --cost latency_ms
    """
    from asp_analysis.probe.backtest import backtest
    from asp_analysis.probe.question import pose, pose_per_model
    from asp_analysis.probe.scores import score

    history, model, role = read_history(asked["db"]), asked["llm_model"], asked["agent_role"]
    if model is not None:
        pose(history, model, role)  # refuses a model or role that is not there, and names those that are
        posed = pose_per_model(history, role)
    elif role is not None:
        posed = pose_per_model(history, role)
    else:
        posed = history
    series = None if model is None else [(model, posed["agent_role"].iloc[0])]
    forecasts = backtest(posed, component, per=per, levels=tuple(asked["levels"]) or LEVELS, series=series)
    frame = score(forecasts)
    frame.insert(1, "series", frame["llm_model"].astype(str) + " / " + frame["agent_role"].astype(str))
    frame = frame.drop(columns=["llm_model", "agent_role"])
    print_frame(frame if output else frame[[name for name in _TABLE if name in frame.columns]].round(3), output)
