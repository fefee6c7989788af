"""`asp-analysis models`: the models of the store, what they cost, and which of them have no price."""

import click

from asp_analysis.cli.options import format_options, open_session, print_frame, reading_options


@click.command()
@click.option("--unpriced", is_flag=True, help="Only models with calls that have no price.")
@format_options
@reading_options
def command(unpriced: bool, output: str | None, db: str | None) -> None:
    """List the models with their calls, known tokens and cost, and how many of the calls have no price.

    Example: asp-analysis models --unpriced
    """
    with open_session(db) as session:
        frame = session.sql(_QUERY)
    print_frame(frame[frame["calls_without_price"] > 0] if unpriced else frame, output)


_QUERY = """
SELECT
    llm_model,
    llm_provider,
    count(*) AS calls,
    CAST(sum(tokens_in) AS BIGINT) AS tokens_in,
    CAST(sum(tokens_out) AS BIGINT) AS tokens_out,
    sum(cost_usd) AS cost_usd,
    count(*) FILTER (WHERE cost_usd IS NULL AND tokens_in + tokens_out > 0) AS calls_without_price
FROM executions
GROUP BY llm_model, llm_provider
ORDER BY cost_usd DESC NULLS LAST, calls DESC, llm_model
"""
