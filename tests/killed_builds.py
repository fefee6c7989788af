"""Builds that are killed at any moment: a program that the tests start, because it forks.

    python -m tests.killed_builds LAKE KILLS      -> one JSON object

Each build is a process of its own, forked from one that has imported everything: a kill hits the work, not the imports.
Before each one the published files of a store are changed, so that there is something to build.
"""

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

from asp_analysis.building import build
from asp_analysis.building.lease import BUILDS
from asp_analysis.config import StoreUrl, lake_url
from asp_analysis.errors import StoreError
from asp_analysis.lake.builds import read_build
from asp_analysis.lake.heads import INBOX
from asp_analysis.lake.objects import open_storage


def _fork_build(url: StoreUrl) -> int:
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        build(url)
        code = 0
    except StoreError as error:
        print(error, file=sys.stderr)
    finally:
        os._exit(code)


def _exchange_heads(folder: Path) -> None:
    """Let the writer's other head be its present one: the same store with another value in every month."""
    head, other = (folder / INBOX / "one" / name for name in ("head.json", "other.json"))
    third = head.with_name("third.json")
    head.rename(third)
    other.rename(head)
    third.rename(other)


def _check_whole(url: StoreUrl, folder: Path) -> None:
    """Every file that the pointer names is there, with its size."""
    pointed = read_build(open_storage(url))
    assert pointed is not None
    for table in (*pointed.tables.values(), *pointed.marts.values()):
        for file in table.files:
            assert (folder / file.path).stat().st_size == file.size_bytes, file.path


def main(folder: Path, kills: int) -> dict[str, int]:
    """Kill so many builds; return how many of them had begun and not ended."""
    url, luck = lake_url(str(folder), folder), random.Random(7)
    began = time.monotonic()
    os.waitpid(_fork_build(url), 0)
    whole_s, in_work = time.monotonic() - began, 0
    for _ in range(kills):
        _exchange_heads(folder)
        before = read_build(open_storage(url))
        pid = _fork_build(url)
        time.sleep(luck.uniform(0.02, 0.9) * whole_s)
        has_begun = bool(open_storage(url).list_below(BUILDS))
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        after = read_build(open_storage(url))
        in_work += has_begun and before is not None and after is not None and before.build == after.build
        _check_whole(url, folder)
    assert os.waitstatus_to_exitcode(os.waitpid(_fork_build(url), 0)[1]) == 0
    _check_whole(url, folder)
    return {"kills": kills, "in_work": in_work}


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), int(sys.argv[2]))))
