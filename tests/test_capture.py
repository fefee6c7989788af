"""What an agent reports is what the store holds, and the agent never notices."""

import asyncio
import json
import logging
import os
import sqlite3
import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from asp_analysis import capture, occupancy
from asp_analysis.capture import spill
from asp_analysis.config import parse_url
from asp_analysis.errors import InputError, StoreError
from asp_analysis.executions import MEASURES
from asp_analysis.session import connect
from asp_analysis.store.database import create_store


def rows(url, query, *parameters):
    with sqlite3.connect(url.path) as connection:
        found = connection.execute(query, parameters).fetchall()
    connection.close()
    return found


def measured(url):
    """What is known of each execution besides its time: one dictionary an execution."""
    found = rows(url, f"SELECT {', '.join(MEASURES)} FROM agent_cost_vector")
    known = [dict(zip(MEASURES, row, strict=True)) for row in found]
    return [{name: value for name, value in row.items() if value is not None and name != "latency_ms"} for row in known]


def spill_files(url):
    return sorted(url.path.parent.glob("*.spill-*"))


@pytest.fixture
def store(empty_store):
    with capture.open(empty_store) as recorder:
        yield recorder


def execute(store, **more):
    return store.execution(**{"task_id": "T", "agent_role": "Code", "llm_model": "m", **more})


# --- what is recorded -------------------------------------------------------------------------------------------------


def test_an_execution_holds_what_was_reported(store, empty_store):
    with execute(store, project_id="P", agent_version="2.0") as run:
        run.tokens(input=100, output=20, cache_read=60, cache_write=5)
        run.cost(0.5)
        run.tool_call()
        run.retry(2)
        run.memory(mb=12.5)
    assert store.flush()
    assert measured(empty_store) == [
        {
            "cost_usd": 0.5,
            "memory_mb": 12.5,
            "retries": 2,
            "tokens_cache_read": 60,
            "tokens_cache_write": 5,
            "tokens_in": 100,
            "tokens_out": 20,
            "tool_calls": 1,
        }
    ]
    query = "SELECT execution_id, task_id, agent_role, llm_model, project_id, agent_version FROM agent_cost_vector"
    assert rows(empty_store, query) == [(run.execution_id, "T", "Code", "m", "P", "2.0")]


def test_reports_of_one_run_from_many_threads_add_up(store, empty_store):
    with execute(store) as run:
        threads = [
            threading.Thread(target=lambda: [run.tokens(input=1, output=2) for _ in range(500)]) for _ in range(4)
        ]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
    store.flush()
    assert measured(empty_store) == [{"tokens_in": 2000, "tokens_out": 4000}]


def test_a_cost_that_was_not_reported_is_unknown(store, empty_store):
    with execute(store):
        pass
    store.flush()
    assert measured(empty_store) == [{}]
    assert rows(empty_store, "SELECT latency_ms > 0 FROM agent_cost_vector") == [(1,)]


def test_the_latency_is_the_time_of_the_block_by_a_clock_that_cannot_be_set(store, empty_store, monkeypatch):
    ticks = iter([1_000_000, 251_000_000])
    monkeypatch.setattr("asp_analysis.capture.run.time.perf_counter_ns", lambda: next(ticks))
    with execute(store):
        pass
    store.flush()
    assert rows(empty_store, "SELECT latency_ms FROM agent_cost_vector") == [(250.0,)]


def test_what_is_no_column_is_kept_in_the_metadata(store, empty_store):
    with execute(store, wing="main") as run:
        run.note(attempt=3)
    store.flush()
    assert json.loads(rows(empty_store, "SELECT metadata_json FROM agent_cost_vector")[0][0]) == {
        "attempt": 3,
        "wing": "main",
    }


def test_where_an_execution_comes_from_has_columns_of_its_own(store, empty_store):
    with execute(store, machine="box", tool="my-agent", tool_version="1.2", labels={"team": "red"}):
        pass
    store.flush()
    query = "SELECT machine, tool, tool_version, labels, metadata_json FROM agent_cost_vector"
    assert rows(empty_store, query) == [("box", "my-agent", "1.2", '{"team":"red"}', None)]


