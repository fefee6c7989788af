"""`asp-analysis models`: the models of the store, what they cost, and which of them have no price."""

import click

from asp_analysis.cli.options import format_options, open_session, reading_options
from asp_analysis.cli.printing import print_found

_MODEL_COLUMNS = [
    "llm_model", "llm_provider", "executions", "tokens_in", "tokens_out", "cost_usd", "executions_without_price"
]  # fmt: skip


@click.command()
@click.option("--unpriced", is_flag=True, help="Only models with executions that have no price.")
@format_options
@reading_options
def command(unpriced: bool, output: str | None, db: str | None) -> None:
    """List the models with their tokens, cost and missing prices.

    Example: asp-analysis models --unpriced
    """
    with open_session(db) as session:
        found = session.rows(
            f"SELECT {', '.join(_MODEL_COLUMNS)} FROM models WHERE executions_without_price > {0 if unpriced else -1} "
            "ORDER BY cost_usd DESC NULLS LAST, executions DESC, llm_model"
        )
    print_found(found, output)
