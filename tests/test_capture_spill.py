"""Spill files: each line is loaded once, whoever finds the file, and however far it was loaded before."""

import fcntl
import json
import os
import sqlite3

import pytest

from asp_analysis import capture
from asp_analysis.capture import spill
from asp_analysis.config import parse_url
from asp_analysis.store.database import create_store


def rows(url, query):
    connection = sqlite3.connect(url.path)
    found = connection.execute(query).fetchall()
    connection.close()
    return found


def costs(url):
    return [cost for (cost,) in rows(url, "SELECT cost_usd FROM agent_cost_vector ORDER BY 1")]


@pytest.fixture
def later(tmp_path):
    """The address of a store that is not there yet."""
    return parse_url("later.db", tmp_path)


def leave(url, *costs):
    """Record to a store that is not there and end; gives the file that is left."""
    with capture.open(url) as store:
        for cost in costs:
            store.record(task_id="T", agent_role="Code", cost_usd=cost)
    return sorted(url.path.parent.glob("*.spill-*"))[-1]


def test_a_file_that_was_committed_and_not_removed_is_loaded_again_without_effect(later):
    path = leave(later, 1, 2, -1)
    text = path.read_text()
    create_store(later)
    for _ in range(2):
        path.write_text(text)
        capture.open(later).close()
    assert costs(later) == [1, 2] and not path.exists()
    assert rows(later, "SELECT count(*) FROM load_reject") == [(1,)]
    assert rows(later, "SELECT read_count, written, present, rejected FROM load_log") == [(3, 2, 0, 1), (3, 0, 2, 1)]


def test_a_line_that_a_killed_process_left_half_written_is_no_record(later):
    path = leave(later, 1, 2)
    path.write_bytes(path.read_bytes()[:-10])
    create_store(later)
    capture.open(later).close()
    assert costs(later) == [1] and rows(later, "SELECT count(*) FROM load_reject") == [(0,)]


def test_a_file_that_is_damaged_in_its_middle_gives_its_other_lines_and_a_reject(later):
    path = leave(later, 1, 2, 3)
    first, _, third = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first + b"\0\0\xff{\n" + third)
    create_store(later)
    capture.open(later).close()
    assert costs(later) == [1, 3] and len(rows(later, "SELECT raw_text FROM load_reject WHERE line_number = 2")) == 1


def test_a_file_of_an_earlier_release_is_taken_as_its_own(later):
    path = leave(later, 1)
    records = [
        {"timestamp": "2026-01-02T03:04:05.000006Z", "task_id": "T", "agent_role": "Code", "cost_usd": 2.5,
         "tokens_in": 7.0, "metadata": {"a": 1}, "execution_id": "E-1"},
    ]  # fmt: skip
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    defect = {
        "defect_id": "D-1", "created_at": "2026-01-02T03:04:05.000006Z", "resolved_at": "2026-01-03T00:00:00.000000Z",
        "task_id": "T", "defect_type": "20_Syntax", "phase_injected": "Code", "phase_removed": "Test",
        "description": "d", "flagged_by_agent": True, "effort_to_fix_json": {"tokens": 5}, "metadata": {"b": 2},
    }  # fmt: skip
    path.with_name(path.name.replace("executions", "defect_log")).write_text(json.dumps(defect) + "\n")
    create_store(later)
    capture.open(later).close()
    query = "SELECT execution_id, executed_at, cost_usd, tokens_in, metadata_json FROM agent_cost_vector"
    assert rows(later, query) == [("E-1", "2026-01-02T03:04:05.000006Z", 2.5, 7, '{"a":1}')]
    query = (
        "SELECT defect_id, found_at, substr(fixed_at, 1, 10), is_flagged_by_agent, fix_tokens, metadata_json "
        "FROM defect_log"
    )
    assert rows(later, query) == [("D-1", "2026-01-02T03:04:05.000006Z", "2026-01-03", 1, 5.0, '{"b":2}')]
    assert rows(later, "SELECT * FROM load_reject") == [] and not list(later.path.parent.glob("*.spill-*"))