def test_the_names_of_earlier_releases_are_understood(store, empty_store):
    store.record(task_id="T", agent_role="Code", timestamp="2026-01-02", api_cost_usd=1, metadata={"a": 1})
    effort = {"latency_ms": 60_000, "tokens": 5, "api_cost_usd": 0.5, "retries": 1, "people": 2}
    named = {"created_at": "2026-01-03", "resolved_at": "2026-01-04", "effort_to_fix_json": effort}
    store.defect(task_id="T", defect_type="20_Syntax", phase_injected="Code", phase_removed="Test", description="d",
                 flagged_by_agent=True, **named)  # fmt: skip
    store.flush()
    query = "SELECT executed_at, cost_usd, metadata_json FROM agent_cost_vector"
    assert rows(empty_store, query) == [("2026-01-02T00:00:00.000000Z", 1.0, '{"a":1}')]
    query = (
        "SELECT substr(found_at, 1, 10), substr(fixed_at, 1, 10), is_flagged_by_agent, fix_latency_ms, fix_tokens, "
        "fix_cost_usd, fix_retries, metadata_json FROM defect_log"
    )
    told = '{"effort_to_fix_json":{"people":2}}'
    assert rows(empty_store, query) == [("2026-01-03", "2026-01-04", 1, 60_000.0, 5.0, 0.5, 1, told)]


def test_an_unlisted_class_of_defect_is_kept_as_a_reject_with_what_is_listed(store, empty_store, caplog):
    for defect_type in ("20_Sintax", "20_Syntax"):
        store.defect(task_id="T", defect_type=defect_type, phase_injected="Code", phase_removed="Test", description="d")
    store.flush()
    ((reasons,),) = rows(empty_store, "SELECT reasons_json FROM load_reject")
    assert "'20_Sintax' is not listed in defect_types, is 20_Syntax meant? Listed: 1_Planning" in reasons
    assert "20_Sintax" in caplog.text
    assert rows(empty_store, "SELECT defect_type FROM defect_log") == [("20_Syntax",)]
    query = "SELECT read_count, written, rejected FROM load_log"
    assert rows(empty_store, query) == [(2, 1, 1)]


def test_an_exception_is_recorded_and_goes_on_untouched(store, empty_store):
    error = RuntimeError("the agent's own trouble")
    with pytest.raises(RuntimeError) as raised, execute(store):
        raise error
    assert raised.value is error and error.__cause__ is None and error.__context__ is None
    store.flush()
    (metadata,) = rows(empty_store, "SELECT metadata_json FROM agent_cost_vector")[0]
    assert json.loads(metadata) == {"error_type": "RuntimeError"}


def test_a_defect_of_a_run_is_found_by_its_role_in_its_task(store, empty_store):
    with store.execution(task_id="T", agent_role="CodeReview") as run:
        run.defect(defect_type="60_Checking", phase_injected="Code", description="no check", severity="High")
    store.flush()
    query = "SELECT task_id, phase_injected, phase_removed, severity, description FROM defect_log"
    assert rows(empty_store, query) == [("T", "Code", "CodeReview", "High", "no check")]


def test_a_decorated_function_is_recorded_at_every_call(store, empty_store):
    @execute(store)
    def answer(depth):
        capture.current_run().tokens(input=1)
        return answer(depth - 1) if depth else "done"

    assert answer(2) == "done"
    store.flush()
    assert rows(empty_store, "SELECT count(*), sum(tokens_in) FROM agent_cost_vector") == [(3, 3)]


def test_coroutines_side_by_side_have_a_run_each(store, empty_store):
    @execute(store)
    async def call(n):
        await asyncio.sleep(0)
        capture.current_run().tokens(input=n)

    async def all_of_them():
        await asyncio.gather(*(call(n) for n in range(1, 4)))
        async with execute(store) as run:
            run.tokens(input=10)

    asyncio.run(all_of_them())
    store.flush()
    query = "SELECT tokens_in FROM agent_cost_vector ORDER BY 1"
    assert rows(empty_store, query) == [(1,), (2,), (3,), (10,)]


