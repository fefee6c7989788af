"""A lake of a folder is read as the store that it was made of, and says in one line why it cannot be."""

import os
import shutil
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pandas as pd
import pytest

from asp_analysis import capture
from asp_analysis.config import StoreUrl, parse_url
from asp_analysis.errors import AnalysisError, ConfigError, QueryError, StoreError
from asp_analysis.lake.builds import CURRENT, parse_build
from asp_analysis.lake.objects import open_storage
from asp_analysis.session import connect, view_names
from asp_analysis.session.persons import PersonView
from asp_analysis.store.database import create_store
from tests.lakes import build_lake, lake_url


@pytest.fixture(scope="module")
def sample_lake(sample_store: StoreUrl, tmp_path_factory: pytest.TempPathFactory) -> StoreUrl:
    """The address of a lake that holds the sample; read only by agreement."""
    url = lake_url(tmp_path_factory.mktemp("lake"))
    build_lake(sample_store, url)
    return url


@pytest.fixture
def own_lake(sample_lake: StoreUrl, tmp_path: Path) -> StoreUrl:
    """The address of a lake of the test's own."""
    shutil.copytree(folder_of(sample_lake), tmp_path, dirs_exist_ok=True)
    return lake_url(tmp_path)


def file_of(url: StoreUrl, table: str = "tasks") -> Path:
    build = parse_build((folder_of(url) / CURRENT).read_bytes())
    return folder_of(url) / {**build.tables, **build.marts}[table].files[0].path


def folder_of(url: StoreUrl) -> Path:
    assert url.lake_folder is not None
    return url.lake_folder


def refusal(url: StoreUrl) -> str:
    with pytest.raises(AnalysisError) as refused:
        connect(url)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def assert_same(left: StoreUrl, right: StoreUrl, **narrowed: str) -> None:
    with connect(left) as one, connect(right) as other:
        one.narrow(**narrowed)
        other.narrow(**narrowed)
        for name in set(view_names()) - {"stg_aliases", "stg_loads"}:
            frames = [session.view(name).drop(columns="load_id", errors="ignore") for session in (one, other)]
            pd.testing.assert_frame_equal(*frames, rtol=1e-9)


def test_every_view_is_that_of_the_store(sample_store, sample_lake):
    assert_same(sample_store, sample_lake)


def test_a_part_is_that_of_the_store(sample_store, sample_lake):
    assert_same(sample_store, sample_lake, project="boarding-app", since="2025-11-01")


def test_a_lake_of_no_rows_has_every_view_with_its_types(empty_store, tmp_path):
    url = lake_url(tmp_path / "lake")
    folder_of(url).mkdir()
    build = build_lake(empty_store, url)
    tables = {name: replace(table, files=()) for name, table in build.tables.items() if table.columns}
    open_storage(url).replace(CURRENT, replace(build, tables=tables).write())
    with connect(empty_store) as one, connect(url) as other:
        for name in view_names():
            assert list(one.view(name).dtypes) == list(other.view(name).dtypes), name


def test_what_an_older_workbench_did_not_know_is_empty(own_lake):
    folder = folder_of(own_lake)
    build = parse_build((folder / CURRENT).read_bytes())
    older = {name: kind for name, kind in build.tables["stg_tasks"].columns.items() if name != "task_description"}
    columns = {"stg_tasks": replace(build.tables["stg_tasks"], columns=older)}
    changed = replace(build, tables={**build.tables, **columns}, schema_version=build.schema_version - 1)
    open_storage(own_lake).replace(CURRENT, changed.write())
    with connect(own_lake) as session:
        known = session.sql("SELECT count(*) AS rows, count(task_description) AS known FROM stg_tasks")
    assert known.iloc[0].tolist() == [50, 0]


def test_an_open_session_takes_the_next_build_up(sample_store, own_lake, empty_store):
    with connect(own_lake) as session:
        assert len(session.view("tasks")) > 0
        build_lake(empty_store, own_lake, number=2)
        assert len(session.view("tasks")) == 0
        assert "build 2" in session.source


def test_a_part_stays_narrowed_over_a_build(sample_store, own_lake):
    with connect(own_lake, persons=PersonView(kind="teams")) as session:
        session.narrow(project="boarding-app")
        before = session.view("tasks")
        build_lake(sample_store, own_lake, number=2)
        pd.testing.assert_frame_equal(session.view("tasks"), before)
        assert session.sql("SELECT count(user_id) AS known FROM executions")["known"][0] == 0


