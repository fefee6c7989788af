"""Measures a SQLite store's file: its size, whether it is sound, and what its write-ahead log holds.

SQLite's checks need SQLite's own connection, and the process that asks may hold the same file open as a reader (a
notebook does). So they run in a process of their own (`python -m asp_analysis.store.health FILE`), which opens the file
read-only and writes nothing.
"""

import json
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asp_analysis.errors import StoreError

_TIMEOUT_S = 600


@dataclass(frozen=True, kw_only=True)
class FileHealth:
    """What was measured of a store's file.

    size_bytes: the file and its log; log_bytes, log_age_s: the write-ahead log alone and the time since it changed (0
    where there is none); findings: what `PRAGMA integrity_check` says, empty for a sound file; orphans: rows that
    refer to a task or a load that does not exist, per table.
    """

    size_bytes: int
    log_bytes: int
    log_age_s: float
    findings: tuple[str, ...]
    orphans: dict[str, int]


def file_health(path: Path) -> FileHealth:
    """Measure a file, whoever reads or writes it meanwhile.

    Raises:
        StoreError: the check could not be made, with its reason.
    """
    command = [sys.executable, "-m", __name__, str(path)]
    log_bytes, log_age_s = _log(path)  # before anything opens the file
    try:
        ran = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        raise StoreError(f"The check of {path} took longer than {_TIMEOUT_S} s. Check it by hand.") from None
    except OSError as error:
        raise StoreError(
            f"{path} cannot be checked: {sys.executable}: {error.strerror}. Check the installation."
        ) from None
    if ran.returncode != 0:
        said = ran.stderr.strip().rpartition("\n")[2]
        raise StoreError(f"The check of {path} failed: {said}. Check the file's permissions.")
    checked = json.loads(ran.stdout)
    size_bytes = path.stat().st_size + log_bytes
    return FileHealth(
        size_bytes=size_bytes,
        log_bytes=log_bytes,
        log_age_s=log_age_s,
        findings=tuple(checked["findings"]),
        orphans=checked["orphans"],
    )


def _log(path: Path) -> tuple[int, float]:
    try:
        state = Path(f"{path}-wal").stat()
    except FileNotFoundError:
        return 0, 0.0
    return state.st_size, max(0.0, time.time() - state.st_mtime) if state.st_size else 0.0


def _checked(path: Path) -> dict[str, Any]:
    """Run SQLite's checks; what makes them impossible is a finding too."""
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=30)) as connection:
            findings = [row[0] for row in connection.execute("PRAGMA integrity_check(5)").fetchall()]
            orphans: dict[str, int] = {}
            for row in connection.execute("PRAGMA foreign_key_check"):
                orphans[row[0]] = orphans.get(row[0], 0) + 1
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError as error:
        return {"findings": [str(error)], "orphans": {}}
    return {"findings": [] if findings == ["ok"] else findings, "orphans": orphans}


if __name__ == "__main__":
    try:
        sys.stdout.write(json.dumps(_checked(Path(sys.argv[1]))))
    except sqlite3.Error as problem:
        sys.exit(str(problem))
