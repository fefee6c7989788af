"""What the load log says: which files were loaded, as what, and with which outcome. Light: it needs no SQLAlchemy."""

import json
import sqlite3
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

LAST_LOADS = "SELECT * FROM load_log WHERE load_id IN (SELECT max(load_id) FROM load_log GROUP BY file)"


@dataclass(frozen=True, kw_only=True)
class LoadedFile:
    """What the load log keeps about a file: its name and fingerprint, its format, what it was loaded as and how.

    `notes` are not kept: they are what its reader has to say.
    """

    file: str
    sha256: str
    size_bytes: int
    format: str
    loaded_as: str
    options: dict[str, Any] = field(default_factory=dict)
    modified_ns: int | None = None
    found: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


@dataclass(kw_only=True)
class LoadResult:
    """The outcome of a load: read = written + updated + present + rejected.

    `found` holds what a reader of transcripts counted besides (lines, calls, duplicates, calls without usage or price,
    errors, interruptions), and of a CSV file its header line. `is_unchanged` marks a file that was loaded before as it
    is and was not read again. `reject_examples` hold a line and a reason for each column that was wrong, up to
    five, so that one try shows all that is to be said; `notes` say what else the reader should know. `first_rows` are
    the first records of each table as they are stored; a rehearsal alone reads them back.
    """

    file: str
    loaded_as: str
    read: int = 0
    written: int = 0
    updated: int = 0
    present: int = 0
    rejected: int = 0
    tasks_stubbed: int = 0
    reject_examples: list[str] = field(default_factory=list)
    is_unchanged: bool = False
    found: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    first_rows: dict[str, list[dict[str, Any]]] | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the counts under the names that `--json` prints."""
        said = asdict(self)
        if self.first_rows is None:
            del said["first_rows"]
        return said


def unchanged_result(logged: dict[str, Any]) -> LoadResult:
    """Return the outcome for a file that is as it was when it was logged: all that was taken then is present now."""
    read, rejected = logged["read_count"], logged["rejected"]
    found = json.loads(logged["found_json"] or "{}")
    present = read - rejected
    return LoadResult(
        file=logged["file"],
        loaded_as=logged["loaded_as"],
        read=read,
        present=present,
        rejected=rejected,
        is_unchanged=True,
        found=found,
    )


def read_last_loads(path: Path) -> dict[str, dict[str, Any]]:
    """Read the last row of `load_log` of every file without opening the store for writing.

    Empty where the file is no store: whoever opens it for writing says what is wrong.
    """
    try:
        if not path.exists():
            return {}
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            connection.row_factory = sqlite3.Row
            return {row["file"]: dict(row) for row in connection.execute(LAST_LOADS)}
    except (sqlite3.Error, OSError):
        return {}
