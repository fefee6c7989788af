"""Delta tables over the files of a build, so that Spark, Trino, Snowflake and others read them by their own means.

The pointer of the lake names the same files: a reader of the workbench needs no Delta. A build that ended between the
two leaves the Delta table ahead, and the next one commits the difference to what it finds.
"""

import json
import time
from typing import Any
from urllib.parse import unquote

from asp_analysis.building.tables import TABLES
from asp_analysis.config import StoreUrl
from asp_analysis.errors import StoreError
from asp_analysis.lake.builds import LakeFile, LakeTable

_CHECKPOINT_EVERY = 20
"""Commits after which Delta's log is summed up, so that readers open few files."""

_DELTA_TYPES = {
    "VARCHAR": "string",
    "BIGINT": "long",
    "INTEGER": "integer",
    "UBIGINT": "long",
    "DOUBLE": "double",
    "BOOLEAN": "boolean",
    "TIMESTAMP": "timestamp_ntz",
    "DATE": "date",
}
"""DuckDB's types -> Delta's."""


def require_delta() -> None:
    """Check that the library which writes Delta tables is installed.

    Raises:
        StoreError: it is not.
    """
    try:
        import deltalake  # noqa: F401
    except ImportError:
        raise StoreError("Building a lake needs the extra lake. Install it: pip install 'asp-analysis[lake]'") from None


def commit(url: StoreUrl, name: str, table: LakeTable) -> int | None:
    """Let the Delta table hold exactly the files of a table; return its version, None where it never had a file.

    Raises:
        StoreError: it cannot be written, or another program writes to it.
    """
    from deltalake.exceptions import DeltaError

    root = str(url.lake_folder or url.text)
    try:
        return _commit(f"{root}/{TABLES}/{name}", table)
    except (DeltaError, OSError) as error:
        said = " ".join(str(error).split())[:300]
        raise StoreError(
            f"The Delta table {TABLES}/{name} of {url.shown} cannot be written: {said}. Build again; only build may "
            "write to it."
        ) from None


def _commit(address: str, table: LakeTable) -> int | None:
    from deltalake import DeltaTable
    from deltalake.transaction import create_table_with_add_actions

    wanted = {file.path.rpartition("/")[2]: file for file in table.files}
    if not DeltaTable.is_deltatable(address):
        if not wanted:
            return None
        create_table_with_add_actions(
            address, _schema(table), [_add(name, file) for name, file in wanted.items()], partition_by=["period"]
        )
        return 0
    delta = DeltaTable(address)
    present = _files_of(delta)
    actions = [_add(name, file) for name, file in wanted.items() if name not in present]
    actions += [_remove(name, period) for name, period in present.items() if name not in wanted]
    if actions:
        delta.create_write_transaction(actions, "append", _schema(table), ["period"])
        delta.update_incremental()
        if delta.version() % _CHECKPOINT_EVERY == 0:
            delta.create_checkpoint()
    return delta.version()


def _files_of(delta: Any) -> dict[str, str]:
    """Return the files that a Delta table holds now, with their periods."""
    found = delta.get_add_actions(flatten=True)
    paths, periods = found["path"].to_pylist(), found["partition.period"].to_pylist()
    return {unquote(path): period for path, period in zip(paths, periods, strict=True)}


def _schema(table: LakeTable) -> Any:
    from deltalake import Schema

    columns = {name: _DELTA_TYPES[kind] for name, kind in table.columns.items()} | {"period": "string"}
    fields = [{"name": name, "type": kind, "nullable": True, "metadata": {}} for name, kind in columns.items()]
    return Schema.from_json(json.dumps({"type": "struct", "fields": fields}))


def _add(name: str, file: LakeFile) -> Any:
    from deltalake.transaction import AddAction

    stats = json.dumps({"numRecords": file.rows})
    return AddAction(name, file.size_bytes, {"period": file.period}, int(time.time() * 1000), True, stats)


def _remove(name: str, period: str) -> Any:
    from deltalake.transaction import RemoveAction

    return RemoveAction(
        path=name, data_change=True, deletion_timestamp=int(time.time() * 1000), partition_values={"period": period}
    )
