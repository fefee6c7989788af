"""Times calls and processes: wall clock, CPU and peak memory."""

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from asp_analysis.config import StoreUrl


@dataclass(frozen=True)
class Timed:
    """Medians of some runs; peak_mb of a process, where it is known."""

    seconds: float
    cpu_seconds: float
    peak_mb: float | None = None


def best_of(tries: int, call: Callable[[], object]) -> float:
    """Give the median seconds of some calls, after one that is not counted."""
    call()
    return timed(call, tries).seconds


def timed(call: Callable[[], object], tries: int = 1) -> Timed:
    """Time calls in this process."""
    walls, cpus = [], []
    for _ in range(tries):
        begun, before = time.perf_counter(), time.process_time()
        call()
        walls.append(time.perf_counter() - begun)
        cpus.append(time.process_time() - before)
    return Timed(statistics.median(walls), statistics.median(cpus))


def timed_process(url: StoreUrl, *verb: str, tries: int = 3) -> Timed:
    """Time a verb on a store, as a process of its own."""
    return timed_words(*verb, "--db", url.text, tries=tries)


def timed_words(*words: str, tries: int = 3) -> Timed:
    """Time the command line with these words, as a process of its own."""
    runs = [_run([sys.executable, "-m", "asp_analysis", *words]) for _ in range(tries)]
    return Timed(*(statistics.median(values) for values in zip(*runs, strict=True)))


# The peak memory of a process counts that of its parent before it became itself: a small one starts it.
_LAUNCHER = """
import os, subprocess, sys, time
begun = time.perf_counter()
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
_, status, used = os.wait4(process.pid, 0)
print(time.perf_counter() - begun, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)
sys.exit(1 if status else 0)
"""


def _run(words: list[str]) -> tuple[float, ...]:
    """Give seconds, CPU seconds and peak MB of a process."""
    ran = subprocess.run([sys.executable, "-S", "-c", _LAUNCHER, *words], capture_output=True, text=True)
    if ran.returncode:
        sys.exit(ran.stderr)
    return tuple(float(word) for word in ran.stdout.split())
