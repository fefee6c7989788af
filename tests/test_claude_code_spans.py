"""Claude Code's own spans are its requests, each counted once beside its log events.

Names and numbers of the request are those of a trace of version 2.1.266 that its users published.
"""

import json

import pytest

from tests.reading import read_transcript

SECOND = 10**9
AT = 1_780_000_000 * SECOND
REQUEST = {
    "span.type": "llm_request", "session.id": "s-1", "model": "claude-opus-5", "gen_ai.system": "anthropic",
    "gen_ai.request.model": "claude-opus-5", "input_tokens": 2, "output_tokens": 1200, "cache_read_tokens": 84_562,
    "cache_creation_tokens": 7096, "query_source": "repl_main_thread", "attempt": 2, "request_id": "req_1",
}  # fmt: skip


def attributes(said):
    kinds = {int: "intValue", str: "stringValue", bool: "boolValue"}
    return [{"key": key, "value": {kinds[type(value)]: value}} for key, value in said.items()]


def span(number, name, said, parent="", status=0):
    return {
        "traceId": "ab" * 16, "spanId": f"{number:016x}", "parentSpanId": parent, "name": f"claude_code.{name}",
        "startTimeUnixNano": str(AT + number * SECOND), "endTimeUnixNano": str(AT + (number + 2) * SECOND),
        "attributes": attributes(said), "status": {"code": status},
    }  # fmt: skip


def spans(*made):
    return {"resourceSpans": [{"scopeSpans": [{"spans": list(made)}]}]}


def event(**said):
    record = {"timeUnixNano": str(AT + 3 * SECOND), "attributes": attributes({"event.name": "api_request"} | said)}
    return {"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]}


@pytest.fixture
def read(tmp_path):
    def read_documents(*documents):
        path = tmp_path / "trace.jsonl"
        path.write_text("".join(json.dumps(document) + "\n" for document in documents))
        return read_transcript(path)

    return read_documents


def test_a_request_is_a_call_with_its_tokens_and_its_tool(read):
    turn, tool = {"span.type": "interaction", "session.id": "s-1"}, {"span.type": "tool", "tool_name": "Bash"}
    first = f"{1:016x}"
    transcript = read(
        spans(
            span(1, "interaction", turn),
            span(2, "llm_request", REQUEST, first),
            span(5, "tool", tool, first, status=2),
        )
    )
    (call,) = transcript.calls.values()
    assert (call.tokens_in, call.tokens_out, call.cache_read, call.cache_write) == (91_660, 1200, 84_562, 7096)
    assert (call.model, call.provider, call.latency_ms, call.retries) == ("claude-opus-5", "anthropic", 2000.0, 1)
    assert (call.origin.session_id, call.origin.agent, len(call.tools)) == ("s-1", "main", 1)
    assert len(transcript.activities["s-1"].events["tool_errors"]) == 1
    assert "load one of the three" in transcript.notes[0]


def test_cached_tokens_are_outside_of_the_input_however_few_they_are(read):
    (call,) = read(
        spans(span(1, "llm_request", REQUEST | {"input_tokens": 100_000, "cache_read_tokens": 5}))
    ).calls.values()
    assert call.tokens_in == 100_000 + 5 + 7096


def test_fast_requests_and_sub_agents_are_told_apart(read):
    fast = REQUEST | {"speed": "fast", "query_source": "agent:Explore"}
    (call,) = read(spans(span(1, "llm_request", fast))).calls.values()
    assert (call.variant, call.origin.agent) == ("speed=fast", "agent:Explore")


def test_a_request_that_is_a_span_and_an_event_counts_once_with_the_cost_of_the_event(read):
    same = {name: REQUEST[name] for name in ("session.id", "model", "input_tokens", "output_tokens", "request_id")}
    other = REQUEST | {"request_id": "req_2"}
    transcript = read(
        spans(span(1, "llm_request", REQUEST), span(4, "llm_request", other)), event(**same, cost_usd="0.25")
    )
    assert sorted(call.reported_usd or 0 for call in transcript.calls.values()) == [0, 0.25]
    assert transcript.duplicates == 1


def test_a_number_of_tokens_that_is_none_is_a_reject(read):
    transcript = read(spans(span(1, "llm_request", REQUEST | {"output_tokens": "many"})))
    assert not transcript.calls and "output_tokens: 'many' is not a count" in transcript.rejects[0].reasons[0]
