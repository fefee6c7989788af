"""`asp-analysis sql`: ad-hoc questions to the views."""

import click

from asp_analysis.cli.options import db_option, format_options, pairs, print_frame


@click.command()
@click.argument("query")
@click.option("--param", "params", multiple=True, metavar="NAME=VALUE", help="Bind $NAME in the query; repeatable.")
@format_options
@db_option
def command(query: str, params: tuple[str, ...], output: str | None, db: str | None) -> None:
    """Run one SELECT over the views; it can read the store and nothing else.

    Example: asp-analysis sql "SELECT llm_model, sum(cost_usd) AS cost_usd FROM executions GROUP BY llm_model"
    """
    from asp_analysis.config import store_url
    from asp_analysis.session import connect

    with connect(store_url(db)) as session:
        print_frame(session.sql(query, **pairs(params, "--param")), output)
