"""Every source format, on real samples where there are some and on the smallest honest file otherwise."""

import copy
import gzip
import json
import sqlite3
from contextlib import closing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asp_analysis.config import parse_url
from asp_analysis.errors import InputError
from asp_analysis.importers.file import open_file
from asp_analysis.importers.folders import NotLoaded
from asp_analysis.importers.formats import langfuse as langfuse_format
from asp_analysis.importers.transcripts.calls import Reading
from asp_analysis.load_options import LoadOptions
from asp_analysis.loading import load_paths
from asp_analysis.store.database import create_store, open_store
from tests.fuzz.seeds import SEEDS
from tests.reading import detected, read_transcript, transcript_formats

# pattern, format, calls, and USD as the source reports it (None where it reports none)
SAMPLES = [
    ("transcripts/gemini_cli/*/2026-01-0*", "gemini-cli", 4, None),
    ("transcripts/gemini_cli/*/2026-01-15*", "gemini-cli", 10, None),
    ("transcripts/pi/*/*", "pi", 471, 42.5959),
    ("traces/langfuse/claude-agent*", "langfuse", 4, 0.003582),
    ("traces/langfuse/vercel*", "langfuse", 1, 0.0009275),
    ("traces/langfuse/microsoft*", "langfuse", 2, 0.00028525),
    ("traces/langfuse/agno*", "langfuse", 2, 0.0002709),
    ("traces/langfuse/langgraph-js*", "langfuse", 2, 0.00032625),
    ("traces/otel/*helm*", "opentelemetry", 2, None),
    ("traces/otel/*k8s*", "opentelemetry", 1, None),
    ("trajectories/mini-swe-agent/deepseek_bench1/django__django-11815*", "mini-swe-agent", 55, 0.036935192),
    ("trajectories/swe-agent/6e44b9*", "swe-agent", 1, 0.01952),
    ("trajectories/swe-agent/function_calling*", "swe-agent", 0, None),
]


def read(path, reading=None):
    return read_transcript(path, reading)


@pytest.fixture
def written(tmp_path):
    """Write objects as JSON lines (or one document) and read them."""

    def write(*objects, name="file.json"):
        path = tmp_path / name
        path.write_text("".join(json.dumps(record) + "\n" for record in objects))
        return path

    return write


@pytest.mark.parametrize(("pattern", "name", "calls", "reported"), SAMPLES, ids=[case[0] for case in SAMPLES])
def test_a_real_sample_gives_its_calls_and_reported_cost(real_data, pattern, name, calls, reported):
    path = next(real_data.glob(pattern))
    transcript = read(path)
    assert (detected(path).name, len(transcript.calls), transcript.rejects) == (name, calls, [])
    costs = [call.reported_usd for call in transcript.calls.values()]
    if reported is None:
        assert set(costs) <= {None}
    else:
        assert sum(costs) == pytest.approx(reported, rel=1e-5)


def test_the_cost_of_every_mini_swe_agent_run_is_its_own_total(real_data):
    for path in (real_data / "trajectories" / "mini-swe-agent").glob("*/*.gz"):
        total = json.loads(gzip.decompress(path.read_bytes()))["info"]["model_stats"]["instance_cost"]
        assert sum(call.reported_usd for call in read(path).calls.values()) == pytest.approx(total), path.name


def stored(url, query):
    with closing(sqlite3.connect(url.path)) as connection:
        return connection.execute(query).fetchall()


