"""Whoever loads into the store that the first look made is told that invented tasks stand beside their own."""

import shutil

from asp_analysis.store.database import open_store, sample_task_count

RUNS = "timestamp,task_id,agent_role,cost_usd\n2026-01-02,T-1,Code,1\n"


def test_a_load_beside_the_sample_says_so_where_it_wrote_something(sample_store, tmp_path, run):
    (tmp_path / "runs.csv").write_text(RUNS)
    shutil.copyfile(sample_store.path, tmp_path / "store.db")
    words = ("load", tmp_path / "runs.csv", "--db", tmp_path / "store.db")
    assert "holds the 50 tasks of the sample" in run(*words).err
    assert run(*words).err == ""


def test_a_store_of_ones_own_is_not_spoken_of(empty_store, tmp_path, run):
    (tmp_path / "runs.csv").write_text(RUNS)
    assert run("load", tmp_path / "runs.csv", "--db", empty_store).err == ""


def test_all_tasks_of_the_sample_are_known_by_their_projects(sample_store):
    with open_store(sample_store) as store:
        assert sample_task_count(store) == store.read("SELECT count(*) AS n FROM task_metadata")[0]["n"] == 50
