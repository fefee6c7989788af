"""Every notebook has the same form, was run from top to bottom, and says nothing that is true of the sample alone."""

import ast
import re
from html import unescape
from pathlib import Path

import nbformat
import pytest

from asp_analysis.session import connect

NOTEBOOKS = sorted((Path(__file__).resolve().parents[1] / "notebooks").glob("[0-9]*.ipynb"))
CLOSING = ["What this does not show", "Checks", "Where to go next"]
FORBIDDEN = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Try, ast.Lambda)
PARAMETERS = ["PROJECT", "MODEL", "ROLE", "SINCE", "UNTIL", "AS_OF"]
WITH_PANEL = {"01-overview", "02-estimate-with-probe", "08-my-coding-agents"}
WITH_PAGES = {"01-overview", "04-explore-with-sql"}

ALLOWED_NUMBERS = {
    "0": "a bound in a query: sizes above zero",
    "14": "backups that are kept, in an example of a command",
    "2": "digits to round to, in a query",
}
"""Numbers in Markdown or in texts of the code that say nothing of any store."""

ALLOWED_NAMES = {"Code": "in Claude Code, a product", "Design": "", "Planning": "", "Test": ""}
"""Names of the sample that are words of every store: its vocabulary of roles."""


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def path(request) -> Path:
    return request.param


@pytest.fixture
def cells(path) -> list[nbformat.NotebookNode]:
    return nbformat.read(path, as_version=4).cells


def code_of(cells) -> list[nbformat.NotebookNode]:
    return [cell for cell in cells if cell.cell_type == "code"]


def tags_of(cell) -> list[str]:
    return cell.metadata.get("tags", [])


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


def output_text(cells) -> str:
    """Return what a reader sees: tables and texts; pandas' plain text would break columns over lines."""
    shown = []
    for output in (output for cell in code_of(cells) for output in cell.outputs):
        data = output.get("data", {})
        html = data.get("text/markdown", data.get("text/html", data.get("text/plain", "")))
        shown.append(output.get("text", "") + html)
    return unescape(re.sub(r"<style.*?</style>|<[^>]+>", " ", "\n".join(shown), flags=re.DOTALL))


def texts_of(cells) -> list[str]:
    """Return what is written in a notebook itself: Markdown, SQL cells and the texts of the code; no file names."""
    texts = [cell.source for cell in cells if cell.cell_type == "markdown"]
    for cell in code_of(cells):
        if cell.source.startswith("%%"):
            texts.append(cell.source)
        nodes = ast.walk(ast.parse(python_of(cell)))
        texts += [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return [re.sub(r"`\d\d-[\w-]+`|'%Y-%m'", "", text) for text in texts]


def test_there_are_notebooks():
    assert len(NOTEBOOKS) >= 4


def test_the_names_are_numbered_from_one_without_gaps():
    assert [int(path.stem.split("-")[0]) for path in NOTEBOOKS] == list(range(1, len(NOTEBOOKS) + 1))


def test_every_code_cell_was_run_once_from_top_to_bottom(cells):
    counts = [cell.execution_count for cell in code_of(cells)]
    assert counts == list(range(1, len(counts) + 1))


def test_no_output_is_an_error_or_was_written_to_stderr(cells):
    outputs = [output for cell in code_of(cells) for output in cell.outputs]
    assert not [o for o in outputs if o.output_type == "error" or o.get("name") == "stderr"]


def test_no_output_holds_a_path_an_address_or_a_time_of_day(cells):
    assert not re.search(r"/(home|work|tmp|root|Users)/|sqlite://|0x[0-9a-f]{6}|\d\d:\d\d:\d\d", output_text(cells))


def test_the_metadata_is_the_same_for_every_run(cells):
    assert all(set(cell.metadata) <= {"jupyter", "tags"} for cell in cells)


def test_the_kernel_is_named_python3(path):
    metadata = nbformat.read(path, as_version=4).metadata
    assert metadata.kernelspec.name == "python3"
    assert set(metadata) == {"kernelspec", "language_info"}


def test_the_answer_comes_first(cells):
    title, setup, answer, choice, parameters, follow = cells[:6]
    assert title.source.startswith("# ") and "?" in title.source.splitlines()[0]
    assert re.search(r"\breads\b.*`", title.source, flags=re.DOTALL)
    assert setup.metadata.jupyter.source_hidden and "start()" in setup.source
    assert re.fullmatch(r"answer = Answer\(db, \w+\.answer\)", answer.source)
    kinds = [kind for output in answer.outputs for kind in output.data]
    assert "text/markdown" in kinds and "image/png" in kinds
    assert choice.source.startswith("## ")
    assert tags_of(parameters) == ["parameters"] and "answer.follow(" in follow.source


def test_the_parameters_are_the_same_everywhere_and_narrow_nothing(cells):
    parameters = next(cell for cell in code_of(cells) if "parameters" in tags_of(cell))
    lines = [re.fullmatch(r"([A-Z_]+) = None  # .+", line) for line in lines_of(parameters)]
    assert [line[1] for line in lines][: len(PARAMETERS)] == PARAMETERS


def test_panels_and_paging_tables_are_where_they_help_and_are_not_compared(path, cells):
    for word, names in (("Panel(", WITH_PANEL), ("browse(", WITH_PAGES)):
        found = [cell for cell in code_of(cells) if word in cell.source and not cell.source.startswith(("from", "%"))]
        assert bool(found) == (path.stem in names), word
        assert all("nbval-skip" in tags_of(cell) and not cell.outputs for cell in found)


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
    for before, cell, after in zip(cells[5:], cells[6:], cells[7:], strict=False):
        if cell.cell_type == "code":
            assert before.cell_type == after.cell_type == "markdown", cell.source


def test_nothing_is_defined_caught_or_printed(cells):
    for cell in code_of(cells):
        nodes = list(ast.walk(ast.parse(python_of(cell))))
        assert not [node for node in nodes if isinstance(node, FORBIDDEN)], cell.source
        assert not [node for node in nodes if isinstance(node, ast.Name) and node.id == "print"], cell.source


def test_every_notebook_draws_at_least_one_figure(cells):
    assert any("image/png" in output.get("data", {}) for cell in code_of(cells) for output in cell.outputs)


def test_no_number_stands_in_what_is_written(cells):
    for text in texts_of(cells):
        found = {number.rstrip(".") for number in re.findall(r"(?<![\w.])\d[\d.,]*", text)}
        assert found <= set(ALLOWED_NUMBERS), text


def test_no_name_of_the_sample_stands_in_what_is_written(cells, sample_store):
    columns = {"executions": ["task_id", "project_id", "agent_role", "llm_model"], "defects": ["defect_type"]}
    with connect(sample_store) as db:
        names = {
            str(name)
            for view, wanted in columns.items()
            for column in wanted
            for name in db.sql(f"SELECT DISTINCT {column} AS name FROM {view}").name.dropna()
        }
    written = "\n".join(texts_of(cells))
    found = {name for name in names - set(ALLOWED_NAMES) if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", written)}
    assert not found
    assert "on the sample" not in written.lower()


def test_the_code_is_formatted_like_the_package(cells):
    assert not [line for cell in code_of(cells) for line in cell.source.splitlines() if len(line) > 120]
