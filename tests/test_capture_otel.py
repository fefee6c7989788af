"""Spans of a running agent become executions, each model call once, by the rules of the importer of OTLP files."""

import json
import sqlite3

import pytest

pytest.importorskip("opentelemetry.sdk.trace", reason="opentelemetry-sdk is not installed (extra `otel`)")

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import (
    BatchSpanProcessor,
    SimpleSpanProcessor,
    SpanExporter,
    SpanExportResult,
)
from opentelemetry.trace import Status, StatusCode

from asp_analysis import capture, sql
from asp_analysis.capture import otel
from asp_analysis.capture.otel import AspSpanExporter
from asp_analysis.store.database import create_store

pytestmark = pytest.mark.faults

CALL = {
    "gen_ai.operation.name": "chat",
    "gen_ai.usage.input_tokens": 100,
    "gen_ai.usage.cache_read.input_tokens": 60,
    "gen_ai.usage.output_tokens": 7,
    "gen_ai.request.model": "gpt-4.1-mini",
    "gen_ai.provider.name": "openai",
}
OLDER = {
    "gen_ai.system": "openai",
    "gen_ai.usage.prompt_tokens": 100,
    "gen_ai.usage.completion_tokens": 7,
    "gen_ai.response.model": "gpt-4.1-mini",
}
OPEN_INFERENCE = {
    "openinference.span.kind": "LLM",
    "llm.token_count.prompt": 100,
    "llm.token_count.completion": 7,
    "llm.model_name": "gpt-4.1-mini",
    "llm.cost.total": 0.25,
    "session.id": "S",
}
AGENT = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "reviewer", "gen_ai.conversation.id": "C"}


class Kept(SpanExporter):
    def __init__(self):
        self.spans = []

    def export(self, spans):
        self.spans += spans
        return SpanExportResult.SUCCESS


def provider_of(*processors):
    provider = TracerProvider(resource=Resource({"service.name": "shop"}))
    for processor in processors:
        provider.add_span_processor(processor)
    return provider


def rows(url, query):
    connection = sqlite3.connect(url.path)
    found = connection.execute(query).fetchall()
    connection.close()
    return found


def executions(url):
    """What is stored: name -> what is known of the execution."""
    columns = [name for name in sql.table_columns()["agent_cost_vector"] if name not in ("execution_id", "load_id")]
    found = {}
    for name, *row in rows(url, f"SELECT execution_id, {', '.join(columns)} FROM agent_cost_vector"):
        found[name] = {column: value for column, value in zip(columns, row, strict=True) if value is not None}
        found[name]["metadata_json"] = json.loads(found[name].get("metadata_json", "{}"))
    return found


@pytest.fixture
def exporter(empty_store):
    exporter = AspSpanExporter(empty_store)
    yield exporter
    exporter.shutdown()


@pytest.fixture(params=["one export", "an export for each span"])
def tracer(request, exporter, empty_store):
    """A tracer whose spans arrive together or one by one, and what was stored when it ends."""
    is_batch = request.param == "one export"
    processor = (
        BatchSpanProcessor(exporter, schedule_delay_millis=60_000) if is_batch else SimpleSpanProcessor(exporter)
    )
    provider = provider_of(processor)
    tracer = provider.get_tracer("test")

    def ended():
        provider.shutdown()
        return executions(empty_store)

    tracer.ended = ended
    return tracer


def test_a_call_is_an_execution_named_by_its_trace_and_span(tracer):
    with tracer.start_as_current_span("chat", attributes=CALL) as span:
        context = span.get_span_context()
    ((name, found),) = tracer.ended().items()
    trace_id = f"{context.trace_id:032x}"
    assert name == f"{trace_id}:{context.span_id:016x}"
    context = [found[key] for key in ("task_id", "agent_role", "project_id", "llm_model", "llm_provider", "tool")]
    assert context == [trace_id, "Code", "shop", "gpt-4.1-mini", "openai", "opentelemetry"]
    assert (found["tokens_in"], found["tokens_cache_read"], found["tokens_out"]) == (100, 60, 7)
    assert found["latency_ms"] > 0 and "cost_usd" not in found