def test_a_session_goes_on_where_its_files_went_with_a_new_build(sample_store, own_lake, monkeypatch):
    with connect(own_lake) as session:
        former = file_of(own_lake)
        reader = session._reader
        build_lake(sample_store, own_lake, number=2, marts=("tasks",))
        former.unlink()
        looks = iter([reader._seen])  # the first look comes just before the pointer is replaced
        monkeypatch.setattr(reader._storage, "stamp", lambda path: next(looks, "another"))
        assert len(session.view("tasks")) == 50


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "not there any more"), (b"PK\x03\x04 a workbook", "No magic bytes")],
    ids=["gone", "foreign"],
)
def test_a_file_that_is_gone_or_foreign_is_named(own_lake, content, said):
    with connect(own_lake) as session:
        file = file_of(own_lake)
        file.unlink() if content is None else file.write_bytes(content)
        with pytest.raises(StoreError) as refused:
            session.view("tasks")
        for line in (str(refused.value), refusal(own_lake)):
            assert "\n" not in line
            assert said in line
            assert f"marts/00000001/tasks/{file.name}" in line


def test_a_folder_without_a_build_says_what_to_do(tmp_path):
    assert "has no build yet" in refusal(lake_url(tmp_path))
    assert "There is no folder" in refusal(lake_url(tmp_path / "nowhere"))


def test_a_newer_lake_and_another_file_are_refused(own_lake):
    pointer = folder_of(own_lake) / CURRENT
    build = parse_build(pointer.read_bytes())
    pointer.write_bytes(replace(build, schema_version=build.schema_version + 1).write())
    assert "was built with format" in refusal(own_lake)
    pointer.write_text("[1]", encoding="utf-8")
    assert "is not a build" in refusal(own_lake)
    pointer.write_text('{"format": 1, "schema_version": 1}', encoding="utf-8")
    assert "is not a build" in refusal(own_lake)


@pytest.mark.parametrize("name", ["a [b]*c?d", "ä ö", "it's"])
def test_a_folder_may_have_any_name(sample_lake, tmp_path, name):
    shutil.copytree(folder_of(sample_lake), tmp_path / name)
    with connect(lake_url(tmp_path / name)) as session:
        assert len(session.view("tasks")) == 50


@pytest.mark.parametrize("scheme", ["gs", "abfss"])
def test_buckets_that_cannot_be_read_say_how_to(scheme):
    assert "not read from here" in refusal(parse_url(f"{scheme}://bucket/asp", Path()))


# --- the fence --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "query",
    [
        "FROM '{file}'",
        'FROM "{file}"',
        "FROM E'{escaped}'",
        "FROM '{name}'",
        "FROM '{folder}/../{last}/{name}'",
        "FROM '{other}'",
        "FROM '{folder}/current.json'",
        "FROM read_parquet('{file}')",
        "FROM parquet_metadata('{file}')",
        "FROM glob('{folder}/*')",
        "FROM read_text('{folder}/current.json')",
        "DESCRIBE '{file}'",
        "SUMMARIZE '{file}'",
        "EXPLAIN FROM '{file}'",
        "WITH t AS (FROM '{file}') FROM t",
        "SELECT (SELECT count(*) FROM '{file}')",
        "PIVOT '{file}' ON task_id",
        "PIVOT '{cut}'\n'{rest}' ON task_id",
        "PIVOT '{cut}' -- x\n'{rest}' ON task_id",
        "PIVOT E'{escaped}' ON task_id",
        "FROM (PIVOT tasks ON task_id), '{file}'",
        "FROM duckdb_secrets()",
        "SELECT current_setting('s3_secret_access_key')",
        "SELECT Main.Current_Setting('HTTP_proxy')",
        "SELECT list_transform(['http_proxy'], x -> current_setting(x))",
        "SELECT current_setting(lower('HTTP_PROXY'))",
        "EXPLAIN SELECT current_setting('http_proxy')",
        "PIVOT (SELECT current_setting('http_proxy') AS x) ON x",
        "COPY (SELECT 1) TO '{folder}/x.parquet'",
        "SET allowed_directories = ['/']",
    ],
)
def test_no_file_can_be_reached_by_a_query(sample_lake, tmp_path_factory, monkeypatch, query):
    file, folder = file_of(sample_lake), folder_of(sample_lake)
    other = tmp_path_factory.mktemp("other") / "other.parquet"
    other.write_bytes(file.read_bytes())
    monkeypatch.chdir(file.parent)
    parts = {"file": file, "folder": folder, "name": file.name, "last": folder.name, "other": other}
    text = str(file)
    parts |= {"escaped": text.replace("parquet", "p\\x61rquet"), "cut": text[:-4], "rest": text[-4:]}
    with connect(sample_lake) as session, pytest.raises(QueryError) as refused:
        session.sql(query.format(**parts))
    assert "\n" not in str(refused.value)
    assert not (folder / "x.parquet").exists()


def test_duckdb_itself_reaches_the_files_of_the_build_and_no_others(own_lake, tmp_path):
    file = file_of(own_lake)
    inside, beside = file.with_name("inside.parquet"), tmp_path.parent / "beside.parquet"
    for path in (inside, beside):
        path.write_bytes(file.read_bytes())
    with connect(own_lake) as session:
        connection = session._reader.connection
        assert connection.execute(f"SELECT count(*) FROM '{file}'").fetchall() == [(50,)]
        for path in (inside, beside, folder_of(own_lake) / CURRENT, "/etc/hosts"):
            for reading in (f"read_blob('{path}')", f"read_parquet('{path}')"):
                with pytest.raises(Exception, match=r"Permission Error"):
                    connection.execute(f"FROM {reading}")
    beside.unlink()


