"""What Spark costs for the marts of a lake: its fixed price, each million executions, and one executor against two.

    python -m benchmarks.spark_bench [MILLIONS]...       (0.13 0.52; needs Java 17 and `make spark` once)

The lake is the one of `lake_bench`. A master, one or two workers of one core and a Connect server run on this machine,
and `build` makes all marts on them. CPU is that of each process until the build has ended, start and compilation
included; `tables` is the builder itself, which makes the tables with DuckDB in any case. Wall seconds of processes that
share two cores say little; CPU seconds do.
"""

import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

from asp_analysis.building import build
from asp_analysis.config import lake_url
from asp_analysis.spark import REMOTE_VARIABLE
from benchmarks.lake_bench import DAYS
from benchmarks.lakes import SAMPLE_EXECUTIONS, Copies, publish_copies
from tests.spark.cluster_processes import lacking, running_cluster


def measure_build(folder: Path, workers: int) -> dict[str, float]:
    """Build a lake on a new cluster and return CPU and wall seconds."""
    logs = Path(tempfile.mkdtemp(prefix="asp-spark-", dir=folder.parent))
    with running_cluster(logs, workers=workers, options=()) as cluster:
        os.environ[REMOTE_VARIABLE] = cluster.remote
        begun = time.perf_counter()
        built = build(lake_url(str(folder), Path.cwd()))
        wall_s = time.perf_counter() - begun
        used = cluster.cpu_s()
    executors = sum(seconds for name, seconds in used.items() if name.startswith("executor"))
    return {"tables": built.cpu_s, "driver": used["connect"], "executors": executors, "wall_s": wall_s}


def main() -> None:
    """Measure each size with two executors and the first with one."""
    if reason := lacking():
        sys.exit(f"Error: {reason}.")
    sizes = [float(text) for text in sys.argv[1:] if text[0].isdigit()] or [0.13, 0.52]
    print("millions  executors    tables    driver executors    wall_s")
    for millions, workers in [*((millions, 2) for millions in sizes), (sizes[0], 1)]:
        folder = Path(tempfile.mkdtemp(prefix="asp-spark-lake-")) / "lake"
        try:
            publish_copies(folder, Copies(count=round(millions * 1e6 / SAMPLE_EXECUTIONS), days=DAYS))
            found = measure_build(folder, workers)
        finally:
            shutil.rmtree(folder.parent)
        print(f"{millions:8.2f} {workers:10}" + "".join(f"{value:10.1f}" for value in found.values()), flush=True)


if __name__ == "__main__":
    main()
