"""Every mart on a real Spark, through the thin client: the same rows as DuckDB, values to 1e-9, whatever dies."""

import threading
import time

import pytest

from asp_analysis.errors import StoreError
from asp_analysis.session.catalog import marts
from asp_analysis.spark import MartText, SparkCluster
from asp_analysis.sql import view_text
from tests.spark.cluster_processes import needed
from tests.spark.staging_rows import add_hard_rows, create_marts, differences, repeat, staging_tables, write_inputs

pytestmark = pytest.mark.spark

MANY = 130_000
MONTHS = ("SELECT mart.*, strftime(known_at, '%Y-%m') AS month FROM (", ") AS mart")
TEXTS = [MartText(name=name, text=view_text("marts", name)) for name in marts()]


class Compared:
    """Staging tables, DuckDB's marts of them, and the files from which Spark computes the same."""

    def __init__(self, url, folder, executions=0):
        self.folder = folder
        self.connection = staging_tables(url)
        add_hard_rows(self.connection)
        if executions:
            repeat(self.connection, executions)
        self.inputs = write_inputs(self.connection, folder / "inputs")
        create_marts(self.connection)

    def different(self, name):
        found = {mart: differences(self.connection, mart, self.folder / name) for mart in marts()}
        return {mart: what for mart, what in found.items() if what}

    def rows(self, name):
        return self.connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0]


@pytest.fixture(scope="module")
def many(sample_store, tmp_path_factory):
    needed()
    return Compared(sample_store, tmp_path_factory.mktemp("many"), MANY)


def test_every_mart_of_the_sample_and_of_hard_rows_is_equal(cluster, sample_store, tmp_path):
    compared = Compared(sample_store, tmp_path)
    assert all(compared.rows(name) for name in marts()), "a mart without rows compares nothing"
    SparkCluster(cluster.remote).compute(compared.inputs, TEXTS, str(tmp_path / "first"))
    assert compared.different("first") == {}


def test_many_executions_are_equal_though_an_executor_is_killed_in_the_middle(cluster, many):
    """130,000 executions; one executor is killed with SIGKILL while marts are computed, and Spark repeats its work."""
    killed = []

    def kill_one():
        while not (many.folder / "marts" / "work" / "_SUCCESS").exists():
            time.sleep(0.05)
        killed.append(cluster.executors()[0])
        cluster.kill(killed[0])

    killer = threading.Thread(target=kill_one, daemon=True)
    killer.start()
    SparkCluster(cluster.remote).compute(many.inputs, TEXTS, str(many.folder / "marts"))
    killer.join(timeout=10)
    assert many.rows("executions") >= 0.9 * MANY
    assert killed and killed[0] not in cluster.executors() and cluster.lost_executors()
    assert many.different("marts") == {}


def test_a_driver_that_dies_is_one_line_and_the_next_run_is_equal(cluster, many):
    def kill():
        while not (many.folder / "broken" / "work").exists():
            time.sleep(0.05)
        cluster.kill_connect_server()

    killer = threading.Thread(target=kill, daemon=True)
    killer.start()
    with pytest.raises(
        StoreError, match=r"^Spark at 127\.0\.0\.1:\d+ could not compute \w+: .+ build again; or unset "
    ):
        SparkCluster(cluster.remote).compute(many.inputs, TEXTS, str(many.folder / "broken"))
    killer.join()
    cluster.start_connect_server()
    few = [text for text in TEXTS if text.name in {"work", "tasks", "cost_per_outcome", "changes", "task_history"}]
    SparkCluster(cluster.remote).compute(many.inputs, few, str(many.folder / "again"))
    for text in few:
        assert differences(many.connection, text.name, many.folder / "again") == []


def test_a_mart_in_parts_has_one_sorted_file_for_each_and_is_whole_to_those_that_read_it(cluster, many):
    text = view_text("marts", "task_history").join(MONTHS)
    order = ("agent_role", "llm_model", "known_at")
    parted = MartText(name="task_history", text=text, partition="month", order=order)
    count = MartText(name="counted", text="SELECT count(*) AS rows FROM task_history")
    SparkCluster(cluster.remote).compute(many.inputs, [parted, count], str(many.folder / "parted"))
    assert differences(many.connection, "task_history", many.folder / "parted") == []
    files = [str(path) for path in (many.folder / "parted" / "task_history").glob("month=*/*.parquet")]
    months = many.connection.execute("SELECT count(DISTINCT strftime(known_at, '%Y-%m')) FROM task_history").fetchone()
    assert (len(files),) == months and len(files) > 5
    rows = [
        row for row in many.connection.execute(f"SELECT {', '.join(order)} FROM '{files[0]}'").fetchall() if all(row)
    ]
    assert rows == sorted(rows) and len(rows) > 100
    counted = many.connection.execute(f"SELECT rows FROM '{many.folder}/parted/counted/*.parquet'").fetchone()
    assert counted == (many.rows("task_history"),)


def test_what_spark_cannot_compute_names_the_mart_and_prints_nothing(cluster, tmp_path, capfd):
    with pytest.raises(StoreError, match=r"could not compute wrong: \[TABLE_OR_VIEW_NOT_FOUND\] .*nowhere"):
        SparkCluster(cluster.remote).compute({}, [MartText(name="wrong", text="SELECT * FROM nowhere")], str(tmp_path))
    assert capfd.readouterr() == ("", "")
