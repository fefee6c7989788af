"""Loads synthetic transcripts once and again, compares the store with the truth, and prints time and memory.

    python -m benchmarks.transcripts_bench [MEGABYTES] [--ccusage PATH]

With `--ccusage` (the command of the npm package) its total and time are printed next to ours; it only prints, we store.
"""

import argparse
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.synthetic_transcripts import Truth, write_transcripts


def main(words: Sequence[str] = ()) -> None:
    """Write, load, load again, compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("megabytes", nargs="?", type=int, default=200)
    parser.add_argument("--ccusage", help="path of the ccusage command")
    said = parser.parse_args(words)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        truth = write_transcripts(folder, said.megabytes * 1_000_000)
        print(f"{truth.size_bytes / 1e6:.0f} MB, {truth.files} files, {truth.lines:,} lines, {truth.calls:,} calls,")
        print(f"{truth.copied_calls:,} of them copied into forks; true cost {truth.cost_usd:.6f} USD")
        _measure(folder, truth)
        if said.ccusage:
            _compare(folder, said.ccusage)


def _measure(folder: Path, truth: Truth) -> None:
    store = folder / "store.db"
    _run(folder, "init", "--db", str(store))
    for what in ("first load", "repeated load"):
        seconds, peak_mb = _run(folder, "load", "--claude-code", "--json", "--db", str(store))
        print(f"{what}: {seconds:.2f} s, peak memory {peak_mb:.0f} MB")
    cost, calls = _stored(store)
    print(f"stored: {calls:,} calls, {cost:.6f} USD, {store.stat().st_size / 1e6:.0f} MB")
    print(f"difference to the truth: {calls - truth.calls} calls, {cost - float(truth.cost_usd):+.6f} USD")


def _run(folder: Path, *words: str) -> tuple[float, float]:
    """Run the command line in a process of its own; give its seconds and its peak memory in MB."""
    environment = {**os.environ, "CLAUDE_CONFIG_DIR": str(folder)}
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "asp_analysis", *words],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    said = process.stderr.read() if process.stderr else b""
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    if status:
        sys.exit(said.decode())
    return seconds, used.ru_maxrss / 1024


def _stored(store: Path) -> tuple[float, int]:
    query = "SELECT sum(cost_usd), count(cost_usd) FROM agent_cost_vector"
    connection = sqlite3.connect(store)
    cost, calls = connection.execute(query).fetchone()
    connection.close()
    return cost, calls


def _compare(folder: Path, command: str) -> None:
    environment = {**os.environ, "CLAUDE_CONFIG_DIR": str(folder)}
    began = time.perf_counter()
    words = [command, "monthly", "--json", "--offline"]
    ran = subprocess.run(words, env=environment, capture_output=True, text=True, check=True)
    seconds = time.perf_counter() - began
    total = json.loads(ran.stdout)["totals"]
    print(f"ccusage: {seconds:.2f} s, {total['totalCost']:.6f} USD, {total['totalTokens']:,} tokens")


if __name__ == "__main__":
    main(sys.argv[1:])
