"""Captured records that wait beside the store are counted, and the next load takes them."""

import os
import subprocess
import sys

import pytest

from asp_analysis import capture
from asp_analysis.capture.waiting import load_waiting, records_waiting
from asp_analysis.config import parse_url
from asp_analysis.store.database import create_store

RUN = "timestamp,task_id,agent_role,cost_usd\n2026-01-02,T-0,Code,1\n"


@pytest.fixture
def left(tmp_path):
    """The address of a store beside which two records wait."""
    url = parse_url("later.db", tmp_path)
    with capture.open(url) as store:
        for cost in (2, 3):
            store.record(task_id="T-1", agent_role="Code", cost_usd=cost)
    return url


def test_a_missing_store_is_named_with_how_to_create_it(tmp_path, caplog):
    url = parse_url("later.db", tmp_path)
    with capture.open(url) as store:
        store.record(task_id="T-1", agent_role="Code", cost_usd=2)
    assert "does not exist. Create it with: asp-analysis init" in caplog.text


def test_status_counts_what_waits_and_says_what_takes_it(run, left):
    create_store(left)
    rows = {row["check"]: row for row in run("status", "--table", "checks", "--json", "--db", left).json}
    assert (rows["records waiting"]["measured"], rows["records waiting"]["state"]) == ("2", "watch")
    assert "the next asp-analysis load of any file takes them" in run("status", "--db", left).out


def test_status_has_no_such_row_where_nothing_waits(run, empty_store):
    assert "records waiting" not in run("status", "--json", "--db", empty_store).out


def test_a_load_takes_what_waits_once(run, left, tmp_path):
    create_store(left)
    (tmp_path / "runs.csv").write_text(RUN)
    first = run("load", tmp_path / "runs.csv", "--db", left)
    assert "Loaded too: 2 captured records that waited next to the store." in first.err
    assert "captured" not in run("load", tmp_path / "runs.csv", "--db", left).err
    query = "SELECT count(*) AS n, sum(cost_usd) AS usd FROM executions"
    assert run("sql", query, "--json", "--db", left).json == [{"n": 3, "usd": 6.0}]
    assert records_waiting(left) == 0


def test_a_load_without_a_store_leaves_what_waits(run, left, tmp_path):
    (tmp_path / "runs.csv").write_text(RUN)
    assert run("load", tmp_path / "runs.csv", "--db", left).exit_code == 1
    assert records_waiting(left) == 2


def test_what_a_live_process_holds_is_left_to_it(left, tmp_path):
    holding = """
import sys, time
from asp_analysis.capture.spill import Spill
from pathlib import Path
spill = Spill(Path(sys.argv[1]))
spill.append("executions", ['{"task_id":"T"}'])
print("ready", flush=True)
time.sleep(60)
"""
    process = subprocess.Popen(
        [sys.executable, "-c", holding, str(left.path)], stdout=subprocess.PIPE, env=dict(os.environ), text=True
    )
    try:
        assert process.stdout.readline() == "ready\n"
        create_store(left)
        assert (records_waiting(left), load_waiting(left), records_waiting(left)) == (3, 2, 1)
    finally:
        process.kill()
        process.communicate()
