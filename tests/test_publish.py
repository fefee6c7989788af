"""`asp-analysis publish`: the rows of a store as its views show them, in files that are never changed."""

import fcntl
import hashlib
import json
import shutil
import sys

import pytest
from pyarrow import parquet

from asp_analysis.config import lake_url, parse_url
from asp_analysis.errors import ConfigError
from asp_analysis.lake.heads import LAKE_TABLES
from asp_analysis.privacy import pseudonym, pseudonym_key, pseudonym_key_file
from asp_analysis.session import describe_view
from tests.published_lakes import execute, files_in, heads_of, published, shown
from tests.test_upgrade import old_store

TASKS = ("FERRY-001", "FERRY-002", "FERRY-003")


@pytest.fixture(scope="module")
def small(sample_store, tmp_path_factory):
    """A store with three tasks of the sample."""
    folder = tmp_path_factory.mktemp("small")
    url = parse_url(str(shutil.copy(sample_store.path, folder / "store.db")), folder)
    for table in ("agent_cost_vector", "defect_log", "task_metadata"):
        execute(url, f"DELETE FROM {table} WHERE task_id NOT IN {TASKS}")
    execute(url, "DELETE FROM bootstrap_metrics WHERE measured_at > '2025-11-01'")
    execute(url, "INSERT INTO name_alias VALUES ('model', 'claude-opus-4-1', 'opus', '2026-01-01T00:00:00.000000Z')")
    return url


@pytest.fixture
def store(small, tmp_path):
    """The same, that a test may change."""
    (tmp_path / "own").mkdir()
    return parse_url(str(shutil.copy(small.path, tmp_path / "own" / "store.db")), tmp_path)


@pytest.fixture
def lake(tmp_path):
    return tmp_path / "lake"


def counts(ran, name):
    return {row["table"]: row[name] for row in ran.json if row[name]}


def test_a_lake_has_the_rows_that_the_views_of_the_store_show(run, small, lake):
    run("publish", lake, "--with-text", "--db", small)
    for table in LAKE_TABLES:
        assert published(lake, table) == shown(small, table), table
    assert ("opus",) in published(lake, "stg_executions", "llm_model")


def test_a_file_has_the_columns_of_the_view_and_is_named_by_its_bytes(run, small, lake):
    ran = run("publish", lake, "--db", small, "--json")
    (head,) = heads_of(lake)
    assert files_in(lake) == {file.path for file in head.files}
    assert counts(ran, "uploaded_bytes") == counts(ran, "size_bytes")
    for file in head.files:
        content = (lake / file.path).read_bytes()
        assert (lake / file.path).stem == hashlib.sha256(content).hexdigest()[:32] and len(content) == file.size_bytes
        read = parquet.ParquetFile(lake / file.path)
        assert read.schema_arrow.names == [column.name for column in describe_view(file.table)[1]]
        assert read.metadata.num_rows == file.rows and read.metadata.row_group(0).column(0).compression == "ZSTD"
        assert f"/{file.table}/day={file.day}/" in file.path
    told = json.loads((lake / "inbox" / head.writer / "head.json").read_text())
    assert told["format"] == 1 and told["published_at"].endswith("Z")


def test_publishing_again_uploads_nothing_and_keeps_when_a_file_was_first_named(run, store, lake):
    first = run("publish", lake, "--db", store, "--json")
    (before,) = heads_of(lake)
    again = run("publish", lake, "--db", store, "--json")
    (after,) = heads_of(lake)
    assert counts(first, "uploaded_files") == counts(first, "files") == counts(again, "unchanged_files")
    assert counts(again, "uploaded_files") == {} == counts(again, "removed_files")
    assert before.files == after.files and before.published_at < after.published_at


def test_a_corrected_value_is_one_new_file_and_the_former_one_is_gone(run, store, lake):
    run("publish", lake, "--db", store)
    first = "SELECT min(execution_id) FROM agent_cost_vector"
    assert execute(store, f"UPDATE agent_cost_vector SET cost_usd = 99 WHERE execution_id = ({first})") == 1
    before = files_in(lake)
    ran = run("publish", lake, "--db", store, "--json")
    assert counts(ran, "uploaded_files") == {"stg_executions": 1} == counts(ran, "removed_files")
    assert len(files_in(lake) - before) == 1 == len(before - files_in(lake))
    assert (99.0,) in published(lake, "stg_executions", "cost_usd")


def test_what_is_no_more_in_the_store_is_no_more_in_the_lake(run, store, lake):
    run("publish", lake, "--db", store)
    assert run("forget", "--task", TASKS[0], "--yes", "--db", store).exit_code == 0
    run("publish", lake, "--db", store)
    assert {row[0] for row in published(lake, "stg_executions", "task_id")} == set(TASKS[1:])
    assert files_in(lake) == {file.path for head in heads_of(lake) for file in head.files}


def test_what_a_killed_publish_left_is_removed_and_a_foreign_file_is_named_and_left(run, store, lake):
    run("publish", lake, "--writer", "anna", "--db", store)
    folder = lake / "inbox" / "anna"
    left = folder / "stg_tasks" / "day=2026-01-01" / f"{'0' * 32}.parquet"
    left.parent.mkdir()
    left.write_bytes(b"of a killed publish")
    (folder / "stg_tasks" / f"{'1' * 32}.parquet.part-77").write_bytes(b"of another")
    (folder / "notes.txt").write_text("mine")
    ran = run("publish", lake, "--writer", "anna", "--db", store)
    assert "inbox/anna/notes.txt is no file of this writer; it was left alone." in ran.err
    assert files_in(lake) - {file.path for file in heads_of(lake)[0].files} == {"inbox/anna/notes.txt"}


