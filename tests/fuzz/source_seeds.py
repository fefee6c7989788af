"""One small file for each further source, made from its documented form: all occurs that its importer looks at."""

import csv
import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

from tests.fuzz.database_seeds import AT, MS, opencode_message


def _lines(*records: Any) -> bytes:
    return "".join(json.dumps(record) + "\n" for record in records).encode()


def _opencode_json() -> bytes:
    tool = {"type": "tool", "tool": "bash", "callID": "c-1", "state": {"status": "error"}}
    return _lines(
        {"info": {"id": "ses_1", "time": {}}, "messages": [{"info": opencode_message("msg_1"), "parts": [tool]}]}
    )


def copilot_end(name: str, **counts: int) -> dict[str, Any]:
    usage = {"inputTokens": 1000, "outputTokens": 50, "cacheReadTokens": 800, "cacheWriteTokens": 100} | counts
    metric = {"requests": {"count": 2}, "usage": {**usage, "reasoningTokens": 9}, "totalNanoAiu": 1_000_000_000}
    data = {"modelMetrics": {"claude-sonnet-4.5": metric}, "codeChanges": {"linesAdded": 3, "linesRemoved": 1}}
    return {"type": "session.shutdown", "id": name, "timestamp": AT, "data": data}


def copilot_start() -> dict[str, Any]:
    start = {"sessionId": "s-1", "copilotVersion": "1.0.60", "context": {"cwd": "/home/a/project", "branch": "ABC-1"}}
    return {"type": "session.start", "id": "e-1", "timestamp": AT, "data": start}


def _copilot_events() -> bytes:
    answer = {"messageId": "m-1", "toolRequests": [{"toolCallId": "t-1", "name": "bash"}], "outputTokens": 5}
    others = (
        ("assistant.message", answer),
        ("tool.execution_complete", {"toolCallId": "t-1", "success": False}),
        ("abort", {"reason": "user_initiated"}),
        ("session.error", {}),
    )
    return _lines(
        copilot_start(),
        *({"type": kind, "id": f"e-{kind}", "timestamp": AT, "data": data} for kind, data in others),
        copilot_end("end-1"),
        {"type": "session.compaction_complete", "id": "e-9", "timestamp": AT, "data": {"success": True}},
        copilot_end("end-2"),
    )


CURSOR_ROWS: tuple[dict[str, Any], ...] = (
    {"Date": AT, "Kind": "Included", "Model": "auto", "Max Mode": "No", "Input (w/ Cache Write)": 20,
     "Input (w/o Cache Write)": 10, "Cache Read": 100, "Output Tokens": 5, "Total Tokens": 135, "Cost": "0.06"},
    {"Date": AT, "Kind": "On-Demand", "Model": "gpt-5", "Max Mode": "No", "Input (w/ Cache Write)": 0,
     "Input (w/o Cache Write)": 10, "Cache Read": 0, "Output Tokens": 5, "Total Tokens": 15, "Cost": "$1.10"},
)  # fmt: skip
OPENROUTER_ROW: dict[str, Any] = {
    "generation_id": "gen-1", "created_at": "2026-06-28 03:46:57.713", "cost_total": 0.5, "byok_usage_inference": 0.1,
    "tokens_prompt": 200, "tokens_completion": 30, "tokens_reasoning": 20, "tokens_cached": 150, "variant": "standard",
    "model_permaslug": "anthropic/claude-sonnet-4.6", "cancelled": "true", "user": "ada", "generation_time_ms": 900,
    "api_key_name": "k", "app_name": "shop",
}  # fmt: skip
LITELLM_ROW: dict[str, Any] = {
    "request_id": "r-1", "call_type": "acompletion", "spend": 0.02, "prompt_tokens": 1000, "completion_tokens": 50,
    "startTime": AT, "endTime": "2026-03-02T09:00:02Z", "model": "claude-sonnet-4-5", "user": "ada", "end_user": "",
    "custom_llm_provider": "anthropic", "cache_hit": "False", "session_id": "s-1", "team_id": "red", "agent_id": "a",
    "status": "success", "request_duration_ms": None,
    "metadata": {"usage_object": {"prompt_tokens": 1000, "completion_tokens": 50, "cache_read_input_tokens": 800,
                                  "cache_creation_input_tokens": 100}},
}  # fmt: skip


def csv_of(*rows: dict[str, Any]) -> bytes:
    """Give rows as CSV under the header of the first, an object as JSON text."""
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow(rows[0])
    for row in rows:
        writer.writerow([json.dumps(cell) if isinstance(cell, dict) else cell for cell in row.values()])
    return stream.getvalue().encode()


