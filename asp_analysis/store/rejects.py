"""The rejected records: kept whole with every reason, listed, exported for repair, forgotten."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from asp_analysis.batch import Reject
from asp_analysis.records import json_text
from asp_analysis.store.database import Store
from asp_analysis.store.forgotten import forgotten_by
from asp_analysis.store.statements import execute

HEADER = "header"
"""The key of a CSV file's header line in `load_log.found_json`: its records can be read again only below it."""

_LISTED = """
WITH last AS (SELECT file, loaded_as, max(load_id) AS load_id FROM load_log GROUP BY file, loaded_as)
SELECT r.reject_id, r.file, r.line_number, r.reasons_json, r.raw_text, l.finished_at AS loaded_at,
    a.finished_at AS loaded_again_at, l.format, l.loaded_as, l.options_json, l.found_json
FROM load_reject AS r
    JOIN load_log AS l ON l.load_id = r.load_id
    LEFT JOIN last ON last.file = r.file AND last.loaded_as = l.loaded_as AND last.load_id > r.load_id
    LEFT JOIN load_log AS a ON a.load_id = last.load_id
ORDER BY r.file, r.line_number, r.reject_id
"""


@dataclass(frozen=True, kw_only=True)
class KeptReject:
    """A rejected record, why, and how it was read.

    loaded_again_at: when its file was loaded later and the record was not rejected again, because it was corrected,
    changed or moved to another line; options: of the load, by name; header: the line that comes above the record of a
    CSV file (None where the format has none, or where it was loaded before headers were kept).
    """

    reject_id: int
    file: str
    line_number: int
    raw_text: str
    loaded_at: str
    loaded_again_at: str | None
    format: str
    loaded_as: str
    reasons: list[str]
    options: dict[str, Any]
    header: str | None


def list_rejects(store: Store) -> list[KeptReject]:
    """List the kept rejects by file and line."""
    return [_listed(**row) for row in store.read(_LISTED)]


def _listed(*, reasons_json: str, options_json: str, found_json: str | None, **others: Any) -> KeptReject:
    return KeptReject(
        reasons=json.loads(reasons_json),
        options=json.loads(options_json),
        header=json.loads(found_json or "{}").get(HEADER),
        **others,
    )


def clear_rejects(store: Store, reject_ids: Iterable[int]) -> None:
    """Forget rejects that were exported for repair."""
    with store.transaction() as connection:
        parameters = [(reject_id,) for reject_id in reject_ids]
        if parameters:
            execute(connection, "DELETE FROM load_reject WHERE reject_id = ?", parameters)


def keep_rejects(connection: Connection, load_id: int, file: str, rejects: list[Reject]) -> None:
    """Keep rejected records for repair; the same record of the same file is kept once, with what is wrong now."""
    rows = []
    for reject in forgotten_by(connection).clean_rejects(rejects) if rejects else ():
        text = storable(reject.raw_text)
        digest = hashlib.sha256(text.encode()).hexdigest()
        rows.append((load_id, file, reject.line_number, json_text([*map(storable, reject.reasons)]), text, digest))
    if rows:
        execute(
            connection,
            "INSERT INTO load_reject (load_id, file, line_number, reasons_json, raw_text, raw_sha256) "
            "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (file, line_number, raw_sha256) "
            "DO UPDATE SET load_id = excluded.load_id, reasons_json = excluded.reasons_json",
            rows,
        )


def storable(text: str) -> str:
    """Write what no text column can hold (bytes that are not UTF-8, U+0000) as visible escapes."""
    return text.encode("utf-8", errors="backslashreplace").decode("utf-8").replace("\x00", "\\x00")
