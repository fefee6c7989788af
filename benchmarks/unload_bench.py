"""What it costs to be able to take a load back: time and size of loads with and without rows in common, and the unload.

Ratios are of one run: the first load of a file against the same with nothing kept of what it said, the second load of
the same file against the first, and the file's size after each.
"""

import tempfile
import time
from pathlib import Path
from unittest.mock import patch

from asp_analysis.config import parse_url
from asp_analysis.loading import load_file
from asp_analysis.store.database import create_store, open_store
from asp_analysis.store.versions import Bringing
from asp_analysis.unloading import unload_load
from benchmarks.stores import write_execution_lines


def load_twice_and_unload(folder: Path, path: Path, name: str) -> dict[str, float]:
    """Return the CPU seconds of each step, and the size of the store in bytes after the loads."""
    url = parse_url(name, folder)
    create_store(url)
    found: dict[str, float] = {}
    with open_store(url) as store:
        for step in ("first load", "second load"):
            start = time.process_time()
            load_file(store, path)
            found[step] = time.process_time() - start
            found[f"bytes after {step}"] = store.read(
                "SELECT page_count * page_size AS size FROM pragma_page_count(), pragma_page_size()"
            )[0]["size"]
        start = time.process_time()
        unload_load(store, 1)
        found["unload"] = time.process_time() - start
    return found


def first_load_without(folder: Path, path: Path, name: str) -> float:
    """Return the CPU seconds of a first load that keeps nothing of what it said."""
    url = parse_url(name, folder)
    create_store(url)
    with open_store(url) as store, patch.multiple(Bringing, bring=_nothing, read=_nothing, finish=_nothing):
        start = time.process_time()
        load_file(store, path)
        return time.process_time() - start


def _nothing(*_: object) -> None:
    """Stand for a method that is left out."""


def main(count: int = 20_000) -> None:
    """Print the ratios."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "executions.jsonl"
        write_execution_lines(path, count)
        without, found = [], []
        for run in range(8):  # in turns: what else the machine does meets both
            without.append(first_load_without(folder, path, f"without-{run}.db"))
            found.append(load_twice_and_unload(folder, path, f"with-{run}.db"))
        first, second = (min(one[step] for one in found) for step in ("first load", "second load"))
        print(f"{count:,} executions")
        print(f"a load without rows in common   {first:6.2f} s  ratio {first / min(without):.2f}")
        print(f"the same file again             {second:6.2f} s  ratio {second / first:.2f}")
        print(f"unload of the first             {min(one['unload'] for one in found):6.2f} s")
        sizes = found[0]["bytes after first load"], found[0]["bytes after second load"]
        print(f"file {sizes[0]:,.0f} bytes, after the second load {sizes[1]:,.0f}  ratio {sizes[1] / sizes[0]:.3f}")


if __name__ == "__main__":
    main()
