"""This code beside an earlier release, in one run, on the same executions: writing, file, asking, snapshot, migration.

    python -m benchmarks.beside_release FOLDER [EXECUTIONS] [--megabytes 200] [--no-migrate]

FOLDER holds the code of the release (a clone, for one). Both read the same files in processes of their own, one after
the other; the release stores one row per metric. Figures are the median of `TRIES` runs, CPU time where it says so.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.stores import write_execution_lines
from benchmarks.synthetic_transcripts import write_transcripts

HERE = Path(__file__).resolve().parents[1]
TRIES = 3
MARTS = ("executions", "task_costs", "role_costs", "daily_costs", "task_history", "task_activity", "review_outcomes")
"""Marts over executions that both have."""

_MEASURE = """
import json, os, resource, sys, time
what, folder, words = sys.argv[1], sys.argv[2], sys.argv[3:]
import pathlib
from asp_analysis.config import parse_url
url = parse_url(str(pathlib.Path(folder) / "store.db"), pathlib.Path(folder))

def timed(call):
    wall, cpu = time.perf_counter(), time.process_time()
    call()
    return time.perf_counter() - wall, time.process_time() - cpu

def written(read):
    from asp_analysis.store.database import create_store, open_store
    from asp_analysis.store.log import LoadedFile
    try:
        from asp_analysis.store.loads import write_load
    except ImportError:  # the release
        from asp_analysis.store.loading import write_load
    create_store(url)
    batches = read()
    with open_store(url) as store:
        source = LoadedFile(file="file", sha256="", size_bytes=0, format="jsonl", loaded_as="executions")
        return timed(lambda: write_load(store, source, batches))

def table():
    path = pathlib.Path(words[0])
    try:
        from asp_analysis.importers.file import open_file
    except ImportError:  # the release
        from asp_analysis.importers.mapping import Mapping
        from asp_analysis.importers.tables import read_batches
        return list(read_batches(path, "jsonl", "executions", Mapping()))
    from asp_analysis.importers.formats import jsonl
    from asp_analysis.importers.tables.table_options import TableOptions
    from asp_analysis.importers.tables.record_batches import RecordReader
    with open_file(path) as file:
        return list(RecordReader(str(path), "executions", TableOptions()).read(jsonl.read_table(file, TableOptions())))

def transcripts():
    from asp_analysis import loading
    files = sorted(pathlib.Path(words[0]).rglob("*.jsonl"))
    try:
        from asp_analysis.importers.file import open_file
    except ImportError:  # the release
        from asp_analysis.importers.calls import Reading
        from asp_analysis.importers.registry import detect
        from asp_analysis.importers.transcripts import TranscriptBatches
        maker = TranscriptBatches(Reading(), loading._pricer(loading.LoadOptions()))
        return [batch for path in files for batch in maker.batches(detect(path).read(path, Reading()))]
    from asp_analysis.importers.format import ReadOptions
    from asp_analysis.importers.registry import find_format
    from asp_analysis.importers.tables.table_options import TableOptions
    from asp_analysis.importers.transcripts.call_batches import TranscriptRun
    from asp_analysis.importers.transcripts.calls import Reading
    from asp_analysis.load_options import LoadOptions
    run = TranscriptRun(Reading(), loading.make_pricer(LoadOptions()))
    options = ReadOptions(kinds=(), table=TableOptions(), transcripts=run)
    found = []
    for path in files:
        with open_file(path) as file:
            for part in find_format(file, options, is_named=False).read_parts(file, options):
                found += part.batches
    return found

def marts():
    from asp_analysis.session import connect
    session = connect(url, is_live=True)
    connection = session._reader.connection
    found = {}
    for name in words:
        query = f"CREATE OR REPLACE TEMP TABLE seen AS SELECT * FROM {name}"
        connection.execute(query)
        found[name] = timed(lambda: connection.execute(query))
    return found

def snapshot():
    from asp_analysis.session.snapshot import Snapshots
    return timed(lambda: Snapshots(url).renewed())

print(json.dumps({"written table": lambda: written(table), "written transcripts": lambda: written(transcripts),
                  "marts": marts, "snapshot": snapshot}[what]()))
