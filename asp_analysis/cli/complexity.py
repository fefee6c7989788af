"""`asp-analysis complexity`: what the finished tasks say about the weights of semantic complexity."""

from typing import TYPE_CHECKING

import click

from asp_analysis.cli.asking import cost_option
from asp_analysis.cli.options import format_options, open_session, print_frame, reading_options, say

if TYPE_CHECKING:
    import pandas as pd

_SEED = 20250101
"""Of the bootstrap: the same store gives the same intervals."""


@click.command()
@cost_option
@format_options
@reading_options
def command(component: str, output: str | None, db: str | None) -> None:
    """Calibrate the weights of the semantic units' factors on finished tasks, or say that the data cannot tell them.

    Example: asp-analysis complexity --cost cost_usd
    """
    import numpy as np

    from asp_analysis.probe.complexity import calibrate, parse_units, weighted_counts

    tasks = _finished_tasks(db, component)
    units = {row.task_id: parse_units(row.semantic_units_json) for row in tasks.itertuples()}
    found = calibrate(weighted_counts(units), tasks[component], np.random.default_rng(_SEED))
    print_frame(found.frame().reset_index(names="factor"), output)
    if output is None:
        for finding in found.findings:
            say(finding)


def _finished_tasks(db: str | None, component: str) -> "pd.DataFrame":
    """Give the finished tasks with their units and what they cost over all roles."""
    from asp_analysis.probe.question import pose

    with open_session(db) as session:
        history = session.view("task_history")
        units = session.sql("SELECT task_id, semantic_units_json FROM stg_tasks WHERE semantic_units_json IS NOT NULL")
    posed = pose(history)
    finished = posed.loc[posed["is_finished"], ["task_id", component]]
    return units.merge(finished, on="task_id").sort_values("task_id", ignore_index=True)
