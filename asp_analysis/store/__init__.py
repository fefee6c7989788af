"""The one writer: everything that is written anywhere passes through this package.

`database` creates and opens stores; `loading` writes batches of records with their load log; `rejects` keeps what could
not be taken; `upsert` decides for each record whether it is new, changed or already there; `log` reads what was loaded
before; `forecasts` keeps estimates with their task; `backups` and `restoring` copy a store away and back; `health`
measures its file. The names are imported when they are used: a daily load that finds nothing new must not wait for
SQLAlchemy.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from asp_analysis.store.backups import BackedUp, Backup, back_up, back_up_file, list_backups
    from asp_analysis.store.database import Created, Store, create_store, open_store, reset_store, sample_task_count
    from asp_analysis.store.forecasts import FORECASTS, keep_forecasts
    from asp_analysis.store.health import FileHealth, file_health
    from asp_analysis.store.loading import last_loads, write_load, write_loads
    from asp_analysis.store.log import LoadedFile, LoadResult, read_last_loads, unchanged_result
    from asp_analysis.store.rejects import HEADER, clear_rejects, list_rejects, storable
    from asp_analysis.store.restoring import Restored, check_backup, restore

__all__ = [
    "FORECASTS",
    "HEADER",
    "BackedUp",
    "Backup",
    "Created",
    "FileHealth",
    "LoadResult",
    "LoadedFile",
    "Restored",
    "Store",
    "back_up",
    "back_up_file",
    "check_backup",
    "clear_rejects",
    "create_store",
    "file_health",
    "keep_forecasts",
    "last_loads",
    "list_backups",
    "list_rejects",
    "open_store",
    "read_last_loads",
    "reset_store",
    "restore",
    "sample_task_count",
    "storable",
    "unchanged_result",
    "write_load",
    "write_loads",
]

_HOMES = {
    "FORECASTS": "forecasts",
    "keep_forecasts": "forecasts",
    "BackedUp": "backups",
    "Backup": "backups",
    "back_up": "backups",
    "back_up_file": "backups",
    "list_backups": "backups",
    "Created": "database",
    "Store": "database",
    "create_store": "database",
    "open_store": "database",
    "reset_store": "database",
    "sample_task_count": "database",
    "FileHealth": "health",
    "file_health": "health",
    "last_loads": "loading",
    "write_load": "loading",
    "write_loads": "loading",
    "LoadResult": "log",
    "LoadedFile": "log",
    "read_last_loads": "log",
    "unchanged_result": "log",
    "HEADER": "rejects",
    "clear_rejects": "rejects",
    "list_rejects": "rejects",
    "storable": "rejects",
    "Restored": "restoring",
    "check_backup": "restoring",
    "restore": "restoring",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
