"""Usage that was paid for: situations of public reports, and names that no reader knows are said."""

import json
import os
import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import closing

import pytest

from tests.conftest import SHARED_DATA
from tests.fuzz.seeds import SEEDS
from tests.reading import read_transcript, transcript_formats

CASES = sorted(path.parent for path in (SHARED_DATA / "cases").glob("*/expected.json"))
SUMS = {"tokens_in": "tokens_in", "tokens_out": "tokens_out", "cache_read": "tokens_cache_read"} | {
    "cache_write": "tokens_cache_write"
}
HOLDERS = {
    "qwen-code": "usageMetadata.", "claude-code": "usage.", "codex": "last_token_usage.", "openclaw": "usage.",
    "pi": "usage.", "gemini-cli": "tokens.", "mlflow": "gen_ai.usage.", "mini-swe-agent": "usage.",
    "swe-agent": "model_stats.", "opencode-json": "tokens.", "copilot-cli": "modelMetrics.usage.",
    "cursor-api": "tokenUsage.", "litellm": "usage.", "cline": "api_req_started.", "cline-cli": "metrics.",
    "kimi": "usage.", "amp": "usage.", "droid": "tokenUsage.", "atif": "metrics.", "openhands": "token_usage.",
    "openhands-conversation": "token_usage.", "openhands-completion": "usage.", "inspect-ai": "usage.",
    "claude-run": "modelUsage.", "gh-aw": "",
}  # fmt: skip
"""Format -> the object that holds its usage, as an unknown key in it is named."""

CSV_LOGS = ("cursor-csv", "openrouter", "litellm-csv")

WITHOUT = {
    "opentelemetry": "its attributes are a list; a test of its own below",
    "langfuse": "names of usage are the user's own; its reader takes them all",
    "openclaw-trajectory": "repeats the calls of the sessions next to it",
    "droid-session": "has no usage, that is in the settings next to it",
    "harbor-result": "sums of the trajectory next to it",
    "inspect-ai-eval": "the packed form of inspect-ai",
    "opencode": "the database form of opencode-json",
    **dict.fromkeys(("copilot-cli-store", "crush", "goose", "zed"), "columns of a database"),
    **dict.fromkeys(CSV_LOGS, "columns of a table; a test of its own below"),
}
"""Formats whose file is no JSON with an object of usage in it, and why."""


@pytest.mark.skipif(not CASES, reason="the cases are not here (shared/data/cases is missing)")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_situation_of_a_public_report_is_counted_as_it_was_billed(run, empty_store, monkeypatch, case):
    """Each case names its reason and its source in `expected.json`."""
    expected = json.loads((case / "expected.json").read_text())
    monkeypatch.chdir(case)
    run("load", *expected["load"], *expected["args"], "--db", empty_store)
    calls = run("sql", "SELECT * FROM executions", "--json", "--db", empty_store).json
    if expected["calls"] is not None:
        assert len(calls) == expected["calls"], expected["reason"]
    for name, column in SUMS.items():
        if expected[name] is not None:
            assert sum(call[column] or 0 for call in calls) == expected[name], (name, expected["reason"])
    priced = [call["cost_usd"] for call in calls if call["cost_usd"] is not None]
    wanted = expected["cost_usd"] if isinstance(expected["cost_usd"], list) else [expected["cost_usd"]]
    if wanted != [None]:
        found = sum(priced) if priced else None
        assert found in wanted or any(found == pytest.approx(one, rel=1e-5, abs=1e-6) for one in wanted if one), found
    if "unpriced_calls" in expected:
        assert len(calls) - len(priced) == expected["unpriced_calls"]
    if "by_task" in expected:
        assert Counter(call["task_id"] for call in calls) == expected["by_task"]
    if "roles" in expected:
        assert Counter(call["agent_role"] for call in calls) == expected["roles"]
    if "provider" in expected:
        assert {call["llm_provider"] for call in calls} == {expected["provider"]}
    if "latency_ms" in expected:
        assert sorted(call["latency_ms"] for call in calls) == sorted(expected["latency_ms"])
    if "tool_calls" in expected:
        assert sum(call["tool_calls"] or 0 for call in calls) == expected["tool_calls"]


def with_mystery(value):
    """Put an unknown key into every object, also into those that are written as text."""
    if isinstance(value, list):
        return [with_mystery(item) for item in value]
    if isinstance(value, str) and value.startswith("{"):
        try:
            return json.dumps(with_mystery(json.loads(value)))
        except ValueError:
            return value
    if not isinstance(value, dict):
        return value
    return {name: with_mystery(item) for name, item in value.items()} | {"mystery_tokens": 7, "nothing_tokens": 0}


def mysterious(name):
    content = SEEDS[name]()
    try:
        return json.dumps(with_mystery(json.loads(content))).encode()
    except ValueError:
        return b"".join(json.dumps(with_mystery(json.loads(line))).encode() + b"\n" for line in content.splitlines())