@pytest.mark.parametrize("attributes", [OLDER, OPEN_INFERENCE], ids=["older", "openinference"])
def test_other_dialects_are_understood(tracer, attributes):
    tracer.start_span("call", attributes=attributes).end()
    (found,) = tracer.ended().values()
    assert (found["tokens_in"], found["tokens_out"], found["llm_model"]) == (100, 7, "gpt-4.1-mini")
    if attributes is OPEN_INFERENCE:
        assert (found["cost_usd"], found["task_id"]) == (0.25, "S")


def test_a_call_told_by_parent_and_child_counts_once_whichever_export_they_arrive_in(tracer):
    with (
        tracer.start_as_current_span("agent", attributes={**AGENT, "gen_ai.usage.input_tokens": 300}),
        tracer.start_as_current_span("framework", attributes=OLDER),
        tracer.start_as_current_span("http"),
    ):
        tracer.start_span("chat", attributes=CALL).end()
        tracer.start_span("chat", attributes=CALL).end()
    assert [found["tokens_in"] for found in tracer.ended().values()] == [100, 100]


def test_the_agent_and_conversation_of_a_call_are_those_of_the_spans_around_it(tracer):
    with tracer.start_as_current_span("agent", attributes=AGENT):
        with tracer.start_as_current_span("chat", attributes=CALL):
            pass
        tracer.start_span("read_file", attributes={"gen_ai.operation.name": "execute_tool"}).end()
    (found,) = tracer.ended().values()
    assert (found["task_id"], found["agent_role"], found["tool_calls"]) == ("C", "reviewer", 1)


def test_an_agents_own_usage_counts_only_where_its_trace_knows_no_call(tracer):
    usage = {"gen_ai.usage.input_tokens": 300}
    with tracer.start_as_current_span("root"):
        tracer.start_span("agent", attributes={**AGENT, **usage}).end()
        tracer.start_span("chat", attributes=CALL).end()
    tracer.start_span("agent", attributes={**AGENT, **usage}).end()
    assert sorted(found["tokens_in"] for found in tracer.ended().values()) == [100, 300]


def test_a_failed_call_that_used_tokens_says_so_and_one_without_usage_is_no_execution(tracer):
    with tracer.start_as_current_span("chat", attributes=CALL) as span:
        span.set_status(Status(StatusCode.ERROR, "cut off"))
    with tracer.start_as_current_span("chat", attributes={"gen_ai.operation.name": "chat"}) as span:
        span.set_status(Status(StatusCode.ERROR))
    (found,) = tracer.ended().values()
    assert found["metadata_json"]["is_error"] is True and "cut off" not in json.dumps(found["metadata_json"])


def test_a_call_that_cannot_be_priced_is_a_reject_and_the_others_are_stored(tracer, empty_store):
    tracer.start_span("chat", attributes={**CALL, "gen_ai.usage.input_audio_tokens": 12}).end()
    tracer.start_span("chat", attributes=CALL).end()
    assert len(tracer.ended()) == 1
    ((raw,),) = rows(empty_store, "SELECT raw_text FROM load_reject")
    assert "input_audio_tokens' with 12 is not known" in raw


def test_spans_that_are_no_calls_leave_nothing(tracer):
    tracer.start_span("GET /").end()
    assert tracer.ended() == {}


def test_a_trace_longer_than_what_is_kept_of_it_still_counts_each_call_once(tracer, monkeypatch):
    monkeypatch.setattr(otel, "_MOST_OF_A_TRACE", 4)
    monkeypatch.setattr(otel, "_MOST_SPANS", 4)
    with (
        tracer.start_as_current_span("agent", attributes={**AGENT, "gen_ai.usage.input_tokens": 1000}),
        tracer.start_as_current_span("framework", attributes=OLDER),
    ):
        for name, attributes in [("chat", CALL)] * 15 + [("http", {})] * 15:  # the calls are forgotten by the end
            tracer.start_span(name, attributes=attributes).end()
        tracer.start_span("other agent", attributes={**AGENT, "gen_ai.usage.input_tokens": 500}).end()
    assert [found["tokens_in"] for found in tracer.ended().values()] == [100] * 15


