"""A Spark cluster that computes marts: it reads Parquet, runs the texts of the views and writes Parquet.

The client is thin: no Java, no package, no jar is needed on this machine, and nothing of the workbench on the cluster.
Both sides must reach the files by the same names: a bucket, or a folder that every machine has mounted.
"""

import os
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from asp_analysis.errors import ConfigError, StoreError

if TYPE_CHECKING:
    from pyspark.sql.connect.session import SparkSession

REMOTE_VARIABLE = "SPARK_REMOTE"
"""Spark's own variable: where its Connect server is, `sc://host:15002/;token=...`."""

_PACKAGES = {"pyspark-client": "pyspark", "grpcio": "grpc", "sqlglot": "sqlglot"}
"""Package -> the module that it brings: the extra `spark`."""

_REACHED_WITHIN_S = 20
_MOST_RETRIES, _LONGEST_BACKOFF_MS = 7, 8_000
"""About half a minute in all: a server that is gone that long has forgotten the session, too."""

_STACK_TRACES = ("SQLQueryContextLogger", "DataFrameQueryContextLogger")
"""Loggers of the client that print what a server says of itself; an error here is one line."""

_SESSION_SETTINGS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.timestampType": "TIMESTAMP_NTZ",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.parquet.inferTimestampNTZ.enabled": "true",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
}
"""Times are UTC without a zone, and a sum that has no place is an error, as in DuckDB."""


_SPARK_TYPES = {"VARCHAR": "STRING", "TIMESTAMP": "TIMESTAMP_NTZ", "INTEGER": "INT"}
"""DuckDB's type -> Spark's, where it has another name."""


@dataclass(frozen=True)
class StagedFiles:
    """The rows of a staging view: its columns with DuckDB's types, and its Parquet files, of which there may be none.

    A column that a file lacks is unknown in its rows.
    """

    columns: Mapping[str, str]
    files: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class MartText:
    """A mart: its SELECT in DuckDB's dialect, and how its rows are written.

    partition: a column of the SELECT by which the files are divided, one for each of its values, and which is not in
    them. order: the columns by which rows are sorted within a file. Without is_written only marts after it read it.
    """

    name: str
    text: str
    partition: str | None = None
    order: Sequence[str] = ()
    is_written: bool = True


def wanted_cluster() -> "SparkCluster | None":
    """Return the cluster that SPARK_REMOTE names, None where it names none.

    Raises:
        ConfigError: it is no address of a Connect server, or the extra that speaks to one is not installed.
    """
    remote = os.environ.get(REMOTE_VARIABLE, "").strip()
    return SparkCluster(remote) if remote else None


class SparkCluster:
    """A cluster behind a Connect server. Its address may hold a token, which is never shown."""

    def __init__(self, remote: str) -> None:
        parts = urlsplit(remote)
        if parts.scheme != "sc" or not parts.hostname:
            raise ConfigError(
                f"{REMOTE_VARIABLE} is no address of a Spark Connect server. Write it as sc://host:15002, or unset it "
                "to compute in this process."
            )
        _check_installed()
        self._remote = remote
        self.shown = f"Spark at {parts.hostname}:{parts.port or 15002}"

    def compute(
        self,
        inputs: Mapping[str, StagedFiles],
        marts: Sequence[MartText],
        target: str,
        show_done: Callable[[int], None] = lambda done: None,
    ) -> None:
        """Write each mart as Parquet files into the folder of its name below `target`, which holds none of them yet.

        marts: in an order in which each comes after those that it reads. The files of a partition are in a folder
        `COLUMN=VALUE`. What a failure leaves below `target` is not whole. show_done: is called after each
        mart with how many are done.

        Raises:
            StoreError: the cluster cannot be reached, or it could not compute a mart; the message names it.
        """
        with warnings.catch_warnings(), self._session() as session:
            warnings.simplefilter("ignore")  # besides its errors the client warns
            for name, staged in inputs.items():
                with self._explained(f"read {name}"):
                    _show_files(session, name, staged)
            for number, mart in enumerate(marts, start=1):
                with self._explained(f"compute {mart.name}"):
                    _compute(session, mart, f"{_located(target)}/{mart.name}")
                show_done(number)

    @contextmanager
    def _session(self) -> Iterator["SparkSession"]:
        """Open a new session: the views of other people have no place in it."""
        with self._explained("answer"):
            session = _open_session(self._remote)
        try:
            yield session
        finally:
            _close_session(session)

    @contextmanager
    def _explained(self, what: str) -> Iterator[None]:
        import grpc
        from pyspark.errors import PySparkException

        try:
            yield
        except (PySparkException, grpc.RpcError, grpc.FutureTimeoutError) as error:
            raise StoreError(
                f"{self.shown} could not {what}: {_said(error)}. Look at the cluster, then build again; or unset "
                f"{REMOTE_VARIABLE} to compute in this process."
            ) from None


