"""Record your own agents while they run: `store = capture.open()`, then `with store.execution(...) as run: ...`.

The agent never waits for the store and never sees its errors: a background thread appends each record to a
spill file next to the store, and another loads that file into the store as soon as it can.
"""

from asp_analysis.capture.recorder import QUEUE_LIMIT, Recorder
from asp_analysis.capture.run import ExecutionContext, Run, current_run
from asp_analysis.config import StoreUrl, store_url

__all__ = ["ExecutionContext", "Recorder", "Run", "current_run", "open"]


def open(url: str | StoreUrl | None = None, *, queue_limit: int = QUEUE_LIMIT) -> Recorder:
    """Open a store for recording; `url` as in `--db`, else DATABASE_URL, else the project's own store.

    A store that is missing, busy or unwritable is no error: records wait in the spill file next to it.

    Raises:
        ConfigError: the address is of no kind that the workbench knows.
    """
    return Recorder(url if isinstance(url, StoreUrl) else store_url(url), queue_limit)
