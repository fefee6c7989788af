"""A query that an interrupt ends at once: it runs in a thread of its own, and the one that waits for it can be stopped.

DuckDB itself looks for an interrupt between two tasks, and one task of a large join can take hours.
"""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from typing import TypeVar

import duckdb

from asp_analysis.errors import QueryError

Result = TypeVar("Result")

_AGAIN_S = 0.05
"""An interrupt that comes before DuckDB has begun has no effect; it is repeated after this time."""


def run_interruptible(
    connection: duckdb.DuckDBPyConnection, work: Callable[[], Result], timeout_s: float | None = None
) -> Result:
    """Return what `work` returns, which uses the connection; raise KeyboardInterrupt when that comes first.

    Raises:
        QueryError: `timeout_s` seconds passed before it was done.
    """
    if threading.current_thread() is not threading.main_thread() and timeout_s is None:
        return work()  # only the main thread gets interrupts
    with ThreadPoolExecutor(max_workers=1) as pool:
        future = pool.submit(work)
        try:
            return future.result(timeout_s)
        except (KeyboardInterrupt, TimeoutError) as stop:
            if isinstance(stop, TimeoutError) and future.done():
                raise
            while not future.done():
                with suppress(duckdb.ConnectionException):  # the work has closed it, and is about to end
                    connection.interrupt()
                wait([future], timeout=_AGAIN_S)
            if isinstance(stop, TimeoutError):
                raise QueryError(
                    f"The query was stopped after {timeout_s:g} s. Ask for less, or allow it more time: --timeout."
                ) from None
            raise
