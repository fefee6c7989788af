"""Loads synthetic transcripts once and again, compares the store with the truth, and prints time, CPU and memory.

    python -m benchmarks.transcripts_bench [MEGABYTES] [--ccusage COMMAND] [--codeburn COMMAND]

With the commands of the npm packages `ccusage` and `codeburn` their totals stand next to ours, in the same run; they
only print, we store. DuckDB's bare `read_json` of the same files is the floor.
"""

import argparse
import json
import os
import shlex
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.synthetic_transcripts import Truth, write_transcripts

_FLOOR = """
import duckdb, sys
read = "read_json_objects(?, format='newline_delimited')"
duckdb.sql(f"SELECT sum(length(CAST(json AS VARCHAR))) FROM {read}", params=[sys.argv[1]]).fetchall()
"""


class _Took(NamedTuple):
    """What one process took, and what it printed."""

    seconds: float
    cpu_seconds: float
    peak_mb: float
    printed: str

    def __str__(self) -> str:
        return f"{self.seconds:.2f} s, {self.cpu_seconds:.2f} s of CPU, peak memory {self.peak_mb:.0f} MB"


def main(words: Sequence[str] = ()) -> None:
    """Write, load, load again, compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("megabytes", nargs="?", type=int, default=200)
    parser.add_argument("--ccusage", help="the ccusage command")
    parser.add_argument("--codeburn", help="the codeburn command, with its node where that is not the machine's")
    said = parser.parse_args(words)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        truth = write_transcripts(folder, said.megabytes * 1_000_000)
        print(f"{truth.size_bytes / 1e6:.0f} MB, {truth.files} files, {truth.lines:,} lines, {truth.calls:,} calls,")
        print(f"{truth.copied_calls:,} of them copied into forks; true cost {truth.cost_usd:.6f} USD")
        _measure(folder, truth)
        print(f"DuckDB's read_json: {_run(folder, [sys.executable, '-c', _FLOOR, f'{folder}/projects/**/*.jsonl'])}")
        if said.ccusage:
            _ask_ccusage(folder, said.ccusage)
        if said.codeburn:
            _ask_codeburn(folder, said.codeburn)


def _measure(folder: Path, truth: Truth) -> None:
    store = folder / "store.db"
    ours = [sys.executable, "-m", "asp_analysis"]
    _run(folder, [*ours, "init", "--db", str(store)])
    for what in ("first load", "repeated load"):
        print(f"{what}: {_run(folder, [*ours, 'load', '--claude-code', '--json', '--db', str(store)])}")
    cost, calls = _stored(store)
    print(f"stored: {calls:,} calls, {cost:.6f} USD, {store.stat().st_size / 1e6:.0f} MB")
    print(f"difference to the truth: {calls - truth.calls} calls, {cost - float(truth.cost_usd):+.6f} USD")


def _run(folder: Path, words: list[str]) -> _Took:
    """Run a command in a process of its own, at home in the folder."""
    environment = {**os.environ, "CLAUDE_CONFIG_DIR": str(folder), "HOME": str(folder)}
    with tempfile.TemporaryFile() as printed, tempfile.TemporaryFile() as noted:
        began = time.perf_counter()
        process = subprocess.Popen(words, env=environment, stdout=printed, stderr=noted)
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        printed.seek(0)
        noted.seek(0)
        if status:
            sys.exit(noted.read().decode())
        return _Took(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, printed.read().decode())


def _stored(store: Path) -> tuple[float, int]:
    query = "SELECT sum(cost_usd), count(cost_usd) FROM agent_cost_vector"
    connection = sqlite3.connect(store)
    cost, calls = connection.execute(query).fetchone()
    connection.close()
    return cost, calls


def _ask_ccusage(folder: Path, command: str) -> None:
    took = _run(folder, [*shlex.split(command), "monthly", "--json", "--offline"])
    total = json.loads(took.printed)["totals"]
    print(f"ccusage: {took}; {total['totalCost']:.6f} USD, {total['totalTokens']:,} tokens")


def _ask_codeburn(folder: Path, command: str) -> None:
    """Ask twice: it keeps what it has read."""
    target = folder / "codeburn.json"
    period = ["--from", "2020-01-01", "--to", "2030-01-01"]
    for what in ("codeburn", "codeburn again"):
        target.unlink(missing_ok=True)
        took = _run(folder, [*shlex.split(command), "export", "-f", "json", "-o", str(target), *period])
        print(f"{what}: {took}")
    (found,) = json.loads(target.read_text())["summary"]
    print(f"codeburn: {found['Cost (USD)']} USD, {found['API Calls']:,} calls")


if __name__ == "__main__":
    main(sys.argv[1:])
