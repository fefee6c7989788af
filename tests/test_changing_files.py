"""Files that grow, shrink, are replaced or deleted while they are read, and twenty thousand small ones.

Whatever a load met, it ends in one line or in counts that add up, and the next load brings what the file says then.
"""

import gzip
import io
import json
import os
import shutil
import sqlite3
import sys
from contextlib import closing

import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from asp_analysis.config import parse_url
from asp_analysis.importers import file as source
from asp_analysis.store.database import create_store
from tests.test_unload import call

pytestmark = pytest.mark.faults

SMALL, LARGE = 1_000, 20_000
"""Files of a folder; a hundred thousand take the same time each, and five times that of `LARGE`."""


def transcript(first, many, out=5):
    calls = (call(number % 9, out=out, session="s-1").replace("m-", f"m{number:05}-") for number in range(first, many))
    return "".join(line.replace('"r-', f'"r{number:05}-') + "\n" for number, line in enumerate(calls, first)).encode()


def rows(first, many, cost="1"):
    return [(f"2026-01-02T{n // 3600:02}:{n // 60 % 60:02}:{n % 60:02}Z", f"T-{n:05}", "Code", cost)
            for n in range(first, many)]  # fmt: skip


def table(first, many, out=5):
    lines = (",".join(row) + "\n" for row in rows(first, many, str(out)))
    return ("timestamp,task_id,agent_role,cost_usd\n" + "".join(lines)).encode()


def parquet(first, many, out=5):
    names, stream = ("timestamp", "task_id", "agent_role", "cost_usd"), io.BytesIO()
    pq.write_table(pa.table(dict(zip(names, zip(*rows(first, many, str(out)), strict=True), strict=True))), stream)
    return stream.getvalue()


def packed(first, many, out=5):
    return gzip.compress(table(first, many, out), mtime=0)


FORMS = {"session.jsonl": transcript, "runs.csv": table, "runs.csv.gz": packed, "runs.parquet": parquet}
RECORDS, BUFFER_BYTES = 300, 1_024
"""Several buffers of bytes, so that a change meets a file that is half read."""


def grow(path, make, many):
    with path.open("ab") as stream:
        stream.write(make(0, many + 100)[len(make(0, many)) :])


