"""One small file per format, made here, in which everything occurs that its importer looks at."""

import io
import json
import sqlite3
from contextlib import closing
from datetime import datetime
from typing import Any

from asp_analysis.platform_form import CONTRACT_COLUMNS
from tests.fuzz.bill_seeds import BILLS
from tests.fuzz.database_seeds import DATABASES, database
from tests.fuzz.preset_seeds import PRESETS
from tests.fuzz.source_seeds import SOURCES
from tests.workbooks import write_workbook

_AT = "2026-03-02T09:00:00.000Z"
_NS = "1772442000000000000"


def _lines(*records: Any) -> bytes:
    return "".join(json.dumps(record) + "\n" for record in records).encode()


def _claude_code() -> bytes:
    around = {"sessionId": "s-1", "uuid": "u-1", "timestamp": _AT, "cwd": "/home/a/project", "gitBranch": "ABC-1"}
    around |= {"version": "2.0.76"}
    usage = {"input_tokens": 10, "cache_read_input_tokens": 5, "cache_creation_input_tokens": 4, "output_tokens": 7}
    usage |= {"cache_creation": {"ephemeral_1h_input_tokens": 1, "ephemeral_5m_input_tokens": 3}, "speed": "fast"}
    usage |= {"server_tool_use": {"web_search_requests": 1}}
    tool = {"type": "tool_use", "id": "t-1", "name": "Task", "input": {"subagent_type": "reviewer"}}
    message = {
        "id": "m-1",
        "model": "claude-opus-4-5",
        "usage": usage,
        "content": [tool, {"type": "text", "text": "x"}],
    }
    result = {"type": "tool_result", "tool_use_id": "t-1", "is_error": True}
    edit = {"structuredPatch": [{"lines": ["+a", "-b"]}], "filePath": "/home/a/project/x.py", "agentId": "a-1"}
    inner = {"type": "assistant", "uuid": "u-9", "timestamp": _AT, "message": {**message, "id": "m-2"}}
    return _lines(
        {"type": "user", **around, "message": {"content": "hello"}},
        {"type": "assistant", **around, "message": message, "costUSD": 0.1},
        {"type": "user", **around, "message": {"content": [result]}, "toolUseResult": edit},
        {"type": "user", **around, "message": {"content": [{"type": "text", "text": "[Request interrupted by user]"}]}},
        {"type": "progress", **around, "parentToolUseID": "t-1", "data": {"type": "agent_progress", "message": inner}},
        {"type": "system", **around, "subtype": "turn_duration", "durationMs": 1200.5},
        {"type": "system", **around, "subtype": "compact_boundary", "isSidechain": True, "agentId": "a-1"},
        {"type": "assistant", **around, "isApiErrorMessage": True, "message": {"model": "<synthetic>"}},
    )


def _codex() -> bytes:
    usage = {"input_tokens": 10, "cached_input_tokens": 4, "output_tokens": 3, "reasoning_output_tokens": 1}
    info = {"total_token_usage": usage, "last_token_usage": usage}
    source = {"subagent": {"thread_spawn": {"parent_thread_id": "p", "agent_role": "explorer"}}}
    meta = {"id": "c-1", "cwd": "/home/a/project", "source": source, "git": {"branch": "ABC-2"}, "model": "gpt-5"}
    meta |= {"cli_version": "0.46.0"}
    changes = {"/home/a/project/x.py": {"type": "add", "content": "a\nb"}, "y": {"unified_diff": "+a\n-b"}}
    events = [
        {"type": "task_started", "turn_id": "t-1"},
        {"type": "token_count", "info": info},
        {"type": "token_count", "info": {"total_token_usage": {**usage, "input_tokens": 30}}},
        {"type": "task_complete", "turn_id": "t-1", "duration_ms": 300},
        {"type": "patch_apply_end", "call_id": "f-1", "success": True, "changes": changes},
        {"type": "exec_command_end", "call_id": "f-2", "exit_code": 1, "result": {"Err": "x"}},
        {"type": "turn_aborted"},
        {"type": "error"},
        {"type": "context_compacted"},
    ]
    call = {"type": "function_call", "name": "shell", "call_id": "f-1"}
    said = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "x"}]}
    return _lines(
        {"timestamp": _AT, "type": "session_meta", "payload": meta},
        {"timestamp": _AT, "type": "turn_context", "payload": {"model": "gpt-5", "turn_id": "t-1"}},
        *({"timestamp": _AT, "type": "response_item", "payload": item} for item in (call, said)),
        *({"timestamp": _AT, "type": "event_msg", "payload": event} for event in events),
    )


