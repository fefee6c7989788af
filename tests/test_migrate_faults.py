"""A migration that is killed, cut off or refused has written nothing; started again it ends as if nothing was."""

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
import pytest

from asp_analysis.config import parse_url
from asp_analysis.errors import StoreError
from asp_analysis.postgres import migrate
from asp_analysis.progress import listening
from benchmarks.migrate_bench import make_store
from tests.killing import Moments, seconds_of, started
from tests.postgres import PASSWORD, new_database, running_server

pytestmark = pytest.mark.slow

EXECUTIONS, LARGE, KILLS, IS_THERE = 10_000, 200_000, 50, 9


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return make_store(tmp_path_factory.mktemp("faults") / "store.db", EXECUTIONS)


def execution_rows(url):
    """How many executions are there; None without any table."""
    with psycopg.connect(url) as connection:
        if not connection.execute("SELECT to_regclass('agent_cost_vector') IS NOT NULL").fetchone()[0]:
            return None
        return connection.execute("SELECT count(*) FROM agent_cost_vector").fetchone()[0]


def digest(url):
    """Tell one content from another; None without any table."""
    query = (
        "SELECT concat(md5(string_agg(c::TEXT, '|' ORDER BY row_id)), count(*), (SELECT count(*) FROM task_metadata), "
        "(SELECT count(*) FROM pg_indexes WHERE schemaname = current_schema())) FROM agent_cost_vector AS c"
    )
    if execution_rows(url) is None:
        return None
    with psycopg.connect(url) as connection:
        return connection.execute(query).fetchone()[0]


def migrate_at_once(begin, store, url):
    target = parse_url(url, Path())
    begin()
    assert not migrate(store, target).differences


def kill_and_go_on(store, server, kills, randomness):
    """Kill migrations at random moments, then let one end; give the moments.

    After one that has happened the database is emptied again: another would only compare.
    """
    with new_database(server) as url:
        seconds, whole = seconds_of(migrate_at_once, store, url), digest(url)
    with new_database(server) as url:
        found, moments = [], Moments(seconds, randomness)
        for _ in range(kills):
            moments.kill(started(migrate_at_once, store, url))
            found.append(digest(url))
            if found[-1] is not None:
                with psycopg.connect(url) as connection:
                    connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        seconds_of(migrate_at_once, store, url)
        assert digest(url) == whole
    assert set(found) <= {None, whole}, found
    return moments


def test_killed_at_any_moment_it_has_happened_whole_or_not_at_all(store, postgres_server):
    kill_and_go_on(store, postgres_server, 8, random.Random(5))


@pytest.mark.faults
def test_killed_many_times_it_has_happened_whole_or_not_at_all(store, postgres_server, record_property):
    kill_and_go_on(store, postgres_server, KILLS, random.Random(6)).tell(record_property)


@pytest.mark.faults
def test_a_large_store_that_is_killed_again_and_again_is_migrated_in_the_end(
    tmp_path, postgres_server, record_property
):
    large = make_store(tmp_path / "large.db", LARGE)
    kill_and_go_on(large, postgres_server, 5, random.Random(8)).tell(record_property)


def migrate_and_tell(begin, store, url):
    target = parse_url(url, Path())
    begin()
    sys.exit(0 if migrate(store, target).is_new else IS_THERE)


@pytest.mark.faults
def test_three_at_once_end_with_one_copy(store, postgres_url):
    processes = [started(migrate_and_tell, store, postgres_url.text) for _ in range(3)]
    for process in processes:
        process.join(120)
    assert sorted(process.exitcode for process in processes) == [0, IS_THERE, IS_THERE]
    assert execution_rows(postgres_url.text) == EXECUTIONS


def test_a_connection_that_is_lost_midway_leaves_nothing(store, postgres_url, postgres_server):
    def cut_off(step):
        if step.part == "task_metadata":
            with psycopg.connect(postgres_server, autocommit=True) as other:
                other.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
                    (urlsplit(postgres_url.text).path[1:],),
                )

    lost = r"the connection was lost. Nothing of this was written"
    with pytest.raises(StoreError, match=lost) as refusal, listening(cut_off):
        migrate(store, postgres_url)
    assert PASSWORD not in str(refusal.value) and execution_rows(postgres_url.text) is None


