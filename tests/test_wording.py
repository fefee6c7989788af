"""Phrases that read as translated do not come back: in messages, help, docstrings, SQL comments, docs and notebooks."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

PHRASES = {
    r"\b(is|are) needed, ": "begin with what is wrong: There is no task 'X'. Load it first.",
    r", '?\S+'? is none\b": "say what it is not: 'X' is not a column",
    r"\bgave: ": "name what failed, then the reason after a colon",
    r"\bstands?\b(?! out)|\bstood\b": "is, means",
    r"\b(lies|lay)\b": "is",
    r"\bbeside\b": "next to, besides",
    r"\banew\b": "again",
    r"\bdear(er|est)\b": "more, most expensive",
    r"\bone's own\b": "your own",
    r"\b(tells?|told)\b": "says, shows, returns, identifies",
    r"\bcarr(y|ies|ied|ying)\b(?! over)": "support, copy",
    r"(?m)^\s*Give \w|[;,] gives? |\b(gives?|gave|given|giving) (back|None)\b": "return, show, have",
    r"\blet alone\b": "autonomous, acting alone",
    r"\bsurely\b": "at least X with 95 % confidence",
    r"\bwould do\b": "would be enough",
    r"\bis to be (watched|done|rounded)\b": "an item to watch",
    r"\bwhat (was|is) there\b": "the former, the present content",
    r"\b[Mm]end(ed)?\b": "correct, correct it",
    r"\bbrought (to|from)\b": "upgraded",
    r"\b[Mm]ake anew\b": "make again",
}
"""Phrase -> what to write instead."""

DOCUMENTS = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "Makefile")


def texts_of_code(path: Path) -> Iterator[tuple[int, str]]:
    """Every text of a module: messages, help, docstrings; an f-string with {} in the place of its values."""
    tree = ast.parse(path.read_text())
    parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            values = (part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)
            yield node.lineno, "".join(map(str, values))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in parts:
            yield node.lineno, node.value


def texts_of_sql(path: Path) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        yield number, line.partition("--")[2]


def texts_of_notebook(path: Path) -> Iterator[tuple[int, str]]:
    for number, cell in enumerate(json.loads(path.read_text())["cells"], start=1):
        if cell["cell_type"] == "markdown":
            yield number, "".join(cell["source"])


def texts() -> Iterator[tuple[str, str]]:
    """(place, text) of everything that a person reads."""
    readers = {"*.py": texts_of_code, "*.sql": texts_of_sql, "*.ipynb": texts_of_notebook}
    for folder, pattern in (("asp_analysis", "*.py"), ("database", "*.sql"), ("notebooks", "*.ipynb")):
        for path in sorted((ROOT / folder).rglob(pattern)):
            name = str(path.relative_to(ROOT))
            if path.name not in {"sample_data.sql", "004_sample_data.sql"}:
                for number, text in readers[pattern](path):
                    yield f"{name}:{number}", text
    for path in [*map(ROOT.joinpath, DOCUMENTS), *(ROOT / "docs").glob("*.md"), *(ROOT / "database").rglob("*.md")]:
        for number, line in enumerate(path.read_text().splitlines(), start=1):
            yield f"{path.relative_to(ROOT)}:{number}", line


TEXTS = list(texts())


@pytest.mark.parametrize("phrase", PHRASES)
def test_a_phrase_does_not_come_back(phrase):
    pattern = re.compile(phrase)
    found = [
        f"{place}: {match[0]!r} in {text.strip()[:100]!r}" for place, text in TEXTS if (match := pattern.search(text))
    ]
    assert not found, f"write: {PHRASES[phrase]}\n" + "\n".join(found)


def test_texts_of_all_kinds_are_read():
    kinds = {place.partition(":")[0].rpartition(".")[2] for place, _ in TEXTS}
    assert {"py", "sql", "md"} <= kinds and len(TEXTS) > 5_000
