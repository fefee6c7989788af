"""The notebooks as `lab` serves them: copies without outputs, so that nothing of another store is seen in them.

A copy that somebody has changed is left as it is.
"""

import hashlib
import shutil
from pathlib import Path

import nbformat
from nbformat import NotebookNode

_MARK = "asp_copied_sha256"
"""Metadata of a copy: the fingerprint of the sources that were copied."""


def copy_notebooks(source: Path, target: Path) -> list[str]:
    """Copy notebooks and pages of a folder into another, without outputs; return the names of those left as they are.

    A copy whose cells differ from what was copied has been changed: it stays.
    """
    target.mkdir(parents=True, exist_ok=True)
    kept = []
    for path in sorted(source.glob("*.ipynb")):
        notebook, place = nbformat.read(path, as_version=4), target / path.name
        if place.exists() and _is_changed(nbformat.read(place, as_version=4)):
            kept.append(path.name)
            continue
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
        notebook.metadata[_MARK] = _fingerprint(notebook)
        nbformat.write(notebook, place)
    for path in source.glob("*.md"):
        shutil.copyfile(path, target / path.name)
    return kept


def _is_changed(notebook: NotebookNode) -> bool:
    return bool(notebook.metadata.get(_MARK) != _fingerprint(notebook))


def _fingerprint(notebook: NotebookNode) -> str:
    return hashlib.sha256("\0".join(cell.source for cell in notebook.cells).encode()).hexdigest()
