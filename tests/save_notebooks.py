"""Runs every notebook (or those named) on the store in DATABASE_URL and keeps the outputs (`make notebooks-save`).

A cell that raises stops the run with its error, and the notebook stays as it was. Metadata that differs from run to
run (times, versions, widget state) is not kept, and neither are the outputs of panels and of tables that page: they
need a running kernel, or carry a whole library.
"""

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def executed(notebook: nbformat.NotebookNode, folder: Path) -> nbformat.NotebookNode:
    """Run a notebook in a folder, in place; its cells hold the new outputs."""
    settings = {"resources": {"metadata": {"path": str(folder)}}, "kernel_name": "python3", "timeout": 300}
    return NotebookClient(notebook, record_timing=False, **settings).execute()


def cleaned(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Leave only what is the same in every run; a cell keeps its tags, and whether its source is collapsed."""
    notebook.metadata = nbformat.from_dict({"kernelspec": KERNEL, "language_info": {"name": "python"}})
    for cell in notebook.cells:
        kept = {name: cell.metadata[name] for name in ("jupyter", "tags") if cell.metadata.get(name)}
        cell.metadata = nbformat.from_dict(kept)
        if "nbval-skip" in kept.get("tags", []):
            cell.outputs = []
        for output in cell.get("outputs", []):
            if "metadata" in output:
                output["metadata"] = nbformat.from_dict({})
    return notebook


def save(path: Path) -> None:
    """Run one notebook and write it back."""
    notebook = nbformat.read(path, as_version=4)
    nbformat.write(cleaned(executed(notebook, path.parent)), path)


if __name__ == "__main__":
    for notebook_file in [Path(name) for name in sys.argv[1:]] or sorted(NOTEBOOKS.glob("*.ipynb")):
        save(notebook_file)
        sys.stderr.write(f"saved {notebook_file.name}\n")
