"""Objects of a lake in a real bucket: written whole or not at all, and only once where that is asked for."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from asp_analysis.config import parse_url
from asp_analysis.errors import QueryError, StoreError
from asp_analysis.lake.builds import CURRENT
from asp_analysis.lake.objects import open_storage
from asp_analysis.session import connect, view_names
from tests.lake_server import SECRET
from tests.lakes import build_lake, lake_url

pytestmark = pytest.mark.lake


@pytest.fixture
def storage(bucket):
    return open_storage(parse_url(bucket, Path()))


def test_the_second_to_create_an_object_is_refused_and_what_is_there_stays(storage):
    assert storage.create("builds/1/lease.json", b"first")
    assert not storage.create("builds/1/lease.json", b"second")
    assert storage.read("builds/1/lease.json") == b"first"


def test_an_object_is_replaced_uploaded_listed_and_removed(storage, tmp_path):
    (tmp_path / "file").write_bytes(b"12345")
    storage.replace("inbox/a/head.json", b"old")
    storage.replace("inbox/a/head.json", b"new")
    storage.upload("inbox/a/stg_tasks/day=all/x.parquet", tmp_path / "file")
    assert storage.read("inbox/a/head.json") == b"new"
    assert [(one.path, one.size_bytes) for one in storage.list_below("inbox")] == [
        ("inbox/a/head.json", 3),
        ("inbox/a/stg_tasks/day=all/x.parquet", 5),
    ]
    assert storage.list_folders("inbox") == ["a"]
    storage.delete(["inbox/a/head.json", "inbox/a/none", "inbox/a/stg_tasks/day=all/x.parquet"])
    assert storage.list_below("inbox") == [] and storage.read("inbox/a/head.json") is None


def test_wrong_credentials_are_one_line_that_holds_none_of_them(bucket, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "Wrong-key-of-somebody")
    with pytest.raises(StoreError) as refused:
        open_storage(parse_url(bucket, Path())).replace("inbox/a/head.json", b"")
    text = str(refused.value)
    assert text.startswith(f"The lake {bucket} cannot be reached: ") and "\n" not in text
    assert "Wrong-key" not in text and SECRET not in text


# --- reading ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def built_once(lake_server, sample_store, tmp_path_factory):
    """The address of a lake in a bucket that holds the sample."""
    folder = tmp_path_factory.mktemp("lake")
    build_lake(sample_store, lake_url(folder), marts=("tasks",))
    with pytest.MonkeyPatch.context() as environment:
        for name, value in lake_server.environment.items():
            environment.setenv(name, value)
        url = parse_url(lake_server.new_bucket(), Path())
        storage = open_storage(url)
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            storage.upload(file.relative_to(folder).as_posix(), file)
    return url


@pytest.fixture
def built(built_once, lake_server, monkeypatch):
    """The same, which this process can reach; what a test changes of it, it puts back."""
    for name, value in lake_server.environment.items():
        monkeypatch.setenv(name, value)
    return built_once


def test_a_lake_in_a_bucket_shows_the_store(built, sample_store):
    with connect(built) as session, connect(sample_store) as store:
        for name in set(view_names()) - {"stg_aliases", "stg_loads"}:
            frames = [one.view(name).drop(columns="load_id", errors="ignore") for one in (session, store)]
            pd.testing.assert_frame_equal(*frames, rtol=1e-9)


def test_a_new_build_and_a_missing_file_show_at_the_next_query(built):
    storage = open_storage(built)
    with connect(built) as session:
        former = session.view("tasks")
        build = session._reader.build
        storage.replace(CURRENT, replace(build, build=2).write())
        assert session.view("tasks").equals(former) and "build 2" in session.source
    lost = build.marts["tasks"].files[0].path
    content = storage.read(lost)
    storage.delete([lost])
    with pytest.raises(StoreError) as refused:
        connect(built)
    storage.replace(lost, content)
    assert f"Cannot read {lost}" in str(refused.value) and "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "query",
    [
        "FROM duckdb_secrets()",
        "FROM duckdb_settings()",
        "SELECT current_setting('s3_secret_access_key')",
        "SELECT current_setting('s3_access_key_id')",
        "FROM '{root}/current.json'",
        "FROM '{root}/{file}'",
        "FROM read_parquet('{root}/{file}')",
    ],
)
def test_no_query_shows_credentials_or_reaches_the_bucket(built, query):
    with connect(built) as session, pytest.raises(QueryError):
        file = session._reader.build.marts["tasks"].files[0].path
        session.sql(query.format(root=built.text, file=file))


def test_the_connection_holds_credentials_only_where_they_are_redacted(built):
    with connect(built) as session:
        connection = session._reader.connection
        told = str(connection.execute("FROM duckdb_settings()").fetchall())
        told += str(connection.execute("SELECT secret_string FROM duckdb_secrets()").fetchall())
        assert SECRET not in told and "secret=redacted" in told
        for other in (f"{built.text}/current.json", "s3://other/x.parquet", "/etc/hosts"):
            with pytest.raises(Exception, match="Permission Error"):
                connection.execute(f"FROM read_text('{other}')")


def test_credentials_that_are_wrong_or_missing_are_one_line(built, monkeypatch):
    monkeypatch.setenv("AWS_ALLOW_HTTP", "false")
    with pytest.raises(StoreError, match=r"without encryption|cannot be reached"):
        connect(built)
    monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "Wrong-key-of-somebody")
    with pytest.raises(StoreError) as refused:
        connect(built)
    text = str(refused.value)
    assert "\n" not in text and "Wrong-key" not in text and SECRET not in text
