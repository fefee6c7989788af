"""`asp-analysis effect`: whether a change of the agents helped."""

import click

from asp_analysis.cli.options import format_options, open_session, reading_options
from asp_analysis.cli.printing import note, print_frame, print_report, say

_EFFECT_TABLES = ("effect", "mix", "looks", "tasks")


@click.command()
@click.argument("change")
@click.option(
    "--on",
    type=click.Choice(("cost", "latency", "tokens", "defects", "rework", "success")),
    default="cost",
    show_default=True,
    help="What is compared.",
)
@click.option("--worth", type=float, default=1.25, show_default=True, help="The ratio that is worth waiting for.")
@click.option("--table", type=click.Choice(_EFFECT_TABLES), help="One table alone. [default: effect and mix]")
@format_options
@reading_options
def command(change: str, on: str, worth: float, table: str | None, output: str | None, db: str | None) -> None:
    """Show whether a change of the agents helped.

    It says keep it, roll it back, or wait. CHANGE is a name that `change list` shows. Tasks after it are compared with
    tasks before it that are alike in type, repository and size. The interval holds however often you look. Where tasks
    were assigned at random, it is an experiment.

    Example: asp-analysis effect "new prompt" --on cost
    """
    from asp_analysis.comparisons.change_effect import measure_effect

    with open_session(db) as session:
        found = measure_effect(session, change, on, worth)
    tables = {
        "effect": found.to_frame(),
        "mix": found.judgement.matched.mix,
        "looks": found.judgement.looks,
        "tasks": found.tasks,
    }
    if table or output == "csv":
        print_frame(tables[table or "effect"], output)
        return
    if output:
        print_report({"answer": found.answer, **tables, "remarks": list(found.remarks)}, output)
        return
    say(found.answer)
    print_frame(tables["mix"], None)
    for remark in found.remarks:
        note(remark)