def test_the_program_that_wrote_a_call_and_its_version_have_columns(run, empty_store, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    for form in transcript_formats():
        (folder / f"{form.name}.json").write_bytes(SEEDS[form.name]())
    ran = run("load", folder, "--json", "--db", empty_store)
    assert ran.exit_code == 0 and ran.json["rejected"] == 0 and "not_loaded" not in ran.json, ran.err
    found = stored(
        empty_store, "SELECT DISTINCT tool, tool_version, machine, labels FROM agent_cost_vector ORDER BY tool"
    )
    versions = {("claude-code", "2.0.76"), ("codex", "0.46.0"), ("copilot-cli", "1.0.60"), ("opencode", "1.18.33")}
    versions |= {("harbor", "1.0"), ("harbor", "2.0.0"), ("qwen-code", "0.1")}
    tools = {read_transcript(path).source for path in folder.iterdir()}
    assert sorted({tool for tool, *_ in found}) == sorted(tools)
    assert {(tool, version) for tool, version, *_ in found if version} == versions
    assert {known for row in found for known in row[2:]} == {None}
    assert stored(empty_store, "SELECT count(*) FROM agent_cost_vector WHERE metadata_json ->> 'source' = tool") == [
        (0,)
    ]


@pytest.mark.parametrize(
    ("version", "kept"), [(None, None), (2, None), ("", None), ("2\x00", "2\\x00"), (["2"], None), ({"major": 2}, None)]
)
def test_a_version_that_is_no_text_is_unknown(run, empty_store, tmp_path, version, kept):
    path = tmp_path / "session.jsonl"
    path.write_text(json.dumps({**LINE, "version": version}) + "\n")
    counts = run("load", path, "--json", "--db", empty_store).json
    assert (counts["written"], counts["rejected"]) == (2, 0)
    assert stored(empty_store, "SELECT tool_version FROM agent_cost_vector") == [(kept,)]


def test_packed_and_plain_files_are_told_by_their_content(real_data, tmp_path):
    path = next(real_data.glob("transcripts/codex/*/*019fa6e6*"))
    plain = tmp_path / "without-a-telling-name"
    plain.write_bytes(gzip.decompress(path.read_bytes()))
    assert read(plain).calls.keys() == read(path).calls.keys()


def test_a_file_of_its_sub_agent_gets_the_type_from_the_session_that_started_it(tmp_path):
    around = {"sessionId": "S", "cwd": "/p", "uuid": "u", "timestamp": "2026-01-02T03:04:05Z"}
    use = {"type": "tool_use", "id": "toolu_1", "name": "Task", "input": {"subagent_type": "reviewer"}}
    call = {"id": "m1", "model": "claude-opus-4-5", "content": [use], "usage": {"input_tokens": 1, "output_tokens": 2}}
    result = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "x"}]}
    session = [
        {"type": "assistant", "message": call, **around},
        {"type": "user", "message": result, "toolUseResult": {"agentId": "a1"}, **around},
    ]
    own = {"type": "assistant", "message": {**call, "id": "m2", "content": []}, "isSidechain": True, **around}
    folder = tmp_path / "S" / "subagents"
    folder.mkdir(parents=True)
    (tmp_path / "S.jsonl").write_text("".join(json.dumps(line) + "\n" for line in session))
    (folder / "agent-a1.jsonl").write_text(json.dumps(own) + "\n")
    (found,) = read(folder / "agent-a1.jsonl").calls.values()
    assert (found.origin.agent, found.origin.agent_id, found.origin.session_id) == ("reviewer", "a1", "S")


def test_old_codex_files_with_totals_only_give_differences(written):
    lines = [{"timestamp": "2026-01-02T03:04:05Z", "type": "session_meta", "payload": {"id": "S", "cwd": "/p"}}]
    for total in ((100, 40, 10), (100, 40, 10), (250, 90, 30)):
        usage = dict(zip(("input_tokens", "cached_input_tokens", "output_tokens"), total, strict=True))
        payload = {"type": "token_count", "info": {"total_token_usage": usage}}
        lines.append({"timestamp": "2026-01-02T03:04:06Z", "type": "event_msg", "payload": payload})
    transcript = read(written(*lines))
    found = [(call.tokens_in, call.cache_read, call.tokens_out) for call in transcript.calls.values()]
    assert (found, transcript.duplicates) == ([(100, 40, 10), (150, 50, 20)], 1)


# --- OpenTelemetry ----------------------------------------------------------------------------------------------------


def otlp_span(span_id, attributes, parent="", trace_id="5b8aa5a2d2c872e8321cf37308d69df2"):
    wrapped = [
        {"key": key, "value": {"intValue": str(value)} if isinstance(value, int) else {"stringValue": value}}
        for key, value in attributes.items()
    ]
    times = {"startTimeUnixNano": "1767323045000000000", "endTimeUnixNano": "1767323047500000000"}
    return {"traceId": trace_id, "spanId": span_id, "parentSpanId": parent, "name": "s", "attributes": wrapped, **times}


