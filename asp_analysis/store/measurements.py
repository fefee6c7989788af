"""Measurements of capabilities kept in the store, once a day: a stored one, whoever wrote it, is never replaced."""

from collections.abc import Sequence

from asp_analysis.batch import Batch
from asp_analysis.records import LearningMetric
from asp_analysis.store.database import Store
from asp_analysis.store.loads import write_load
from asp_analysis.store.log import LoadedFile


def keep_measurements(store: Store, measured: Sequence[LearningMetric], as_of: str) -> int:
    """Write the measurements of capabilities that have none of that day yet; return how many were written.

    `as_of` is what the load log says of them.

    Raises:
        StoreError: the store cannot be written.
    """
    days = sorted({one.measured_at[:10] for one in measured})
    query = "SELECT capability FROM bootstrap_metrics WHERE measured_at >= ? AND measured_at <= ?"
    there = {
        (row["capability"], day)
        for day in days
        for row in store.read(query, (f"{day}T00:00:00.000000Z", f"{day}T23:59:59.999999Z"))
    }
    records = [one.model_dump() for one in measured if (one.capability, one.measured_at[:10]) not in there]
    if not records:
        return 0
    columns = tuple(records[0])
    batch = Batch(
        table="bootstrap_metrics",
        columns=columns,
        rows=[tuple(record[column] for column in columns) for record in records],
        record_of_row=range(len(records)),
        line_numbers=range(len(records)),
        raw_text=lambda place: str(records[place]),
        record_count=len(records),
    )
    source = LoadedFile(
        file="asp-analysis learning",
        sha256="",
        size_bytes=0,
        format="computed",
        loaded_as="bootstrap_metrics",
        options={"as_of": as_of},
    )
    return write_load(store, source, [batch]).written
