"""Half a surrogate pair, which JavaScript leaves where it cuts a text within an emoji, does not cost a paid call."""

import json
import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asp_analysis.importers.json_text import read_json
from asp_analysis.importers.transcripts.calls import Reading
from asp_analysis.records import storable_json
from tests.fuzz import seeds
from tests.reading import read_transcript

HALF = "\\ud83d"
CALL = """{"type":"assistant","sessionId":"s","uuid":"u","timestamp":"2026-06-01T10:00:01.000Z","cwd":"/x",
"version":"2.0.1","requestId":"r","message":{"id":"m","role":"assistant","model":"claude-sonnet-4-5","content":
[{"type":"text","text":"cut TEXT"},{"type":"tool_use","id":"t","name":"Read","input":{"file_path":"/a TEXT"}}],
"usage":{"input_tokens":10,"output_tokens":20}}}""".replace("\n", "")


@given(st.recursive(st.text() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_what_is_whole_is_read_as_it_is(value):
    assert read_json(json.dumps(value)) == value
    assert read_json(json.dumps([value, "\ud800"])) == [value, "\ufffd"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r'"\ud83d\ude00 \ud83d"', "\U0001f600 \ufffd"),
        (r'"\ude00\ud83d"', "\ufffd\ufffd"),
        (r'"\ud83d\ud83d\ude00"', "\ufffd\U0001f600"),
        (r'"\\ud83d \ud83d"', "\\ud83d \ufffd"),
        (r'{"\ud83d": 1}', {"\ufffd": 1}),
    ],
)
def test_only_halves_are_replaced(text, value):
    assert read_json(text) == value


def test_what_is_no_json_is_refused():
    with pytest.raises(ValueError, match="EOF"):
        read_json(r'["\ud83d"')


@pytest.mark.parametrize("lines", [1, 2])
def test_a_call_with_a_cut_text_is_paid(run, empty_store, tmp_path, lines):
    path = tmp_path / "session.jsonl"
    path.write_text((CALL + "\n").replace("TEXT", HALF) * lines, encoding="utf-8")
    assert "0 rejected" in run("load", path, "--keep-text", "--db", empty_store).out
    with sqlite3.connect(empty_store.path) as file:
        ((tokens, metadata),) = file.execute("SELECT tokens_out, metadata_json FROM agent_cost_vector")
    assert tokens == 20
    assert "cut \ufffd" in metadata


def test_a_database_with_a_cut_name_gives_texts_that_can_be_stored(tmp_path):
    path = tmp_path / "crush.db"
    path.write_bytes(seeds.SEEDS["crush"]())
    with sqlite3.connect(path) as file:
        parts = json.dumps([{"type": "tool_call", "data": {"name": "\ud83d", "id": "1"}}])
        file.execute("UPDATE messages SET parts = ?", (parts,))
    calls = read_transcript(path, Reading()).calls.values()
    assert {name.split(":")[0] for call in calls for name in call.tools} == {"\ufffd"}


def test_what_cannot_be_stored_is_refused_with_a_reason():
    with pytest.raises(ValueError, match="surrogates not allowed"):
        storable_json({"name": "\ud83d"})