def test_a_generator_function_cannot_be_decorated(store):
    with pytest.raises(InputError, match="generator function"):

        @execute(store)
        def stream():
            yield 1


# --- nothing breaks the agent -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("report", "reason"),
    [
        (lambda run: run.tokens(input=-1), "tokens_in: -1 is not a whole number from 0 to 1e15"),
        (lambda run: run.cost(float("nan")), "cost_usd: 'nan' is not a number from 0 to 1e15"),
        (lambda run: (run.tokens(input=5), run.tokens(input=-1), run.tokens(input=9)), "tokens_in: "),
        (lambda run: run.tokens(input=1.5), "tokens_in: 1.5 is not a whole number from 0 to 1e15; round it"),
        (lambda run: run.tokens(output="many"), "tokens_out: "),
        (lambda run: run.tool_call(object()), "tool_calls: "),
    ],
)
def test_an_invalid_value_is_logged_and_kept_as_a_reject(store, empty_store, caplog, report, reason):
    with caplog.at_level(logging.WARNING, "asp_analysis.capture"), execute(store) as run:
        report(run)
    store.flush()
    ((reasons, raw),) = rows(empty_store, "SELECT reasons_json, raw_text FROM load_reject")
    assert json.loads(reasons)[0].startswith(reason) and run.execution_id in raw
    assert "rejected" in caplog.text
    assert rows(empty_store, "SELECT count(*) FROM agent_cost_vector") == [(0,)]


def test_missing_fields_are_a_reject_and_no_error(store, empty_store):
    with store.execution():
        pass
    store.defect()
    store.flush()
    assert len(rows(empty_store, "SELECT * FROM load_reject")) == 2


def test_whatever_is_put_into_the_metadata_becomes_a_record(store, empty_store):
    circle = {}
    circle["self"] = circle

    class Hostile:
        def __str__(self):
            raise RuntimeError

        __repr__ = __str__

    with execute(store) as run:
        run.note(circle=circle, hostile=Hostile(), keys={(1, 2): 3}, number=float("inf"), surrogate="\udcff", zero="\0")
    with execute(store) as run:
        run.note(circle=circle, hostile=Hostile(), keys={(1, 2): 3}, number=float("inf"))
    store.flush()
    assert rows(empty_store, "SELECT count(*) FROM agent_cost_vector") == [(1,)]
    assert rows(empty_store, "SELECT count(*) FROM load_reject") == [(1,)]


def test_an_error_inside_the_recorder_is_logged_and_not_raised(store, caplog, monkeypatch):
    def broken(*_):
        raise ZeroDivisionError

    monkeypatch.setattr("asp_analysis.capture.writer.line_of", broken)
    monkeypatch.setattr("asp_analysis.capture.run.defect_record", broken)
    with execute(store) as run:
        run.defect(description="x")
    assert caplog.text.count("ZeroDivisionError") >= 2 and "the agent goes on" in caplog.text


def test_a_record_that_only_the_store_refuses_is_kept_as_a_reject_and_the_others_are_written(empty_store):
    with sqlite3.connect(empty_store.path) as connection:
        connection.execute("CREATE UNIQUE INDEX one_model ON agent_cost_vector (llm_model) WHERE llm_model = 'twice'")
    connection.close()
    with capture.open(empty_store) as store:
        for model in ("twice", "a", "twice", "b"):
            store.record(task_id="T", agent_role="Code", llm_model=model, cost_usd=1)
    assert rows(empty_store, "SELECT count(*) FROM agent_cost_vector") == [(3,)]
    ((reasons,),) = rows(empty_store, "SELECT reasons_json FROM load_reject")
    assert "UNIQUE" in reasons


