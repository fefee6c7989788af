"""`asp-analysis sql`: ad-hoc questions to the views, from the command line, a file, a pipe or a prompt."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from asp_analysis.cli.options import format_options, open_session, pairs, pseudonyms_option, reading_options
from asp_analysis.cli.printing import print_found, print_lines
from asp_analysis.errors import InputError

if TYPE_CHECKING:
    from asp_analysis.session import Session

_EXPLAINED = ["explain_key", "explain_value"]
"""The columns of what EXPLAIN returns: a drawing of several lines."""


@click.command()
@click.argument("query", required=False)
@click.option("-f", "--file", "path", type=click.Path(path_type=Path), help="Read the queries from FILE.")
@click.option(
    "--timeout",
    "timeout_s",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="Stop longer queries.",
)
@click.option("--param", "params", multiple=True, metavar="NAME=VALUE", help="Bind $NAME in the query; repeatable.")
@pseudonyms_option
@format_options
@reading_options
def command(
    query: str | None,
    path: Path | None,
    timeout_s: float | None,
    params: tuple[str, ...],
    output: str | None,
    db: str | None,
) -> None:
    """Query the views with SQL; a query cannot change the store.

    QUERY is text, or - for standard input. A file or a pipe may hold several queries, with ; between them. Without a
    query, a terminal gets a prompt that completes views and columns and keeps a history.

    Example: asp-analysis sql "SELECT llm_model, sum(cost_usd) AS cost_usd FROM executions GROUP BY llm_model"
    """
    bound = pairs(params, "--param")
    text = _read_text(query, path)
    with open_session(db) as session:
        session.timeout_s = timeout_s
        if text is None:
            _converse(session, bound, output)
        else:
            _answer(session, text, bound, output)


def _read_text(query: str | None, path: Path | None) -> str | None:
    """Return what is to be run; None where a person at a terminal will say."""
    if query is not None and path is not None:
        raise click.UsageError("A query and --file were both given. Give one of them.")
    if path is not None or query == "-":
        name = "standard input" if path is None else str(path)
        try:
            raw = sys.stdin.buffer.read() if path is None else path.read_bytes()
            return raw.decode("utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            reason = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else error.strerror
            raise InputError(f"{name} cannot be read: {reason}. Name a file of SQL in UTF-8.") from None
    if query is None and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise click.UsageError("There is no query. Give one, a file of them with -f FILE, or - for standard input.")
    return query


def _answer(session: "Session", text: str, bound: dict[str, str], output: str | None) -> None:
    """Run the statements of a text one after the other."""
    from asp_analysis.session import split_statements
    from asp_analysis.session.rows import FoundRows

    statements = split_statements(text) or [text]
    if output and len(statements) > 1:
        raise click.UsageError(
            f"--{output} prints one answer, {len(statements)} queries were found. Run them one by one."
        )
    for statement in statements:
        used = bound if len(statements) == 1 else {name: bound[name] for name in bound if f"${name}" in statement}
        found = session.rows(statement, **used)
        if output is None and isinstance(found, FoundRows) and found.names == _EXPLAINED:
            print_lines("\n".join(text for _, text in found.values))
        else:
            print_found(found, output)


def _converse(session: "Session", bound: dict[str, str], output: str | None) -> None:
    from asp_analysis.cli.prompt import converse
    from asp_analysis.session import describe_view, view_names

    views = {name: [column.name for column in describe_view(name)[1]] for name in view_names()}
    history = session.url.data_dir / "sql_history"
    converse(views, history, lambda text: _answer(session, text, bound, output))
