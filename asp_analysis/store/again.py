"""Reports when a table that is loaded again counts records a second time, because only their content names them.

A record without a name is named by its content: a corrected value, another constant or one more column makes another
record of it, and the former one stays. Records that were loaded before and are not found again were changed in this
way, unless the file was cut or replaced: then it neither begins nor ends with the same record. A file that merely grew
has all former records.
"""

import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from asp_analysis.batch import Batch
from asp_analysis.store.log import LoadedFile, LoadResult
from asp_analysis.store.statements import execute

NAMED_BY = {"executions": "execution_id", "metrics": "execution_id"}
"""What the records of a table are named by, where the content may replace it."""

_NOUNS = {"execution_id": "executions"}
_EARLIER = """
SELECT file, sha256, finished_at, options_json, found_json, written + updated + present AS taken
FROM load_log
WHERE loaded_as = ? AND (file = ? OR sha256 = ?) AND load_id < ? AND written + updated + present > 0
ORDER BY load_id DESC
"""


class Unnamed:
    """What a load sees of records that are named by their content: how many, and the file's first and last record."""

    def __init__(self) -> None:
        self.count = 0
        self.ends: dict[str, list[Any]] = {}

    def see(self, batch: Batch) -> None:
        """Take in the next batch of the file."""
        if not batch.unnamed_count:
            return
        self.count += batch.unnamed_count
        places = [place for place, name in enumerate(batch.columns) if name in ("executed_at", "task_id")]
        self.ends.setdefault("begins", [batch.rows[0][place] for place in places])
        self.ends["ends"] = [batch.rows[-1][place] for place in places]


@dataclass(frozen=True)
class CountedAgain:
    """That records of a file count a second time: what to say where that was wanted, and where it was not."""

    note: str
    refusal: str


def former_loads(connection: Connection, load_id: int, source: LoadedFile) -> list[int]:
    """List the former loads of a file, or of its content, as the same kind, the newest first."""
    query = (
        "SELECT load_id FROM load_log WHERE loaded_as = ? AND (file = ? OR sha256 = ?) AND load_id < ? ORDER BY 1 DESC"
    )
    return [row[0] for row in execute(connection, query, (source.loaded_as, source.file, source.sha256, load_id)).all()]


def counted_again(
    connection: Connection, load_id: int, source: LoadedFile, result: LoadResult, unnamed: Unnamed
) -> CountedAgain | None:
    """Return that records of a file count a second time; None where there is no sign of it."""
    count = min(unnamed.count, result.written)
    earlier = _earlier(connection, load_id, source) if count else None
    if earlier is None or result.present + result.updated >= earlier["taken"]:
        return None
    if _options(earlier) != source.options:
        return _note(source, earlier, "other options", count)
    if earlier["sha256"] != source.sha256 and _is_same_at_an_end(earlier, unnamed):
        return _note(source, earlier, "other content", count)
    return None


def _earlier(connection: Connection, load_id: int, source: LoadedFile) -> dict[str, Any] | None:
    """Return the last load of the file as the same kind: one with the same options, if there is any."""
    rows = execute(connection, _EARLIER, (source.loaded_as, source.file, source.sha256, load_id)).mappings()
    loads = [dict(row) for row in rows]
    return next((load for load in loads if _options(load) == source.options), loads[0] if loads else None)


def _options(load: dict[str, Any]) -> Any:
    return json.loads(load["options_json"])


def _is_same_at_an_end(earlier: dict[str, Any], unnamed: Unnamed) -> bool:
    known = json.loads(earlier["found_json"] or "{}")
    return any(known.get(end) == values for end, values in unnamed.ends.items())


def _note(source: LoadedFile, earlier: dict[str, Any], what: str, count: int) -> CountedAgain:
    key, when = NAMED_BY[source.loaded_as], earlier["finished_at"][:16].replace("T", " ")
    as_name = "" if earlier["file"] == source.file else f" as {earlier['file']}"
    rows = f"1 row without {key}" if count == 1 else f"{count} rows without {key}"
    before = f"{source.file} was loaded before{as_name} ({when} UTC) with {what}"
    counts = "counts" if count == 1 else "count"
    return CountedAgain(
        note=f"{before}; {rows} {counts} as new {_NOUNS[key]}. "
        f"Name them with --map {key}=COLUMN, then corrected rows replace the old ones.",
        refusal=f"{before}; {rows} would count a second time. Nothing of it was written. --replace puts the file in "
        f"the place of its former load, --map {key}=COLUMN names the rows, --again counts them as new {_NOUNS[key]}.",
    )