def test_the_counts_of_the_load_log_add_up_to_what_was_reported(store, empty_store):
    for cost in (1, 2, -1):
        store.record(task_id="T", agent_role="Code", cost_usd=cost)
        store.flush()
    query = "SELECT loaded_as, read_count, written, rejected FROM load_log"
    assert rows(empty_store, query) == [("executions", 3, 2, 1)]


# --- when the store cannot be written ---------------------------------------------------------------------------------


def test_a_missing_store_is_not_made_and_its_records_wait_for_it(tmp_path):
    url = parse_url("later.db", tmp_path)
    with capture.open(url) as store, execute(store) as run:
        run.tokens(input=7)
    assert not url.path.exists() and len(spill_files(url)) == 1
    create_store(url)
    capture.open(url).close()
    assert measured(url) == [{"tokens_in": 7}] and spill_files(url) == []


def test_a_spill_file_is_loaded_by_the_command_line_and_not_again_afterwards(run, tmp_path):
    url = parse_url("later.db", tmp_path)
    with capture.open(url) as store:
        execution = execute(store)
        with execution as one:
            one.tokens(input=7)
            one.defect(defect_type="20_Syntax", phase_injected="Design", description="x")
    create_store(url)
    for path in spill_files(url):
        assert run("load", path, "--json", "--db", url).json["written"] == 1
    capture.open(url).close()
    assert measured(url) == [{"tokens_in": 7}]
    assert rows(url, "SELECT count(*) FROM defect_log") == [(1,)]


def test_a_full_queue_goes_to_the_spill_file(empty_store, monkeypatch):
    monkeypatch.setattr("asp_analysis.capture.writer.GATHER_S", 60.0)
    monkeypatch.setattr("asp_analysis.capture.writer.BATCH_S", 60.0)
    store = capture.open(empty_store, queue_limit=3)
    for _ in range(20):
        store.record(task_id="T", agent_role="Code", cost_usd=1)
    assert sum(len(path.read_text().splitlines()) for path in spill_files(empty_store)) >= 18
    store.close()
    assert rows(empty_store, "SELECT count(*) FROM agent_cost_vector") == [(20,)] and spill_files(empty_store) == []


def test_a_long_record_is_not_held_in_memory_but_kept(store, empty_store):
    with execute(store) as run:
        run.note(text="x" * 200_000)
    store.flush()
    assert rows(empty_store, "SELECT length(metadata_json) > 200000 FROM agent_cost_vector") == [(1,)]


def test_a_record_after_the_end_is_kept(empty_store):
    store = capture.open(empty_store)
    store.close()
    store.record(task_id="T", agent_role="Code", cost_usd=1)
    assert len(spill_files(empty_store)) == 1


def test_a_line_that_the_disk_takes_half_is_taken_back(empty_store, monkeypatch):
    real_write, calls = os.write, []

    def failing(descriptor, data):
        calls.append(data)
        if len(calls) == 2:
            return real_write(descriptor, data[:1])
        if len(calls) == 3:
            raise OSError(28, "No space left on device")
        return real_write(descriptor, data)

    monkeypatch.setattr("asp_analysis.capture.segment.os.write", failing)
    files = spill.Spill(empty_store.path)
    files.append("executions", ["{}"])
    files.append("executions", ["[]"])
    first, second = files.paths
    assert first.read_text() == "{}\n" and second.read_text() == "[]\n" and second.parent != first.parent
    files.release()


def test_records_wait_while_a_session_of_this_process_reads(store, empty_store, caplog):
    with caplog.at_level(logging.WARNING, "asp_analysis.capture"):
        with connect(empty_store) as session:
            with execute(store) as run:
                run.tokens(input=3)
            assert not store.flush(0.05)
            assert len(session.sql("SELECT * FROM executions")) == 0
        assert "Close the reader first" in caplog.text and caplog.text.count("spill file until") == 1
    assert store.flush()
    assert measured(empty_store) == [{"tokens_in": 3}]


