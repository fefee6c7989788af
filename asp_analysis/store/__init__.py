"""The one writer: everything that is written anywhere passes through this package.

`database` creates and opens stores; `loading` writes batches of records with their load log and rejects; `upsert`
decides for each record whether it is new, changed or already there; `log` reads what was loaded before; `forecasts`
keeps estimates with their task. The names are imported when they are used: a daily load that finds nothing new must
not wait for SQLAlchemy.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from asp_analysis.store.database import Created, Store, back_up_file, create_store, open_store, reset_store
    from asp_analysis.store.forecasts import FORECASTS, keep_forecasts
    from asp_analysis.store.loading import clear_rejects, last_loads, list_rejects, write_load, write_loads
    from asp_analysis.store.log import LoadedFile, LoadResult, read_last_loads, unchanged_result

__all__ = [
    "FORECASTS",
    "Created",
    "LoadResult",
    "LoadedFile",
    "Store",
    "back_up_file",
    "clear_rejects",
    "create_store",
    "keep_forecasts",
    "last_loads",
    "list_rejects",
    "open_store",
    "read_last_loads",
    "reset_store",
    "unchanged_result",
    "write_load",
    "write_loads",
]

_HOMES = {
    "FORECASTS": "forecasts",
    "keep_forecasts": "forecasts",
    "Created": "database",
    "Store": "database",
    "back_up_file": "database",
    "create_store": "database",
    "open_store": "database",
    "reset_store": "database",
    "clear_rejects": "loading",
    "last_loads": "loading",
    "list_rejects": "loading",
    "write_load": "loading",
    "write_loads": "loading",
    "LoadResult": "log",
    "LoadedFile": "log",
    "read_last_loads": "log",
    "unchanged_result": "log",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
