"""What recording costs the agent: time per call of a `with store.execution(...)` block, the block's work left out.

Five states of the store: free, locked by another process all the time, written at full speed by another process or by
seven others, and not writable at all (there is none). "Paced" makes a call every 2 ms, "tight" makes them one after the
other, which no agent does: there the background threads compete for the interpreter all the time.
"""

import logging
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np

from asp_analysis import capture
from asp_analysis.config import parse_url
from asp_analysis.store.database import create_store

CALLS = 2_000
_LOCKER = (
    "import sqlite3,sys\nc=sqlite3.connect(sys.argv[1],isolation_level=None)\n"
    "c.execute('BEGIN EXCLUSIVE')\nprint(1,flush=True)\nsys.stdin.read()\n"
)
_RIVAL = (
    "import sys\nfrom asp_analysis import capture\nstore=capture.open(sys.argv[1])\nprint(1,flush=True)\n"
    "while True:\n  for _ in range(200): store.record(task_id='R', agent_role='Code', cost_usd=1.0)\n  store.flush()\n"
)


@contextmanager
def rival(program: str, path: Path) -> Iterator[None]:
    """Run a process that holds or writes the store for the length of a block."""
    command = [sys.executable, "-c", program, str(path)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    process.stdout.readline()
    try:
        yield
    finally:
        process.kill()
        process.communicate()


def call_times_us(store: capture.Recorder, pause_s: float) -> np.ndarray:
    """Time calls in microseconds; shape (CALLS,)."""
    times = np.empty(CALLS)
    for number in range(CALLS):
        began = time.perf_counter_ns()
        with store.execution(task_id="T", agent_role="Code", llm_model="m", project_id="P") as run:
            run.tokens(input=1200, output=300, cache_read=1000)
            run.cost(0.0125)
            run.tool_call()
        times[number] = (time.perf_counter_ns() - began) / 1e3
        if pause_s:
            time.sleep(pause_s)
    return times


def main() -> None:
    """Print p50, p99 and the longest call for each state of the store."""
    logging.getLogger("asp_analysis.capture").setLevel(logging.CRITICAL)
    print(f"{'store':32} {'p50 us':>9} {'p99 us':>9} {'max us':>9}  {CALLS} calls")
    for state in ("free", "locked", "written by another", "written by seven others", "missing"):
        for pace, pause_s in (("paced", 0.002), ("tight", 0.0)):
            with tempfile.TemporaryDirectory() as folder:
                _measure(f"{state}, {pace}", Path(folder), pause_s, state)


def _measure(name: str, folder: Path, pause_s: float, state: str) -> None:
    url = parse_url("store.db", folder)
    if state != "missing":
        create_store(url)
    rivals = {"locked": [_LOCKER], "written by another": [_RIVAL], "written by seven others": [_RIVAL] * 7}
    with ExitStack() as running:
        for program in rivals.get(state, []):
            running.enter_context(rival(program, url.path))
        _print(name, url, pause_s)


def _print(name: str, url: object, pause_s: float) -> None:
    store = capture.open(url)
    times = call_times_us(store, pause_s)
    store.close(0.1)
    print(f"{name:32} {np.median(times):9.1f} {np.quantile(times, 0.99):9.1f} {times.max():9.1f}", flush=True)


if __name__ == "__main__":
    main()
