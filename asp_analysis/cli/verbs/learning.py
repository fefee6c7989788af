"""`asp-analysis learning`: which capability may act alone, by the published rule and by the sound one."""

from datetime import UTC, datetime, time
from typing import TYPE_CHECKING

import click

from asp_analysis.cli.options import format_options, open_session, reading_options
from asp_analysis.cli.own_kinds import AskedKinds, judge_kinds, kind_options
from asp_analysis.cli.printing import note, print_frame, say

if TYPE_CHECKING:
    import pandas as pd

    from asp_analysis.config import StoreUrl
    from asp_analysis.learning.standings import Standing
    from asp_analysis.records import LearningMetric

_STANDING_COLUMNS = (
    "capability", "published_mode", "sound_mode", "completed", "needed", "metric_name", "metric_value", "metric_target",
    "evidence_name", "evidence_cases", "evidence_value", "evidence_lower", "evidence_target",
)  # fmt: skip


@click.command()
@click.option("--as-of", type=click.DateTime(["%Y-%m-%d"]), help="Known at the end of DATE (UTC). [default: now]")
@click.option(
    "--record", "is_kept", is_flag=True, help="Write the day's row of each capability to bootstrap_metrics, once a day."
)
@kind_options
@format_options
@reading_options
def command(asked: AskedKinds, as_of: datetime | None, is_kept: bool, output: str | None, db: str | None) -> None:
    """Show how close each capability is to acting alone, or with --by each kind of work.

    For each: what it has learned, what it lacks, and who should check it.

    Example: asp-analysis learning --as-of 2025-12-14
    """
    if asked.by:
        if is_kept:
            raise click.UsageError("--record is about the capabilities of the store. Leave --by out.")
        judge_kinds(asked, datetime.combine(as_of, time.max) if as_of else None, db, output)
        return
    import pandas as pd

    from asp_analysis.config import store_url
    from asp_analysis.learning import Telemetry
    from asp_analysis.learning.standings import describe_standings, judge_capabilities

    url = store_url(db)
    instant = datetime.combine(as_of, time.max) if as_of else datetime.now(UTC).replace(tzinfo=None)
    with open_session(url) as session:
        telemetry = Telemetry.read(session.view)
    found = judge_capabilities(telemetry, pd.Timestamp(instant))
    table = describe_standings(found)
    if output:
        print_frame(table, output)
    else:
        _explain(table, found)
        print_frame(table[[*_STANDING_COLUMNS]], output)
    if is_kept:
        from asp_analysis.learning.measurements import make_measurements

        _keep(url, make_measurements(table, telemetry, instant), instant)


def _explain(table: "pd.DataFrame", found: "list[Standing]") -> None:
    from asp_analysis.learning.pace import tell_pace

    for row, standing in zip(table.to_dict("records"), found, strict=True):
        say(f"{row['capability']}: {row['recommendation']}")
        for title, column in (("published", "missing_published"), ("sound", "missing_sound")):
            mode = row[f"{title}_mode"]
            say(f"  {title:9} {mode}{'; lacks: ' + row[column] if row[column] else ''}")
        if pace := tell_pace(standing):
            say(f"  at this pace: {pace}")
        if row["difference"]:
            say(f"  why they differ: {row['difference']}")


def _keep(url: "StoreUrl", measured: "list[LearningMetric]", instant: datetime) -> None:
    from asp_analysis.store.database import open_store
    from asp_analysis.store.measurements import keep_measurements

    with open_store(url) as store:
        written = keep_measurements(store, measured, str(instant))
    kept = len(measured) - written
    there = f" {kept} had a row of {instant:%Y-%m-%d} already; it was left as it is." if kept else ""
    note(f"{written} rows written to bootstrap_metrics.{there}")
