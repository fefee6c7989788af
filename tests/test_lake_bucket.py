"""Objects of a lake in a real bucket: written whole or not at all, and only once where that is asked for."""

from pathlib import Path

import pytest

from asp_analysis.config import parse_url
from asp_analysis.errors import StoreError
from asp_analysis.lake.objects import open_storage
from tests.lake_server import SECRET

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
