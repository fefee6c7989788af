"""`asp-analysis complexity`: what the finished tasks say about the weights of semantic complexity."""

from typing import TYPE_CHECKING

import click

from asp_analysis.cli.asking import asks, cost_option, read_history
from asp_analysis.cli.options import format_options, open_session, reading_options
from asp_analysis.cli.printing import note, print_frame, say

if TYPE_CHECKING:
    from asp_analysis.probe.question import Question


@click.command()
@cost_option
@format_options
@reading_options
@asks
def command(question: "Question", output: str | None, db: str | None) -> None:
    """Calibrate the weights of the size factors on finished tasks.

    Where the data cannot determine them, the answer is the reason.

    Example: asp-analysis complexity --cost cost_usd
    """
    from asp_analysis.probe.complexity import calibrate_history

    with open_session(db) as session:
        history, tasks = read_history(session), session.view("stg_tasks")
    found = calibrate_history(history, tasks, question)
    print_frame(found.frame().reset_index(names="factor"), output)
    for finding in found.findings:
        (note if output else say)(finding)