def _cursor_api() -> bytes:
    usage = {"inputTokens": 10, "outputTokens": 5, "cacheWriteTokens": 20, "cacheReadTokens": 100, "totalCents": 6}
    event = {"timestamp": str(MS), "model": "gpt-5", "kind": "USAGE_EVENT_KIND_USAGE_BASED", "tokenUsage": usage}
    event |= {"userEmail": "ada@example.com", "chargedCents": 7.5}
    plan = {**event, "kind": "USAGE_EVENT_KIND_INCLUDED_IN_BUSINESS", "chargedCents": 0}
    return json.dumps({"totalUsageEventsCount": 2, "usageEventsDisplay": [event, plan]}, indent=1).encode()


def cline_entry(ts: int, say: str = "api_req_started", **changed: Any) -> dict[str, Any]:
    request = {"request": "x", "tokensIn": 10, "tokensOut": 5, "cacheWrites": 20, "cacheReads": 100, "cost": 0.01}
    model = {"providerId": "anthropic", "modelId": "claude-sonnet-4-5", "mode": "act"}
    return {"ts": ts, "type": "say", "say": say, "text": json.dumps({**request, **changed}), "modelInfo": model}


def _cline() -> bytes:
    entries = [
        {"ts": MS, "type": "say", "say": "task", "text": "x"},
        cline_entry(MS + 1, cancelReason="user_cancelled"),
    ]
    entries += [cline_entry(MS + 2, "deleted_api_reqs"), {"ts": MS + 3, "type": "say", "say": "error_retry"}]
    return json.dumps(entries).encode()


def _cline_cli() -> bytes:
    metrics = {"inputTokens": 10, "outputTokens": 5, "cacheReadTokens": 100, "cacheWriteTokens": 20, "cost": 0.01}
    tools = [{"type": "tool_use", "id": "t-1", "name": "editor"}]
    answer = {"id": "m-1", "role": "assistant", "ts": MS, "metrics": metrics, "content": tools}
    answer["modelInfo"] = {"id": "claude-sonnet-4-5", "provider": "anthropic"}
    result = {"role": "user", "ts": MS, "content": [{"type": "tool_result", "tool_use_id": "t-1", "is_error": True}]}
    return json.dumps({"messages": [answer, result]}, indent=1).encode()


def qwen_line(uuid: str, **changed: Any) -> dict[str, Any]:
    usage = {"promptTokenCount": 100, "candidatesTokenCount": 5, "thoughtsTokenCount": 3, "cachedContentTokenCount": 80}
    parts = [{"text": "y"}, {"functionCall": {"name": "edit", "args": {}}}]
    line = {"uuid": uuid, "sessionId": "s-1", "timestamp": AT, "type": "assistant", "cwd": "/home/a/project"}
    line |= {"model": "qwen3-coder-plus", "version": "0.1", "message": {"role": "model", "parts": parts}}
    return {**line, "usageMetadata": {**usage, "totalTokenCount": 108}, **changed}


def _qwen() -> bytes:
    return _lines(qwen_line("u-0", type="user", usageMetadata=None), qwen_line("u-1"), qwen_line("u-2"))


def kimi_status(name: str, **usage: int) -> dict[str, Any]:
    tokens = {"input_other": 10, "input_cache_read": 100, "input_cache_creation": 20, "output": 5} | usage
    payload = {"token_usage": tokens, "message_id": name}
    return {"timestamp": MS / 1000, "message": {"type": "StatusUpdate", "payload": payload}}


def _kimi() -> bytes:
    call = {"type": "ToolCall", "payload": {"id": "t-1", "function": {"name": "Shell"}}}
    failed = {"type": "ToolResult", "payload": {"tool_call_id": "t-1", "return_value": {"is_error": True}}}
    usage = {"inputOther": 10, "output": 5, "inputCacheRead": 100, "inputCacheCreation": 20}
    event = {"type": "tool.call", "name": "Bash", "toolCallId": "t-2"}
    return _lines(
        {"type": "metadata", "protocol_version": "1"},
        {"timestamp": MS / 1000, "message": call},
        {"timestamp": MS / 1000, "message": failed},
        kimi_status("m-1"),
        {"type": "llm.request", "time": MS, "model": "kimi-k2", "modelAlias": "fast"},
        {"type": "context.append_loop_event", "time": MS, "event": event},
        {"type": "usage.record", "time": MS, "model": "fast", "usage": usage},
    )


