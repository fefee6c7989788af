"""Record your own agents while they run: `store = capture.open()`, then `with store.execution(...) as run: ...`.

The agent never waits for the store and never sees its errors: a background thread appends each record to a
spill file next to the store, and another loads that file into the store as soon as it can.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from asp_analysis.config import StoreUrl, require_writable, store_url

if TYPE_CHECKING:
    from asp_analysis.capture.recorder import Recorder
    from asp_analysis.capture.run import ExecutionContext, Run, current_run

_ON_FIRST_USE = {"Recorder": "recorder", "ExecutionContext": "run", "Run": "run", "current_run": "run"}
"""What is imported on first use: `status` counts the records that wait, and records none."""

QUEUE_LIMIT = 10_000
"""Records that wait in memory before further ones are lost."""

__all__ = ["ExecutionContext", "Recorder", "Run", "current_run", "open"]


def open(url: str | StoreUrl | None = None, *, queue_limit: int = QUEUE_LIMIT) -> "Recorder":
    """Open a store for recording; `url` as in `--db`, else DATABASE_URL, else the project's own store.

    A store that is missing, busy or unwritable is no error: records wait in the spill file next to it.

    Raises:
        ConfigError: the address is of no kind that the workbench knows, or of a lake, which takes no records.
    """
    address = url if isinstance(url, StoreUrl) else store_url(url)
    require_writable(address)
    from asp_analysis.capture.recorder import Recorder

    return Recorder(address, queue_limit)


def __getattr__(name: str) -> Any:
    if name in _ON_FIRST_USE:
        return getattr(import_module(f"{__name__}.{_ON_FIRST_USE[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
