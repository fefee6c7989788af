"""`asp-analysis status`: stay with SQLite or migrate, measured on the store at hand."""

from typing import TYPE_CHECKING

import click

from asp_analysis.cli.options import db_option, format_options
from asp_analysis.cli.printing import counted, note, print_frame, print_report
from asp_analysis.errors import StoreError

if TYPE_CHECKING:
    import pandas as pd

    from asp_analysis.config import StoreUrl
    from asp_analysis.monitor import Status

_STATUS_TABLES = ("checks", "tables", "forecasts", "queries", "backups", "writers")


@click.command()
@click.option("--table", type=click.Choice(_STATUS_TABLES), help="One table alone. [default: the verdict and several]")
@click.option("--check", "is_check", is_flag=True, help="Exit with 3 when there is an alert.")
@format_options
@db_option
def command(table: str | None, is_check: bool, output: str | None, db: str | None) -> None:
    """Measure whether the store can stay in SQLite, with alerts.

    It measures executions, growth, size, query times, agents at once, integrity and backups. Of a lake it says how old
    its build is, who has published when, and what waits for the next build.

    Example: asp-analysis status --check
    """
    from asp_analysis.config import store_url

    url = store_url(db)
    status = _measure(url)
    if table:
        print_frame(_make_table(status, url, table), output)
    elif output:
        tables = {name: _make_table(status, url, name) for name in _main_tables(status)}
        print_report({"verdict": status.verdict, "reasons": list(status.reasons), **tables}, output)
    else:
        _print(status, url)
    _remark(status)
    if is_check and status.alerts:
        note(f"{len(status.alerts)} alerts: {'; '.join(status.alerts)}")
        raise click.exceptions.Exit(3)


def _print(status: "Status", url: "StoreUrl") -> None:
    click.echo(f"verdict: {status.verdict}")
    for reason in status.reasons:
        click.echo(f"  - {reason}")
    if status.engine.lake is not None:
        of_lake = status.checks[status.checks["check"].isin(["build", "writers", "next build"])]
        for check, finding in zip(of_lake["check"], of_lake["finding"], strict=True):
            click.echo(f"  {check}: {finding}")
    for finding in status.checks.loc[status.checks["state"] == "watch", "finding"]:
        click.echo(f"  watch: {finding}")
    if status.verdict == "migrate":
        click.echo("  next: asp-analysis migrate POSTGRES_URL --dry-run; for many machines without a server:")
        click.echo("        asp-analysis publish URL")
    for name in _main_tables(status):
        click.echo(f"\n{name}:")
        frame = _make_table(status, url, name)
        print_frame(frame.drop(columns="finding") if name == "checks" else frame, None)


def _main_tables(status: "Status") -> tuple[str, ...]:
    """Name the tables that are printed; those of a lake are about its writers too."""
    return ("checks", "tables", "queries") if status.engine.lake is None else ("checks", "writers", "tables", "queries")


def _measure(url: "StoreUrl") -> "Status":
    """Measure the file first: where it is so damaged that no view can be read, the answer is what is wrong with it."""
    from asp_analysis.capture.waiting import records_waiting
    from asp_analysis.monitor import measure, measure_engine
    from asp_analysis.receiving.leftovers import received_waiting
    from asp_analysis.session import connect

    if url.path is not None and (url.is_missing() or not url.path.is_file()):
        connect(url)  # says what is missing
    engine = measure_engine(url)
    try:
        with connect(url) as session:
            return measure(session, engine=engine, waiting=records_waiting(url) + received_waiting(url))
    except StoreError as error:
        if not engine.findings:
            raise
        newest = f"{engine.backups} backups are there" if engine.backups else "there is no backup"
        raise StoreError(
            f"{error} Its integrity check says: {engine.findings[0]}. Restore a backup with asp-analysis restore FILE; "
            f"{newest}."
        ) from None


def _make_table(status: "Status", url: "StoreUrl", name: str) -> "pd.DataFrame":
    import pandas as pd

    from asp_analysis.store.backups import list_backups

    if name == "checks":
        return status.checks.drop(columns="leads_to")
    if name == "writers":
        return pd.DataFrame() if status.engine.lake is None else status.engine.lake.writers
    if name == "backups":
        made = list_backups(url)
        rows = [(one.path.name, one.made_at.replace(tzinfo=None), one.size_bytes) for one in made]
        return pd.DataFrame(rows, columns=["backup", "made_at", "size_bytes"])
    frames = {"tables": status.contents.tables, "forecasts": status.forecasts, "queries": status.queries}
    frame = frames[name]
    return frame.round(dict.fromkeys(frame.columns[frame.dtypes == "float64"], 1))


def _remark(status: "Status") -> None:
    from asp_analysis.monitor import limits

    if status.engine.lake is None:
        loaded = status.contents.loaded
        records, loads = counted(loaded["records"], "record"), counted(loaded["loads"], "load")
        note(f"Loaded in the last 8 weeks: {records} by {loads}.")
    note(f"A store cannot show these, decide them yourself: {limits.NOT_MEASURED}.")
