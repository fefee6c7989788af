"""`asp-analysis probe`: every PROBE method with its reasons."""

from typing import TYPE_CHECKING, Any

import click

from asp_analysis.cli.asking import LEVELS, cost_option, question_options, read_history
from asp_analysis.cli.options import format_options, print_frame, print_table, say

if TYPE_CHECKING:
    import pandas as pd

    from asp_analysis.probe.methods import ProbeReport

_PLANNED = {"cost_usd": "planned_cost_usd", "latency_ms": "planned_latency_ms"}
_UNITS = {"cost_usd": "USD", "latency_ms": "ms", "tokens_in": "tokens", "tokens_out": "tokens", "tool_calls": "count"}


@click.command()
@click.option("--size", type=float, help="Estimated size of the new task, in complexity units.")
@click.option("--planned", type=float, help="The planner's own figure for the new task, for method B.")
@click.option("--judgement", type=float, help="A person's own figure, for method D.")
@cost_option
@format_options
@question_options
def command(component: str, output: str | None, **asked: Any) -> None:
    """Report PROBE as published: methods A to D with coefficients, significance, intervals and reasons.

    Example: asp-analysis probe --size 18 --cost cost_usd
    """
    from asp_analysis.probe.question import pose

    history = pose(read_history(asked["db"]), asked["llm_model"], asked["agent_role"])
    report = _report(history[history["is_finished"]], component, asked)
    if output:
        print_frame(report.frame(), output)
        return
    _print(report)


def _report(history: "pd.DataFrame", component: str, asked: dict[str, Any]) -> "ProbeReport":
    from asp_analysis.probe.methods import ProbeData, probe_report
    from asp_analysis.probe.policy import Policy

    planned = _PLANNED.get(component)
    columns = {"proxy": "size", "actual_size": "actual_size", "actual": component, "task_ids": "task_id"}
    frame = history.assign(planned=history[planned] if planned else float("nan"))
    data = ProbeData.from_frame(frame, {**columns, "planned": "planned"}, name=component, unit=_UNITS[component])
    # The planner's figure is a cost, not a size: method B reads it as it is, not at the proxy size.
    policy = Policy(is_strict=False)
    levels = asked["levels"] or LEVELS
    return probe_report(data, asked["size"], asked["planned"], asked["judgement"], levels, policy)


def _print(report: "ProbeReport") -> None:
    headers = ["method", "projection", *(f"{100 * level:g} % interval" for level in report.levels)]
    headers += ["b0", "b1", "r2", "p", "tasks", "verdict"]
    print_table(headers, [_row(method, report) for method in report.methods])
    say(f"Chosen: {report.chosen}. {report.why}")
    for method in report.methods:
        for reason in method.reasons:
            say(f"  {method.method}: {reason}")


def _row(method: Any, report: "ProbeReport") -> list[str]:
    row = method.as_row(report.levels)
    names = [f"{100 * level:g}" for level in report.levels]
    intervals = [_interval(row[f"lower_{name}"], row[f"upper_{name}"]) for name in names]
    numbers = [_number(row[name]) for name in ("b0", "b1", "r2", "significance")]
    return [method.method, _number(method.projection), *intervals, *numbers, str(method.n), method.verdict]


def _interval(lower: float, upper: float) -> str:
    return "" if lower != lower else f"{_number(lower)} to {_number(upper)}"


def _number(value: float) -> str:
    if value is None or value != value:
        return ""
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"
