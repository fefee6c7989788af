"""`status` on a lake: its build, its writers, and what waits for the next build."""

from dataclasses import replace

import pandas as pd
import pytest

from asp_analysis.findings import storage
from asp_analysis.lake.builds import CURRENT, parse_build
from asp_analysis.lake.heads import HeadFile, WriterHead, head_path
from asp_analysis.lake.objects import open_storage
from asp_analysis.monitor import measure_engine
from asp_analysis.monitor.lake_checks import check_lake
from asp_analysis.session import connect
from tests.lakes import build_lake, lake_url

NOW = pd.Timestamp("2026-11-28")


def head(writer, published_at, *files):
    """A head with files of (published_at, rows, bytes)."""
    named = [
        HeadFile(
            path=f"inbox/{writer}/stg_tasks/day=2026-01-{number + 1:02}/{number:032x}.parquet",
            table="stg_tasks",
            day=f"2026-01-{number + 1:02}",
            rows=rows,
            size_bytes=size,
            digest="",
            published_at=at,
        )
        for number, (at, rows, size) in enumerate(files)
    ]
    return WriterHead(writer=writer, published_at=published_at, product="1", files=tuple(named))


@pytest.fixture
def lake(empty_store, tmp_path):
    """A lake of the writer `home`, whose head of 27 November was built, and a newer head of it."""
    url = lake_url(tmp_path / "lake")
    url.lake_folder.mkdir()
    build = build_lake(empty_store, url, marts=())
    storage = open_storage(url)
    storage.replace(CURRENT, replace(build, built_at="2026-11-27T01:00:00Z", cpu_s=12.5).write())
    files = [("2026-11-26T00:00:00Z", 10, 1_000), ("2026-11-27T06:00:00Z", 7, 500_000)]
    storage.replace(head_path("home"), head("home", "2026-11-27T06:00:00Z", *files).write())
    return url


def checks_of(url, now=NOW):
    return {check.check: check for check in check_lake(measure_engine(url).lake, now)}


def test_what_waits_is_what_came_after_the_head_that_was_built(lake):
    facts = measure_engine(lake).lake
    assert facts.writers["waiting_files"].tolist() == [1] and facts.writers["waiting_rows"].tolist() == [7]
    assert facts.writers["built_of"].tolist() == [pd.Timestamp("2026-11-27")]
    said = checks_of(lake)["next build"].finding
    assert said == "1 files with 7 rows, 0.5 MB, wait for it; the last build took 12.5 CPU s"


def test_a_new_writer_waits_whole_and_a_quiet_one_is_named(lake):
    storage = open_storage(lake)
    files = [("2026-11-01T00:00:00Z", 3, 100)]
    storage.replace(head_path("away"), head("away", "2026-11-01T00:00:00Z", *files).write())
    found = checks_of(lake)
    assert found["writers"].state == "watch" and found["writers"].finding.endswith("7 days: away")
    assert "2 files with 10 rows" in found["next build"].finding


@pytest.mark.parametrize(("day", "state"), [("2026-11-28", "ok"), ("2026-11-30", "watch")])
def test_a_build_that_stays_behind_is_watched(lake, day, state):
    assert checks_of(lake, pd.Timestamp(day))["build"].state == state


@pytest.mark.parametrize(("engine", "state"), [("duckdb", "watch"), ("spark", "ok")])
def test_a_long_build_says_that_a_cluster_may_be_worth_it(lake, engine, state):
    storage = open_storage(lake)
    build = parse_build(storage.read(CURRENT))
    storage.replace(CURRENT, replace(build, engine=engine, cpu_s=5_000.0).write())
    check = checks_of(lake)["next build"]
    assert check.state == state and ("SPARK_REMOTE" in check.finding) == (state == "watch")


def test_a_reader_without_rights_on_the_inbox_gets_the_rest(lake):
    (lake.lake_folder / head_path("home")).write_text("{}", encoding="utf-8")
    facts = measure_engine(lake).lake
    assert facts.writers["waiting_files"].isna().all() and "not known" in facts.remark
    assert checks_of(lake)["next build"].state == "watch"


def test_the_verb_prints_it_in_every_form(run, lake):
    out = run("status", "--db", lake).out
    assert "verdict: stay" in out and "a lake already" in out and "next build: 1 files" in out
    told = run("status", "--json", "--db", lake).json
    assert [row["writer"] for row in told["writers"]] == ["home"]
    assert run("status", "--table", "writers", "--csv", "--db", lake).out.count("\n") == 2


def test_notebook_09_has_an_answer_for_a_lake(lake):
    with connect(lake) as session:
        status = storage.measure_store(session)
        assert "a lake, published by 1 writer: build **1** of **2026-11-27**" in storage.tell_verdict(status).text
        for finding in (storage.tell_use(status), storage.tell_forecasts(status), storage.tell_queries(status)):
            assert finding.text
