"""The installed wheel is the whole product, in any folder."""

import os
import subprocess
import sys
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