def test_a_role_can_be_given_for_calls_without_an_agent(empty_store):
    provider = provider_of(SimpleSpanProcessor(AspSpanExporter(empty_store, agent_role="Planning")))
    provider.get_tracer("test").start_span("chat", attributes=CALL).end()
    provider.shutdown()
    assert [found["agent_role"] for found in executions(empty_store).values()] == ["Planning"]


def test_a_flush_brings_calls_to_the_store_and_an_export_after_the_end_fails(exporter, empty_store):
    kept = Kept()
    provider = provider_of(SimpleSpanProcessor(kept))
    provider.get_tracer("test").start_span("chat", attributes=CALL).end()
    assert exporter.export(kept.spans) is SpanExportResult.SUCCESS
    assert exporter.force_flush() and len(executions(empty_store)) == 1
    exporter.shutdown()
    exporter.shutdown()
    assert exporter.export(kept.spans) is SpanExportResult.FAILURE


def test_an_error_within_is_logged_and_not_raised(exporter, caplog):
    assert exporter.export([object()]) is SpanExportResult.FAILURE
    assert "Recording spans failed, the agent goes on" in caplog.text


def test_a_recorder_that_is_given_stays_open(empty_store):
    with capture.open(empty_store) as store:
        AspSpanExporter(recorder=store).shutdown()
        store.record(task_id="T", agent_role="Code", cost_usd=1)
        assert store.flush() and len(executions(empty_store)) == 1


def as_otlp(spans):
    """Give spans as one line of OTLP/JSON, by the format's own rules."""

    def attribute(key, value):
        kind = {int: "intValue", float: "doubleValue", bool: "boolValue"}.get(type(value), "stringValue")
        return {"key": key, "value": {kind: str(value) if kind == "intValue" else value}}

    made = [
        {
            "traceId": f"{span.context.trace_id:032x}",
            "spanId": f"{span.context.span_id:016x}",
            "parentSpanId": f"{span.parent.span_id:016x}" if span.parent else "",
            "name": span.name,
            "startTimeUnixNano": str(span.start_time),
            "endTimeUnixNano": str(span.end_time),
            "attributes": [attribute(*pair) for pair in span.attributes.items()],
            "status": {"code": span.status.status_code.value},
        }
        for span in spans
    ]
    resource = {"attributes": [attribute("service.name", "shop")]}
    return json.dumps({"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": made}]}]}) + "\n"


def test_a_trace_that_is_captured_and_loaded_is_the_same_and_counts_once(run, tmp_path, empty_store):
    kept, other = Kept(), empty_store.path.with_name("other.db")
    provider = provider_of(SimpleSpanProcessor(kept), SimpleSpanProcessor(AspSpanExporter(empty_store)))
    tracer = provider.get_tracer("test")
    with tracer.start_as_current_span("agent", attributes=AGENT):
        with tracer.start_as_current_span("framework", attributes=OLDER):
            tracer.start_span("chat", attributes=CALL).end()
        tracer.start_span("tool", attributes={"gen_ai.operation.name": "execute_tool"}).end()
    tracer.start_span("chat", attributes=OPEN_INFERENCE).end()
    provider.shutdown()
    captured = executions(empty_store)
    (tmp_path / "trace.jsonl").write_text(as_otlp(kept.spans))
    from asp_analysis.config import parse_url

    create_store(parse_url(f"sqlite:///{other}", tmp_path))
    run("load", tmp_path / "trace.jsonl", "--db", f"sqlite:///{other}")
    imported = executions(parse_url(f"sqlite:///{other}", tmp_path))
    for found in imported.values():  # the load also computes prices
        if found["metadata_json"].get("cost_computed_usd") == found.get("cost_usd"):
            del found["cost_usd"]
        for name in ("cost_computed_usd", "price"):
            found["metadata_json"].pop(name, None)
    assert len(captured) == 2 and captured == imported
    ran = run("load", tmp_path / "trace.jsonl", "--json", "--db", empty_store)
    assert ran.exit_code == 0 and executions(empty_store).keys() == captured.keys()
