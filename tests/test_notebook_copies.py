"""`make lab` serves copies of the notebooks without outputs, and leaves those alone that somebody changed."""

from pathlib import Path

import nbformat
import pytest

from asp_analysis.notebook_copies import copy_notebooks

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"


@pytest.fixture
def copies(tmp_path):
    assert copy_notebooks(NOTEBOOKS, tmp_path) == []
    return tmp_path


def change(path, source):
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[0].source = source
    nbformat.write(notebook, path)


def test_nothing_of_the_sample_is_in_a_copy(copies):
    names = {path.name for path in NOTEBOOKS.glob("*.ipynb")}
    assert {path.name for path in copies.glob("*.ipynb")} == names
    for path in copies.glob("*.ipynb"):
        cells = nbformat.read(path, as_version=4).cells
        assert not [cell for cell in cells if cell.get("outputs") or cell.get("execution_count")]


def test_the_first_page_names_every_notebook(copies):
    text = (copies / "start.md").read_text()
    assert all(f"({path.name})" in text for path in NOTEBOOKS.glob("*.ipynb"))


def test_a_copy_that_was_changed_stays_and_the_others_are_renewed(copies):
    mine, other = copies / "01-overview.ipynb", copies / "02-estimate-with-probe.ipynb"
    change(mine, "# My own")
    other.unlink()
    assert copy_notebooks(NOTEBOOKS, copies) == [mine.name]
    assert nbformat.read(mine, as_version=4).cells[0].source == "# My own"
    assert other.exists()
