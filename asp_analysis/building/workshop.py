"""A DuckDB in memory that reads the files of a lake, and a folder for new ones until they are uploaded."""

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from uuid import uuid4

import duckdb

from asp_analysis.config import StoreUrl
from asp_analysis.errors import StoreError
from asp_analysis.lake.builds import CURRENT, LakeFile, LakeTable
from asp_analysis.lake.heads import INBOX
from asp_analysis.lake.objects import Storage
from asp_analysis.session.attaching import bare, bound
from asp_analysis.session.catalog import staging_views
from asp_analysis.session.contract import RAW_TABLES, raw_view
from asp_analysis.session.guard import said
from asp_analysis.session.running import run_interruptible
from asp_analysis.sql import quoted, view_text

_FETCHED = ("gs://", "abfss://")
"""Buckets that DuckDB reads with keys of its own alone: their files are fetched as everything else is."""

_NO_FILES = "SELECT {columns} WHERE FALSE"


@dataclass(kw_only=True)
class Workshop:
    """What a build works with: the objects of the lake, the DuckDB, and a folder for files on their way."""

    storage: Storage
    connection: duckdb.DuckDBPyConnection
    folder: Path
    number: int
    columns: Mapping[str, dict[str, str]]

    def run(self, query: str, **values: object) -> list[tuple[object, ...]]:
        """Run a statement and return its rows.

        Raises:
            StoreError: a file is none that was published, or is gone.
        """
        try:
            return run_interruptible(self.connection, lambda: self.connection.execute(query, values or None).fetchall())
        except duckdb.OutOfMemoryException as error:
            raise StoreError(
                f"The lake cannot be built: {said(error)[:300]}. Build on a machine with more memory and disk, or on a "
                "cluster: SPARK_REMOTE."
            ) from None
        except duckdb.IOException as error:
            raise MissingFile(said(error)) from None
        except duckdb.Error as error:
            raise StoreError(f"The lake cannot be built: {said(error)[:300]}. {_how_to_mend(str(error))}") from None

    def select_from(self, paths: Sequence[str], columns: Mapping[str, str], extra: str = "") -> str:
        """Return a SELECT of these columns over files; a column that a file lacks is unknown.

        extra: what else to select, such as the name of the file (`asp_file`).
        """
        typed = ", ".join(f'CAST(NULL AS {kind}) AS "{name}"' for name, kind in columns.items())
        listed = ", ".join(f'"{name}"' for name in columns)
        if not paths:
            return _NO_FILES.format(columns=typed + (", CAST(NULL AS VARCHAR) AS asp_file" if extra else ""))
        places = ", ".join(quoted(self.place(path)) for path in paths)
        files = f"read_parquet([{places}], union_by_name = true, filename = 'asp_file', hive_partitioning = false)"
        return (
            f"SELECT {listed}{extra} FROM (SELECT {typed}, CAST(NULL AS VARCHAR) AS asp_file WHERE FALSE "
            f"UNION ALL BY NAME SELECT * FROM {files})"
        )

    def place(self, path: str) -> str:
        """Return where this DuckDB finds a file: in the lake, or a copy of it where no extension reads such a bucket.

        Raises:
            StoreError: the file is gone.
        """
        address = self.storage.address(path)
        if not address.startswith(_FETCHED):
            return address
        local = self.folder / "copies" / path
        if not local.exists():
            content = self.storage.read(path)
            if content is None:
                raise MissingFile(address)
            local.parent.mkdir(parents=True, exist_ok=True)
            local.write_bytes(content)
        return str(local)

    def keep(self, query: str, folder: str, period: str) -> LakeFile | None:
        """Write what a query finds to a new file of the lake; None where it finds nothing."""
        local = self.folder / f"{uuid4().hex}.parquet"
        self.run(f"COPY ({query}) TO {quoted(str(local))} (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)")
        ((rows,),) = self.run(f"SELECT count(*) FROM read_parquet({quoted(str(local))})")
        try:
            if not rows:
                return None
            size = local.stat().st_size
            path = f"{folder}/{period}-{self.number:08}-{uuid4().hex[:12]}.parquet"
            self.storage.upload(path, local)
        finally:
            local.unlink(missing_ok=True)
        return LakeFile(path=path, period=period, rows=int(str(rows)), size_bytes=size)

    def show(self, name: str, table: LakeTable) -> None:
        """Let a view show the files of a table."""
        text = self.select_from([file.path for file in table.files], table.columns)
        self.run(f"CREATE OR REPLACE VIEW {name} AS {text}")

    def addresses(self, files: Iterable[LakeFile]) -> list[tuple[str, str]]:
        """Return where files are found, with their periods."""
        return [(self.place(file.path), file.period) for file in files]


class MissingFile(StoreError):
    """A file that a head names is gone: its writer has published again meanwhile. Or one of the former build is."""

    def __init__(self, what: str) -> None:
        super().__init__(f"A file of the lake is gone or cannot be read: {what[:300]}. {_how_to_mend(what)}")


def _how_to_mend(what: str) -> str:
    """Return what to do about a file that a message names: a writer's, or one that builds made."""
    if f"/{INBOX}/" in what:
        return (
            "Build again; if it stays, let its writer publish again, or take it out: "
            "asp-analysis publish URL --remove --writer NAME"
        )
    return f"Remove {CURRENT} of the lake and build again: everything is made again from what was published."


@contextmanager
def opened(url: StoreUrl, storage: Storage, number: int) -> Iterator[Workshop]:
    """Return a workshop; its folder and its memory are gone when the block has ended."""
    connection = _connect(url)
    try:
        with tempfile.TemporaryDirectory(prefix="asp-build-") as folder:
            yield Workshop(
                storage=storage,
                connection=connection,
                folder=Path(folder),
                number=number,
                columns=read_staging_columns(),
            )
    finally:
        connection.close()


def _connect(url: StoreUrl) -> duckdb.DuckDBPyConnection:
    """Return a DuckDB that reads the files of a lake, within bounds of memory and disk."""
    if url.lake_folder is None and not url.text.startswith(_FETCHED):
        from asp_analysis.session.buckets import open_bucket

        connection = open_bucket(url)
    else:
        connection = bare()
    bound(connection, url)
    connection.execute("SET preserve_insertion_order = false")
    return connection


@cache
def read_staging_columns() -> dict[str, dict[str, str]]:
    """Return the columns of each staging view with DuckDB's types."""
    with bare() as connection:
        connection.execute("CREATE SCHEMA raw")
        for table in RAW_TABLES:
            connection.execute(raw_view({}, table))
        found = {}
        for name in staging_views():
            rows = connection.execute(f"DESCRIBE {view_text('staging', name)}").fetchall()
            found[name] = {row[0]: row[1] for row in rows}
    return found