def amp_thread(**changed: Any) -> dict[str, Any]:
    usage = {"model": "claude-sonnet-4-5", "inputTokens": 10, "outputTokens": 5, "cacheCreationInputTokens": 20}
    usage |= {"cacheReadInputTokens": 100, "totalInputTokens": 130, "timestamp": AT, "credits": 1.5}
    blocks = [{"type": "tool_use", "id": "t-1", "name": "edit_file"}]
    answer = {"role": "assistant", "messageId": 1, "usage": {**usage, **changed}, "content": blocks}
    failed = {"type": "tool_result", "toolUseID": "t-1", "run": {"status": "error"}}
    events = [
        {"id": "e-1", "timestamp": AT, "model": "claude-sonnet-4-5", "toMessageId": 1, "tokens": {"input": 9}},
        {"id": "e-2", "timestamp": AT, "model": "claude-haiku-4-5", "tokens": {"input": 7, "output": 2}},
    ]
    tree = {"trees": [{"displayName": "project", "uri": "file:///home/a/project"}]}
    return {
        "id": "T-1",
        "created": MS,
        "env": {"initial": tree},
        "messages": [answer, {"role": "user", "messageId": 2, "content": [failed]}],
        "usageLedger": {"events": events},
    }


def _droid() -> bytes:
    usage = {
        "inputTokens": 10,
        "outputTokens": 5,
        "cacheCreationTokens": 20,
        "cacheReadTokens": 100,
        "thinkingTokens": 3,
    }
    return json.dumps({"model": "custom:GLM-5.1-[Proxy]-0", "tokenUsage": usage}, indent=1).encode()


def _droid_session() -> bytes:
    failed = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t-1", "is_error": True}]}
    return _lines(
        {"type": "session_start", "id": "d-1", "timestamp": AT, "cwd": "/home/a/project"},
        {"type": "message", "timestamp": AT, "message": failed},
    )


def _openclaw() -> bytes:
    usage = {"input": 3, "output": 4, "cacheRead": 5, "cacheWrite": 6, "cost": {"total": 0.02}}
    answer = {
        "role": "assistant",
        "model": "gpt-5",
        "provider": "openai",
        "usage": usage,
        "content": [],
        "timestamp": MS,
    }
    return _lines(
        {"type": "session", "id": "s-1", "cwd": "/home/a/project", "timestamp": AT},
        {"type": "custom", "customType": "openclaw:bootstrap-context:full", "timestamp": AT},
        {"type": "message", "timestamp": AT, "message": answer},
    )


def _openclaw_trajectory() -> bytes:
    line = {"traceSchema": "openclaw-trajectory", "traceId": "s-1", "type": "model.completed", "ts": AT}
    return _lines({**line, "sessionId": "s-1", "workspaceDir": "/home/a/project"})


def atif_trajectory(**changed: Any) -> dict[str, Any]:
    metrics = {"prompt_tokens": 100, "completion_tokens": 5, "cached_tokens": 80, "cost_usd": 0.01}
    step = {"step_id": 2, "timestamp": AT, "source": "agent", "model_name": "gpt-5", "metrics": metrics}
    step["tool_calls"] = [{"tool_call_id": "t-1", "function_name": "bash"}]
    compaction = {"step_id": 3, "source": "system", "extra": {"context_management": {"type": "compaction"}}}
    sums = {"total_prompt_tokens": 100, "total_completion_tokens": 5, "total_cached_tokens": 80, "total_cost_usd": 0.01}
    agent = {"name": "terminus-2", "version": "2.0.0", "model_name": "gpt-5", "extra": {"continuation_index": 1}}
    copied = {**step, "step_id": 1, "is_copied_context": True}
    document = {"schema_version": "ATIF-v1.7", "session_id": "s-1", "agent": agent, "steps": [copied, step, compaction]}
    return {**document, "final_metrics": sums, "subagent_refs": [{"session_id": "s-2"}], **changed}


def harbor_result(**changed: Any) -> dict[str, Any]:
    sums = {"n_input_tokens": 100, "n_cache_tokens": 80, "n_output_tokens": 5, "cost_usd": None}
    info = {"name": "a", "version": "1.0", "model_info": {"name": "gpt-5", "provider": "openai"}}
    result = {"id": "r-1", "task_name": "tb/fit", "trial_name": "fit__X1", "source": "tb", "agent_info": info}
    result |= {
        "agent_result": {**sums, "metadata": {"backend": "api"}},
        "verifier_result": {"rewards": {"reward": 0.0}},
    }
    return {**result, "exception_info": {"type": "x"}, "started_at": AT, "finished_at": AT, **changed}


