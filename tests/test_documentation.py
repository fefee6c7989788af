"""What the README and the manual show runs word for word, and what they name exists."""

import re
import shlex
import shutil
import subprocess
from importlib import import_module
from pathlib import Path

import pytest

from asp_analysis.cli import GROUPS, VERBS, group
from asp_analysis.config import parse_url
from asp_analysis.session import connect
from tests.documentation import PAGES, ROOT, Reader, blocks, commands, example
from tests.reading import transcript_formats

TRANSCRIPT = ROOT / "tests" / "stores" / "files" / "session.jsonl"
OTHER_PAGES = ("CONTRIBUTING.md", "database/README.md", "database/sqlite/README.md")


def text_of(page: str) -> str:
    return (ROOT / page).read_text()


def prepare(folder: Path) -> None:
    """Put transcripts where the tools keep them."""
    for where in (".claude/projects/shop", ".codex/sessions"):
        (folder / where).mkdir(parents=True)
    shutil.copy(TRANSCRIPT, folder / ".claude/projects/shop")


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in PAGES if any(block.kind == "tested" for block in blocks(page))])
def test_the_commands_of_a_page_run_word_for_word(page, tmp_path, request):
    reader = Reader(tmp_path)
    prepare(tmp_path)
    for block in blocks(page):
        if block.about == "with a server":
            reader.server = request.getfixturevalue("postgres_url").text
        reader.follow(block)


def test_the_example_of_capture_stores_what_it_says(tmp_path):
    reader = Reader(tmp_path)
    page = "docs/loading.md"
    (example_of_capture,) = [block for block in blocks(page) if block.mark == "tested" and block.language == "python"]
    reader._call(["asp-analysis", "init"], "init")
    reader.follow(example_of_capture)
    with connect(parse_url("asp.db", tmp_path)) as session:
        stored = session.sql("SELECT task_id, agent_role, tokens_in, cost_usd FROM executions").values.tolist()
        assert stored == [["ABC-2", "CodeReview", 1200, 0.012]]
        assert session.sql("SELECT description FROM stg_defects").squeeze() == "the amount is not checked"


def test_the_line_for_opentelemetry_stores_what_it_says(tmp_path):
    pytest.importorskip("opentelemetry.sdk.trace", reason="opentelemetry-sdk is not installed (extra `otel`)")
    before = """
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
provider = TracerProvider()
"""
    after = """
attributes = {"gen_ai.usage.input_tokens": 5, "gen_ai.conversation.id": "C", "gen_ai.usage.cost": 0.5}
provider.get_tracer("test").start_span("chat", attributes=attributes).end()
"""
    reader = Reader(tmp_path)
    reader._call(["asp-analysis", "init"], "init")
    reader._call(["python", "-c", before + example("docs/loading.md", "tested: with a tracer") + after], "tracer")
    with connect(parse_url("asp.db", tmp_path)) as session:
        stored = session.sql("SELECT task_id, agent_role, tokens_in, cost_usd FROM executions").values.tolist()
    assert stored == [["C", "Code", 5, 0.5]]


def named_commands(page: str) -> list[str]:
    """Return the calls of asp-analysis on a page: whole lines of blocks, and words in backquotes."""
    lines = [line for block in blocks(page) for line in commands(block.text)]
    inline = re.findall(r"`(asp-analysis [^`\n]+)`", text_of(page))
    return [line for line in [*lines, *inline] if line.startswith("asp-analysis ")]


@pytest.mark.parametrize("page", [*PAGES, *OTHER_PAGES])
def test_every_verb_and_option_that_is_named_exists(page):
    for line in named_commands(page):
        words = shlex.split(line.partition(" | ")[0], comments=True)[1:]
        options = {word.partition("=")[0] for word in words if word.startswith("--")}
        if words[0] in VERBS:
            command = import_module("asp_analysis.cli").group.get_command(None, words[0])
        else:
            assert words[0] in {"VERB", *options}, line
            command = group
        known = {name for parameter in command.params for name in parameter.opts}
        assert options <= known | {"--help"}, line


@pytest.mark.parametrize("page", [*PAGES, *OTHER_PAGES])
def test_every_file_that_is_linked_exists(page):
    for name in re.findall(r"\]\(([^)#:]+)\)", text_of(page)):
        assert ((ROOT / page).parent / name).exists(), f"{page}: {name}"


def test_the_readme_lists_the_verbs_as_the_help_does():
    rows = re.findall(r"^\| (\w*) ?\| `(\w+)` \| (.*) \|$", text_of("README.md"), re.MULTILINE)
    listed: dict[str, list[tuple[str, str]]] = {}
    for name, verb, sentence in rows:
        listed.setdefault(name or list(listed)[-1], []).append((verb, sentence))
    expected = {
        name: [(verb, group.get_command(None, verb).get_short_help_str(500)) for verb in verbs]
        for name, verbs in GROUPS.items()
    }
    assert listed == expected


def test_the_readme_names_every_page_of_the_manual():
    linked = set(re.findall(r"\]\((docs/[\w-]+\.md)\)", text_of("README.md")))
    assert linked == set(PAGES) - {"README.md"}


def test_every_format_of_transcripts_has_its_row_in_the_sources():
    rows = {line.split("|")[1].strip() for line in text_of("docs/sources.md").splitlines() if line.startswith("| ")}
    assert {form.title for form in transcript_formats()} <= rows


def test_the_readme_can_be_read_in_five_minutes():
    assert len(text_of("README.md").split()) <= 1350


def test_the_notebooks_of_the_readme_are_those_in_the_folder():
    listed = set(re.findall(r"^\| `(\d\d-[\w-]+)` ", text_of("README.md"), re.MULTILINE))
    assert listed == {path.stem for path in (ROOT / "notebooks").glob("*.ipynb")}


def test_make_lists_its_targets_in_one_column():
    listed = subprocess.run(
        ["make", "--no-print-directory", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    starts = {re.match(r"[a-z-]+ +", line).end() for line in listed}
    assert len(listed) > 10 and len(starts) == 1