@pytest.mark.skipif("ASP_TEST_POSTGRES_URL" in os.environ, reason="a server of others must not be stopped")
def test_a_server_that_stops_midway_is_one_line(store):
    with running_server() as server:
        with psycopg.connect(server) as connection:
            folder = connection.execute("SHOW data_directory").fetchone()[0]
        server_id = int((Path(folder) / "postmaster.pid").read_text().splitlines()[0])

        def stop(step):
            if step.part == "task_metadata":
                os.kill(server_id, signal.SIGQUIT)
                time.sleep(0.5)

        with pytest.raises(StoreError, match="Cannot migrate to") as refusal, listening(stop):
            migrate(store, parse_url(server, Path.cwd()))
    assert "\n" not in str(refusal.value) and PASSWORD not in str(refusal.value)


def refused(run, store, url):
    ran = run("migrate", url, "--from", store)
    assert ran.exit_code == 1 and ran.out == "" and ran.err.startswith("Error: ") and ran.err.count("\n") == 1, ran.err
    assert PASSWORD not in ran.err and quote(PASSWORD, safe="") not in ran.err
    return ran.err


def test_a_wrong_password_is_one_line_without_it(run, store, postgres_url):
    if "ASP_TEST_POSTGRES_URL" in os.environ:
        pytest.skip("a server of others may ask for no password")
    said = refused(run, store, postgres_url.text.replace(quote(PASSWORD, safe=""), "wrong-secret"))
    assert "refuses the password" in said and "wrong-secret" not in said


def test_a_database_that_is_not_there_is_one_line(run, store, postgres_server):
    said = refused(run, store, urlunsplit(urlsplit(postgres_server)._replace(path="/asp_test_none")))
    assert "it has no such database" in said and "createdb" in said


def test_a_server_that_is_not_there_is_one_line(run, store):
    assert "nothing answers there" in refused(run, store, "postgresql://u:secret@127.0.0.1:1/none")


def test_a_user_without_rights_is_one_line(run, store, postgres_url):
    parts = urlsplit(postgres_url.text)
    with psycopg.connect(postgres_url.text, autocommit=True) as connection:
        connection.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
        connection.execute("CREATE ROLE asp_test_guest LOGIN PASSWORD 'guest'")
        try:
            url = urlunsplit(parts._replace(netloc=f"asp_test_guest:guest@{parts.hostname}:{parts.port}"))
            assert "this user may not do that" in refused(run, store, url)
        finally:
            connection.execute("DROP ROLE asp_test_guest")
    assert execution_rows(postgres_url.text) is None


@pytest.fixture
def tiny_tablespace(postgres_server):
    """A tablespace on a disk of a few megabytes, where this user may mount one."""
    place = Path(tempfile.mkdtemp(prefix="asp-tiny-", dir="/tmp"))  # the server's own user must be able to get there
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(place)], capture_output=True)
    if mounted.returncode:
        place.rmdir()
        pytest.skip("a small disk can only be mounted by root")
    try:
        with psycopg.connect(postgres_server, autocommit=True) as connection:
            owner = Path(connection.execute("SHOW data_directory").fetchone()[0]).stat()
            os.chown(place, owner.st_uid, owner.st_gid)
            connection.execute(f"CREATE TABLESPACE asp_test_tiny LOCATION '{place}'")
            yield "asp_test_tiny"
            connection.execute("DROP TABLESPACE asp_test_tiny")
    finally:
        subprocess.run(["umount", str(place)], check=True)
        place.rmdir()


@pytest.mark.skipif("ASP_TEST_POSTGRES_URL" in os.environ, reason="the disk of a server of others must not be filled")
def test_a_full_disk_is_one_line_and_leaves_nothing(run, tmp_path, postgres_server, tiny_tablespace):
    store = make_store(tmp_path / "store.db", 60_000)
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE asp_test_full TABLESPACE {tiny_tablespace}")
        url = urlunsplit(urlsplit(postgres_server)._replace(path="/asp_test_full"))
        try:
            assert "its disk is full" in refused(run, store, url)
            assert execution_rows(url) is None
        finally:
            connection.execute("DROP DATABASE asp_test_full WITH (FORCE)")
