"""Builds that are killed, that come twice at once, and that run in a bucket: readers see whole builds alone."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from asp_analysis.building import build, workshop
from asp_analysis.building.lease import lease_path
from asp_analysis.config import parse_url
from asp_analysis.errors import StoreError
from asp_analysis.lake.builds import read_build
from asp_analysis.lake.heads import read_heads
from asp_analysis.lake.objects import open_storage
from asp_analysis.publishing import PublishOrder, publish
from asp_analysis.session import buckets
from tests.test_building import assert_equal, lake, part_of, put, tasks_of  # noqa: F401 - a fixture

pytestmark = pytest.mark.lake
KILLS = 30


def test_builds_that_are_killed_leave_a_whole_one_and_the_next_goes_on(sample_store, lake, tmp_path):  # noqa: F811
    other = part_of(sample_store, tmp_path / "other.db", tasks_of(sample_store)[::2])
    put(other, lake, "one")
    folder = lake.lake_folder
    shelf = {path: path.read_bytes() for path in (folder / "inbox/one").rglob("*") if path.is_file()}
    put(sample_store, lake, "one")
    for path, content in shelf.items():  # both heads with the files of both
        path = path.with_name("other.json") if path.name == "head.json" else path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    build(lake)
    done = subprocess.run(
        [sys.executable, "-m", "tests.killed_builds", str(folder), str(KILLS)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["in_work"] >= KILLS / 2, told
    is_whole = len(read_heads(open_storage(lake))[0].files) > len(shelf)
    assert_equal(lake, sample_store if is_whole else other)


def test_of_builders_that_begin_at_once_one_builds(sample_store, lake):  # noqa: F811
    put(sample_store, lake, "one")
    command = [sys.executable, "-m", "asp_analysis", "build", str(lake.lake_folder)]
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda _: subprocess.run(command, capture_output=True, text=True, check=False), range(4)))
    assert {one.returncode for one in done} <= {0, 1}
    assert any(one.returncode == 0 for one in done)
    for one in done:
        assert one.returncode == 0 or one.stderr.startswith("Error: "), one.stderr
        assert "Traceback" not in one.stderr
    assert read_build(open_storage(lake)).build >= 1
    assert_equal(lake, sample_store)


def test_a_bucket_that_duckdb_does_not_read_is_built_from_copies(sample_store, bucket, monkeypatch, tmp_path):
    url, every = parse_url(bucket, Path("/")), tasks_of(sample_store)
    with monkeypatch.context() as patch:
        patch.setattr(workshop, "_FETCHED", ("s3://",))
        patch.setattr(buckets, "open_bucket", None)
        put(part_of(sample_store, tmp_path / "few.db", every[:30]), url, "one")
        build(url)
        put(part_of(sample_store, tmp_path / "others.db", every[20:]), url, "two")
        build(url)
    assert_equal(url, sample_store)


def test_a_lake_in_a_bucket_is_built_and_read_and_a_second_builder_is_refused(sample_store, bucket, monkeypatch):
    url = parse_url(bucket, Path("/"))
    publish(sample_store, url, PublishOrder(writer="one", has_text=True))
    build(url)
    assert_equal(url, sample_store)
    storage = open_storage(url)
    held = b'{"host": "elsewhere", "pid": 1, "renewed_at": "2999-01-01T00:00:00+00:00"}'
    assert storage.create(lease_path(2), held) and not storage.create(lease_path(2), held)
    with pytest.raises(StoreError, match="being built by process 1 on elsewhere"):
        build(url)
    monkeypatch.setitem(os.environ, "AWS_SECRET_ACCESS_KEY", "quite-another")
    with pytest.raises(StoreError, match="cannot be reached") as refused:
        build(url)
    assert "quite-another" not in str(refused.value)
