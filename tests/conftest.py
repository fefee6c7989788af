"""Fixtures that many tests share: an empty store, the sample store, and the command line in this process."""

import json
import re
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import settings

from asp_analysis import cli
from asp_analysis.cli.passwords import WAS_VISIBLE
from asp_analysis.config import StoreUrl, parse_url
from asp_analysis.store.database import create_store
from tests.lake_server import bucket, lake_server  # noqa: F401 - fixtures
from tests.postgres import new_database, running_server

_LAST_COMMAND = r": (asp-analysis|pg_dump|pg_restore|createdb|sqlite3) .*$"
"""A message may end with a command, which is copied more easily without a full stop."""

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@dataclass(frozen=True)
class Ran:
    """What a command printed and how it ended."""

    out: str
    err: str
    exit_code: int

    @property
    def json(self):
        return json.loads(self.out)

    @property
    def refusal(self) -> str:
        """The one line that a refused command prints: what is wrong, what is allowed, what to do next.

        It has at least two sentences, or a colon before what is allowed; it ends with a full stop or with a command.
        """
        assert self.exit_code == 1, (self.out, self.err)
        lines = self.err.splitlines()
        assert len(lines) == 1 and re.match(r"Error: \S.*([.;] \S|: )", lines[0]), self.err
        assert lines[0].endswith(".") or re.search(_LAST_COMMAND, lines[0]), self.err
        return lines[0]


# How long one example takes depends on what else the machine does; a test that hangs ends with its target's timeout.
settings.register_profile("asp", deadline=None)
settings.load_profile("asp")


def pytest_configure() -> None:
    """Let a suite that runs in the background (`nohup`, `&`) send an interrupt to the processes that it starts.

    A shell starts such a job with SIGINT ignored, and every child inherits that.
    """
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what tests measured and do not judge."""
    for report in terminalreporter.getreports("passed"):
        for name, value in report.user_properties:
            terminalreporter.write_line(f"{report.nodeid.partition('::')[2]}: {name}: {value}")


@pytest.fixture(autouse=True)
def _nothing_of_ones_own(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No test may touch the store that the developer works with, or leave files in the machine's temporary folder."""
    monkeypatch.setenv("DATABASE_URL", "sqlite:////nonexistent/asp.db")
    temporary = str(tmp_path_factory.getbasetemp())
    monkeypatch.setenv("TMPDIR", temporary)
    monkeypatch.setattr(tempfile, "tempdir", temporary)


@pytest.fixture
def empty_store(tmp_path: Path) -> StoreUrl:
    """The address of a new store without records."""
    url = parse_url("store.db", tmp_path)
    create_store(url)
    return url


@pytest.fixture(scope="session")
def sample_store(tmp_path_factory: pytest.TempPathFactory) -> StoreUrl:
    """The address of a store with the sample data; read only by agreement."""
    url = parse_url("sample.db", tmp_path_factory.mktemp("sample"))
    create_store(url, with_sample=True)
    return url


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The address of a real PostgreSQL server: ASP_TEST_POSTGRES_URL, else one of the tests' own."""
    with running_server() as url:
        yield url


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[StoreUrl]:
    """The address of an empty database there."""
    with new_database(postgres_server) as text:
        yield parse_url(text, Path())


@pytest.fixture(scope="session")
def postgres_sample(postgres_server: str) -> Iterator[StoreUrl]:
    """The address of a database with the sample data; read only by agreement."""
    with new_database(postgres_server) as text:
        url = parse_url(text, Path())
        create_store(url, with_sample=True)
        yield url


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Ran]]:
    """Run a command line in this process: `run("load", file, "--db", url)`.

    The servers of the tests have a password in their address; what is said of that is left out of `err`.
    """

    def run_command(*words: object) -> Ran:
        texts = [word.text if isinstance(word, StoreUrl) else str(word) for word in words]
        monkeypatch.setattr(sys, "argv", ["asp-analysis", *texts])
        capsys.readouterr()
        try:
            cli.main()
            code = 0
        except SystemExit as stop:
            code = int(stop.code or 0)
        printed = capsys.readouterr()
        return Ran(printed.out, printed.err.replace(f"{WAS_VISIBLE}\n", ""), code)

    yield run_command


@pytest.fixture
def load_text(run: Callable[..., Ran], empty_store: StoreUrl, tmp_path: Path) -> Callable[..., Ran]:
    """Load a text as a table of executions into the empty store: `load_text("timestamp,...", "--decimal", ",")`."""

    def load(text: str, *options: str, name: str = "runs.csv") -> Ran:
        (tmp_path / name).write_text(text)
        return run("load", tmp_path / name, "--as", "executions", *options, "--db", empty_store)

    return load


@pytest.fixture
def real_data() -> Path:
    """The folder of real data sets beside the project."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"the real data sets are not here ({SHARED_DATA.parent.name}/{SHARED_DATA.name} is missing)")
    return SHARED_DATA