def otlp(*spans, outer="resourceSpans"):
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]}
    return {outer: [{"resource": resource, "scopeSpans": [{"spans": list(spans)}]}]}


DIALECTS = [
    {
        "gen_ai.operation.name": "chat",
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.cache_read.input_tokens": 60,
        "gen_ai.usage.cache_creation.input_tokens": 10,
        "gen_ai.usage.output_tokens": 7,
        "gen_ai.request.model": "gpt-4.1-mini",
    },
    {
        "gen_ai.usage.prompt_tokens": 100,
        "gen_ai.usage.cache_read_input_tokens": 60,
        "gen_ai.usage.cache_creation_input_tokens": 10,
        "gen_ai.usage.completion_tokens": 7,
        "gen_ai.response.model": "gpt-4.1-mini",
    },
    {
        "openinference.span.kind": "LLM",
        "llm.token_count.prompt": 100,
        "llm.token_count.prompt_details.cache_read": 60,
        "llm.token_count.prompt_details.cache_write": 10,
        "llm.token_count.completion": 7,
        "llm.model_name": "gpt-4.1-mini",
    },
]


@pytest.mark.parametrize("attributes", DIALECTS, ids=["current", "older", "openinference"])
@pytest.mark.parametrize("outer", ["resourceSpans", "batches"])
def test_every_dialect_of_usage_is_understood(written, attributes, outer):
    (call,) = read(written(otlp(otlp_span("00f067aa0ba902b7", attributes), outer=outer))).calls.values()
    assert (call.tokens_in, call.cache_read, call.cache_write, call.tokens_out) == (100, 60, 10, 7)
    assert (call.model, call.latency_ms, call.origin.project_id) == ("gpt-4.1-mini", 2500.0, "shop")
    assert call.at == "2026-01-02T03:04:05.000000Z"


def test_collector_files_hold_one_batch_a_line(written):
    spans = [otlp_span(f"00f067aa0ba902b{number}", DIALECTS[0]) for number in range(3)]
    assert len(read(written(*map(otlp, spans))).calls) == 3


def test_a_span_around_a_call_and_an_agent_around_both_count_once(written):
    agent = otlp_span("a" * 16, {"gen_ai.operation.name": "invoke_agent", "gen_ai.usage.input_tokens": 300})
    wrapper = otlp_span("b" * 16, DIALECTS[1], parent="a" * 16)
    call = otlp_span("c" * 16, {**DIALECTS[0], "gen_ai.agent.name": "reviewer"}, parent="b" * 16)
    transcript = read(written(otlp(call), otlp(agent, wrapper)))
    (found,) = transcript.calls.values()
    assert (found.tokens_in, found.origin.agent, transcript.duplicates) == (100, "reviewer", 2)


def test_an_agent_span_counts_where_the_trace_knows_no_calls(written):
    usage = {"gen_ai.usage.input_tokens": 300, "gen_ai.usage.output_tokens": 5}
    agent = otlp_span("a" * 16, {"gen_ai.operation.name": "invoke_agent", **usage})
    assert [call.tokens_in for call in read(written(otlp(agent))).calls.values()] == [300]


def test_a_usage_key_without_a_price_is_an_error_and_not_free(written):
    span = otlp_span("a" * 16, {**DIALECTS[0], "gen_ai.usage.input_audio_tokens": 12})
    transcript = read(written(otlp(span)))
    assert not transcript.calls
    assert "'gen_ai.usage.input_audio_tokens' with 12 is not known" in transcript.rejects[0].reasons[0]


