"""The one writer: everything that is written anywhere passes through this package.

`database` creates and opens stores; `loading` writes batches of records with their load log and rejects; `upsert`
decides for each record whether it is new, changed or already there.
"""

from asp_analysis.store.database import Created, Store, back_up_file, create_store, open_store, reset_store
from asp_analysis.store.loading import (
    LoadedFile,
    LoadResult,
    clear_rejects,
    last_loads,
    list_rejects,
    unchanged_result,
    write_load,
    write_loads,
)

__all__ = [
    "Created",
    "LoadResult",
    "LoadedFile",
    "Store",
    "back_up_file",
    "clear_rejects",
    "create_store",
    "last_loads",
    "list_rejects",
    "open_store",
    "reset_store",
    "unchanged_result",
    "write_load",
    "write_loads",
]
