"""Makes four stores with the code of a folder, by its command line only: a sample, tables, transcripts, a platform.

The code may be another release: every command is a process of its own that imports `asp_analysis` from that folder.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.golden.platform_file import write_platform_file

SHARED_DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
_TIMEOUT_S = 600
_FILE_TIME_S = 1_767_225_600
"""2026-01-01, UTC."""

_RUNS = ["task_id=instance_id", "llm_model=agent", "timestamp=run_date", "project_id=repo", "tool_calls=api_calls"]
_SIZES = ["task_id=instance_id", "project_id=repo", "estimated_complexity=patch_lines_added"]


@dataclass(frozen=True)
class Store:
    """A store that was made: its address, its folder, and what each `load` printed."""

    name: str
    folder: Path
    url: str
    loads: list[dict] = field(default_factory=list)


def environment(code: Path, folder: Path) -> dict[str, str]:
    """Give the environment in which Python imports `asp_analysis` from `code` and leaves nothing outside `folder`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "ASP_", "PYTEST"))}
    return kept | {
        "PYTHONPATH": str(code),
        "PYTHONDONTWRITEBYTECODE": "1",
        "DATABASE_URL": "sqlite:////nonexistent/asp.db",
        "TMPDIR": str(folder),
        "COLUMNS": "100",
        "TZ": "UTC",
    }


def asp(code: Path, folder: Path, *words: object) -> str:
    """Run one command of the command line in `folder` and give what it printed; it must end well."""
    command = [sys.executable, "-m", "asp_analysis", *map(str, words)]
    ran = subprocess.run(
        command, cwd=folder, env=environment(code, folder), capture_output=True, text=True, timeout=_TIMEOUT_S
    )
    if ran.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {ran.returncode}: {ran.stderr}")
    return ran.stdout


def make_store(name: str, folder: Path, code: Path) -> Store:
    """Make one of `STORES` in `folder` with the code of `code`."""
    folder.mkdir(parents=True, exist_ok=True)
    store = Store(name, folder, f"sqlite:///{folder.resolve() / name}.db")
    STORES[name](store, code)
    return store


def needs_shared_data(name: str) -> bool:
    """Tell whether a store is made of the data sets beside the repository."""
    return name in {"swebench", "transcripts"}


def _make_sample(store: Store, code: Path) -> None:
    asp(code, store.folder, "init", "--sample", "--db", store.url)


def _make_swebench(store: Store, code: Path) -> None:
    """6,500 runs of 13 models on 500 tasks, and the size of each task from the patch that solved it."""
    asp(code, store.folder, "init", "--db", store.url)
    data = SHARED_DATA / "swebench"
    _load(store, code, data / "swebench_agent_costs.csv.gz", "executions", _RUNS, "agent_role=Code")
    _load(store, code, data / "swebench_verified_proxies.csv", "task_metadata", _SIZES, "status=completed")


def _load(store: Store, code: Path, file: Path, loaded_as: str, mapping: list[str], constant: str) -> None:
    options = [word for pair in mapping for word in ("--map", pair)]
    words = ["load", file, "--as", loaded_as, *options, "--set", constant, "--json", "--db", store.url]
    store.loads.append(json.loads(asp(code, store.folder, *words)))


def _make_transcripts(store: Store, code: Path) -> None:
    """Transcripts, trajectories and traces of coding agents, in one load.

    They are loaded from a copy with a fixed time: an SWE-agent trajectory tells no time but that of its file.
    """
    asp(code, store.folder, "init", "--db", store.url)
    folders = [store.folder / name for name in ("transcripts", "trajectories", "traces")]
    for folder in folders:
        shutil.copytree(SHARED_DATA / folder.name, folder, copy_function=_copy_with_fixed_time)
    store.loads.append(json.loads(asp(code, store.folder, "load", *folders, "--json", "--db", store.url)))


def _copy_with_fixed_time(source: str, target: str) -> None:
    shutil.copyfile(source, target)
    os.utime(target, (_FILE_TIME_S, _FILE_TIME_S))


def _make_platform(store: Store, code: Path) -> None:
    """A file that the ASP platform wrote; the command line only reads it."""
    write_platform_file(store.folder / f"{store.name}.db")


STORES: dict[str, Callable[[Store, Path], None]] = {
    "sample": _make_sample,
    "swebench": _make_swebench,
    "transcripts": _make_transcripts,
    "platform": _make_platform,
}
"""Name -> what makes the store."""