@pytest.mark.lake
def test_a_file_that_is_missing_or_cut_is_uploaded_again(run, store, lake):
    run("publish", lake, "--db", store)
    first, second = (lake / file.path for file in heads_of(lake)[0].files[:2])
    whole = second.read_bytes()
    first.unlink()
    second.write_bytes(whole[:100])
    ran = run("publish", lake, "--db", store, "--json")
    assert counts(ran, "uploaded_files") == {"stg_executions": 2} and first.exists() and second.read_bytes() == whole


def test_a_writer_is_taken_out_and_others_stay(run, small, lake):
    for writer in ("anna", "ben"):
        run("publish", lake, "--writer", writer, "--db", small)
    ran = run("publish", lake, "--writer", "anna", "--remove", "--db", small, "--json")
    assert counts(ran, "removed_files")["stg_tasks"] == 3 and [head.writer for head in heads_of(lake)] == ["ben"]
    assert not (lake / "inbox" / "anna").exists()
    assert "has no writer anna" in run("publish", lake, "--writer", "anna", "--remove", "--db", small).refusal


@pytest.mark.lake
def test_persons_have_the_pseudonyms_that_an_export_has(run, store, lake):
    run("publish", lake, "--pseudonyms", "--db", store)
    key = pseudonym_key(pseudonym_key_file(store))
    persons = {row[0] for row in shown(store, "stg_executions", "user_id")} - {None}
    found = {row[0] for row in published(lake, "stg_executions", "user_id")} - {None}
    assert persons and found == {pseudonym(person, key) for person in persons}
    texts = repr([published(lake, table) for table in LAKE_TABLES])
    assert not [person for person in persons if f"'{person}'" in texts]


# --- refused ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("sqlite:///own.db", "/own.db is not a lake. Write a folder"),
        ("postgresql://anna:secret@host/name", "postgresql://anna@host/name is not a lake."),
        ("s3:/bucket/prefix", "s3:... is not a lake."),
        ("s3://", "s3:// has no name of a bucket."),
        ("s3://KEY:SECRET@bucket/prefix", "Keep credentials in the environment"),
    ],
)
def test_what_is_no_lake_is_refused_without_its_secrets(url, said, tmp_path):
    with pytest.raises(ConfigError) as refused:
        lake_url(url, tmp_path)
    assert said in str(refused.value) and "secret" not in str(refused.value).lower()


def test_a_plain_path_is_the_folder_of_a_lake(tmp_path):
    assert lake_url("team/lake", tmp_path).lake_folder == tmp_path / "team" / "lake"


def test_refusals_are_one_line(run, small, lake, tmp_path, monkeypatch):
    run("publish", lake, "--writer", "anna", "--db", small)
    (tmp_path / "file").write_text("")
    assert "cannot be used: Not a directory" in run("publish", tmp_path / "file" / "lake", "--db", small).refusal
    assert "is a lake, and publish reads a store" in run("publish", lake, "--db", f"lake://{lake}").refusal
    assert (
        "'../ben' cannot be the name of a writer" in run("publish", lake, "--writer", "../ben", "--db", small).refusal
    )
    assert "does not exist" in run("publish", lake, "--db", tmp_path / "none.db").refusal
    assert run("publish", lake, "--remove", "--with-text", "--db", small).exit_code == 2
    head = lake / "inbox" / "anna" / "head.json"
    head.write_text(head.read_text().replace('"schema_version": ', '"schema_version": 9'))
    assert "schema version 9" in run("publish", lake, "--writer", "anna", "--db", small).refusal
    monkeypatch.setitem(sys.modules, "obstore", None)
    ran = run("publish", "s3://bucket/prefix", "--db", small)
    assert ran.exit_code == 1 and ran.err.endswith(
        "needs the extra lake. Install it: pip install 'asp-analysis[lake]'\n"
    )


def test_two_processes_do_not_publish_one_store_at_once(run, small, lake):
    run("publish", lake, "--db", small)
    (lock,) = (small.path.parent / "cache").glob("*.publishing.lock")
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert "Another process is publishing" in run("publish", lake, "--db", small).refusal


# --- other stores -----------------------------------------------------------------------------------------------------


def test_an_empty_store_publishes_its_vocabularies(run, empty_store, lake):
    ran = run("publish", lake, "--db", empty_store, "--json")
    assert set(counts(ran, "rows")) == {"stg_roles", "stg_capabilities", "stg_defect_types"}


COMPARED = "execution_id, executed_at, task_id, cost_usd, tokens_in, llm_model, user_id, metadata_json"


@pytest.mark.lake
def test_a_server_publishes_what_the_file_does(run, sample_store, postgres_sample, tmp_path):
    run("publish", tmp_path / "file", "--db", sample_store)
    run("publish", tmp_path / "server", "--db", postgres_sample)
    assert published(tmp_path / "file", "stg_executions", COMPARED) == published(
        tmp_path / "server", "stg_executions", COMPARED
    )
    for table in LAKE_TABLES:
        same = [[(file.day, file.rows) for file in heads_of(tmp_path / name)[0].files if file.table == table]
                for name in ("file", "server")]  # fmt: skip
        assert same[0] == same[1], table
        schemas = {str(parquet.read_schema(tmp_path / name / file.path)) for name in ("file", "server")
                   for file in heads_of(tmp_path / name)[0].files if file.table == table}  # fmt: skip
        assert len(schemas) <= 1, table


@pytest.mark.lake
@pytest.mark.parametrize("version", range(1, 7))
def test_older_stores_publish_what_their_views_show(run, version, tmp_path):
    store = old_store(version, tmp_path)
    run("publish", tmp_path / "lake", "--with-text", "--db", store)
    for table in LAKE_TABLES:
        assert published(tmp_path / "lake", table) == shown(store, table), table
