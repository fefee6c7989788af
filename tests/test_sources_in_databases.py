"""OpenCode, Copilot CLI, Crush, Goose and Zed: real stores where there are some, else those of the documented form."""

import json

import pyarrow
import pytest

from asp_analysis.importers.transcripts.calls import MAIN_AGENT
from tests.fuzz.database_seeds import DATABASES, database, opencode_message, zed_thread
from tests.fuzz.source_seeds import copilot_end, copilot_start
from tests.reading import read_transcript

# file, calls, tokens in and out, cache read and written, USD: the totals that were counted independently
REAL = [
    ("opencode/opencode-1.16.0.db.gz", 26, (628_107, 4_814, 622_720, 0), None),
    ("copilot_cli/session-state_3cc3555e*", 1, (596_075, 6_315, 536_945, 56_757), 0.47576625),
    ("copilot_cli/session-state_b87feda8*", 1, (363_143, 2_314, 321_789, 37_826), 0.28367820),
    ("crush/crush-burnrate.db.gz", 1, (0, 0, 0, 0), 0.000136),
    ("crush/crush-k.db.gz", 1, (0, 0, 0, 0), 0.04084503),
    ("opencode_go_2025/opencode-nexus.db.gz", 0, (0, 0, 0, 0), None),
    ("goose/sessions-empty-session.db.gz", 0, (0, 0, 0, 0), None),
]
SIZES = ("tokens_in", "tokens_out", "cache_read", "cache_write")


def sums(transcript):
    calls = transcript.calls.values()
    return tuple(sum(getattr(call, name) or 0 for call in calls) for name in SIZES)


@pytest.mark.parametrize(("pattern", "calls", "sizes", "usd"), REAL, ids=[case[0] for case in REAL])
def test_a_real_store_gives_its_totals(real_data, pattern, calls, sizes, usd):
    transcript = read_transcript(next((real_data / "samples" / "real").glob(pattern)))
    assert (len(transcript.calls), sums(transcript), transcript.rejects) == (calls, sizes, [])
    assert not transcript.not_understood
    reported = [call.reported_usd for call in transcript.calls.values() if call.reported_usd]
    assert sum(reported) == pytest.approx(usd or 0)


@pytest.fixture
def read(tmp_path):
    def read_rows(name, **changed):
        path = tmp_path / f"{name}.db"
        path.write_bytes(database({**DATABASES[name](), **changed}))
        return read_transcript(path)

    return read_rows


USAGE_TABLES = {
    "opencode": "session", "copilot-cli-store": "assistant_usage_events", "crush": "sessions", "goose": "sessions",
    "zed": "threads",
}  # fmt: skip


@pytest.mark.parametrize("name", DATABASES)
def test_a_column_of_usage_that_no_reader_knows_is_named(name, read):
    table = USAGE_TABLES[name]
    rows = DATABASES[name]()[table]
    new = {"audio_tokens": 5, "surcharge_cost_usd": 0.25, "seat_price": 0, "billing_note": "none", "colour": 7}
    transcript = read(name, **{table: [{**row, **new} for row in rows]})
    named = {f"{table}.audio_tokens": len(rows), f"{table}.surcharge_cost_usd": len(rows)}
    assert transcript.not_understood == named
    assert read(name).not_understood == {}


@pytest.fixture
def read_lines(tmp_path):
    def read(*records, folder="session-state/s-1", name="events.jsonl"):
        path = tmp_path / folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(json.dumps(record) + "\n" for record in records))
        return read_transcript(path)

    return read


# --- OpenCode ---------------------------------------------------------------------------------------------------------


def test_a_sub_agent_of_opencode_belongs_to_the_task_of_the_first_session(read):
    transcript = read("opencode")
    main, sub = transcript.calls["opencode:msg_1"], transcript.calls["opencode:msg_2"]
    assert (main.origin.session_id, main.origin.agent, main.origin.agent_id) == ("ses_1", MAIN_AGENT, None)
    assert (sub.origin.session_id, sub.origin.agent, sub.origin.agent_id) == ("ses_1", "explore", "ses_2")
    assert (main.tokens_in, main.tokens_out, main.cache_read, main.cache_write) == (130, 7, 100, 20)
    assert (main.latency_ms, main.reported_usd, len(main.tools)) == (2500.0, 0.01, 1)


def test_sums_of_an_opencode_session_stand_only_for_calls_that_it_has_not(read):
    transcript = read("opencode")
    assert set(transcript.calls) == {"opencode:msg_1", "opencode:msg_2", "opencode:session:ses_3"}
    assert transcript.calls["opencode:session:ses_3"].covers == "session"


def test_a_cost_of_zero_in_opencode_is_a_plan_or_an_unknown_model_and_not_free(read):
    message = json.dumps(opencode_message("msg_1", cost=0))
    transcript = read("opencode", message=[{"id": "msg_1", "session_id": "ses_1", "data": message}])
    assert transcript.calls["opencode:msg_1"].reported_usd is None


def test_an_unknown_kind_of_tokens_in_opencode_is_named(read):
    tokens = {"input": 1, "output": 1, "cache": {"read": 0, "write": 0, "write_1h": 7}, "audio": 3}
    message = json.dumps(opencode_message("msg_1", tokens=tokens))
    transcript = read("opencode", message=[{"id": "msg_1", "session_id": "ses_1", "data": message}])
    assert transcript.not_understood == {"tokens.audio": 1, "tokens.cache.write_1h": 1}


