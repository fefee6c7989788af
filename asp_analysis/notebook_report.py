"""A notebook run with parameters as one HTML file without code, which opens without a network."""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from asp_analysis.config import supplied_dir
from asp_analysis.errors import AnalysisError, InputError
from asp_analysis.session.local_clock import ZONE_VARIABLE
from asp_analysis.session.persons import PERSONS_VARIABLE

LEFT_OUT = ("panel", "browse", "parameters", "notebook-only")
"""Tags of cells that a report lacks: panels and paging tables need a running kernel, the parameters are named above;
`notebook-only` is the text about them, and about checks."""

_CELL_TIMEOUT_S = 600
_NOTEBOOKS = supplied_dir("notebooks")


@dataclass(frozen=True, kw_only=True)
class ReportView:
    """What a notebook reads: the store at a URL; persons: how they are shown, as `PersonView.read` reads it, by their
    names where None; zone: whose days, UTC where None."""

    url: str
    persons: str | None = None
    zone: str | None = None

    @property
    def environment(self) -> dict[str, str]:
        """The variables that say so to the process of the notebook."""
        said = {"DATABASE_URL": self.url, PERSONS_VARIABLE: self.persons, ZONE_VARIABLE: self.zone}
        return {**os.environ, **{name: value for name, value in said.items() if value is not None}}


def list_notebooks() -> list[str]:
    """Return the names of the notebooks that come with the workbench, without their ending."""
    return sorted(path.stem for path in _NOTEBOOKS.glob("[0-9]*.ipynb"))


def find_notebook(name: str) -> Path:
    """Return the file of a notebook: a path, or the name (or its beginning) of one that comes with the workbench.

    Raises:
        InputError: there is none, or more than one; the message lists what there is.
    """
    path = Path(name)
    if path.suffix == ".ipynb" and path.is_file():
        return path
    found = [stem for stem in list_notebooks() if stem == name] or [s for s in list_notebooks() if s.startswith(name)]
    if len(found) != 1:
        known = ", ".join(list_notebooks()) or "none"
        raise InputError(
            f"{name!r} is {'no notebook' if not found else 'the beginning of several notebooks'}. There are: {known}. "
            "Name one of them, or a file that ends in .ipynb."
        )
    return _NOTEBOOKS / f"{found[0]}.ipynb"


def set_parameters(notebook: NotebookNode, values: dict[str, str]) -> None:
    """Write values into the cell that is tagged `parameters`; a text stays a text, a number becomes one.

    Raises:
        InputError: the notebook has no such cell, or no parameter of a name; the message lists those that it has.
    """
    cells = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
    if not values:
        return
    if not cells:
        raise InputError("This notebook has no cell with the tag 'parameters'. Leave --param out.")
    cell = cells[0]
    known = re.findall(r"^([A-Z][A-Z_]*) = ", cell.source, flags=re.MULTILINE)
    unknown = [name for name in values if name not in known]
    if unknown:
        raise InputError(f"{unknown[0]!r} is no parameter of this notebook. It has: {', '.join(known)}.")
    lines = cell.source.splitlines()
    for place, line in enumerate(lines):
        name = line.partition(" = ")[0]
        if name in values:
            lines[place] = f"{name} = {_read_value(values[name])!r}"
    cell.source = "\n".join(lines)


def _read_value(text: str) -> Any:
    if text == "None" or not text:
        return None
    return float(text) if re.fullmatch(r"-?\d+(\.\d+)?", text) else text


def run_notebook(notebook: NotebookNode, view: ReportView) -> None:
    """Run all cells on a store, in place, in a kernel of its own that is gone afterwards.

    Raises:
        AnalysisError: a cell failed; the message is the last line of its error.
    """
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    notebook.cells = [cell for cell in notebook.cells if not {"panel", "browse"} & set(cell.metadata.get("tags", []))]
    # The kernel warns of its sockets on stderr; they are on the loopback interface, signed with a key of this run.
    client = NotebookClient(
        notebook,
        timeout=_CELL_TIMEOUT_S,
        kernel_name="python3",
        record_timing=False,
        extra_arguments=["--log-level=ERROR"],
    )
    try:
        client.execute(env=view.environment)
    except CellExecutionError as error:
        raise AnalysisError(f"The notebook stopped: {error.evalue} Correct it, or set other parameters.") from None
    except (CellTimeoutError, DeadKernelError) as error:
        reason = str(error).splitlines()[0] if str(error) else "its kernel ended"
        raise AnalysisError(f"The notebook stopped: {reason}. Narrow it with --param, or run it again.") from None


def write_report(notebook: NotebookNode, path: Path) -> None:
    """Write a notebook that was run as one HTML file without code.

    Raises:
        InputError: the file cannot be written there.
    """
    from nbconvert import HTMLExporter
    from traitlets.config import Config

    shown = nbformat.from_dict(dict(notebook))
    cells = [cell for cell in notebook.cells if not set(LEFT_OUT) & set(cell.metadata.get("tags", []))]
    shown.cells = [cell for cell in cells if cell.cell_type == "markdown" or cell.get("outputs")]
    config = Config({"HTMLExporter": {"exclude_input": True, "exclude_input_prompt": True, "mathjax_url": ""}})
    config.HTMLExporter.update({"exclude_output_prompt": True, "embed_images": True, "require_js_url": ""})
    config.HTMLExporter.update({"mermaid_js_url": "", "jquery_url": "", "sanitize_html": False})
    page, _ = HTMLExporter(config=config, template_name="basic").from_notebook_node(shown)
    title = next((line[2:] for cell in cells for line in cell.source.splitlines() if line.startswith("# ")), path.stem)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_PAGE.format(title=_escape(title), body=page), encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}. Name another file with --out.") from None


_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222; }}
img {{ max-width: 100%; height: auto; }}
table {{ border-collapse: collapse; border: 0; font-size: 14px; margin: 1rem 0; display: block; overflow-x: auto; }}
th, td {{ padding: 0.25rem 0.6rem; text-align: right; vertical-align: top; border: 0; border-bottom: 1px solid #ddd; }}
a.anchor-link {{ display: none; }}
code {{ background: #f4f4f4; padding: 0 0.2rem; }}
@media print {{ body {{ max-width: none; margin: 0; }} img, table {{ break-inside: avoid; }} }}
</style>
</head>
<body>
{body}
</body>
</html>
"""


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def make_report(name: str, view: ReportView, values: dict[str, str], path: Path) -> None:
    """Run a notebook on a store with parameters and write it as one HTML file.

    Raises:
        InputError: there is no such notebook or parameter, or the file cannot be written.
        AnalysisError: a cell failed.
    """
    notebook = nbformat.read(find_notebook(name), as_version=4)
    set_parameters(notebook, values)
    run_notebook(notebook, view)
    write_report(notebook, path)
