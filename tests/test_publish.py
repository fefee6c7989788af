"""`asp-analysis publish`: the rows of a store as its views show them, in files that are never changed."""

import hashlib
import json
import shutil

import pytest
from pyarrow import parquet

from asp_analysis.config import parse_url
from asp_analysis.lake.heads import LAKE_TABLES
from asp_analysis.session import describe_view
from tests.published_lakes import execute, files_in, heads_of, published, shown


@pytest.fixture
def store(sample_store, tmp_path):
    """A store with the sample that a test may change."""
    (tmp_path / "own").mkdir()
    return parse_url(str(shutil.copy(sample_store.path, tmp_path / "own" / "store.db")), tmp_path)


@pytest.fixture
def lake(tmp_path):
    return tmp_path / "lake"


def uploaded(ran):
    return {row["table"]: row["uploaded_files"] for row in ran.json if row["uploaded_files"]}


def removed(ran):
    return {row["table"]: row["removed_files"] for row in ran.json if row["removed_files"]}


def test_a_lake_has_the_rows_that_the_views_of_the_store_show(run, store, lake):
    run("publish", lake, "--with-text", "--db", store)
    for table in LAKE_TABLES:
        assert published(lake, table) == shown(store, table), table
    assert published(lake, "stg_executions", "count(*)") == [(385,)]


def test_a_file_has_the_columns_of_the_view_and_is_named_by_its_bytes(run, store, lake):
    run("publish", lake, "--db", store)
    (head,) = heads_of(lake)
    assert files_in(lake) == {file.path for file in head.files}
    for file in head.files:
        content = (lake / file.path).read_bytes()
        assert (lake / file.path).stem == hashlib.sha256(content).hexdigest()[:32] and len(content) == file.size_bytes
        read = parquet.ParquetFile(lake / file.path)
        assert read.schema_arrow.names == [column.name for column in describe_view(file.table)[1]]
        assert read.metadata.num_rows == file.rows and read.metadata.row_group(0).column(0).compression == "ZSTD"
        assert f"/{file.table}/day={file.day}/" in file.path


def test_publishing_again_uploads_nothing_and_keeps_when_a_file_was_first_named(run, store, lake):
    first = run("publish", lake, "--db", store, "--json")
    (before,) = heads_of(lake)
    again = run("publish", lake, "--db", store, "--json")
    (after,) = heads_of(lake)
    assert uploaded(first)["stg_executions"] == 37 and uploaded(again) == {} == removed(again)
    assert before.files == after.files and before.published_at < after.published_at


def test_a_corrected_value_is_one_new_file_and_the_former_one_is_gone(run, store, lake):
    run("publish", lake, "--db", store)
    first = "SELECT min(execution_id) FROM agent_cost_vector"
    assert execute(store, f"UPDATE agent_cost_vector SET cost_usd = 99 WHERE execution_id = ({first})") == 1
    before = files_in(lake)
    ran = run("publish", lake, "--db", store, "--json")
    assert uploaded(ran) == {"stg_executions": 1} == removed(ran)
    assert len(files_in(lake) - before) == 1 == len(before - files_in(lake))
    assert published(lake, "stg_executions", "count(*) FILTER (WHERE cost_usd = 99)") == [(1,)]


def test_a_lake_in_a_folder_needs_its_head_alone(run, store, lake):
    run("publish", lake, "--db", store, "--writer", "anna")
    told = json.loads((lake / "inbox" / "anna" / "head.json").read_text())
    assert told["format"] == 1 and told["writer"] == "anna" and told["published_at"].endswith("Z")
    assert {"path", "table", "day", "rows", "size_bytes", "digest", "published_at"} == set(told["files"][0])