def test_claude_code_events_are_calls_with_tools_and_errors(written):
    def event(name, sequence, **attributes):
        given = {"event.name": name, "session.id": "S", "event.sequence": sequence, **attributes}
        pairs = [{"key": key, "value": {"stringValue": str(value)}} for key, value in given.items()]
        return {"timeUnixNano": f"17673230{sequence}000000000", "body": {"stringValue": name}, "attributes": pairs}

    usage = {"input_tokens": 5, "output_tokens": 20, "cache_read_tokens": 900, "cache_creation_tokens": 70}
    request = event("api_request", 45, model="claude-opus-4-5", cost_usd=0.0125, duration_ms=3200, **usage)
    records = [request, event("tool_result", 46, tool_name="Bash", success="false"), event("api_error", 47)]
    transcript = read(written({"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]}))
    (call,) = transcript.calls.values()
    assert (call.tokens_in, call.tokens_out, call.reported_usd, call.latency_ms) == (975, 20, 0.0125, 3200.0)
    assert len(call.tools) == 1
    assert {kind: len(names) for kind, names in transcript.activities["S"].events.items()} == {
        "tool_errors": 1,
        "api_errors": 1,
    }


# --- Langfuse ---------------------------------------------------------------------------------------------------------


def langfuse(usage, **more):
    at = {"startTime": "2026-01-02T03:04:05Z", "type": "GENERATION", "model": "claude-opus-4-5"}
    return {"trace": {"id": "t"}, "observations": [{"id": "o", "traceId": "t", "usageDetails": usage, **at, **more}]}


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"input": 10, "output": 5, "total": 15}, (10, 5, None, None)),
        ({"input": 10, "input_cache_read": 90, "output": 5, "total": 105}, (100, 5, 90, None)),
        ({"input": 10, "cache_read_input_tokens": 90, "cache_creation_input_tokens": 7, "output": 5}, (107, 5, 90, 7)),
        ({"input": 100, "input_cached_tokens": 90, "output": 5, "total": 105}, (100, 5, 90, None)),
        ({"input": 1, "output": 35, "output_reasoning": 64, "total": 100}, (1, 99, None, None)),
        ({"input": 6, "output": 55, "completion_details.reasoning": 40, "total": 61}, (6, 55, None, None)),
        ({"input": 2, "input_cache_creation_5m": 8, "input_cache_creation_1h": 4, "output": 5}, (14, 5, None, 12)),
    ],
)
def test_usage_keys_of_langfuse_stand_beside_or_inside_one_another(written, usage, expected):
    (call,) = read(written(langfuse(usage))).calls.values()
    assert (call.tokens_in, call.tokens_out, call.cache_read, call.cache_write) == expected


def test_an_unknown_usage_key_of_langfuse_rejects_its_record(written):
    transcript = read(written(langfuse({"input": 10, "output": 5, "input_holograms": 3})))
    assert not transcript.calls and "input_holograms" in transcript.rejects[0].reasons[0]


# --- what is not recognised or damaged --------------------------------------------------------------------------------


def test_text_and_other_json_are_of_no_format(tmp_path):
    for content in ("# notes\n", '{"a": 1}\n', "[]", "", "\x00\x01"):
        (tmp_path / "file").write_text(content)
        assert detected(tmp_path / "file") is None


def test_a_document_cut_short_is_one_clear_error(tmp_path):
    path = tmp_path / "trace.json"
    path.write_text(json.dumps(langfuse({"input": 1}), indent=1)[:-30])
    with pytest.raises(InputError, match="damaged or cut short"), open_file(path) as file:
        langfuse_format.read(file, Reading())


LINE = {
    "type": "assistant",
    "sessionId": "S",
    "uuid": "u",
    "version": "2.0.76",
    "timestamp": "2026-01-02T03:04:05Z",
    "message": {"id": "m", "model": "claude-opus-4-5", "usage": {"input_tokens": 3, "output_tokens": 4}},
}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (json.dumps(LINE)[:-20], "half-written"),
        ("xxxx\n", "the line is not JSON"),
        ("[1]\n", "not a JSON object"),
        (json.dumps({**LINE, "timestamp": "yesterday"}) + "\n", "timestamp: 'yesterday' is not an instant"),
        (json.dumps({**LINE, "timestamp": None}) + "\n", "timestamp"),
        (json.dumps({**LINE, "message": 5}) + "\n", "message: an object is needed"),
        (
            json.dumps({**LINE, "message": {"usage": {"input_tokens": -3}}}) + "\n",
            "input_tokens: -3 is not a count of at least 0",
        ),
        (json.dumps({**LINE, "message": {"usage": {"input_tokens": [1]}}}) + "\n", "input_tokens: [1] is not a count"),
    ],
)
def test_a_bad_line_of_a_transcript_is_rejected_and_the_others_count(run, empty_store, tmp_path, text, reason):
    path = tmp_path / "session.jsonl"
    path.write_text(json.dumps(LINE) + "\n" + text)
    counts = run("load", path, "--json", "--db", empty_store).json
    assert (counts["read"], counts["written"], counts["rejected"]) == (3, 2, 1)
    (reject,) = run("rejects", "--json", "--db", empty_store).json
    assert reject["line_number"] == 2 and reason in reject["reasons"][0]