def _pi() -> bytes:
    usage = {"input": 3, "output": 4, "cacheRead": 5, "cacheWrite": 6, "cost": {"total": 0.02}}
    tool = {"type": "toolCall", "id": "t-1", "name": "bash"}
    answer = {"role": "assistant", "model": "claude-sonnet-4-5", "provider": "anthropic", "usage": usage}
    answer |= {"content": [tool], "stopReason": "aborted", "timestamp": 1772442000000}
    messages = (answer, {"role": "user", "content": "x"}, {"role": "toolResult", "isError": True, "toolCallId": "t-1"})
    return _lines(
        {"type": "session", "id": "s-1", "cwd": "/home/a/project", "timestamp": _AT},
        *({"type": "message", "timestamp": _AT, "message": message} for message in messages),
        {"type": "compaction", "timestamp": _AT},
    )


def _gemini_cli() -> bytes:
    tokens = {"input": 10, "output": 4, "cached": 2, "thoughts": 1, "tool": 0, "total": 15}
    tool = {"id": "t-1", "name": "edit", "status": "error"}
    answer = {"id": "m-2", "type": "gemini", "timestamp": _AT, "content": "y", "tokens": tokens, "toolCalls": [tool]}
    messages = [
        {"id": "m-1", "type": "user", "timestamp": _AT, "content": "x"},
        {**answer, "model": "gemini-2.5-pro"},
        {"id": "m-3", "type": "error", "timestamp": _AT, "content": "z"},
    ]
    return json.dumps({"sessionId": "s-1", "projectHash": "0" * 64, "messages": messages}, indent=1).encode()


def _attribute(key: str, value: Any) -> dict[str, Any]:
    kind = {str: "stringValue", int: "intValue", float: "doubleValue", bool: "boolValue"}[type(value)]
    return {"key": key, "value": {kind: str(value) if kind == "intValue" else value}}


def _opentelemetry() -> bytes:
    said = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-5", "gen_ai.usage.input_tokens": 10}
    said |= {"gen_ai.usage.output_tokens": 5, "gen_ai.usage.cost": 0.1, "gen_ai.conversation.id": "s-1"}
    attributes = [_attribute(*pair) for pair in said.items()]
    span = {"traceId": "ab", "spanId": "1", "parentSpanId": "2", "name": "chat", "attributes": attributes}
    span |= {"startTimeUnixNano": _NS, "endTimeUnixNano": _NS, "status": {"code": 2}}
    tool = {**span, "spanId": "3", "attributes": [_attribute("gen_ai.operation.name", "execute_tool")]}
    agent = {**span, "spanId": "2", "parentSpanId": "", "attributes": [_attribute("gen_ai.agent.name", "planner")]}
    asked = {"session.id": "s-1", "model": "claude-opus-5", "input_tokens": 2, "output_tokens": 12, "attempt": 1}
    asked |= {"cache_read_tokens": 9, "cache_creation_tokens": 7, "query_source": "agent", "request_id": "r-1"}
    request = {**span, "spanId": "4", "name": "claude_code.llm_request"}
    request["attributes"] = [_attribute(*pair) for pair in asked.items()]
    resource = {"attributes": [_attribute("service.name", "shop")]}
    spans = {"resource": resource, "scopeSpans": [{"spans": [span, tool, agent, request]}]}
    event = {"event.name": "api_request", "session.id": "s-1", "input_tokens": 5, "output_tokens": 3}
    event |= {"model": "claude-opus-4-5", "cost_usd": 0.1, "duration_ms": 5, "attempt": 2, "query_source": "agent"}
    event["request_id"] = "r-1"
    result = {"event.name": "tool_result", "session.id": "s-1", "success": "false", "tool_name": "bash"}
    records = [{"timeUnixNano": _NS, "attributes": [_attribute(*pair) for pair in e.items()]} for e in (event, result)]
    tags = [{"key": key, "value": value} for key, value in said.items()]
    jaeger = {"traceID": "cd", "spanID": "1", "operationName": "chat", "startTime": 1772442000000000, "duration": 5}
    jaeger |= {"processID": "p1", "tags": tags, "references": [{"refType": "CHILD_OF", "spanID": "2"}]}
    return _lines(
        {"resourceSpans": [spans]},
        {"batches": [spans]},
        {"resourceLogs": [{"resource": resource, "scopeLogs": [{"logRecords": records}]}]},
        {"data": [{"spans": [jaeger], "processes": {"p1": {"serviceName": "shop"}}}]},
    )


