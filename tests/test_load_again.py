"""Loading again, or a longer file, writes only what is new; a load is all or nothing."""

import json
import os
import signal
import subprocess
import sys
import time

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from asp_analysis.config import parse_url
from asp_analysis.loading import load_file
from asp_analysis.session import connect
from asp_analysis.store.database import create_store, open_store

HEAD = "timestamp,task_id,agent_role,llm_model,cost_usd,latency_ms\n"


def counts(result):
    return {name: getattr(result, name) for name in ("read", "written", "updated", "present", "rejected")}


def test_a_second_load_writes_nothing(run, empty_store, tmp_path):
    path = tmp_path / "runs.csv"
    path.write_text(HEAD + "2026-01-02,T-1,Code,m,1,5\n" * 3 + "2026-01-02,T-1,Code,m,2,5\n")
    first = run("load", path, "--json", "--db", empty_store).json
    second = run("load", path, "--json", "--db", empty_store).json
    assert (first["written"], first["present"]) == (4, 0)
    assert (second["written"], second["present"]) == (0, 4)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    costs=st.lists(st.sampled_from([0.0, 1.0, 2.5]), min_size=1, max_size=12),
    cut=st.integers(min_value=0, max_value=12),
)
def test_a_longer_version_of_a_file_writes_only_what_was_added(tmp_path_factory, costs, cut):
    folder = tmp_path_factory.mktemp("longer")
    url = parse_url("store.db", folder)
    create_store(url)
    lines = [f"2026-01-02,T-1,Code,m,{cost},5\n" for cost in costs]
    path = folder / "runs.csv"
    with open_store(url) as store:
        path.write_text(HEAD + "".join(lines[:cut]))
        early = load_file(store, path, "executions")
        path.write_text(HEAD + "".join(lines))
        late = load_file(store, path, "executions")
    assert early.written == min(cut, len(lines))
    assert counts(late) == {
        "read": len(lines),
        "written": len(lines) - early.written,
        "updated": 0,
        "present": early.written,
        "rejected": 0,
    }


def test_an_execution_with_a_name_of_its_own_is_updated_by_it(run, empty_store, tmp_path):
    path = tmp_path / "runs.jsonl"
    record = {"timestamp": "2026-01-02", "task_id": "T", "agent_role": "Code", "execution_id": "E-1", "cost_usd": 1}
    path.write_text(json.dumps(record) + "\n")
    run("load", path, "--db", empty_store)
    path.write_text(json.dumps({**record, "cost_usd": 2, "latency_ms": 7}) + "\n")
    again = run("load", path, "--json", "--db", empty_store).json
    assert (again["written"], again["updated"]) == (0, 1)
    with connect(empty_store) as session:
        assert session.sql("SELECT cost_usd, latency_ms FROM executions").to_dict("records") == [
            {"cost_usd": 2.0, "latency_ms": 7.0}
        ]


def test_one_key_twice_in_a_file_is_written_once_and_updated_once(run, empty_store, tmp_path):
    path = tmp_path / "tasks.csv"
    path.write_text("task_id,created_at,status\nT-1,2026-01-02,pending\nT-1,2026-01-02,completed\n")
    ran = run("load", path, "--json", "--db", empty_store).json
    assert (ran["written"], ran["updated"]) == (1, 1)


def test_a_reject_that_comes_again_is_kept_once(run, empty_store, tmp_path):
    path = tmp_path / "runs.csv"
    path.write_text(HEAD + "2026-01-02,T-1,Code,m,-1,5\n")
    for _ in range(2):
        assert run("load", path, "--json", "--db", empty_store).json["rejected"] == 1
    assert len(run("rejects", "--json", "--db", empty_store).json) == 1


def test_the_load_log_holds_file_fingerprint_and_counts(run, empty_store, tmp_path):
    path = tmp_path / "runs.csv"
    path.write_text(HEAD + "2026-01-02,T-1,Code,m,1,5\n2026-01-02,T-1,Code,m,-1,5\n")
    run("load", path, "--db", empty_store)
    query = "SELECT file, format, loaded_as, read_count, written, rejected, length(sha256) AS digits FROM stg_loads"
    assert run("sql", query, "--json", "--db", empty_store).json == [
        {
            "file": str(path),
            "format": "csv",
            "loaded_as": "executions",
            "read_count": 2,
            "written": 1,
            "rejected": 1,
            "digits": 64,
        }
    ]


SPILLING = "from asp_analysis.store import sqlite; sqlite._CACHE_KIB = 1_000; from asp_analysis.cli import main; main()"
"""A load whose pages reach the disk long before its commit: a test can see that it writes."""


def _start_big_load(tmp_path, url):
    path = tmp_path / "big.csv"
    path.write_text(HEAD + "".join(f"2026-01-02,T-{n % 50},Code,m,{n},5\n" for n in range(60_000)))
    return subprocess.Popen(
        [sys.executable, "-c", SPILLING, "load", str(path), "--db", url.text],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def _wait_until_writing(url):
    wal = f"{url.path}-wal"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if os.path.exists(wal) and os.path.getsize(wal) > 2_000_000:  # noqa: PTH110, PTH202 (polled often)
            return
        time.sleep(0.005)
    raise AssertionError("the load never began to write")


def test_an_interrupted_load_leaves_nothing_of_its_file(empty_store, tmp_path):
    process = _start_big_load(tmp_path, empty_store)
    _wait_until_writing(empty_store)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.strip().startswith("Error: interrupted") and "Traceback" not in err
    with connect(empty_store) as session:
        assert session.sql("SELECT count(*) AS n FROM stg_executions")["n"][0] == 0