def shrink(path, _make, _many):
    os.truncate(path, path.stat().st_size // 2)


def write_over(path, make, many):
    with path.open("r+b") as stream:
        stream.write(make(0, many, out=6))


def replace(path, make, many):
    new = path.with_name(f"{path.name}.new")
    new.write_bytes(make(50, many + 50))
    new.replace(path)


def delete(path, _make, _many):
    path.unlink()


CHANGES = {change.__name__: change for change in (grow, shrink, write_over, replace, delete)}


@pytest.fixture
def changing(monkeypatch):
    """Lets a change happen before the N-th time that a file is read from the disk; gives how often it was."""

    class Changing:
        reads, at, change = 0, -1, None

    state, readinto = Changing(), source._Reading.readinto

    def read(self, buffer):
        if state.reads == state.at:
            state.change()
        state.reads += 1
        return readinto(self, buffer)

    monkeypatch.setattr(source, "_BUFFER_BYTES", BUFFER_BYTES)
    monkeypatch.setattr(source._Reading, "readinto", read)
    return state


def stored(url):
    with closing(sqlite3.connect(url.path)) as connection:
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        bad = "SELECT count(*) FROM load_log WHERE read_count <> written + updated + present + rejected"
        assert connection.execute(bad).fetchone() == (0,)
        return set(connection.execute("SELECT execution_id, task_id, cost_usd, tokens_out FROM agent_cost_vector"))


def load(run, path, url):
    kind = () if path.suffix == ".jsonl" else ("--as", "executions", "--replace")
    ran = run("load", path, *kind, "--json", "--db", url)
    assert "Traceback" not in ran.err
    if not ran.out:
        said = [line for line in ran.err.splitlines() if not line.startswith("Backed up to ")]
        assert ran.exit_code == 1 and len(said) == 1 and said[0].startswith("Error: "), ran.err
    return ran


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("name", FORMS)
def test_a_file_that_changes_while_it_is_read_is_what_it_says_after_the_next_load(
    run, empty_store, tmp_path, changing, record_property, name, change
):
    make, many, moments = FORMS[name], RECORDS, 0
    copy = tmp_path / "empty.db"
    shutil.copyfile(empty_store.path, copy)

    def fresh():
        moment = tmp_path / f"moment-{moments}"
        moment.mkdir()
        shutil.copyfile(copy, moment / "store.db")
        (moment / name).write_bytes(make(0, many))
        return parse_url("store.db", moment), moment / name

    url, path = fresh()
    load(run, path, url)
    expected, reads = {"as it was": stored(url)}, changing.reads
    for moment in sorted({*range(0, reads, max(1, reads // 8)), reads - 1}):
        moments += 1
        url, path = fresh()
        changing.reads, changing.at = 0, moment
        changing.change = lambda path=path: CHANGES[change](path, make, many)
        load(run, path, url)
        changing.at = -1
        found = stored(url)
        if change == "delete":
            assert not path.exists() and found == expected["as it was"]
            continue
        second = load(run, path, url)
        if change == "shrink" and second.exit_code and not second.out:
            continue  # half a packed file or a table without its footer, in one line
        if "changed" not in expected:
            shutil.copyfile(copy, path.parent / "other.db")
            other = parse_url("other.db", path.parent)
            load(run, path, other)
            expected["changed"] = stored(other)
        assert stored(url) >= expected["changed"], f"read {moment} of {reads}"
    record_property("moments at which the file changed", moments)


def test_a_file_that_is_gone_when_its_turn_comes_is_named_and_the_others_are_loaded(
    run, empty_store, tmp_path, changing
):
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(5):
        (folder / f"{number}.jsonl").write_bytes(transcript(number * 10, number * 10 + 5))
    changing.at, changing.change = 0, (folder / "3.jsonl").unlink
    ran = run("load", folder, "--json", "--db", empty_store)
    assert ran.exit_code == 0 and len(stored(empty_store)) == 20
    assert "3.jsonl" in ran.out + ran.err and "does not exist" in ran.out + ran.err


def write_many(folder, many):
    for first in range(0, many, 1_000):
        place = folder / f"project-{first}"
        place.mkdir(parents=True)
        for number in range(first, min(first + 1_000, many)):
            (place / f"s{number}.jsonl").write_bytes(transcript(number, number + 1).replace(b"s-1", b"s-%d" % number))


def cost_of(folder, url):
    """Load a folder in a process of its own; give what it printed, its CPU seconds and its largest memory in MB."""
    output = url.path.with_name(f"out-{url.path.stem}.json")
    words = [sys.executable, "-m", "asp_analysis", "load", str(folder), "--json", "--db", url.text]
    actions = [(os.POSIX_SPAWN_OPEN, 1, str(output), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)]
    _, status, used = os.wait4(os.posix_spawn(sys.executable, words, os.environ, file_actions=actions), 0)
    assert status == 0
    return json.loads(output.read_text()), used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def test_a_folder_of_many_small_files_costs_as_much_for_each_as_a_small_folder(tmp_path, record_property):
    spent = {}
    for many in (SMALL, LARGE):
        folder, url = tmp_path / f"folder-{many}", parse_url(f"{many}.db", tmp_path)
        create_store(url)
        write_many(folder, many)
        first, second = cost_of(folder, url), cost_of(folder, url)
        assert first[0]["written"] and second[0]["written"] == second[0]["updated"] == 0
        assert second[0]["transcripts"]["files_unchanged"] == many and len(stored(url)) == many
        spent[many] = (first, second)
    for place, which in enumerate(("first", "second")):
        (_, cpu, memory), (_, cpu_small, memory_small) = spent[LARGE][place], spent[SMALL][place]
        ratio, each_kb = cpu / cpu_small, (memory - memory_small) * 1024 / LARGE
        record_property(f"{which} load of {LARGE:,} files", f"{ratio:.1f} times the CPU of {SMALL:,}, {memory:.0f} MB")
        assert ratio < 2 * LARGE / SMALL and each_kb < 16