def _langfuse() -> bytes:
    usage = {"input": 10, "output": 5, "total": 15, "input_cache_read": 2, "input_cache_creation_1h": 1}
    call = {"id": "o-1", "traceId": "t-1", "type": "GENERATION", "name": "chat", "model": "gpt-5", "startTime": _AT}
    call |= {"endTime": _AT, "usageDetails": usage, "totalCost": 0.1, "latency": 1.5, "parentObservationId": "o-2"}
    agent = {"id": "o-2", "traceId": "t-1", "type": "AGENT", "name": "planner", "startTime": _AT, "level": "ERROR"}
    tool = {**agent, "id": "o-3", "type": "TOOL", "parentObservationId": "o-2", "projectId": "p"}
    return json.dumps({"trace": {"id": "t-1", "sessionId": "s-1"}, "observations": [call, agent, tool]}).encode()


def _mini_swe_agent() -> bytes:
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 2}}
    response = {"id": "r-1", "model": "gpt-5", "created": 1772442000, "usage": usage}
    extra = {"response": response, "cost": 0.1, "timestamp": 1772442000.5, "actions": [{"tool_call_id": "a"}]}
    info = {"exit_status": "Submitted", "submission": "+++ b/x.py\n+a\n-b\n", "mini_version": "1"}
    answer = {"role": "assistant", "content": "x", "extra": extra}
    return json.dumps({"info": info, "messages": [answer], "instance_id": "a__b-1"}).encode()


def _swe_agent() -> bytes:
    stats = {"tokens_sent": 10, "tokens_received": 5, "instance_cost": 0.1, "api_calls": 2}
    info = {"model_stats": stats, "exit_status": "submitted", "submission": "+++ b/x.py\n+a\n-b\n"}
    return json.dumps({"trajectory": [{"action": "ls"}], "history": [{"agent": "main"}], "info": info}).encode()


_RECORDS: tuple[dict[str, Any], ...] = (
    {
        "timestamp": _AT,
        "task_id": "T-1",
        "agent_role": "Code",
        "cost_usd": 1.5,
        "tokens_in": 7,
        "metadata": '{"a":[1]}',
    },
    {"created_at": _AT, "task_id": "T-1", "estimated_complexity": 5, "status": "completed", "human_reviewed": True},
    {"capability_name": "PROBE_AI", "measured_at": _AT, "mode": "Shadow", "primary_metric_value": -1.5},
    {
        "executed_at": _AT,
        "task_id": "T-1",
        "agent_role": "Code",
        "metric_type": "Tokens_In",
        "metric_value": 5,
        "metric_unit": "tokens",
        "machine": "m",
        "labels": {"a": "b"},
        "is_stub": False,
    },
)


def _jsonl() -> bytes:
    return _lines(*_RECORDS)


def _csv() -> bytes:
    record = _RECORDS[0]
    cells = ",".join('"' + str(value).replace('"', '""') + '"' for value in record.values())
    return f"{','.join(record)},extra\n{cells},=1+1\n{cells}\n".encode()


def _parquet() -> bytes:
    import pyarrow
    from pyarrow import parquet

    columns = {name: [value] * 3 for name, value in _RECORDS[0].items()}
    columns |= {"nested": [{"a": [1, None]}] * 3, "blob": [b"\x00\xff"] * 3}
    stream = io.BytesIO()
    parquet.write_table(pyarrow.table(columns), stream)
    return stream.getvalue()


