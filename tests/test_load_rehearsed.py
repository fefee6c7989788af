"""`load --dry-run` shows what a load would do, and leaves the store, byte for byte, as it was."""

from pathlib import Path

import pytest

from asp_analysis import capture
from asp_analysis.capture.waiting import records_waiting
from asp_analysis.config import parse_url
from asp_analysis.store.database import create_store, open_store
from tests.test_upgrade import old_store

HEAD = "executed_at,task_id,agent_role,cost_usd,execution_id\n"


def stored(url):
    """All that the store holds in the tables that a load writes to."""
    with open_store(url) as store:
        tables = ("agent_cost_vector", "task_metadata", "load_log", "load_reject")
        return {table: store.read(f"SELECT * FROM {table}") for table in tables}


@pytest.fixture(params=["sqlite", "postgresql"])
def any_store(request, tmp_path):
    """A store of each engine, in turn."""
    if request.param == "sqlite":
        return request.getfixturevalue("empty_store")
    url = request.getfixturevalue("postgres_url")
    create_store(url)
    return url


def write(folder, name, *lines):
    path = folder / name
    path.write_text(HEAD + "".join(f"{line}\n" for line in lines))
    return path


def test_it_shows_rows_counts_and_rejects_and_writes_nothing(run, any_store, tmp_path):
    first = write(tmp_path, "first.csv", "2026-01-02,T-1,Code,1.5,a")
    run("load", first, "--db", any_store)
    before = stored(any_store)
    more = write(
        tmp_path, "more.csv", "2026-01-02,T-1,Code,1.5,a", "2026-01-02,T-1,Code,2.5,b", "2026-01-02,T-1,Code,x,c"
    )
    ran = run("load", more, "--dry-run", "--db", any_store)
    assert ran.exit_code == 0
    assert "read 3 = 1 written, 0 updated, 1 present, 1 rejected" in ran.out
    assert "2026-01-02T00:00:00.000000Z" in ran.out and "2.5" in ran.out and "load_id" not in ran.out
    assert "line 4: cost_usd: " in ran.err and "Nothing was written." in ran.err
    assert "asp-analysis rejects" not in ran.err
    assert stored(any_store) == before


def test_a_file_is_the_same_bytes_after_it(run, empty_store, tmp_path):
    before = Path(empty_store.path).read_bytes()
    run("load", write(tmp_path, "first.csv", "2026-01-02,T-1,Code,1.5,a"), "--dry-run", "--db", empty_store)
    assert Path(empty_store.path).read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["first.csv", "store.db"]


def test_files_of_one_command_see_each_other(run, any_store, tmp_path):
    one = write(tmp_path, "one.csv", "2026-01-02,T-1,Code,1.5,a")
    two = write(tmp_path, "two.csv", "2026-01-02,T-1,Code,1.5,a", "2026-01-02,T-1,Code,2.5,b")
    files = run("load", one, two, "--dry-run", "--json", "--db", any_store).json["files"]
    assert [(file["written"], file["present"]) for file in files] == [(1, 0), (1, 1)]
    (row,) = files[0]["first_rows"]["agent_cost_vector"]
    assert (row["execution_id"], row["cost_usd"]) == ("a", 1.5)
    assert "first_rows" not in run("load", one, "--json", "--db", any_store).json["files"][0]


def test_what_would_be_counted_twice_is_said(run, empty_store, tmp_path):
    path = tmp_path / "runs.csv"
    path.write_text("executed_at,task_id,agent_role,cost_usd\n2026-01-02,T-1,Code,1\n2026-01-03,T-1,Code,2\n")
    run("load", path, "--db", empty_store)
    path.write_text(path.read_text().replace("Code,2", "Code,3"))
    ran = run("load", path, "--dry-run", "--db", empty_store)
    assert "with other content; 1 row without execution_id counts as new executions" in ran.err


def test_captured_records_go_on_waiting(run, tmp_path):
    url = parse_url("later.db", tmp_path)
    with capture.open(url) as store:
        store.record(task_id="T-1", agent_role="Code", cost_usd=2)
    create_store(url)
    run("load", write(tmp_path, "first.csv", "2026-01-02,T-1,Code,1.5,a"), "--dry-run", "--db", url)
    assert records_waiting(url) == 1


def test_a_file_that_fails_is_refused_alone_as_in_earnest(run, empty_store, tmp_path):
    bad = write(tmp_path, "bad.csv", "2026-01-02,T-1,Code,x,a")
    assert "--strict takes a file whole" in run("load", bad, "--dry-run", "--strict", "--db", empty_store).refusal
    assert run("load", bad, "--dry-run", "--db", empty_store).exit_code == 1


def test_a_store_of_an_earlier_version_is_not_upgraded_for_it(run, tmp_path):
    url = old_store(2, tmp_path)
    before = Path(url.path).read_bytes()
    path = write(tmp_path, "first.csv", "2026-01-02,T-1,Code,1.5,a")
    refusal = run("load", path, "--dry-run", "--db", url).refusal
    assert "has schema version 2" in refusal and refusal.endswith("asp-analysis init")
    assert Path(url.path).read_bytes() == before


def test_loads_are_listed_the_newest_first(run, empty_store, tmp_path):
    assert run("loads", "--json", "--db", empty_store).json == []
    for name, rows in (("one.csv", ["2026-01-02,T-1,Code,1.5,a"]), ("two.csv", ["2026-01-02,T-1,Code,1.5,a"] * 2)):
        run("load", write(tmp_path, name, *rows), "--db", empty_store)
    loads = run("loads", "--json", "--db", empty_store).json
    assert [Path(load["file"]).name for load in loads] == ["two.csv", "one.csv"]
    assert [load["load_id"] for load in loads] == [2, 1]
    assert (loads[1]["format"], loads[1]["loaded_as"], loads[1]["written"]) == ("csv", "executions", 1)
    assert loads[0]["present"] == 2 and loads[0]["written"] == 0
    assert run("loads", "--csv", "--db", empty_store).out.startswith("load_id,finished_at,file,format,loaded_as,")
