"""How long the dashboard takes over 10,000 executions, in a warm process and from the shell; and an estimate there.

Two stores: one as an importer of bare executions leaves it (many tasks without a plan or a defect), and the sample
several times over, where every task has a plan, an end, defects and reviews.
"""

import tempfile
import time
from pathlib import Path

from asp_analysis.config import StoreUrl, parse_url
from asp_analysis.store.database import create_store
from benchmarks.stores import grown_store, write_execution_lines
from benchmarks.timing import best_of, timed_process

EXECUTIONS = 10_000


def bare_store(folder: Path) -> StoreUrl:
    """Make a store of the sample and `EXECUTIONS` bare executions."""
    from asp_analysis.loading import load_file
    from asp_analysis.store.database import open_store

    url = parse_url("bare.db", folder)
    create_store(url, with_sample=True)
    write_execution_lines(folder / "lines.jsonl", EXECUTIONS)
    with open_store(url) as store:
        load_file(store, folder / "lines.jsonl")
    return url


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for label, make in (
            ("bare executions", bare_store),
            ("the sample over and over", lambda into: grown_store(into, EXECUTIONS)),
        ):
            url = make(folder)
            alone = timed_process(url, "dashboard", str(folder / "out.html"))
            estimate = timed_process(url, "estimate", "--size", "18")
            from asp_analysis.dashboard import build_page
            from asp_analysis.session import connect

            with connect(url) as session:
                warm = best_of(5, lambda session=session: build_page(session))
                cpu = time.process_time()
                build_page(session)
                cpu = time.process_time() - cpu
            size = (folder / "out.html").stat().st_size / 1024
            print(f"{label:26s} page {size:4.0f} KiB")
            print(f"{'  in a warm process':26s} {warm:5.2f} s, of CPU {cpu:5.2f} s")
            print(f"{'  process from the shell':26s} {alone.seconds:5.2f} s, of CPU {alone.cpu_seconds:5.2f} s")
            print(
                f"{'  estimate from the shell':26s} {estimate.seconds:5.2f} s, of CPU {estimate.cpu_seconds:5.2f} s",
                flush=True,
            )


if __name__ == "__main__":
    main()