def asp_platform(*, rows: dict[str, list[dict[str, Any]]] | None = None) -> bytes:
    """Give a SQLite file of the ASP platform with these rows, one in each table where none are given.

    The columns have no types, so that a test can put anything into them.
    """
    rows = rows or {name: [row] for name, row in PLATFORM_ROWS.items()}
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as file:
        file.execute("PRAGMA page_size = 512")
        for table, columns in CONTRACT_COLUMNS.items():
            file.execute(f"CREATE TABLE {table} ({', '.join(columns)})")
            for row in rows.get(table, []):
                places = ", ".join("?" * len(row))
                file.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({places})", tuple(row.values()))
        return file.serialize()


def _json() -> bytes:
    records = [json.loads(line) for line in _jsonl().splitlines()]
    return json.dumps({"count": len(records), "items": records}, indent=1).encode()


def _xlsx() -> bytes:
    stream = io.BytesIO()
    row = [datetime(2026, 3, 2, 9), "T-1", "Code", 1.25, 1200, "00:05:10"]
    header = ["executed_at", "task_id", "agent_role", "cost_usd", "tokens_in", "latency_ms"]
    write_workbook(stream, ("Runs", [header, row, ["N/A", *row[1:]]]))
    return stream.getvalue()


PLATFORM_ROWS: dict[str, dict[str, Any]] = {
    "task_metadata": {
        "task_id": "T-1",
        "created_at": "2026-03-02 09:00:00",
        "completed_at": "2026-03-02 11:00:00.250",
        "estimated_complexity": 12,
        "estimated_cost_vector_json": '{"latency_ms": 5, "tokens": 7, "api_cost_usd": 0.5, "people": 2}',
        "components_affected": '["src/a.py"]',
        "human_reviewed": 1,
        "status": "completed",
        "metadata": '{"team": "red"}',
    },
    "agent_cost_vector": {
        "id": 1,
        "timestamp": "2026-03-02 09:30:00",
        "execution_date": "2026-03-02",
        "task_id": "T-1",
        "agent_role": "Code",
        "agent_iteration": 1,
        "metric_type": "Tokens_In",
        "metric_value": 1200.0,
        "metric_unit": "tokens",
        "llm_model": "gpt-5",
        "metadata": '{"prompt": "a1"}',
    },
    "defect_log": {
        "defect_id": "D-1",
        "created_at": "2026-03-02 10:00:00",
        "resolved_at": "2026-03-02 10:30:00",
        "task_id": "T-1",
        "defect_type": "20_Syntax",
        "severity": "High",
        "phase_injected": "Code",
        "phase_removed": "CodeReview",
        "line_number": 7,
        "effort_to_fix_json": '{"tokens": 5, "retries": 1}',
        "description": "d",
        "flagged_by_agent": 1,
    },
    "bootstrap_metrics": {
        "id": 1,
        "measured_at": "2026-03-03 00:00:00",
        "measurement_period_start": "2026-03-01 00:00:00",
        "measurement_period_end": "2026-03-02 00:00:00",
        "capability_name": "PROBE_AI",
        "capability_mode": "Learning",
        "tasks_completed": 3,
        "tasks_required_for_graduation": 20,
        "primary_metric_value": -1.5,
        "graduation_criteria_met": 0,
    },
}
"""Table of the platform -> a good row of it."""


def _request() -> bytes:
    spans, _, logs, _ = (json.loads(line) for line in _opentelemetry().splitlines())
    points = {"resourceMetrics": [{"scopeMetrics": [{"metrics": [{"sum": {"dataPoints": [{"asInt": "1"}]}}]}]}]}
    return _lines({**spans, **logs, **points})


SEEDS = {
    "claude-code": _claude_code,
    "codex": _codex,
    "pi": _pi,
    "gemini-cli": _gemini_cli,
    "opentelemetry": _opentelemetry,
    "langfuse": _langfuse,
    "mini-swe-agent": _mini_swe_agent,
    "swe-agent": _swe_agent,
    "csv": _csv,
    "jsonl": _jsonl,
    "parquet": _parquet,
    "asp-platform": asp_platform,
    "json": _json,
    "xlsx": _xlsx,
    **SOURCES,
    **{name: lambda make=make: database(make()) for name, make in DATABASES.items()},
}
"""Name of a format -> the maker of its seed."""

DOORS = {"receive": _request, **BILLS, **{f"from-{name}": make for name, make in PRESETS.items()}}
"""What comes in by other ways than files -> a seed."""

ALL_SEEDS = {**SEEDS, **DOORS}
