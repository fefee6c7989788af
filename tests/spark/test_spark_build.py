"""`build` with SPARK_REMOTE: the cluster makes the marts, and readers find what they would find without it."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time

import pytest

from asp_analysis.building import Order, build
from asp_analysis.building import on_spark as on_spark_marts
from asp_analysis.building.lease import Lease
from asp_analysis.building.marts import NOT_KEPT
from asp_analysis.config import lake_url, parse_url
from asp_analysis.errors import ConfigError, StoreError
from asp_analysis.lake.builds import read_build
from asp_analysis.lake.objects import open_storage
from asp_analysis.session.catalog import marts
from asp_analysis.spark import REMOTE_VARIABLE
from tests.changes_at_hand import Made, put
from tests.test_building import assert_equal, rows_of
from tests.test_building import put as publish_as

pytestmark = pytest.mark.spark

CHANGES = [
    Made("one", sessions=(("s1", 2.5, 1.0),)),
    Made("two", lost_30=90, reverted_share=0.95, sessions=(("s1", 2.5, 0.5), ("s2", None, 1.0))),
    Made("three", outcome="open"),
    Made("four", outcome="abandoned", sessions=(("s3", 1.0, 1.0),)),
]


@pytest.fixture
def on_spark(cluster, monkeypatch):
    monkeypatch.setenv(REMOTE_VARIABLE, cluster.remote)


@pytest.fixture
def store(sample_store, tmp_path):
    """The sample with changes of code, in a file of the test's own."""
    shutil.copyfile(sample_store.path, tmp_path / "own.db")
    url = parse_url("own.db", tmp_path)
    put(url, CHANGES, unlinked=[("s9", 3.0)])
    return url


@pytest.fixture
def lake(tmp_path):
    return lake_url(str(tmp_path / "lake"), tmp_path)


def correct(store):
    """Change one number of the store, as a tracker or a bill would."""
    with sqlite3.connect(store.path) as connection:
        done = connection.execute("UPDATE agent_cost_vector SET cost_usd = 99 WHERE cost_usd > 0 AND rowid = 7")
        assert done.rowcount == 1
    connection.close()


def pointed(lake):
    return read_build(open_storage(lake))


def left_behind(tmp_path):
    return sorted(str(path) for path in (tmp_path / "lake" / "marts").rglob("*") if path.is_file())


def test_a_build_on_spark_shows_what_the_store_shows_and_duckdb_goes_on_from_it(
    on_spark, store, lake, tmp_path, monkeypatch
):
    publish_as(store, lake, "one")
    first = build(lake).build
    assert first.engine == "spark" and set(first.marts) == set(marts()) - set(NOT_KEPT)
    assert all("/spark-" in file.path for table in first.marts.values() for file in table.files)
    assert_equal(lake, store)
    assert not build(lake).is_new
    correct(store)
    publish_as(store, lake, "one")
    second = build(lake, Order(purge_days=0)).build
    assert_equal(lake, store)
    kept = {name for name in first.marts if first.marts[name] == second.marts[name]}
    assert {"learning_curve", "defect_flow"} <= kept and "work" not in kept
    named = {f"{tmp_path}/lake/{file.path}" for table in second.marts.values() for file in table.files}
    assert {path for path in left_behind(tmp_path) if path.endswith(".parquet")} == named
    monkeypatch.delenv(REMOTE_VARIABLE)
    with sqlite3.connect(store.path) as connection:
        connection.execute("UPDATE agent_cost_vector SET cost_usd = 98 WHERE cost_usd = 99")
    publish_as(store, lake, "one")
    assert build(lake).build.engine == "duckdb"
    assert_equal(lake, store)