def _check_installed() -> None:
    lacking = [name for name, module in _PACKAGES.items() if find_spec(module) is None]
    if lacking:
        raise ConfigError(
            f"{REMOTE_VARIABLE} is set, and this is not installed: {', '.join(lacking)}. Install it with "
            f"pip install 'asp-analysis[spark]', or unset {REMOTE_VARIABLE} to compute in this process."
        )


@contextmanager
def _main_module_with_file() -> Iterator[None]:
    """Let the main module have a file: without one (`python -c`) the client takes the program for its own tests, and
    ends it.
    """
    main = sys.modules["__main__"]
    is_without = not hasattr(main, "__file__")
    if is_without:
        main.__file__ = ""
    try:
        yield
    finally:
        if is_without:
            del main.__file__


def _open_session(remote: str) -> "SparkSession":
    import grpc

    with warnings.catch_warnings(), _main_module_with_file():
        warnings.simplefilter("ignore", FutureWarning)  # the client warns of pandas 3, of which it uses nothing here
        from pyspark.logger import PySparkLogger
        from pyspark.sql.connect.client import DefaultChannelBuilder
        from pyspark.sql.connect.client.retries import DefaultPolicy
        from pyspark.sql.connect.session import SparkSession

        for name in _STACK_TRACES:
            PySparkLogger.getLogger(name).disabled = True
        builder = DefaultChannelBuilder(remote)
        with builder.toChannel() as channel:  # an own question: the client itself asks for ten minutes
            grpc.channel_ready_future(channel).result(timeout=_REACHED_WITHIN_S)
        session = SparkSession.builder.channelBuilder(builder).create()
    session.client.set_retry_policies([DefaultPolicy(max_retries=_MOST_RETRIES, max_backoff=_LONGEST_BACKOFF_MS)])
    for name, value in _SESSION_SETTINGS.items():
        session.conf.set(name, value)
    return session


def _show_files(session: "SparkSession", name: str, staged: StagedFiles) -> None:
    """Let a name mean the rows of files. Their columns are known, so that nobody looks into thousands of them first."""
    types = {column: _SPARK_TYPES.get(kind, kind) for column, kind in staged.columns.items()}
    if staged.files:
        schema = ", ".join(f"`{column}` {kind}" for column, kind in types.items())
        frame: Any = session.read.schema(schema).parquet(*map(_located, staged.files))
    else:
        columns = ", ".join(f"CAST(NULL AS {kind}) AS `{column}`" for column, kind in types.items())
        frame = session.sql(f"SELECT {columns} WHERE FALSE")
    frame.createOrReplaceTempView(name)


def _compute(session: "SparkSession", mart: MartText, folder: str) -> None:
    from asp_analysis.spark.dialect import to_spark

    frame: Any = session.sql(to_spark(mart.text))
    if mart.is_written:
        frame = _without_zones(frame)
        _write(frame, mart, folder)
        frame = session.read.schema(frame.schema).parquet(folder)  # those that read it do not compute it again
        frame = frame.drop(mart.partition) if mart.partition else frame
    frame.createOrReplaceTempView(mart.name)


def _write(frame: Any, mart: MartText, folder: str) -> None:
    divided = frame.repartition(mart.partition) if mart.partition else frame
    if mart.order:
        divided = divided.sortWithinPartitions(*([mart.partition] if mart.partition else []), *mart.order)
    writer = divided.write.option("compression", "zstd")
    (writer.partitionBy(mart.partition) if mart.partition else writer).parquet(folder)


def _without_zones(frame: Any) -> Any:
    """Return a frame whose times have no zone: functions such as date_trunc bring one."""
    from pyspark.sql.connect.functions import col

    zoned = [name for name, kind in frame.dtypes if kind == "timestamp"]
    return frame.withColumns({name: col(name).cast("timestamp_ntz") for name in zoned}) if zoned else frame


def _located(place: str) -> str:
    """Write the path of a file as the address of one: a cluster may take a bare path for one of HDFS."""
    return f"file://{place}" if place.startswith("/") else place


def _said(error: Any) -> str:
    """Return the first line of what the cluster, or the way to it, said; nothing of what was sent is in it."""
    details = error.details() if callable(getattr(error, "details", None)) else str(error)
    text = (details or "").strip() or f"no answer within {_REACHED_WITHIN_S} seconds"
    return " ".join(text.splitlines()[0].split()).rstrip(".")


def _close_session(session: "SparkSession") -> None:
    """Let the cluster forget a session; one that is gone has forgotten it."""
    import grpc
    from pyspark.errors import PySparkException

    try:
        session.stop()
    except (PySparkException, grpc.RpcError):
        session.client.close()
