"""Every notebook has the same form, was run from top to bottom, and quotes numbers that stand in its own outputs."""

import ast
import re
from html import unescape
from pathlib import Path

import nbformat
import pytest

NOTEBOOKS = sorted((Path(__file__).resolve().parents[1] / "notebooks").glob("*.ipynb"))
CLOSING = ["What this does not show", "Checks", "Where to go next"]
FORBIDDEN = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Try, ast.Lambda)
NUMBER = re.compile(r"(?<![\w.])-?\d[\d,]*(?:\.\d+)?(?:e-?\d+)?")


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def cells(request) -> list[nbformat.NotebookNode]:
    return nbformat.read(request.param, as_version=4).cells


def code_of(cells) -> list[nbformat.NotebookNode]:
    return [cell for cell in cells if cell.cell_type == "code"]


def python_of(cell) -> str:
    """Return the cell as Python: SQL cells are none, and lines with a magic are left out."""
    if cell.source.startswith("%%"):
        return ""
    return "\n".join(line for line in cell.source.splitlines() if not line.startswith("%"))


def lines_of(cell) -> list[str]:
    return [line for line in cell.source.splitlines() if line.strip()]


def headings_of(cells) -> list[str]:
    texts = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    return re.findall(r"^## (.+)$", texts, flags=re.MULTILINE)


def is_figure(cell) -> bool:
    return any("image/png" in output.get("data", {}) for output in cell.outputs)


def numbers_in(text: str) -> list[str]:
    """Return the numbers of a text as written, and without the separators of thousands."""
    return [number.replace(",", "") for number in NUMBER.findall(text)]


def output_text(cells) -> str:
    """Return what a reader sees: tables and texts; pandas' plain text would break columns over lines."""
    shown = []
    for output in (output for cell in code_of(cells) for output in cell.outputs):
        data = output.get("data", {})
        shown.append(output.get("text", "") + data.get("text/html", data.get("text/plain", "")))
    return unescape(re.sub(r"<style.*?</style>|<[^>]+>", " ", "\n".join(shown), flags=re.DOTALL))


def test_there_are_notebooks():
    assert len(NOTEBOOKS) >= 4


def test_the_names_are_numbered_from_one_without_gaps():
    assert [int(path.stem.split("-")[0]) for path in NOTEBOOKS] == list(range(1, len(NOTEBOOKS) + 1))


def test_every_code_cell_was_run_once_from_top_to_bottom(cells):
    counts = [cell.execution_count for cell in code_of(cells)]
    assert counts == list(range(1, len(counts) + 1))


def test_a_cell_that_ends_in_a_value_holds_its_output(cells):
    for cell in code_of(cells):
        source = python_of(cell)
        ends_in_value = source and isinstance(ast.parse(source).body[-1], ast.Expr)
        is_query = cell.source.startswith("%%sql\n")
        if (ends_in_value and "set_option" not in source and "use_style" not in source) or is_query:
            assert cell.outputs, cell.source


def test_no_output_is_an_error_or_was_written_to_stderr(cells):
    outputs = [output for cell in code_of(cells) for output in cell.outputs]
    assert not [o for o in outputs if o.output_type == "error" or o.get("name") == "stderr"]


def test_no_output_holds_a_path_an_address_or_a_time_of_day(cells):
    assert not re.search(r"/(home|work|tmp|root|Users)/|sqlite://|0x[0-9a-f]{6}|\d\d:\d\d:\d\d", output_text(cells))


def test_the_metadata_is_the_same_for_every_run(cells):
    assert all(set(cell.metadata) <= {"tags"} for cell in cells)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_kernel_is_named_python3(path):
    metadata = nbformat.read(path, as_version=4).metadata
    assert metadata.kernelspec.name == "python3"
    assert set(metadata) == {"kernelspec", "language_info"}


def test_it_opens_with_title_imports_parameters_and_session(cells):
    title, imports, parameters, session, look = cells[:5]
    assert title.source.startswith("# ") and "?" in title.source.splitlines()[0]
    assert re.search(r"\breads?\b.*`", title.source, flags=re.DOTALL)
    assert imports.source.startswith(("import ", "from "))
    assert all(re.match(r"[A-Z][A-Z_]* = .+  # .+", line) for line in lines_of(parameters))
    assert "asp.connect(" in session.source
    assert look.source.startswith("## Look at the data")


def test_imports_stand_in_one_cell(cells):
    others = [cell for cell in code_of(cells)[1:] if re.search(r"^\s*(import|from) ", python_of(cell), re.MULTILINE)]
    assert not others


def test_it_closes_with_limits_checks_and_ways_on(cells):
    assert headings_of(cells)[-3:] == CLOSING
    assert cells[-1].cell_type == "markdown" and "## Where to go next" in cells[-1].source


def test_two_to_four_asserts_are_the_last_code(cells):
    body = ast.parse(python_of(code_of(cells)[-1])).body
    assert all(isinstance(statement, ast.Assert) for statement in body)
    assert 2 <= len(body) <= 4


def test_code_cells_have_at_most_twelve_lines(cells):
    assert not [cell.source for cell in code_of(cells) if len(lines_of(cell)) > 12]


def test_every_code_cell_stands_between_texts(cells):
    first_four = 4
    for before, cell, after in zip(cells[first_four:], cells[first_four + 1 :], cells[first_four + 2 :], strict=False):
        if cell.cell_type == "code":
            assert before.cell_type == after.cell_type == "markdown", cell.source


def test_nothing_is_defined_caught_or_printed(cells):
    for cell in code_of(cells):
        nodes = list(ast.walk(ast.parse(python_of(cell))))
        assert not [node for node in nodes if isinstance(node, FORBIDDEN)], cell.source
        assert not [node for node in nodes if isinstance(node, ast.Name) and node.id == "print"], cell.source


def test_cells_with_a_figure_end_with_show(cells):
    for cell in code_of(cells):
        assert is_figure(cell) == cell.source.rstrip().endswith("plt.show()"), cell.source


def test_every_notebook_draws_at_least_one_figure(cells):
    assert any(is_figure(cell) for cell in code_of(cells))


def test_bold_numbers_in_the_texts_stand_in_an_output(cells):
    texts = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    quoted = [n for bold in re.findall(r"\*\*(.+?)\*\*", texts) for n in numbers_in(bold)]
    shown = {float(number) for number in numbers_in(output_text(cells))}
    assert quoted
    assert not [number for number in quoted if float(number) not in shown]


def test_the_code_is_formatted_like_the_package(cells):
    assert not [line for cell in code_of(cells) for line in cell.source.splitlines() if len(line) > 120]
