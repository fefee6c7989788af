"""What a verb costs from the first key on a small store: CPU seconds of whole processes, in one run.

    python -m benchmarks.start_bench [FOLDER [PYTHON]]

The floor is `python -c "import duckdb"`. What Python compiles is kept for the run, whatever the environment says: an
installed package is compiled too. FOLDER holds the code of an earlier release, which PYTHON runs (the present
one if its packages will do); each code has a store of its own. Figures are the least of `TRIES` runs, taken in turn.
"""

import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parents[1]
TRIES = 5
FLOOR = ("-c", "import duckdb")
VERBS = (
    ("sql", "SELECT 1"),
    ("models",),
    ("loads",),
    ("estimate", "--size", "18"),
    ("status",),
    ("dashboard", "page.html"),
)


def main(words: Sequence[str] = ()) -> None:
    """Print each verb with its CPU seconds, how many floors that is, and the ratio to the earlier release."""
    codes = {"now": (HERE, sys.executable)}
    if words:
        codes["earlier"] = (Path(words[0]).resolve(), words[1] if len(words) > 1 else sys.executable)
    with tempfile.TemporaryDirectory() as name:
        folders = {who: Path(name) / who for who in codes}
        for who, (code, python) in codes.items():
            folders[who].mkdir()
            _run(code, [python, "-m", "asp_analysis", "init", "--sample", "--db", "store.db"], folders[who])
        floor = min(_run(HERE, [sys.executable, *FLOOR], folders["now"])[0] for _ in range(TRIES))
        print(f"floor: {floor:.3f} s CPU\n{'verb':12s} {'now, s':>8s} {'floors':>7s} {'earlier, s':>11s} {'ratio':>6s}")
        for verb in VERBS:
            least = dict.fromkeys(codes, 1e9)
            for _ in range(TRIES):
                for who, (code, python) in codes.items():
                    command = [python, "-m", "asp_analysis", *verb, "--db", "store.db"]
                    seconds, status = _run(code, command, folders[who])
                    least[who] = min(least[who], seconds) if status == 0 else float("nan")
            earlier = least.get("earlier", float("nan"))
            now = least["now"]
            print(f"{verb[0]:12s} {now:8.3f} {now / floor:7.1f} {earlier:11.3f} {now / earlier:6.2f}", flush=True)


def _run(code: Path, command: list[str], folder: Path) -> tuple[float, int]:
    """Return the CPU seconds and the exit status of a process that runs some code."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    kept |= {"PYTHONPATH": str(code), "PYTHONPYCACHEPREFIX": str(folder / "compiled")}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    ran = subprocess.run(command, cwd=folder, env=kept, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, ran.returncode


if __name__ == "__main__":
    main(sys.argv[1:])