def openhands_run(**changed: Any) -> dict[str, Any]:
    usage = {"model": "gpt-5", "prompt_tokens": 100, "completion_tokens": 5, "cache_read_tokens": 80}
    usage |= {"cache_write_tokens": 0, "reasoning_tokens": 2, "response_id": "c-1"}
    cost, latency = {"model": "gpt-5", "cost": 0.01, "timestamp": MS / 1000}, {"latency": 1.5, "response_id": "c-1"}
    metrics = {"accumulated_cost": 0.01, "costs": [cost], "response_latencies": [latency], "token_usages": [usage]}
    patch = {"git_patch": "+++ b/x.py\n+a\n-b\n"}
    run = {"instance_id": "django__django-1", "attempt": 1, "error": "x", "test_result": patch, "metrics": metrics}
    return {**run, "metadata": {"start_time": "2026-03-02 08:59:00"}, "history": [{"timestamp": AT}], **changed}


def openhands_answer(name: str) -> dict[str, Any]:
    """Give an event of a history that holds the usage of an answer."""
    usage = {"prompt_tokens": 100, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 80}}
    return {"timestamp": AT, "tool_call_metadata": {"model_response": {"id": name, "model": "gpt-5", "usage": usage}}}


def openhands_state(prompt_tokens: int = 100) -> dict[str, Any]:
    usage = {"model": "gpt-5", "prompt_tokens": prompt_tokens, "completion_tokens": 5, "cache_read_tokens": 80}
    metrics = {"default": {"model_name": "gpt-5", "accumulated_cost": 0.0, "accumulated_token_usage": usage}}
    value = {"usage_to_metrics": metrics}
    return {
        "kind": "ConversationStateUpdateEvent",
        "source": "environment",
        "timestamp": AT,
        "key": "stats",
        "value": value,
    }


def _openhands_completion() -> bytes:
    usage = {"prompt_tokens": 100, "completion_tokens": 5, "cache_read_input_tokens": 80}
    response = {"id": "c-9", "model": "gpt-5", "usage": usage}
    record = {"messages": [], "response": response, "cost": 0.02, "timestamp": MS / 1000, "latency_sec": 3.5}
    return json.dumps(record).encode()


def inspect_sample(name: int, **usage: Any) -> dict[str, Any]:
    used = {"input_tokens": 20, "output_tokens": 5, "total_tokens": 125, "input_tokens_cache_read": 100} | usage
    output = {"model": "gpt-5", "usage": used, "time": 1.5, "choices": [{"message": {"tool_calls": []}}]}
    output["choices"][0]["message"]["tool_calls"].append({"id": "t-1", "function": "bash"})  # type: ignore[index]
    event = {
        "event": "model",
        "timestamp": AT,
        "model": "openai/gpt-5",
        "output": output,
        "retries": 1,
        "role": "grader",
    }
    tool = {"event": "tool", "timestamp": AT, "id": "t-1", "error": {"type": "timeout"}}
    sample = {"id": name, "epoch": 1, "error": {"message": "x"}, "scores": {"match": {"value": "I"}}}
    return {**sample, "events": [event, tool, {**event, "pending": True}], "model_usage": {"openai/gpt-5": used}}


def inspect_header(**changed: Any) -> dict[str, Any]:
    about = {"run_id": "run-1", "task": "mmlu", "model": "openai/gpt-5", "created": AT}
    usage = {"openai/gpt-5": {"input_tokens": 7, "output_tokens": 2, "total_tokens": 9}}
    return {"version": 2, "status": "success", "eval": about, "stats": {"model_usage": usage}, **changed}


