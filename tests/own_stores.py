"""Stores as strangers have them: what the notebooks meet that are not run on the sample.

`python -m tests.own_stores FOLDER [NAME...]` makes them in a folder and prints their addresses. Those that need the
data sets beside the repository are left out where these are missing.
"""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
ROOT = Path(__file__).resolve().parents[1]

_RUNS = ["task_id=instance_id", "llm_model=agent", "executed_at=run_date", "project_id=repo", "tool_calls=api_calls"]
_SIZES = ["task_id=instance_id", "project_id=repo", "estimated_size=patch_lines_added"]
_METR = ["execution_id=run_id", "executed_at=started_at", "project_id=task_family", "llm_model=alias"]
_METR += ["latency_ms=duration_seconds*1000"]
_TOUR = """executed_at,task_id,llm_model,size,cost_usd,seconds
2026-03-02 09:00,ABC-1,opus,18,1.25,310
"""
_DEFECTS = """found_at,task_id,defect_type,phase_injected,phase_removed,description,fixed_at,is_validated_by_human
2026-02-03 10:00,T-1,60_Checking,Code,CodeReview,no check of the amount,2026-02-03 11:00,true
2026-02-04 10:00,T-1,70_Data,Design,Test,wrong unit,2026-02-05 11:00,true
2026-02-09 10:00,T-2,60_Checking,Code,Test,off by one,,true
2026-02-10 10:00,T-3,20_Syntax,Code,Code,missing bracket,2026-02-10 10:05,true
"""


def asp(*words: object) -> None:
    """Run one command of the command line; it must end well."""
    subprocess.run([sys.executable, "-m", "asp_analysis", *map(str, words)], check=True, capture_output=True, cwd=ROOT)


def load(url: str, file: Path, loaded_as: str, mapping: list[str], *constants: str) -> None:
    """Load one table with its columns renamed."""
    options = [word for pair in mapping for word in ("--map", pair)]
    asp("load", file, "--as", loaded_as, *options, *(w for c in constants for w in ("--set", c)), "--db", url)


def _make_empty(url: str, folder: Path) -> None:
    asp("init", "--db", url)


def _make_one_row(url: str, folder: Path) -> None:
    asp("init", "--db", url)
    (folder / "one.csv").write_text(_TOUR, encoding="utf-8")
    load(url, folder / "one.csv", "executions", [], "agent_role=Code")


def _make_tour(url: str, folder: Path) -> None:
    """The sample and what the README's tour loads beside it."""
    asp("init", "--sample", "--db", url)
    (folder / "runs.csv").write_text(_TOUR, encoding="utf-8")
    load(url, folder / "runs.csv", "executions", [], "agent_role=Code")
    sizes = ["created_at=executed_at", "estimated_size=size"]
    load(url, folder / "runs.csv", "task_metadata", sizes, "status=completed")


def _make_swebench(url: str, folder: Path) -> None:
    asp("init", "--db", url)
    load(url, DATA / "swebench" / "swebench_agent_costs.csv.gz", "executions", _RUNS, "agent_role=Code")
    load(url, DATA / "swebench" / "swebench_verified_proxies.csv", "task_metadata", _SIZES, "status=completed")


def _make_costs_only(url: str, folder: Path) -> None:
    """What the README's example of real runs makes: costs, and nothing known of the tasks."""
    asp("init", "--db", url)
    load(url, DATA / "swebench" / "swebench_agent_costs.csv.gz", "executions", _RUNS, "agent_role=Code")


def _make_transcripts(url: str, folder: Path) -> None:
    asp("init", "--db", url)
    asp("load", DATA / "transcripts", "--db", url)


def _make_openhands(url: str, folder: Path) -> None:
    asp("init", "--db", url)
    mapping = ["task_id=instance_id", "llm_model=model", "executed_at=submission_time", "project_id=benchmark"]
    load(url, DATA / "swebench" / "openhands_agent_costs.csv.gz", "executions", mapping, "agent_role=Code")


def _make_metr(url: str, folder: Path) -> None:
    asp("init", "--db", url)
    load(url, DATA / "metr" / "metr_agent_runs.csv.gz", "executions", _METR, "agent_role=Code")


def _make_defects_only(url: str, folder: Path) -> None:
    asp("init", "--db", url)
    (folder / "defects.csv").write_text(_DEFECTS, encoding="utf-8")
    asp("load", folder / "defects.csv", "--as", "defect_log", "--db", url)


OWN_STORES: dict[str, Callable[[str, Path], None]] = {
    "empty": _make_empty,
    "one-row": _make_one_row,
    "tour": _make_tour,
    "swebench": _make_swebench,
    "costs-only": _make_costs_only,
    "transcripts": _make_transcripts,
    "openhands": _make_openhands,
    "metr": _make_metr,
    "defects-only": _make_defects_only,
}
"""Name -> what fills the store at an address."""

_NEED_DATA = {"swebench", "costs-only", "transcripts", "openhands", "metr"}


def is_possible(name: str) -> bool:
    """Tell whether what a store is made of is here."""
    return name not in _NEED_DATA or DATA.is_dir()


def make_store(name: str, folder: Path) -> str:
    """Make one store in a folder, unless it is there already; return its address."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder.resolve() / f"{name}.db"
    url = f"sqlite:///{path}"
    if not path.exists():
        making = path.with_suffix(".making.db")
        for left in folder.glob(f"{making.name}*"):
            left.unlink()
        OWN_STORES[name](f"sqlite:///{making}", folder)
        making.replace(path)
    return url


if __name__ == "__main__":
    target = Path(sys.argv[1])
    for store_name in sys.argv[2:] or OWN_STORES:
        if is_possible(store_name):
            sys.stdout.write(f"{make_store(store_name, target)}\n")
