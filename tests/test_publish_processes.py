"""Many stores publish to one lake as real processes, at once and killed, in a folder and in a real S3."""

import hashlib
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from asp_analysis.config import lake_url, parse_url
from asp_analysis.errors import StoreError
from asp_analysis.lake.heads import LAKE_TABLES, read_heads
from asp_analysis.lake.objects import open_storage
from asp_analysis.publishing import PublishOrder, publish
from tests.killing import Moments, seconds_of, started
from tests.lake_server import KEY, OWN_BUCKET, OWN_KEY, OWN_WRITER, SECRET
from tests.published_lakes import execute, published, shown

pytestmark = pytest.mark.lake

STORES = 5
PUBLISH = (sys.executable, "-m", "asp_analysis", "publish")
ENVIRONMENT = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_ENDPOINT_URL", "AWS_ALLOW_HTTP")


@pytest.fixture(params=["folder", "bucket"])
def lake(request, tmp_path):
    return request.getfixturevalue("bucket") if request.param == "bucket" else str(tmp_path / "lake")


@pytest.fixture
def stores(sample_store, tmp_path):
    """Stores that hold three in five of the sample's tasks, so that most sessions are in several of them."""
    randomness = random.Random(5)
    return [copied(sample_store, tmp_path / f"machine-{number}.db", randomness) for number in range(STORES)]


