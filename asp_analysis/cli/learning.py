"""`asp-analysis learning`: which capability may act alone, by the published rule and by the sound one."""

import json
from datetime import UTC, datetime, time
from typing import TYPE_CHECKING, Any

import click

from asp_analysis.cli.options import format_options, note, open_session, print_frame, reading_options, say

if TYPE_CHECKING:
    import pandas as pd

    from asp_analysis.config import StoreUrl

_SHOWN = (
    "capability", "published_mode", "sound_mode", "completed", "needed", "metric_name", "metric_value", "metric_target",
    "evidence_name", "evidence_cases", "evidence_value", "evidence_lower", "evidence_target",
)  # fmt: skip


@click.command()
@click.option("--as-of", type=click.DateTime(["%Y-%m-%d"]), help="Known at the end of DATE (UTC). [default: now]")
@click.option("--record", is_flag=True, help="Write the day's row of each capability to bootstrap_metrics, once a day.")
@format_options
@reading_options
def command(as_of: datetime | None, record: bool, output: str | None, db: str | None) -> None:
    """Say for each capability how far it has learned, what it lacks, and who should check it.

    Example: asp-analysis learning --as-of 2025-12-14
    """
    from asp_analysis.config import store_url
    from asp_analysis.learning import Telemetry, status

    url = store_url(db)
    instant = datetime.combine(as_of, time.max) if as_of else datetime.now(UTC).replace(tzinfo=None)
    with open_session(url) as session:
        telemetry = Telemetry.read(session.view)
    table = status(telemetry, instant)
    if output:
        print_frame(table, output)
    else:
        _explain(table)
        print_frame(table[[*_SHOWN]], output)
    if record:
        written = _record(url, table, _first_instant(telemetry, instant), instant)
        kept = len(table) - written
        there = f" {kept} had a row of {instant:%Y-%m-%d} already; it was left as it is." if kept else ""
        note(f"{written} rows written to bootstrap_metrics.{there}")


def _explain(table: "pd.DataFrame") -> None:
    for row in table.to_dict("records"):
        say(f"{row['capability']}: {row['recommendation']}")
        for title, column in (("published", "missing_published"), ("sound", "missing_sound")):
            mode = row[f"{title}_mode"]
            say(f"  {title:9} {mode}{'; lacks: ' + row[column] if row[column] else ''}")
        if row["difference"]:
            say(f"  why they differ: {row['difference']}")


def _first_instant(telemetry: Any, instant: datetime) -> datetime:
    first = telemetry.tasks["created_at"].min()
    return min(first.to_pydatetime(), instant) if first == first else instant


def _record(url: "StoreUrl", table: "pd.DataFrame", start: datetime, instant: datetime) -> int:
    """Write the rows of the day that are not there yet; a row that is there, whoever wrote it, is never replaced."""
    from asp_analysis.batch import Batch
    from asp_analysis.records import LearningMetric
    from asp_analysis.store import LoadedFile, open_store, write_load

    with open_store(url) as store:
        query = "SELECT capability_name FROM bootstrap_metrics WHERE measured_at >= ? AND measured_at <= ?"
        day = (f"{instant:%Y-%m-%d}T00:00:00.000000Z", f"{instant:%Y-%m-%d}T23:59:59.999999Z")
        there = {row["capability_name"] for row in store.read(query, day)}
        wanted = [row for row in table.to_dict("records") if row["capability"] not in there]
        records = [LearningMetric(**_metric(row, start, instant)).model_dump() for row in wanted]
        if not records:
            return 0
        columns = tuple(records[0])
        rows = [tuple(record[column] for column in columns) for record in records]
        places = range(len(rows))
        batch = Batch("bootstrap_metrics", columns, rows, places, places, lambda place: str(records[place]), len(rows))
        source = LoadedFile("asp-analysis learning", "", 0, "computed", "bootstrap_metrics", {"as_of": str(instant)})
        return write_load(store, source, [batch]).written


def _metric(row: dict[str, Any], start: datetime, instant: datetime) -> dict[str, Any]:
    value = row["metric_value"]
    sound = ("sound_mode", "evidence_name", "evidence_cases", "evidence_value", "evidence_lower", "evidence_target")
    beside = {name: None if row[name] != row[name] else row[name] for name in sound}
    return {
        "measured_at": instant,
        "measurement_period_start": start,
        "measurement_period_end": instant,
        "capability_name": row["capability"],
        "capability_mode": row["published_mode"],
        "tasks_completed": row["completed"],
        "tasks_required_for_graduation": row["needed"],
        "primary_metric_name": row["metric_name"],
        "primary_metric_value": None if value != value else value,
        "primary_metric_target": row["metric_target"],
        "secondary_metrics_json": json.loads(row["secondary_json"]),
        "graduation_criteria_met": row["is_graduated"],
        "graduation_notes": row["difference"] or row["recommendation"],
        "metadata": {"computed_by": "asp-analysis learning", **beside},
    }