def test_more_files_than_are_listed_at_once_are_all_loaded(later, monkeypatch):
    monkeypatch.setattr(spill, "_MOST_LISTED", 2)
    for cost in range(1, 6):
        leave(later, cost)
    create_store(later)
    capture.open(later).close()
    assert costs(later) == [1, 2, 3, 4, 5] and not list(later.path.parent.glob("*.spill-*"))


def test_the_lines_of_one_process_are_numbered_on_from_file_to_file(empty_store, monkeypatch):
    monkeypatch.setattr(spill, "_SEGMENT_BYTES", 1)
    files = spill.Spill(empty_store.path)
    for lines in (["{}", "{}"], ["{}"], ["{}"]):
        files.append("executions", lines)
    assert [path.stem.rpartition("-")[2] for path in files.paths] == ["1", "3", "4"]
    paths = files.paths
    files.release()
    assert files.waiting() == paths


def test_each_store_has_a_folder_of_its_own_among_the_temporary_files(tmp_path):
    urls = [parse_url(f"{name}/store.db", tmp_path) for name in ("one", "two")]
    for url in urls:
        with capture.open(url) as store:
            store.record(task_id="T", agent_role="Code", cost_usd=1)
    folders = [{path.parent for path in spill.Spill(url.path).waiting()} for url in urls]
    assert all(len(found) == 1 for found in folders) and folders[0] != folders[1]
    for url in urls:
        create_store(url)
        capture.open(url).close()
        assert costs(url) == [1] and spill.Spill(url.path).waiting() == []


def test_a_file_that_another_process_removed_before_it_was_locked_is_made_anew(empty_store, monkeypatch):
    files, real_flock, met = spill.Spill(empty_store.path), fcntl.flock, []

    def late(descriptor, operation):
        if operation == fcntl.LOCK_EX and not met:
            met.append(spill.Spill(empty_store.path).waiting())
            for path in met[0]:
                with spill.taken(path) as segment:
                    segment.path.unlink()
        real_flock(descriptor, operation)

    monkeypatch.setattr(spill.fcntl, "flock", late)
    files.append("executions", ["{}"])
    assert len(met[0]) == 1 and files.paths[0].read_text() == "{}\n"
    files.release()


def test_a_file_is_not_taken_while_its_process_holds_it(empty_store):
    files = spill.Spill(empty_store.path)
    files.append("executions", ["{}"])
    (path,) = files.paths
    with spill.taken(path) as segment:
        assert segment is None
    files.release()
    with spill.taken(path) as segment:
        assert segment.unstored(10) == ["{}"]


def test_a_forked_child_that_lets_go_leaves_the_lock_to_its_parent(empty_store):
    files = spill.Spill(empty_store.path)
    files.append("executions", ["{}"])
    if (child := os.fork()) == 0:
        files.forget()
        os._exit(0)
    os.waitpid(child, 0)
    with spill.taken(files.paths[0]) as segment:
        assert segment is None
    files.release()


def test_a_flush_tries_a_store_that_failed_a_moment_ago(later):
    store = capture.open(later)
    store.record(task_id="T", agent_role="Code", cost_usd=1)
    assert not store.flush(5)  # a store that is missing is not waited for
    create_store(later)
    assert store.flush(5) and costs(later) == [1]
    store.close()


def test_the_files_of_a_process_are_gone_when_all_is_stored(empty_store):
    with capture.open(empty_store) as store:
        for cost in range(3):
            store.record(task_id="T", agent_role="Code", cost_usd=cost)
            assert store.flush() and not list(empty_store.path.parent.glob("*.spill-*"))
    assert costs(empty_store) == [0, 1, 2]
    assert rows(empty_store, "SELECT written, present FROM load_log") == [(3, 0)]


def test_a_record_after_the_end_is_loaded_by_whoever_comes_next(empty_store):
    ended = capture.open(empty_store)
    ended.close()
    ended.record(task_id="T", agent_role="Code", cost_usd=1)
    capture.open(empty_store).close()
    assert costs(empty_store) == [1]
