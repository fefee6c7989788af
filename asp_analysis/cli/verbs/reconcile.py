"""`asp-analysis reconcile`: what providers billed next to what the store has seen."""

from pathlib import Path

import click

from asp_analysis.cli.options import format_options, open_session, reading_options
from asp_analysis.cli.printing import note, print_frame, print_report, say

_RECONCILE_TABLES = ("cells", "causes")


@click.command()
@click.argument("bills", nargs=-1, required=True, metavar="BILL...", type=click.Path(path_type=Path))
@click.option("--table", type=click.Choice(_RECONCILE_TABLES), help="One table alone. [default: what differs, and why]")
@format_options
@reading_options
def command(bills: tuple[Path, ...], table: str | None, output: str | None, db: str | None) -> None:
    """Compare bills with what was seen, and say why they differ.

    A BILL is a usage or cost report of Anthropic or OpenAI, Copilot's usage report, the usage of Cursor, LiteLLM or
    OpenRouter, or FOCUS. Days and models are compared, and nothing of a bill is stored.

    Example: asp-analysis reconcile cost_report.json usage_report.json
    """
    from asp_analysis.billing.reconciliation import reconcile

    with open_session(db) as session:
        found = reconcile(session, list(bills))
    tables = {"cells": found.cells, "causes": found.causes}
    if table or output == "csv":
        print_frame(tables[table or "cells"], output)
    elif output:
        print_report({"answer": found.answer, **tables, "notes": list(found.notes)}, output)
    else:
        say(found.answer)
        differs = found.cells[found.cells["status"] != "matched"]
        if len(differs):
            print_frame(differs, None)
        for cause in found.causes.to_dict("records"):
            where = " ".join(filter(None, (cause["day"], cause["model"])))
            say(f"{cause['cause']}{f' ({where})' if where else ''}: {cause['sentence']}")
    for line in found.notes:
        note(line)