def copied(store, path, randomness):
    url = parse_url(str(shutil.copy(store.path, path)), path.parent)
    tasks = sorted(row[0] for row in shown(store, "stg_tasks", "task_id"))
    kept = repr(tuple(randomness.sample(tasks, 3 * len(tasks) // 5)))
    for table in ("agent_cost_vector", "defect_log", "task_metadata"):
        execute(url, f"DELETE FROM {table} WHERE task_id NOT IN {kept}")
    return url


def started_publish(store, lake):
    return subprocess.Popen([*PUBLISH, lake, "--with-text", "--db", store.text], stderr=subprocess.PIPE, text=True)


def paths_in(lake):
    return {one.path for one in open_storage(lake_url(lake, Path())).list_below("inbox")}


def mirrored(lake, folder):
    """Copy a lake into a folder: what is read from it there is what is in the bucket."""
    storage = open_storage(lake_url(lake, Path()))
    for path in paths_in(lake):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(storage.read(path))
    return folder


def test_five_stores_publish_at_once_and_the_lake_is_their_union(stores, lake, sample_store, tmp_path):
    for process in [started_publish(store, lake) for store in stores]:
        assert process.communicate()[1] is not None and process.returncode == 0
    copy, united = mirrored(lake, tmp_path / "copy"), {table: set() for table in LAKE_TABLES}
    for store in stores:
        for table in LAKE_TABLES:
            united[table] |= set(shown(store, table))
    for table in LAKE_TABLES:
        assert set(published(copy, table)) == united[table], table
    whole = {row[0]: row[1] for row in shown(sample_store, "stg_executions", "execution_id, cost_usd")}
    costs = dict(published(copy, "stg_executions", "execution_id, cost_usd"))
    assert len(costs) > 0.9 * len(whole) and all(cost == whole[name] for name, cost in costs.items())
    before = paths_in(lake)
    for store in reversed(stores):  # one after the other, in another order: nothing is uploaded twice
        process = started_publish(store, lake)
        assert "0 files uploaded" in process.communicate()[1]
    assert paths_in(lake) == before


# --- killed -----------------------------------------------------------------------------------------------------------


def publish_once(begin, store, lake, environment):
    os.environ.update(environment)
    begin()
    publish(store, lake_url(lake, Path()), PublishOrder(writer="killed"))


def set_cost(store, cost):
    """Change every execution, and so the file of every day."""
    assert execute(store, "UPDATE agent_cost_vector SET cost_usd = ?", cost) > 300


def cost_in(lake, folder):
    """What every execution of the lake costs: one value, however a publish ended; None where nothing is published.

    All files that the head names are there, with the bytes that their names say.
    """
    storage, found = open_storage(lake_url(lake, Path())), set()
    for head in read_heads(storage):
        for file in head.files:
            content = storage.read(file.path)
            assert content is not None and hashlib.sha256(content).hexdigest()[:32] == Path(file.path).stem
            (folder / file.path).parent.mkdir(parents=True, exist_ok=True)
            (folder / file.path).write_bytes(content)
        (folder / "inbox" / head.writer / "head.json").write_bytes(head.write())
        found = {row[0] for row in published(folder, "stg_executions", "cost_usd")}
    assert len(found) <= 1
    return next(iter(found), None)


@pytest.mark.parametrize("kills", [30])
def test_killed_publishes_leave_the_former_state_or_the_new_one(sample_store, lake, kills, tmp_path, record_property):
    kills = kills if "://" not in lake else kills // 3
    store = parse_url(str(shutil.copy(sample_store.path, tmp_path / "own.db")), tmp_path)
    environment = {name: os.environ[name] for name in ENVIRONMENT if name in os.environ}
    set_cost(store, 1000)
    moments = Moments(seconds_of(publish_once, store, lake, environment), random.Random(7))
    former, at_work, halfway = 1000, 0, 0
    for cost in range(kills):
        set_cost(store, cost)
        at_work += moments.kill(started(publish_once, store, lake, environment))
        found = cost_in(lake, tmp_path / "seen")
        assert found in (former, cost)
        halfway += len(paths_in(lake)) > len(named_in(lake))
        former = found
    publish(store, lake_url(lake, Path()), PublishOrder(writer="killed"))
    assert cost_in(lake, tmp_path / "seen") == kills - 1 and paths_in(lake) == named_in(lake)
    assert "://" in lake or not list(Path(lake).rglob("*.part-*"))
    assert published(mirrored(lake, tmp_path / "copy"), "stg_executions", COMPARED) == shown(
        store, "stg_executions", COMPARED
    )
    record_property("kills that left files that no head names", f"{halfway} of {kills}, {at_work} at work")
    assert halfway, "no kill met what this test is about"


COMPARED = "execution_id, executed_at, task_id, cost_usd, tokens_in, tokens_out, llm_model, labels"


def named_in(lake):
    heads = read_heads(open_storage(lake_url(lake, Path())))
    return {f"inbox/{head.writer}/head.json" for head in heads} | {file.path for head in heads for file in head.files}


# --- a bucket ---------------------------------------------------------------------------------------------------------


def test_wrong_credentials_are_one_line_and_none_of_them_is_printed(run, sample_store, bucket, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "Wrong/key+of-somebody")
    ran = run("publish", bucket, "--db", sample_store)
    assert ran.refusal.startswith(f"Error: The lake {bucket} cannot be reached: ")
    assert "Wrong/key" not in ran.err + ran.out and SECRET not in ran.err + ran.out


def test_a_writer_is_taken_out_of_a_bucket(run, sample_store, bucket):
    run("publish", bucket, "--writer", "anna", "--db", sample_store)
    run("publish", bucket, "--writer", "ben", "--db", sample_store)
    run("publish", bucket, "--writer", "anna", "--remove", "--db", sample_store)
    assert {path.split("/")[1] for path in paths_in(bucket)} == {"ben"}


def test_a_writer_needs_rights_in_its_own_folder_alone(run, store_of_three, bucket, lake_server, monkeypatch):
    lake_server.make_bucket(OWN_BUCKET)
    lake = f"s3://{OWN_BUCKET}/lake"
    run("publish", lake, "--writer", "ben", "--db", store_of_three)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", OWN_KEY)
    for cost in (1, 2):
        set_some_cost(store_of_three, cost)
        assert run("publish", lake, "--writer", OWN_WRITER, "--db", store_of_three).exit_code == 0
    assert "cannot be reached" in run("publish", lake, "--writer", "ben", "--db", store_of_three).refusal
    with pytest.raises(StoreError):
        open_storage(lake_url(lake, Path())).read("inbox/ben/head.json")
    assert run("publish", lake, "--writer", OWN_WRITER, "--remove", "--db", store_of_three).exit_code == 0
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    assert {path.split("/")[1] for path in paths_in(lake)} == {"ben"}


@pytest.fixture
def store_of_three(sample_store, tmp_path):
    return copied(sample_store, tmp_path / "three.db", random.Random(3))


def set_some_cost(store, cost):
    execute(store, "UPDATE agent_cost_vector SET cost_usd = ? WHERE task_id = (SELECT min(task_id) FROM task_metadata)",
            cost)  # fmt: skip