def inspect_archive(*samples: dict[str, Any]) -> bytes:
    """Give a log as an archive; without samples only its header."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("header.json", json.dumps(inspect_header()))
        for sample in samples:
            archive.writestr(f"samples/{sample['id']}_epoch_1.json", json.dumps(sample))
    return stream.getvalue()


def claude_result(**changed: Any) -> dict[str, Any]:
    usage = {"inputTokens": 10, "outputTokens": 5, "cacheReadInputTokens": 100, "cacheCreationInputTokens": 20}
    models = {"claude-sonnet-4-5": {**usage, "webSearchRequests": 1, "costUSD": 0.01}}
    result = {"type": "result", "subtype": "error_max_turns", "is_error": True, "num_turns": 3, "session_id": "s-1"}
    result |= {"duration_ms": 900, "total_cost_usd": 0.01, "uuid": "u-1", "modelUsage": models}
    return {**result, "usage": {"cache_creation": {"ephemeral_1h_input_tokens": 20}}, **changed}


def claude_messages() -> list[dict[str, Any]]:
    tool = {"type": "tool_use", "id": "t-1", "name": "Bash"}
    begun = {"type": "system", "subtype": "init", "session_id": "s-1", "cwd": "/home/a/project"}
    begun["claude_code_version"] = "2.0.76"
    return [begun, {"type": "assistant", "session_id": "s-1", "message": {"content": [tool]}}, claude_result()]


GH_AW_LINE: dict[str, Any] = {
    "timestamp": AT, "request_id": "r-1", "provider": "anthropic", "model": "claude-sonnet-4-6", "path": "/v1/messages",
    "status": 529, "streaming": True, "input_tokens": 100, "output_tokens": 200, "cache_read_tokens": 5000,
    "cache_write_tokens": 3000, "duration_ms": 2500, "response_bytes": 1500,
}  # fmt: skip


def mlflow_trace(**usage: int) -> dict[str, Any]:
    used = {"input_tokens": 100, "output_tokens": 5, "total_tokens": 105, "cache_read_input_tokens": 80} | usage
    model = {"mlflow.spanType": '"CHAT_MODEL"', "mlflow.chat.tokenUsage": json.dumps(used)}
    model |= {"mlflow.llm.model": '"gpt-5"', "mlflow.llm.provider": '"openai"'}
    times = {"start_time_unix_nano": MS * 10**6, "end_time_unix_nano": MS * 10**6 + 10**9}
    agent = {"trace_id": "t-1", "span_id": "a", "name": "agent", "attributes": {"mlflow.spanType": '"AGENT"'}, **times}
    call = {"trace_id": "t-1", "span_id": "b", "parent_span_id": "a", "name": "chat", "attributes": model, **times}
    failed = {
        "context": {"trace_id": "t-1", "span_id": "c"},
        "parent_id": "a",
        "name": "search",
        "status_code": "ERROR",
    }
    failed |= {"start_time": MS * 10**6, "end_time": MS * 10**6 + 1, "attributes": {"mlflow.spanType": '"TOOL"'}}
    info = {"request_id": "t-1", "trace_metadata": {"mlflow.trace.session": "s-1"}}
    return {"info": info, "data": {"spans": [{**agent, "status": {"code": "STATUS_CODE_OK"}}, call, failed]}}


SOURCES: dict[str, Callable[[], bytes]] = {
    "opencode-json": _opencode_json,
    "copilot-cli": _copilot_events,
    "cursor-csv": lambda: csv_of(*CURSOR_ROWS),
    "cursor-api": _cursor_api,
    "openrouter": lambda: csv_of(OPENROUTER_ROW),
    "litellm": lambda: json.dumps([LITELLM_ROW, {**LITELLM_ROW, "request_id": "r-2", "status": "failure"}]).encode(),
    "litellm-csv": lambda: csv_of(LITELLM_ROW),
    "cline": _cline,
    "cline-cli": _cline_cli,
    "qwen-code": _qwen,
    "kimi": _kimi,
    "amp": lambda: json.dumps(amp_thread(), indent=1).encode(),
    "droid": _droid,
    "droid-session": _droid_session,
    "openclaw": _openclaw,
    "openclaw-trajectory": _openclaw_trajectory,
    "atif": lambda: json.dumps(atif_trajectory(), indent=1).encode(),
    "harbor-result": lambda: json.dumps(harbor_result(), indent=1).encode(),
    "openhands": lambda: _lines(openhands_run(), openhands_run(metrics={}, history=[openhands_answer("c-2")])),
    "openhands-conversation": lambda: _lines(openhands_state()),
    "openhands-completion": _openhands_completion,
    "inspect-ai": lambda: json.dumps(inspect_header(samples=[inspect_sample(1)]), indent=1).encode(),
    "inspect-ai-eval": lambda: inspect_archive(inspect_sample(1), inspect_sample(2)),
    "claude-run": lambda: json.dumps(claude_messages(), indent=1).encode(),
    "mlflow": lambda: json.dumps(mlflow_trace(), indent=1).encode(),
    "gh-aw": lambda: _lines(GH_AW_LINE),
}
"""Name of a format -> the maker of its seed."""