def test_a_session_waits_for_the_end_of_a_batch_and_not_for_an_open_store(empty_store, monkeypatch):
    waiting = threading.Event()
    with occupancy.held(empty_store.path, "writer", is_brief=True):
        thread = threading.Thread(target=lambda: connect(empty_store).close() or waiting.set())
        thread.start()
        assert not waiting.wait(0.1)
    thread.join()
    assert waiting.is_set()
    monkeypatch.setattr(occupancy, "_BRIEF_S", 60.0)
    with occupancy.held(empty_store.path, "writer"), pytest.raises(StoreError, match="with a writer"):
        connect(empty_store)


def test_sessions_and_records_of_one_process_side_by_side_meet_no_error(store, empty_store):
    for number in range(30):
        store.record(task_id="T", agent_role="Code", tokens_in=number)
        with connect(empty_store) as session:
            session.sql("SELECT 1")
    store.flush()
    assert rows(empty_store, "SELECT count(*) FROM agent_cost_vector") == [(30,)]


def _full(*_, **__):
    raise OSError(28, "No space left on device")


def test_what_is_lost_is_counted_while_it_runs_and_at_the_end(empty_store, monkeypatch, caplog):
    monkeypatch.setattr("asp_analysis.capture.segment.os.write", _full)
    store = capture.open(empty_store, queue_limit=3)
    for _ in range(20):
        store.record(task_id="T", agent_role="Code", cost_usd=1)
    assert store.lost_count >= 16
    store.close(0.05)
    assert store.lost_count == 20 and "20 records lost so far" in caplog.text


def test_what_finds_no_room_for_a_while_is_kept_in_the_queue_and_not_lost(empty_store, monkeypatch):
    with monkeypatch.context() as disk:
        disk.setattr("asp_analysis.capture.segment.os.write", _full)
        store = capture.open(empty_store)
        for _ in range(20):
            store.record(task_id="T", agent_role="Code", cost_usd=1)
        assert not store.flush(0.05)
    assert store.flush() and store.lost_count == 0
    store.close()
    assert rows(empty_store, "SELECT count(*) FROM agent_cost_vector") == [(20,)]


def test_a_session_of_this_process_can_be_opened_between_records(store, empty_store):
    with execute(store) as run:
        run.tokens(input=3)
    assert store.flush()
    with connect(empty_store) as session:
        assert session.sql("SELECT tokens_in FROM executions")["tokens_in"].tolist() == [3]


STEP = st.sampled_from(["record", "record", "record", "bad", "flush", "lock", "unlock", "remove", "restore", "reopen"])


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEP, max_size=12))
def test_what_was_recorded_is_stored_whatever_the_order_of_flushes_and_failures(tmp_path_factory, steps):
    url = parse_url("store.db", tmp_path_factory.mktemp("order"))
    create_store(url)
    away = url.path.with_suffix(".away")
    store, good, bad, lock = capture.open(url), 0, 0, None
    for step in steps:
        if step == "record":
            good += 1
            store.record(task_id="T", agent_role="Code", tokens_in=good)
        elif step == "bad":
            bad += 1
            store.record(task_id="T", agent_role="Code", tokens_in=-bad)
        elif step == "flush":
            store.flush(0.01)
        elif step == "lock" and lock is None and not away.exists():
            lock = sqlite3.connect(url.path, isolation_level=None, timeout=5)
            lock.execute("BEGIN IMMEDIATE")
        elif step == "unlock" and lock is not None:
            lock.close()
            lock = None
        elif step == "remove" and lock is None and not away.exists():
            store.flush(0.5)
            url.path.rename(away)
        elif step == "restore" and away.exists():
            away.rename(url.path)
        elif step == "reopen":
            store.close(0.01)
            store = capture.open(url)
    if lock is not None:
        lock.close()
    if away.exists():
        away.rename(url.path)
    store.close()
    capture.open(url).close()
    query = "SELECT tokens_in FROM agent_cost_vector ORDER BY 1"
    assert rows(url, query) == [(n,) for n in range(1, good + 1)]
    assert len(rows(url, "SELECT * FROM load_reject")) == bad
    assert spill_files(url) == [] and rows(url, "PRAGMA integrity_check") == [("ok",)]