@pytest.mark.parametrize("name", HOLDERS)
def test_usage_that_no_reader_knows_is_named(run, empty_store, tmp_path, name):
    path = tmp_path / "session.json"
    path.write_bytes(mysterious(name))
    ran = run("load", path, "--json", "--db", empty_store)
    named = f"{HOLDERS[name]}mystery_tokens"
    assert ran.json["not_understood"][named] >= 1
    assert f"{named} (" in ran.err and "usage may be missing" in ran.err
    assert "nothing_tokens" not in json.dumps(ran.json["not_understood"])
    with closing(sqlite3.connect(empty_store.path)) as store:
        (found,) = store.execute("SELECT found_json FROM load_log").fetchone()
    assert named in json.loads(found)["not_understood"]


def test_every_format_of_transcripts_says_or_refuses_what_it_does_not_know():
    assert {form.name for form in transcript_formats()} == {*HOLDERS, *WITHOUT} and not HOLDERS.keys() & WITHOUT


@pytest.mark.parametrize("name", CSV_LOGS)
def test_a_column_about_usage_that_no_reader_knows_is_named(run, empty_store, tmp_path, name):
    path = tmp_path / "usage.csv"
    header, *rows = SEEDS[name]().decode().splitlines()
    path.write_text("\n".join([f"{header},mystery_tokens,nothing_tokens", *(f"{row},7,0" for row in rows)]))
    assert run("load", path, "--json", "--db", empty_store).json["not_understood"] == {"mystery_tokens": len(rows)}


def test_an_unknown_usage_attribute_of_a_span_is_named(run, empty_store, tmp_path):
    path = tmp_path / "spans.jsonl"
    text = SEEDS["opentelemetry"]().decode()
    attribute = '{"key": "gen_ai.usage.mystery_tokens", "value": {"intValue": "9"}}, {"key": "gen_ai.operation.name"'
    path.write_text(text.replace('{"key": "gen_ai.operation.name"', attribute))
    ran = run("load", path, "--json", "--db", empty_store)
    assert ran.json["not_understood"]["gen_ai.usage.mystery_tokens"] >= 1


def test_a_type_of_record_that_speaks_of_usage_is_named(run, empty_store, tmp_path):
    path = tmp_path / "rollout.jsonl"
    line = {"timestamp": "2026-01-02T03:04:05Z", "type": "usage_report", "payload": {"tokens": 5}}
    path.write_bytes(SEEDS["codex"]() + json.dumps(line).encode() + b"\n")
    assert run("load", path, "--json", "--db", empty_store).json["not_understood"] == {
        "records of type usage_report": 1
    }


def test_nothing_of_the_samples_is_called_unknown(run, empty_store, tmp_path):
    for name, seed in SEEDS.items():
        (tmp_path / f"{name}.json").write_bytes(seed()) if name in HOLDERS else None
    assert "not_understood" not in run("load", tmp_path, "--json", "--db", empty_store).json


# --- packed with zstd -------------------------------------------------------------------------------------------------


def packed(content):
    import pyarrow

    sink = pyarrow.BufferOutputStream()
    with pyarrow.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(content)
    return sink.getvalue().to_pybytes()


def test_the_plain_and_the_packed_copy_of_a_rollout_count_once(run, empty_store, tmp_path):
    (tmp_path / "a.jsonl").write_bytes(SEEDS["codex"]())
    (tmp_path / "b.jsonl.zst").write_bytes(packed(SEEDS["codex"]()))
    assert read_transcript(tmp_path / "a.jsonl").calls.keys() == read_transcript(tmp_path / "b.jsonl.zst").calls.keys()
    assert run("load", tmp_path, "--json", "--db", empty_store).json["transcripts"]["calls"] == 2


@pytest.mark.parametrize("content", [b"\x28\xb5\x2f\xfdgarbage", packed(b'{"a": 1}\n' * 1000)[:-20]])
def test_a_damaged_zstd_file_is_one_line(run, empty_store, tmp_path, content):
    path = tmp_path / "a.jsonl.zst"
    path.write_bytes(content)
    ran = run("load", path, "--db", empty_store)
    assert ran.exit_code == 1 and ran.err.count("\n") == 1 and "damaged or cut short" in ran.err


def test_a_zstd_bomb_is_refused(run, empty_store, tmp_path):
    path = tmp_path / "a.jsonl.zst"
    path.write_bytes(packed(SEEDS["codex"]() + b" " * 100_000_000))
    ran = run("load", path, "--db", empty_store)
    assert ran.exit_code == 1 and "times as many" in ran.err


def test_own_rollouts_are_found_packed_too(tmp_path, empty_store):
    (tmp_path / "sessions").mkdir()
    (tmp_path / "sessions" / "rollout-1.jsonl.zst").write_bytes(packed(SEEDS["codex"]()))
    command = [sys.executable, "-m", "asp_analysis", "load", "--codex", "--json", "--db", empty_store.text]
    environment = {**os.environ, "CODEX_HOME": str(tmp_path)}
    ran = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert json.loads(ran.stdout)["transcripts"]["calls"] == 2, ran.stderr
