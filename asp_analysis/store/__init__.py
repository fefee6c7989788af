"""The one writer: everything that is written anywhere passes through this package.

`database` creates and opens stores; `loading` writes batches of records with their load log and rejects; `upsert`
decides for each record whether it is new, changed or already there; `forecasts` keeps estimates with their task.
"""

from asp_analysis.store.database import Created, Store, back_up_file, create_store, open_store, reset_store
from asp_analysis.store.forecasts import FORECASTS, keep_forecasts
from asp_analysis.store.loading import LoadedFile, LoadResult, clear_rejects, list_rejects, write_load

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
    "list_rejects",
    "open_store",
    "reset_store",
    "write_load",
]