def test_executions_that_are_kept_for_a_time_leave_the_same_sums(on_spark, store, lake, tmp_path, monkeypatch):
    other = lake_url(str(tmp_path / "other"), tmp_path)
    with sqlite3.connect(store.path) as connection:
        age = "SELECT julianday('now') - julianday(executed_at) FROM agent_cost_vector ORDER BY 1"
        ages = [days for (days,) in connection.execute(age)]
    order = Order(keep_days=ages[len(ages) // 2])
    for step in range(2):
        publish_as(store, lake, "one")
        publish_as(store, other, "one")
        with monkeypatch.context() as without:
            without.delenv(REMOTE_VARIABLE)
            build(other, order)
        build(lake, order)
        found, wanted = rows_of(lake), rows_of(other)
        assert {name for name in wanted if found[name] != wanted[name]} == set()
        assert step or 0 < len(found["executions"]) < len(ages)
        correct(store)


def test_an_empty_store_is_built_on_spark(on_spark, empty_store, lake):
    publish_as(empty_store, lake, "one")
    build(lake)
    assert_equal(lake, empty_store)


def test_a_driver_that_dies_leaves_the_former_build_and_the_next_is_equal(on_spark, cluster, store, lake, tmp_path):
    former_store = parse_url("former.db", tmp_path)
    shutil.copyfile(store.path, former_store.path)
    publish_as(store, lake, "one")
    former = build(lake).build
    correct(store)
    publish_as(store, lake, "one")

    def kill():
        while len(list((tmp_path / "lake" / "marts").glob("*/spark-*/*/_SUCCESS"))) < len(former.marts) + 3:
            time.sleep(0.05)
        cluster.kill_connect_server()

    killer = threading.Thread(target=kill, daemon=True)
    killer.start()
    with pytest.raises(StoreError, match=r"^Spark at 127\.0\.0\.1:\d+ could not compute \w+: "):
        build(lake)
    killer.join()
    assert pointed(lake) == former
    assert_equal(lake, former_store)
    cluster.start_connect_server()
    assert build(lake).is_new
    assert_equal(lake, store)


@pytest.mark.parametrize("finished", [0, 4, 15])
def test_a_builder_that_is_killed_leaves_the_former_build_and_the_next_is_equal(
    finished, on_spark, store, lake, tmp_path
):
    """SIGKILL of the builder after so many marts: nothing of its work is visible, and the next build takes over."""
    publish_as(store, lake, "one")
    command = [sys.executable, "-m", "asp_analysis", "build", str(tmp_path / "lake")]
    builder = subprocess.Popen(command, env={**os.environ}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while len(list((tmp_path / "lake" / "marts").glob("*/spark-*/*/_SUCCESS"))) < finished:
        assert builder.poll() is None
        time.sleep(0.02)
    builder.send_signal(signal.SIGKILL)
    builder.wait()
    assert pointed(lake) is None
    build(lake, Order(purge_days=0))
    assert_equal(lake, store)


def test_a_missing_extra_stops_a_build_before_it_begins(store, lake, monkeypatch, tmp_path):
    publish_as(store, lake, "one")
    monkeypatch.setenv(REMOTE_VARIABLE, "sc://127.0.0.1:1")
    monkeypatch.setitem(sys.modules, "sqlglot", None)
    with pytest.raises(
        ConfigError, match=r"not installed: sqlglot\. Install it with pip install 'asp-analysis\[spark\]'"
    ):
        build(lake)
    assert not (tmp_path / "lake" / "tables").exists() and pointed(lake) is None


def test_a_builder_says_that_it_lives_while_a_cluster_computes(on_spark, store, lake, monkeypatch):
    """A mart may take longer than a lease holds."""
    monkeypatch.setattr(on_spark_marts, "_SIGN_OF_LIFE_S", 0.2)
    renewed, renew = [], Lease.renew
    monkeypatch.setattr(Lease, "renew", lambda lease: (renewed.append(lease.number), renew(lease)))
    publish_as(store, lake, "one")
    build(lake)
    assert len(renewed) > 2 * len(marts())
    assert_equal(lake, store)
