"""A PostgreSQL server that is restarted between two queries of a session: the next query is answered, or one line."""

import os
import shlex
import subprocess
from pathlib import Path

import psycopg
import pytest

from asp_analysis.config import parse_url
from asp_analysis.errors import AnalysisError
from asp_analysis.session import connect
from asp_analysis.store.database import create_store
from tests.postgres import PASSWORD, new_database, running_server

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif("ASP_TEST_POSTGRES_URL" in os.environ, reason="a server of others must not be restarted"),
]


class Server:
    """Stops and starts a server that runs, as the user to whom its folder belongs."""

    def __init__(self, url):
        with psycopg.connect(url) as connection:
            self.folder = Path(connection.execute("SHOW data_directory").fetchone()[0])
        program, *options = shlex.split((self.folder / "postmaster.opts").read_text())
        self.control, self.options = Path(program).with_name("pg_ctl"), shlex.join(options)

    def run(self, what, *words):
        command = [self.control, what, "-w", "-D", self.folder, *words]
        subprocess.run(command, check=True, user=self.folder.stat().st_uid, stdout=subprocess.DEVNULL)

    def stop(self):
        self.run("stop", "-m", "fast")

    def start(self):
        self.run("start", "-o", self.options, "-l", self.folder / "log")


@pytest.mark.parametrize("is_live", [False, True], ids=["copied", "live"])
def test_a_session_goes_on_after_its_server_was_restarted_and_says_in_one_line_that_it_is_down(is_live):
    with running_server() as server, new_database(server) as text:
        url = parse_url(text, Path())
        create_store(url, with_sample=True)
        control = Server(server)
        with connect(url, is_live=is_live) as session:
            before = len(session.view("executions"))
            control.stop()
            control.start()
            assert len(session.view("executions")) == before
            assert session.sql("SELECT count(*) AS n FROM tasks")["n"][0] == 50
            control.stop()
            try:
                with pytest.raises(AnalysisError) as down:
                    session.view("tasks")
            finally:
                control.start()
            assert "\n" not in str(down.value) and PASSWORD not in str(down.value)
            assert len(session.view("executions")) == before
