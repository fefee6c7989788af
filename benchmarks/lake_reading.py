"""What reading a large lake costs next to a store of 130,000 executions: `estimate` and `dashboard`, from the shell.

    python -m benchmarks.lake_reading [MILLIONS] [LAKE]     (6.5; a lake that is built already, else one is made)

CPU seconds are those of the whole process with its imports, one thread; the last columns are the ratio to the store.
"""

import sys
import tempfile
from pathlib import Path

from asp_analysis.building import build
from asp_analysis.config import StoreUrl, lake_url
from benchmarks.lake_bench import DAYS
from benchmarks.lakes import SAMPLE_EXECUTIONS, Copies, publish_copies
from benchmarks.stores import grown_store
from benchmarks.timing import timed_process

LOCAL_EXECUTIONS = 130_000


def _measure(url: StoreUrl, folder: Path) -> dict[str, tuple[float, float]]:
    """Return wall and CPU seconds of each verb: the median of three runs, of which the first makes a snapshot."""
    verbs = {"estimate": ("estimate", "--size", "18"), "dashboard": ("dashboard", str(folder / "page.html"))}
    found = {}
    for name, words in verbs.items():
        timed = timed_process(url, *words)
        found[name] = (timed.seconds, timed.cpu_seconds)
    return found


def main() -> None:
    """Print one line for each verb."""
    millions = float(sys.argv[1]) if len(sys.argv) > 1 else 6.5
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lake = lake_url(sys.argv[2] if len(sys.argv) > 2 else str(folder / "lake"), Path.cwd())
        if len(sys.argv) <= 2:
            publish_copies(folder / "lake", Copies(count=round(millions * 1e6 / SAMPLE_EXECUTIONS), days=DAYS))
            build(lake)
        store, of_lake = _measure(grown_store(folder, LOCAL_EXECUTIONS), folder), _measure(lake, folder)
        for verb, (wall, cpu) in store.items():
            lake_wall, lake_cpu = of_lake[verb]
            print(
                f"{verb:10} store {wall:5.2f} s, CPU {cpu:5.2f} s   lake {lake_wall:5.2f} s, CPU {lake_cpu:5.2f} s   "
                f"ratio {lake_wall / wall:4.2f}, CPU {lake_cpu / cpu:4.2f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
