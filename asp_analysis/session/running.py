"""A query that an interrupt ends at once: it runs in a thread of its own, and the one that waits for it can be stopped.

DuckDB itself looks for an interrupt between two tasks, and one task of a large join can take hours.
"""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TypeVar

import duckdb

Result = TypeVar("Result")

_AGAIN_S = 0.05
"""An interrupt that comes before DuckDB has begun has no effect; it is repeated after this time."""


def run_interruptible(connection: duckdb.DuckDBPyConnection, work: Callable[[], Result]) -> Result:
    """Return what `work` returns, which uses the connection; raise KeyboardInterrupt when that comes first."""
    if threading.current_thread() is not threading.main_thread():
        return work()  # only the main thread gets interrupts
    with ThreadPoolExecutor(max_workers=1) as pool:
        future = pool.submit(work)
        try:
            return future.result()
        except KeyboardInterrupt:
            while not future.done():
                connection.interrupt()
                wait([future], timeout=_AGAIN_S)
            raise
