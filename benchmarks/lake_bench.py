"""What a build of a lake costs by its size: the first one, one more day, no change; and connecting to it.

    python -m benchmarks.lake_bench [MILLIONS]...       (0.13 1.3 6.5; about half a minute each million on two cores)

The lake is the sample repeated over 150 days, as one writer would have published it. Repeated rows compress better than
others: sizes are flattering, CPU per row is not. CPU is that of the whole building process with its imports, all
threads; memory its largest resident set; a connection is timed with its first answer, without the imports.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.lakes import SAMPLE_EXECUTIONS, Copies, publish_copies

DAYS = 150

_BUILD = """
import json, resource, sys
from asp_analysis.building import build
from asp_analysis.config import lake_url
from pathlib import Path
built = build(lake_url(sys.argv[1], Path.cwd()))
used = resource.getrusage(resource.RUSAGE_SELF)
parts = (*built.build.tables.values(), *built.build.marts.values())
print(json.dumps({
    "cpu_s": used.ru_utime + used.ru_stime, "memory_gb": used.ru_maxrss / 2**20,
    "files": sum(len(part.files) for part in parts),
    "lake_mb": sum(file.size_bytes for part in parts for file in part.files) / 1e6,
}))
"""

_CONNECT = """
import json, sys, time
from asp_analysis.session import connect
began = time.perf_counter()
with connect("lake://" + sys.argv[1]) as session:
    session.rows("SELECT count(*) FROM tasks")
print(json.dumps({"connect_s": time.perf_counter() - began}))
"""


def _measure(program: str, folder: Path) -> dict[str, float]:
    found = subprocess.run([sys.executable, "-c", program, str(folder)], capture_output=True, text=True, check=False)
    if found.returncode:
        sys.exit(found.stderr)
    return json.loads(found.stdout)


def _print(millions: float, what: str, found: dict[str, float]) -> None:
    told = "  ".join(f"{name} {value:,.2f}" for name, value in found.items())
    print(f"{millions:6.2f} million  {what:<12} {told}", flush=True)


def measure_lake(millions: float, folder: Path) -> None:
    """Publish, build, add a day, build again, and connect; print a line for each."""
    count = round(millions * 1e6 / SAMPLE_EXECUTIONS)
    publish_copies(folder, Copies(count=count, days=DAYS))
    first = _measure(_BUILD, folder)
    _print(millions, "first build", first | {"cpu_s_per_million": first["cpu_s"] / millions})
    publish_copies(folder, Copies(first=count, count=max(1, count // DAYS), days=1, start="2026-05-31"))
    _print(millions, "one more day", _measure(_BUILD, folder))
    _print(millions, "no change", _measure(_BUILD, folder))
    _print(millions, "connect", min((_measure(_CONNECT, folder) for _ in range(3)), key=lambda one: one["connect_s"]))


def main() -> None:
    """Measure each size that was asked for."""
    for millions in map(float, sys.argv[1:] or ("0.13", "1.3", "6.5")):
        folder = Path(tempfile.mkdtemp(prefix="asp-lake-")) / "lake"
        try:
            measure_lake(millions, folder)
        finally:
            shutil.rmtree(folder.parent)


if __name__ == "__main__":
    main()
