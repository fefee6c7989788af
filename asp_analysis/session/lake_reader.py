"""Reads the present build of a lake: views over exactly the Parquet files that it names, so that all are of one state.

Staging views and marts of the build are its files; a mart that it does not have is computed by its text, as on a store.
A session that is open goes on reading its files after the next build, and takes that one up at its next query.
"""

from datetime import datetime

import duckdb

from asp_analysis import sql
from asp_analysis.config import StoreUrl
from asp_analysis.errors import StoreError
from asp_analysis.lake.builds import CURRENT, LakeBuild, LakeTable, parse_build
from asp_analysis.lake.objects import Storage, open_storage
from asp_analysis.session.attaching import bare, bound, closed_on_failure
from asp_analysis.session.buckets import open_bucket
from asp_analysis.session.catalog import describe_view, marts, staging_views
from asp_analysis.session.contract import RAW_TABLES, raw_view
from asp_analysis.sql import quoted


class LakeReader:
    """One build of a lake."""

    def __init__(self, url: StoreUrl, storage: Storage | None = None) -> None:
        """Open the present build.

        Raises:
            StoreError: there is no lake or no build, a newer workbench built it, or its files cannot be read.
        """
        self._url, self._storage = url, storage or open_lake(url)
        self._seen = self._storage.stamp(CURRENT)
        try:
            self._open()
        except StoreError:
            if self._storage.stamp(CURRENT) == self._seen:
                raise
            self._seen = self._storage.stamp(CURRENT)  # a new build came, and the files of the former went
            self._open()

    def _open(self) -> None:
        self.build = read_present_build(self._url, self._storage)
        self.connection = _open_build(self._url, self._storage, self.build)

    def renewed(self) -> "LakeReader":
        """Return a reader of the build that is the present one now; this one where it still is."""
        if self._storage.stamp(CURRENT) == self._seen:
            return self
        renewed = LakeReader(self._url, self._storage)
        self.connection.close()
        return renewed

    def begin_newest(self, executions: int) -> datetime | None:
        """Return since when the newest so many executions came, to the month or day of a file; None for all of them."""
        found = 0
        files = sorted(self.build.tables["stg_executions"].files, key=lambda file: file.period, reverse=True)
        for file in files[:-1]:
            found += file.rows
            if found >= executions and file.period[:1].isdigit():
                return datetime.fromisoformat(f"{file.period}-01"[:10])
        return None

    def shown(self) -> str:
        """Say which build is read."""
        said = f"build {self.build.build} of a lake, of {self.build.built_at}"
        is_of_today = self.build.views_digest == sql.digest_views()
        return said if is_of_today else f"{said}, by another release: answers are computed until the next build"


def open_lake(url: StoreUrl) -> Storage:
    """Return the objects of a lake that can be read.

    Raises:
        StoreError: there is no such folder, what reads the bucket is not installed, or nothing reads such a bucket.
    """
    folder = url.lake_folder
    if folder is not None and not folder.is_dir():
        raise StoreError(
            f"There is no folder {folder} that could be a lake. Name another, or publish to it from the store that "
            f"holds the rows: asp-analysis publish {url.shown}"
        )
    if url.text.startswith(("gs://", "abfss://")):
        raise StoreError(
            f"{url.shown} can be published to and built, but not read from here. Mount the bucket, or copy its "
            f"{CURRENT}, tables and marts to a folder, and read that: lake:///FOLDER"
        )
    return open_storage(url)


def is_of_files(url: StoreUrl, error: duckdb.Error) -> bool:
    """Return whether an error says that a file of a lake cannot be read: it is gone, or is something else."""
    return url.is_lake and (isinstance(error, (duckdb.IOException, duckdb.HTTPException)) or ".parquet" in str(error))


def read_present_build(url: StoreUrl, storage: Storage) -> LakeBuild:
    """Read what the present build of a lake consists of.

    Raises:
        StoreError: nothing was built yet, the file is no pointer, or a newer workbench wrote it.
    """
    content = storage.read(CURRENT)
    if content is None:
        raise StoreError(
            f"The lake {url.shown} has no build yet. Publish a store to it with asp-analysis publish {url.shown}, then "
            f"build it: asp-analysis build {url.shown}"
        )
    return parse_build(content)


def _open_build(url: StoreUrl, storage: Storage, build: LakeBuild) -> duckdb.DuckDBPyConnection:
    connection = bare() if url.lake_folder is not None else open_bucket(url)
    with closed_on_failure(connection, url):
        bound(connection, url)
        connection.execute("SET parquet_metadata_cache = true")
        _create_views(connection, storage, build)
        _allow(connection, storage, build)
    return connection


def _create_views(connection: duckdb.DuckDBPyConnection, storage: Storage, build: LakeBuild) -> None:
    """Create the staging views and marts; what the build lacks is read from a store without rows, or computed."""
    connection.execute("CREATE SCHEMA raw")
    for table in RAW_TABLES:
        connection.execute(raw_view({}, table))
    for name in staging_views():
        connection.execute(f"CREATE VIEW {name} AS {_staging_text(name, storage, build)}")
    for name in marts():
        mart = build.marts.get(name)
        is_of_today = build.views_digest == sql.digest_views()  # else another release says otherwise what it is
        text = _select(storage, mart) if mart is not None and is_of_today else sql.view_text("marts", name)
        connection.execute(f"CREATE VIEW {name} AS {text}")


def _staging_text(name: str, storage: Storage, build: LakeBuild) -> str:
    text, table = sql.view_text("staging", name), build.tables.get(name)
    if table is None:
        return text
    is_whole = set(table.columns) == {column.name for column in describe_view(name)[1]}
    return _select(storage, table) if is_whole else _complete(storage, table, text)


def _select(storage: Storage, table: LakeTable) -> str:
    """Return the SELECT over the files of a table, with the types that the build says."""
    shown = ", ".join(
        f"CAST({_name(name) if table.files else 'NULL'} AS {kind}) AS {_name(name)}"
        for name, kind in table.columns.items()
    )
    if not table.files:
        return f"SELECT {shown} WHERE FALSE"
    files = ", ".join(quoted(storage.address(file.path)) for file in table.files)
    return f"SELECT {shown} FROM read_parquet([{files}], hive_partitioning = false)"


def _complete(storage: Storage, table: LakeTable, text: str) -> str:
    """Return the rows of a table of an older workbench with the columns of this one; what it did not know is empty."""
    return f"SELECT * FROM ({text}) AS present UNION ALL BY NAME SELECT * FROM ({_select(storage, table)}) AS built"


def _allow(connection: duckdb.DuckDBPyConnection, storage: Storage, build: LakeBuild) -> None:
    """Let the connection read the files of the build, and no others, once `lock` has forbidden files."""
    tables = (*build.tables.values(), *build.marts.values())
    files = ", ".join(quoted(storage.address(file.path)) for table in tables for file in table.files)
    connection.execute(f"SET allowed_paths = [{files}]")


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
