"""`asp-analysis sql`: ad-hoc questions to the views."""

import click

from asp_analysis.cli.options import format_options, open_session, pairs, reading_options
from asp_analysis.cli.printing import print_frame


@click.command()
@click.argument("query")
@click.option("--param", "params", multiple=True, metavar="NAME=VALUE", help="Bind $NAME in the query; repeatable.")
@format_options
@reading_options
def command(query: str, params: tuple[str, ...], output: str | None, db: str | None) -> None:
    """Query the views with SQL; a query cannot change the store.

    Example: asp-analysis sql "SELECT llm_model, sum(cost_usd) AS cost_usd FROM executions GROUP BY llm_model"
    """
    with open_session(db) as session:
        print_frame(session.sql(query, **pairs(params, "--param")), output)