def test_the_text_of_a_rejected_line_is_kept_only_on_request(run, empty_store, tmp_path):
    path = tmp_path / "session.jsonl"
    path.write_text(json.dumps(LINE) + "\n" + '{"type":"user","message":"a secret plan')
    run("load", path, "--db", empty_store)
    (reject,) = run("rejects", "--json", "--db", empty_store).json
    assert "secret" not in reject["raw_text"] and "text not kept" in reject["raw_text"]
    run("load", path, "--keep-text", "--db", empty_store)
    assert any("secret" in reject["raw_text"] for reject in run("rejects", "--json", "--db", empty_store).json)


def test_prompts_and_answers_are_kept_only_on_request(run, empty_store, tmp_path):
    path = tmp_path / "session.jsonl"
    answer = {**LINE, "message": {**LINE["message"], "content": [{"type": "text", "text": "the secret answer"}]}}
    prompt = {**LINE, "type": "user", "message": {"role": "user", "content": "the secret question"}}
    path.write_text(json.dumps(prompt) + "\n" + json.dumps(answer) + "\n")

    def dump():
        with sqlite3.connect(empty_store.path) as connection:
            return "\n".join(connection.iterdump())

    run("load", path, "--db", empty_store)
    assert "secret" not in dump()
    run("load", path, "--keep-text", "--db", empty_store)
    assert "the secret answer" in dump() and "the secret question" in dump()


def test_a_packed_transcript_cut_short_is_one_error_line(run, empty_store, tmp_path):
    path = tmp_path / "session.jsonl.gz"
    path.write_bytes(gzip.compress((json.dumps(LINE) + "\n").encode() * 9_000)[:-40])
    ran = run("load", path, "--db", empty_store)
    assert ran.exit_code == 1 and "damaged or cut short" in ran.err and ran.err.count("\n") == 1
    assert run("sql", "SELECT count(*) AS n FROM stg_executions", "--json", "--db", empty_store).json == [{"n": 0}]


ODD = [None, True, -1, 1e300, 10**25, "", "x", "a\u0000b", "9" * 30, [], {}, [1], [[]], "9999-12-31T23:59:59-12:00"]


def places(value):
    """Give every place of a JSON value that can be changed, as container and key."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield value, key
        yield from places(inner)


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_a_value_of_a_wrong_type_is_rejected_and_never_a_traceback(tmp_path_factory, data):
    good = [
        LINE,
        otlp(otlp_span("a" * 16, DIALECTS[0])),
        otlp(otlp_span("a" * 16, DIALECTS[2]), outer="batches"),
        langfuse({"input": 3, "output": 4}),
    ]
    record = copy.deepcopy(data.draw(st.sampled_from(good)))
    container, key = data.draw(st.sampled_from(list(places(record))))
    container[key] = data.draw(st.sampled_from(ODD))
    folder = tmp_path_factory.mktemp("odd")
    url = parse_url("store.db", folder)
    create_store(url)
    (folder / "in").mkdir()
    (folder / "in" / "odd.json").write_text(json.dumps(record) + "\n")
    with open_store(url) as store:
        for outcome in load_paths(store, [folder / "in"], LoadOptions()):
            if not isinstance(outcome, NotLoaded):
                assert outcome.read == outcome.written + outcome.updated + outcome.present + outcome.rejected
