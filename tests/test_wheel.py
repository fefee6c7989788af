"""The installed wheel is the whole product, in any folder."""

import os
import re
import subprocess
import sys
import time
import urllib.request
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder with the unpacked wheel, as an installation has it; its dependencies are those of this environment."""
    folder = tmp_path_factory.mktemp("wheel")
    built = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stderr
    (wheel,) = folder.glob("*.whl")
    target = folder / "site"
    zipfile.ZipFile(wheel).extractall(target)
    return target


def run_there(installed, folder, *words):
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    environment |= {"PYTHONPATH": str(installed), "HOME": str(folder)}
    command = [sys.executable, "-P", "-m", "asp_analysis", *map(str, words)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment)


def test_the_wheel_holds_views_and_notebooks(installed):
    package = installed / "asp_analysis"
    assert len(list((package / "_notebooks").glob("*.ipynb"))) == len(list((ROOT / "notebooks").glob("*.ipynb"))) > 5
    assert (package / "_notebooks" / ".jupyter" / "labconfig").is_dir()
    assert (package / "_database" / "views" / "marts" / "tasks.sql").is_file()


def test_lab_copies_the_notebooks_and_makes_a_store_in_any_folder(installed, tmp_path):
    ran = run_there(installed, tmp_path, "lab", "--copy-only")
    assert ran.returncode == 0, ran.stderr
    assert f"Created the empty store {tmp_path / 'data' / 'asp_telemetry.db'}" in ran.stderr
    copies = tmp_path / "data" / "notebooks"
    assert {path.name for path in copies.glob("*.ipynb")} == {
        path.name for path in (ROOT / "notebooks").glob("*.ipynb")
    }
    changed = copies / "01-overview.ipynb"
    changed.write_text(changed.read_text().replace("import", "import os; import", 1))
    before = changed.read_text()
    again = run_there(installed, tmp_path, "lab", "--copy-only")
    assert "01-overview.ipynb was changed and is left as it is" in again.stderr and changed.read_text() == before


def test_the_store_of_a_folder_is_found_from_its_sub_folders(installed, tmp_path):
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    assert run_there(installed, tmp_path, "init", "--sample").returncode == 0
    ran = run_there(installed, below, "sql", "SELECT count(*) AS n FROM stg_tasks", "--csv")
    assert ran.stdout == "n\n50\n", ran.stderr
    (below / ".env").write_text("DATABASE_URL=sqlite:///own.db\n")
    assert run_there(installed, below, "init").returncode == 0
    assert (below / "own.db").is_file()


def test_the_address_that_lab_prints_opens_the_first_page_without_asking(installed, tmp_path):
    """It holds the token: an address with a query of its own would end at the login page."""
    environment = {**os.environ, "PYTHONPATH": str(installed), "HOME": str(tmp_path)}
    environment.pop("DATABASE_URL", None)
    log = tmp_path / "lab.log"
    command = [sys.executable, "-P", "-m", "asp_analysis", "lab", "--no-browser"]
    with log.open("wb") as out, subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=out) as server:
        try:
            address = _wait_for(lambda: re.search(r"http://127\.\S+token=\w+", log.read_text()), server)[0]
            opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
            with opener.open(address, timeout=60) as page:
                assert "/lab/tree/start.md" in page.url and "login" not in page.url
                assert "<title>JupyterLab</title>" in page.read().decode()
        finally:
            server.terminate()


def _wait_for(find, server):
    """Ask until something is found; a server that ended, or says nothing for two minutes, fails."""
    ends_at = time.monotonic() + 120
    while time.monotonic() < ends_at and server.poll() is None:
        if found := find():
            return found
        time.sleep(0.2)
    raise AssertionError("the server printed no address")