# --- writing ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        ("load", "{file}"),
        ("unload", "1", "--yes"),
        ("forget", "--person", "x", "--yes"),
        ("init",),
        ("init", "--reset", "--yes"),
        ("backup",),
        ("restore", "{file}", "--yes"),
        ("migrate", "postgresql://localhost/x", "--from", "{lake}"),
        ("budget", "set", "--monthly", "100"),
        ("budget", "remove", "all"),
        ("change", "add", "new prompt", "--at", "2026-01-01"),
        ("alias", "model", "a=b"),
        ("receive", "--port", "0"),
        ("rejects",),
    ],
    ids=lambda words: " ".join(words[:2]),
)
def test_what_writes_says_to_publish(run, sample_lake, monkeypatch, tmp_path, words):
    file = tmp_path / "x.csv"
    file.write_text("task_id\nT-1\n", encoding="utf-8")
    monkeypatch.setenv("DATABASE_URL", sample_lake.text)
    before = sorted(os.walk(folder_of(sample_lake)))
    said = run(*(word.format(file=file, lake=sample_lake.text) for word in words)).refusal
    assert "a lake" in said
    assert "publish" in said or words[0] == "migrate"
    assert sorted(os.walk(folder_of(sample_lake))) == before


def test_a_lake_takes_no_records_and_no_store(sample_lake):
    with pytest.raises(ConfigError, match="publish"):
        capture.open(sample_lake)
    with pytest.raises(ConfigError, match="publish"):
        create_store(sample_lake, with_sample=True)


# --- a large lake -----------------------------------------------------------------------------------------------------


def test_the_newest_executions_begin_with_the_period_that_completes_them(sample_lake):
    build = parse_build((folder_of(sample_lake) / CURRENT).read_bytes())
    rows = {file.period: file.rows for file in build.tables["stg_executions"].files}
    assert sorted(rows) == ["2025-10", "2025-11", "2025-12"]
    with connect(sample_lake) as session:
        assert session.begin_newest(rows["2025-12"]) == datetime(2025, 12, 1)
        assert session.begin_newest(rows["2025-12"] + 1) == datetime(2025, 11, 1)
        assert session.begin_newest(rows["2025-12"] + rows["2025-11"] + 1) is None


def test_every_store_but_a_lake_is_read_whole(sample_store):
    with connect(sample_store) as session:
        assert session.begin_newest(1) is None


def test_a_large_part_is_not_copied_and_shows_the_same(sample_lake, monkeypatch):
    with connect(sample_lake) as session:
        session.narrow(project="boarding-app")
        copied = session.view("tasks")
        monkeypatch.setattr("asp_analysis.session.scope.MOST_COPIED", 1)
        session.narrow(project="boarding-app")
        kinds = "SELECT DISTINCT table_type FROM information_schema.tables WHERE table_catalog = 'narrowed'"
        assert session.sql(kinds)["table_type"].tolist() == ["VIEW"]
        pd.testing.assert_frame_equal(session.view("tasks"), copied)


@pytest.mark.slow
def test_verbs_that_read_every_task_read_the_newest_of_a_large_lake(run, sample_lake, sample_store, monkeypatch):
    monkeypatch.setattr("asp_analysis.cli.options.NEWEST_EXECUTIONS", 200)
    found = run("estimate", "--size", "18", "--json", "--db", sample_lake)
    assert "A large lake is read from 2025-11-01 on" in found.err
    since = run("estimate", "--size", "18", "--json", "--since", "2025-11-01", "--db", sample_store)
    assert "large" not in since.err and found.json == since.json
    whole = run("estimate", "--size", "18", "--json", "--since", "2020-01-01", "--db", sample_lake)
    assert "large" not in whole.err
    assert whole.json == run("estimate", "--size", "18", "--json", "--db", sample_store).json != found.json


@pytest.mark.slow
def test_the_dashboard_says_since_when(run, sample_lake, tmp_path, monkeypatch):
    monkeypatch.setattr("asp_analysis.cli.options.NEWEST_EXECUTIONS", 200)
    assert "from 2025-11-01 on" in run("dashboard", tmp_path / "page.html", "--db", sample_lake).err
    assert "since 2025-11-01" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_loads_says_where_they_are(run, sample_lake):
    assert "A lake has no log of loads" in run("loads", "--db", sample_lake).err


def test_a_lake_without_a_budget_names_the_store_to_set_one_in(run, sample_store, tmp_path):
    url = lake_url(tmp_path / "lake")
    build_lake(sample_store, url)
    hint = "No budget is set. Set one in a store that publishes to this lake with: asp-analysis budget set"
    for words in (("budget",), ("budget", "list")):
        assert run(*words, "--db", url.text).out.startswith(hint)
    assert run("budget", "--db", sample_store.text).out.startswith("No budget is set. Set one with: ")
