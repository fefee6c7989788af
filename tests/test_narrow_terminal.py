"""What a terminal shows can be read in its width: no number is folded, no word is broken, long texts wrap at words."""

import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from asp_analysis.cli.layout import layout
from asp_analysis.session import view_names

pytestmark = pytest.mark.slow

REASON = "the amount is not checked before it is written, " * 3


def shown(headers, rows, width):
    text = io.StringIO()
    Console(file=text, width=width, height=1, color_system=None).print(layout(headers, rows, width))
    lines = text.getvalue().splitlines()
    assert all(len(line) <= width for line in lines)
    return lines


def words(lines):
    return re.findall(r"\S+", " ".join(lines))


def test_what_fits_is_a_table_with_one_line_per_row():
    lines = shown(["model", "tokens_in"], [["a", "164,762,801"], ["b", "16"]], 40)
    assert [line.split() for line in lines if line.strip()][2:] == [["a", "164,762,801"], ["b", "16"]]


def test_names_of_columns_break_at_underscores_before_a_table_is_given_up():
    lines = shown(["llm_model", "calls_without_price"], [["claude-opus-4-1", "164,762,801"]], 34)
    assert {"calls_", "without_", "price", "claude-opus-4-1", "164,762,801"} <= set(words(lines))


def test_numbers_are_never_folded_and_long_texts_wrap_at_words():
    lines = shown(["n", "reason", "cost_usd"], [["1", REASON, "164,762,801"], ["2", "short", "0.00498767"]], 60)
    assert {"164,762,801", "0.00498767", *REASON.split()} <= set(words(lines))
    assert len(lines) > 6


def test_where_no_table_fits_each_row_is_a_block_of_aligned_names():
    headers, rows = ["llm_model", "tokens_in", "reason"], [["claude-sonnet-4-5", "164,762,801", REASON], ["b", "", ""]]
    lines = shown(headers, rows, 40)
    assert [line.rstrip() for line in lines[1:3]] == ["llm_model: claude-sonnet-4-5", "tokens_in: 164,762,801"]
    assert [line.rstrip() for line in lines[-4:]] == ["llm_model: b", "tokens_in:", "reason:", ""]
    assert set(REASON.split()) <= set(words(lines))


@pytest.mark.parametrize("width", [10, 20, 40, 80])
@pytest.mark.parametrize("count", [1, 2, 9])
def test_without_rows_the_names_are_shown_in_every_width(count, width):
    names = ["a_name_of", "b", "c", "d", "e", "f", "g", "h", "i"][:count]
    assert set("".join(names)) <= set("".join(shown(names, [], width)))


LISTINGS = (
    ("models",),
    ("quality",),
    ("learning",),
    ("status",),
    ("rejects",),
    ("views",),
    *(("sql", f"FROM {name}") for name in view_names()),
)


@pytest.mark.skipif(sys.platform == "win32", reason="a pseudo-terminal is needed")
@pytest.mark.parametrize("columns", [30, 80])
@pytest.mark.parametrize("words_said", LISTINGS, ids=" ".join)
def test_a_listing_of_an_empty_store_fits_its_terminal(empty_store, words_said, columns):
    store = () if words_said == ("views",) else ("--db", empty_store.path)
    lines = on_terminal(columns, *words_said, *store)
    assert lines and not any("Traceback" in line for line in lines)


def on_terminal(columns, *arguments):
    """Run a command on a terminal of its own and give what it shows."""
    import pty

    master, slave = pty.openpty()
    environment = {**os.environ, "COLUMNS": str(columns), "TERM": "dumb"}
    command = [sys.executable, "-m", "asp_analysis", *map(str, arguments)]
    process = subprocess.Popen(command, stdout=slave, stdin=slave, env=environment, cwd=Path(__file__).parents[1])
    os.close(slave)
    found = b""
    try:
        while part := os.read(master, 65536):
            found += part
    except OSError:
        pass  # this is how Linux ends a terminal that nobody writes to
    assert process.wait() == 0
    os.close(master)
    return found.decode().replace("\r\n", "\n").splitlines()


@pytest.mark.skipif(sys.platform == "win32", reason="a pseudo-terminal is needed")
@pytest.mark.parametrize("columns", [80, 100, 160])
def test_the_models_of_the_store_can_be_read_on_a_terminal(sample_store, columns):
    lines = on_terminal(columns, "models", "--db", sample_store.path)
    assert all(len(line) <= columns for line in lines)
    assert {"claude-sonnet-4-5", "claude-opus-4-1", "164,762,801", "110.343"} <= set(words(lines))


@pytest.mark.skipif(sys.platform == "win32", reason="a pseudo-terminal is needed")
def test_learning_says_who_may_act_alone_before_its_figures_and_breaks_no_word(sample_store):
    lines = on_terminal(80, "learning", "--as-of", "2025-12-14", "--db", sample_store.path)
    assert all(len(line) <= 80 for line in lines)
    text = "\n".join(lines)
    assert text.index("do not let it act") < text.index("evidence_lower")
    assert "which has to earn its mode again" in " ".join(words(lines))


def test_a_pipe_gets_every_row_on_one_line(run, sample_store):
    lines = run("learning", "--as-of", "2025-12-14", "--db", sample_store).out.splitlines()
    assert any(line.split()[:2] == ["PROBE_AI", "Autonomous"] and "estimates within ±20 %" in line for line in lines)
