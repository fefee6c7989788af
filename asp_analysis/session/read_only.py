"""A store on a medium that takes no file is read from a copy, because SQLite needs a file next to a store to read it.

That is so for stores with a write-ahead log, which those of the workbench have. DuckDB cannot open a file as immutable.
"""

import logging
import os
import shutil
import tempfile
import weakref
from pathlib import Path

import duckdb

from asp_analysis.errors import StoreError

log = logging.getLogger("asp_analysis.session")

_WRITE_AHEAD = b"\x02\x02"
"""Bytes 18 and 19 of a SQLite file with a write-ahead log (sqlite.org/fileformat2.html, 1.3)."""


def is_on_read_only(path: Path) -> bool:
    """Return whether SQLite cannot read a store where it is: its folder takes no file, and none is there."""
    if os.access(path.parent, os.W_OK) or Path(f"{path}-shm").exists():
        return False  # the common case opens nothing: opening and closing the file would drop this process's locks
    try:
        with path.open("rb") as file:
            return file.read(20)[18:] == _WRITE_AHEAD
    except OSError:
        return False


def copy_from_read_only(connection: duckdb.DuckDBPyConnection, path: Path) -> Path:
    """Copy a store and its write-ahead log into a temporary folder, which is removed with the connection.

    Raises:
        StoreError: there is no room for the copy.
    """
    try:
        folder = Path(tempfile.mkdtemp(prefix="asp-analysis-"))
        weakref.finalize(connection, shutil.rmtree, folder, ignore_errors=True)
        for suffix in ("", "-wal"):
            if (source := Path(f"{path}{suffix}")).exists():
                shutil.copyfile(source, folder / source.name)
    except OSError as error:
        raise StoreError(
            f"{path} is in a folder that takes no file, and a copy failed in {tempfile.gettempdir()}: "
            f"{error.strerror}. Set TMPDIR to a folder with room for a copy."
        ) from None
    log.warning("%s is in a folder that takes no file; a temporary copy of it is read.", path)
    return folder / path.name
