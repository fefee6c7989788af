"""Every notebook, on every store that a stranger might have: no error, nothing on stderr, and every sentence filled.

Left out of an ordinary run: `make notebooks-own`, or `pytest -m own`. ASP_OWN_STORES names a folder of further stores
(`*.db`) that are tried too.
"""

import os
import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.own_stores import OWN_STORES, is_possible, make_store
from tests.postgres import new_database, running_server

pytestmark = pytest.mark.own

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))
FOLDER = ROOT / "build" / "own"
FURTHER = sorted(Path(os.environ["ASP_OWN_STORES"]).glob("*.db")) if "ASP_OWN_STORES" in os.environ else []
EMPTY = re.compile(r"(?<![\w.`/])(nan|NaN|None|NaT|inf|<NA>)(?![\w`/])")
CELL_TIMEOUT_S = 240


@pytest.fixture(scope="session")
def postgres_tour():
    """The address of a PostgreSQL that is started for this, with the store after the README's tour."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with running_server() as server_url, new_database(server_url) as url:
        OWN_STORES["tour"](url, FOLDER)
        yield url


def run(path, url, monkeypatch):
    """Run a notebook on a store, and return its code cells with their outputs."""
    monkeypatch.setenv("DATABASE_URL", url)
    notebook = nbformat.read(path, as_version=4)
    settings = {"timeout": CELL_TIMEOUT_S, "kernel_name": "python3", "allow_errors": True}
    NotebookClient(notebook, resources={"metadata": {"path": str(path.parent)}}, **settings).execute()
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def find_faults(cells):
    """List errors, what was written to stderr, and sentences with a hole, each with the cell that it is of."""
    faults = []
    for cell in cells:
        for output in cell.outputs:
            text = output.get("data", {}).get("text/markdown", "")
            if output.output_type == "error":
                faults.append(f"{output.ename}: {output.evalue} in {cell.source}")
            elif output.get("name") == "stderr":
                faults.append(f"stderr: {output.text} in {cell.source}")
            elif EMPTY.search(text):
                faults.append(f"not filled: {text} in {cell.source}")
    return faults


def list_sentences(cells):
    return [o["data"]["text/markdown"] for c in cells for o in c.outputs if "text/markdown" in o.get("data", {})]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
@pytest.mark.parametrize("name", OWN_STORES)
def test_a_notebook_runs_on_a_strangers_store(path, name, monkeypatch):
    if not is_possible(name):
        pytest.skip("the real data sets are not here (shared/data is missing)")
    cells = run(path, make_store(name, FOLDER), monkeypatch)
    assert find_faults(cells) == []
    assert len(list_sentences(cells)) >= 2


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_on_postgresql(path, postgres_tour, monkeypatch):
    assert find_faults(run(path, postgres_tour, monkeypatch)) == []


@pytest.mark.parametrize("store", FURTHER, ids=lambda path: path.stem)
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_on_a_further_store(path, store, monkeypatch):
    assert find_faults(run(path, f"sqlite:///{store.resolve()}", monkeypatch)) == []