"""


def main(words: Sequence[str] = ()) -> None:
    """Print each figure of both, and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("earlier", type=Path)
    parser.add_argument("executions", nargs="?", type=int, default=130_000)
    parser.add_argument("--megabytes", type=int, default=200)
    parser.add_argument("--no-migrate", action="store_true")
    said = parser.parse_args(words)
    codes = {"earlier": said.earlier.resolve(), "now": HERE}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lines = folder / "executions.jsonl"
        write_execution_lines(lines, said.executions)
        lines.write_text(lines.read_text().replace('"executed_at"', '"timestamp"'))  # the name that both understand
        (folder / "home").mkdir()
        write_transcripts(folder / "home", said.megabytes * 1_000_000)
        print(f"{'':44s} {'earlier':>12s} {'now':>12s} {'ratio':>7s}")
        for kind, source in (("written table", lines), ("written transcripts", folder / "home")):
            found = {who: _median(partial(_written, folder / f"w-{who}", codes[who], kind, source)) for who in codes}
            _show(f"{kind}, CPU s", found)
        _commands(folder, codes, lines, said)
        _marts(folder, codes)


def _commands(folder: Path, codes: dict[str, Path], lines: Path, said: argparse.Namespace) -> None:
    """Measure whole loads as processes, the files they leave, the snapshot and the migration."""
    loads = {"transcripts": ["load", "--claude-code"], "table": ["load", str(lines), "--as", "executions"]}
    for label, verb in loads.items():  # the store of the table is asked afterwards
        runs = {}
        for who, code in codes.items():
            runs[who] = [_load(folder / who, code, verb, folder / "home") for _ in range(TRIES)]
        for place, unit in enumerate(("wall s", "CPU s", "peak MB")):
            found = {who: statistics.median(run[place] for run in ran) for who, ran in runs.items()}
            _show(f"load of {label}, {unit}", found)
        _show(f"file of {label}, MB", {who: (folder / who / "store.db").stat().st_size / 1e6 for who in codes})
    _show("snapshot, CPU s", {who: _asked(folder / who, code, "snapshot", keep=True)[1] for who, code in codes.items()})
    if not said.no_migrate:
        found = {who: _migration(folder / who, code) for who, code in codes.items()}
        _show("executions a second, migrate", {who: said.executions / one[0] for who, one in found.items()})
        _show("migrate, peak MB", {who: one[2] for who, one in found.items()})


def _marts(folder: Path, codes: dict[str, Path]) -> None:
    found = {who: _asked(folder / who, code, "marts", *MARTS, keep=True) for who, code in codes.items()}
    for name in MARTS:
        _show(f"{name}, live, wall ms", {who: 1e3 * one[name][0] for who, one in found.items()})


def _written(folder: Path, code: Path, kind: str, source: Path) -> float:
    """Give the CPU seconds of the part that writes, of batches that are read already."""
    return _asked(folder, code, kind, str(source))[1]


def _median(measure: Callable[[], float]) -> float:
    return statistics.median(measure() for _ in range(TRIES))


def _asked(folder: Path, code: Path, *words: str, keep: bool = False) -> Any:
    """Run one measurement of `_MEASURE` with some code, on the store of a folder; a new one unless `keep`."""
    folder.mkdir(exist_ok=True)
    if not keep:
        _empty(folder)
    command = [sys.executable, "-c", _MEASURE, words[0], str(folder), *words[1:]]
    ran = subprocess.run(command, cwd=code, capture_output=True, text=True)
    if ran.returncode:
        sys.exit(ran.stderr)
    return json.loads(ran.stdout.splitlines()[-1])  # a release may print the progress of a query before it


def _load(folder: Path, code: Path, verb: list[str], home: Path) -> tuple[float, ...]:
    folder.mkdir(exist_ok=True)
    _empty(folder)
    url = f"sqlite:///{folder / 'store.db'}"
    _run(code, ["init", "--db", url], home)
    return _run(code, [*verb, "--db", url], home)


def _migration(folder: Path, code: Path) -> tuple[float, ...]:
    from tests.postgres import new_database, running_server

    with running_server() as server, new_database(server) as target:
        return _run(code, ["migrate", target, "--from", f"sqlite:///{folder / 'store.db'}"], folder)


def _run(code: Path, words: list[str], home: Path) -> tuple[float, ...]:
    """Run the command line of some code; give wall seconds, CPU seconds and peak MB of its process."""
    from benchmarks.timing import _LAUNCHER

    command = [sys.executable, "-S", "-c", _LAUNCHER, sys.executable, "-m", "asp_analysis", *words]
    environment = {**os.environ, "CLAUDE_CONFIG_DIR": str(home)}
    ran = subprocess.run(command, cwd=code, env=environment, capture_output=True, text=True)
    if ran.returncode:
        sys.exit(ran.stderr)
    return tuple(float(word) for word in ran.stdout.split())


def _empty(folder: Path) -> None:
    for path in folder.glob("store.db*"):
        path.unlink()


def _show(label: str, found: dict[str, float]) -> None:
    earlier, now = found["earlier"], found["now"]
    print(f"{label:44s} {earlier:12,.2f} {now:12,.2f} {now / earlier:7.2f}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
