"""`asp-analysis probe`: every PROBE method with its reasons."""

from typing import TYPE_CHECKING

import click

from asp_analysis.cli.asking import asks, cost_option, question_options, read_history, size_option
from asp_analysis.cli.options import format_options, open_session
from asp_analysis.cli.printing import note, print_frame, print_table, say

if TYPE_CHECKING:
    from asp_analysis.probe.published.report import MethodResult, ProbeReport
    from asp_analysis.probe.question import Question


@click.command()
@size_option
@click.option("--planned", type=float, help="The planner's own figure for the new task, for method B.")
@click.option("--judgement", type=float, help="A person's own figure, for method D.")
@cost_option
@click.option("--rules", "is_about_rules", is_flag=True, help="List the rules that judge a method, and stop.")
@format_options
@question_options
@asks
def command(
    question: "Question",
    planned: float | None,
    judgement: float | None,
    is_about_rules: bool,
    output: str | None,
    db: str | None,
) -> None:
    """Report PROBE as published: methods A to D, with reasons.

    Example: asp-analysis probe --size 18 --cost cost_usd
    """
    from asp_analysis.probe.published.methods import AS_PLANNED, probe

    if is_about_rules:
        print_frame(AS_PLANNED.frame(), output)
        return
    with open_session(db) as session:
        history = read_history(session)
    report = probe(history, question, planned=planned, judgement=judgement)
    if output:
        print_frame(report.frame(), output)
        note(f"Chosen: {report.chosen}. {report.why}")
    else:
        _print(report)


def _print(report: "ProbeReport") -> None:
    headers = ["method", "projection", *(f"{100 * level:g} % interval" for level in report.levels)]
    headers += ["b0", "b1", "r2", "p", "tasks", "verdict"]
    print_table(headers, [_make_row(method, report) for method in report.methods])
    say(f"Chosen: {report.chosen}. {report.why}")
    for method in report.methods:
        for reason in method.reasons:
            say(f"  {method.method}: {reason}")


def _make_row(method: "MethodResult", report: "ProbeReport") -> list[str]:
    known = {one.level: f"{_write_number(one.lower)} to {_write_number(one.upper)}" for one in method.intervals}
    intervals = [known.get(level, "") for level in report.levels]
    numbers = [_write_number(value) for value in (method.b0, method.b1, method.r2, method.significance)]
    return [method.method, _write_number(method.projection), *intervals, *numbers, str(method.n), method.verdict]


def _write_number(value: float) -> str:
    if value != value:
        return ""
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"