def test_a_message_in_both_storages_of_opencode_counts_once_and_the_database_owns_it(read, tmp_path):
    path = tmp_path / "msg_2.json"
    path.write_text(json.dumps({**opencode_message("msg_2", agent="explore"), "sessionID": "ses_2"}, indent=1))
    call = read_transcript(path).calls["opencode:msg_2"]
    call.merge(read("opencode").calls["opencode:msg_2"])
    assert (call.tokens_in, call.origin.session_id, len(call.tools)) == (130, "ses_1", 0)


def test_a_message_of_opencode_without_its_text_is_one_reject(read):
    rows = [{"id": "msg_1", "session_id": "ses_1", "data": "{"}, {"id": "m", "session_id": "ses_1", "data": None}]
    reasons = [one.reasons[0] for one in read("opencode", message=rows).rejects]
    assert reasons[0].startswith("message msg_1: data is not JSON") and "created" in reasons[1]


# --- GitHub Copilot CLI -----------------------------------------------------------------------------------------------


def test_a_request_of_copilot_holds_cached_tokens_and_costs_its_credits(read):
    (call,) = read("copilot-cli-store").calls.values()
    assert (call.tokens_in, call.tokens_out, call.cache_read, call.cache_write) == (1000, 50, 800, 100)
    assert (call.reported_usd, call.model, call.origin.branch) == (0.015, "claude-sonnet-4.5", "ABC-1")


def test_the_ends_of_a_resumed_copilot_session_count_what_came_between_them(read_lines):
    transcript = read_lines(copilot_start(), copilot_end("end-1"), copilot_end("end-2", inputTokens=1700))
    assert sorted(call.tokens_in for call in transcript.calls.values()) == [700, 1000]
    assert {call.covers for call in transcript.calls.values()} == {"session"}


def test_sums_that_began_again_count_whole(read_lines):
    compacted = {"type": "session.compaction_complete", "id": "c", "timestamp": "2026-03-02T09:00:00Z"}
    compacted["data"] = {"success": True}
    ends = (copilot_end("end-1", inputTokens=900), compacted, copilot_end("end-2", inputTokens=950))
    assert sorted(call.tokens_in for call in read_lines(copilot_start(), *ends).calls.values()) == [900, 950]
    fell = (copilot_end("end-1", inputTokens=900), copilot_end("end-2", inputTokens=100))
    assert sorted(call.tokens_in for call in read_lines(copilot_start(), *fell).calls.values()) == [100, 900]


def test_sums_of_copilot_give_way_to_the_requests_of_the_store_next_to_them(read, read_lines, tmp_path):
    (tmp_path / "session-store.db").write_bytes(database(DATABASES["copilot-cli-store"]()))
    assert not read_lines(copilot_start(), copilot_end("end-1")).calls
    other = copilot_start()
    other["data"]["sessionId"] = "s-2"
    assert len(read_lines(other, copilot_end("end-1"), folder="session-state/s-2").calls) == 1


def test_answers_of_a_copilot_session_that_never_ended_are_counted_without_usage(read_lines):
    answer = {"type": "assistant.message", "id": "a", "timestamp": "2026-03-02T09:00:00Z", "data": {"messageId": "m"}}
    transcript = read_lines(copilot_start(), answer)
    assert (len(transcript.calls), len(transcript.without_usage)) == (0, 1)


def test_a_store_of_copilot_without_usage_says_where_it_is(tmp_path):
    rows = DATABASES["copilot-cli-store"]()
    del rows["assistant_usage_events"]
    path = tmp_path / "session-store.db"
    path.write_bytes(database(rows))
    assert "load session-state/ next to it" in read_transcript(path).notes[0]


# --- sums of sessions -------------------------------------------------------------------------------------------------


def test_a_session_of_crush_has_a_cost_and_no_tokens_and_its_sub_sessions_are_inside(read):
    (call,) = read("crush").calls.values()
    assert (call.reported_usd, call.tokens_in, call.covers, call.model) == (1.89, None, "session", "gpt-5")
    assert call.at.startswith("2026-03-02")


def test_a_session_of_goose_is_one_execution(read):
    (call,) = read("goose").calls.values()
    assert (call.tokens_in, call.tokens_out, call.cache_read, call.covers) == (900, 80, None, "session")
    assert (call.model, call.provider, len(call.tools)) == ("gpt-5", "openai", 1)


def test_the_sum_of_a_thread_of_zed_counts_and_its_requests_only_where_there_is_none(read):
    whole, requests = read("zed").calls["zed:thread:t-1"], read("zed").calls["zed:thread:t-2"]
    assert (whole.tokens_in, whole.tokens_out, whole.cache_read, whole.cache_write) == (130, 5, 100, 20)
    assert (requests.tokens_in, requests.tokens_out) == (130, 1)


def test_a_thread_of_zed_that_is_a_bomb_is_one_reject(read, monkeypatch):
    monkeypatch.setattr("asp_analysis.importers.formats.zed.LARGEST_DOCUMENT", 1_000)
    bomb = bytes(pyarrow.compress(json.dumps(zed_thread(padding="x" * 5_000)).encode(), "zstd", asbytes=True))
    row = {"id": "t-9", "summary": "x", "updated_at": "2026-03-02", "data_type": "zstd", "data": bomb}
    transcript = read("zed", threads=[row])
    assert not transcript.calls and "unpacks to more than 1,000 bytes" in transcript.rejects[0].reasons[0]
