"""How often each content of a file came so far: what distinguishes executions that have no name of their own.

Any record may come again at the end of a file, so none can be forgotten. The latest are kept in memory; the others lie
in a temporary file of this process, so that a file of any length is read in the same memory.
"""

import sqlite3

from asp_analysis.errors import InputError

MOST = 100_000
"""Contents in memory: about 15 MB, those of half a million metric rows."""

_SCRATCH_PRAGMAS = ("journal_mode = OFF", "synchronous = OFF", "cache_size = -16384")


class Occurrences:
    """Digest of a content -> its count, 0 for one that never came.

    A count is any integer: `tables` packs those of all metrics of one context into one, beyond 64 bits.

    Raises:
        InputError: there is no room for the temporary file.
    """

    def __init__(self) -> None:
        self._latest: dict[str, int] = {}
        self._others: sqlite3.Connection | None = None

    def __getitem__(self, digest: str) -> int:
        found = self._latest.get(digest)
        return found if found is not None else self._put_away_before(digest)

    def __setitem__(self, digest: str, count: int) -> None:
        self._latest[digest] = count
        if len(self._latest) >= MOST:
            self._put_away()

    def close(self) -> None:
        """Return the temporary file back."""
        if self._others is not None:
            self._others.close()

    def _put_away_before(self, digest: str) -> int:
        if self._others is None:
            return 0
        row = self._others.execute("SELECT count FROM seen WHERE digest = ?", (digest,)).fetchone()
        return int(row[0]) if row else 0

    def _put_away(self) -> None:
        try:
            if self._others is None:
                self._others = sqlite3.connect("", isolation_level=None)  # a file without a name, gone when closed
                for pragma in _SCRATCH_PRAGMAS:
                    self._others.execute(f"PRAGMA {pragma}")
                self._others.execute("CREATE TABLE seen (digest TEXT PRIMARY KEY, count TEXT) WITHOUT ROWID")
            self._others.execute("BEGIN")
            rows = ((digest, str(count)) for digest, count in sorted(self._latest.items()))
            self._others.executemany("INSERT OR REPLACE INTO seen VALUES (?, ?)", rows)
            self._others.execute("COMMIT")
        except sqlite3.Error as error:
            raise InputError(
                f"Room for temporary files is needed to read so long a file, SQLite says: {error}. Free some, name "
                "another folder in TMPDIR, or give each record a name (--map execution_id=COLUMN)."
            ) from None
        self._latest.clear()
