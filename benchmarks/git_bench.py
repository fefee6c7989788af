"""How long `load --git` takes on a repository of many commits: `python -m benchmarks.git_bench [COMMITS]`.

The repository is made by `git fast-import`: one file is changed by about thirty lines in each commit, over 400 files.
Printed are the seconds of the first and the second load, and the most memory that the first one held.
"""

import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

_FILES, _LINES, _HOUR = 400, 400, 3_600


def main(words: list[str]) -> None:
    """Make a repository, load it twice, print what it took."""
    count = int(words[0]) if words else 20_000
    with tempfile.TemporaryDirectory(prefix="asp-git-bench-") as folder:
        repository = Path(folder) / "repository"
        _make(repository, count)
        store = Path(folder) / "store.db"
        _run("init", "--db", store)
        first = _timed("load", "--git", repository, "--db", store)
        memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        second = _timed("load", "--git", repository, "--db", store)
    sys.stdout.write(
        f"{count:,} commits: first load {first:.1f} s, second load {second:.1f} s, at most {memory:.0f} MB\n"
    )


def _run(*words: object) -> None:
    command = [sys.executable, "-m", "asp_analysis", *map(str, words)]
    subprocess.run(command, check=True, capture_output=True)


def _timed(*words: object) -> float:
    began = time.perf_counter()
    _run(*words)
    return time.perf_counter() - began


def _make(path: Path, count: int) -> None:
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", path], check=True)
    with subprocess.Popen(["git", "fast-import", "--quiet"], cwd=path, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        for part in _history(count):
            process.stdin.write(part.encode())
    if process.returncode:
        raise SystemExit("git fast-import failed")


def _history(count: int) -> Iterator[str]:
    chance = random.Random(1)
    files: dict[str, list[str]] = {}
    for number in range(count):
        name = f"src/part_{chance.randrange(_FILES)}.py"
        lines = files.setdefault(name, [])
        place = chance.randrange(len(lines) + 1)
        new = [f"def change_{number}_{line}(x): return x + {line}" for line in range(chance.randrange(5, 35))]
        lines[place : place + chance.randrange(12)] = new
        del lines[_LINES:]
        title = f"{'fix' if number % 5 == 0 else 'feat'}: change {number} (#{number + 1})"
        content = "\n".join(lines) + "\n"
        yield (
            f"commit refs/heads/main\ncommitter Ada <ada@example.org> {1_600_000_000 + number * _HOUR} +0000\n"
            f"data {len(title)}\n{title}\nM 644 inline {name}\ndata {len(content)}\n{content}\n"
        )


if __name__ == "__main__":
    main(sys.argv[1:])
