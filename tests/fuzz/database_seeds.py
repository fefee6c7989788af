"""A small SQLite file for each format of such files, in which everything occurs that its importer looks at.

The columns have no types, so that a test can put anything into them.
"""

import json
import sqlite3
from contextlib import closing
from typing import Any

AT, MS = "2026-03-02T09:00:00.000Z", 1772442000000

Rows = dict[str, list[dict[str, Any]]]


def database(rows: Rows) -> bytes:
    """Give a SQLite file with these tables and rows."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as file:
        file.execute("PRAGMA page_size = 512")
        for table, records in rows.items():
            file.execute(f"CREATE TABLE {table} ({', '.join(records[0])})")
            for record in records:
                places = ", ".join("?" * len(record))
                file.execute(f"INSERT INTO {table} ({', '.join(record)}) VALUES ({places})", tuple(record.values()))
        return file.serialize()


def opencode_message(name: str, **changed: Any) -> dict[str, Any]:
    tokens = {"input": 10, "output": 5, "reasoning": 2, "cache": {"read": 100, "write": 20}, "total": 137}
    message = {"role": "assistant", "providerID": "anthropic", "modelID": "claude-sonnet-4-5", "agent": "build"}
    message |= {"id": name, "sessionID": "ses_1", "cost": 0.01, "tokens": tokens, "path": {"cwd": "/home/a/project"}}
    message |= {"time": {"created": MS, "completed": MS + 2500}, "error": {"name": "APIError"}, "summary": True}
    return {**message, **changed}


def _opencode() -> Rows:
    session = {"id": "ses_1", "parent_id": None, "directory": "/home/a/project", "version": "1.18.33"}
    session |= {"model": '{"id": "gpt-5", "providerID": "openai"}', "cost": 0.5, "time_created": MS}
    session |= {"tokens_input": 7, "tokens_output": 3, "tokens_reasoning": 1, "tokens_cache_read": 2}
    session |= {"tokens_cache_write": 0, "time_updated": MS, "summary_additions": 3, "summary_deletions": 1}
    child = {**session, "id": "ses_2", "parent_id": "ses_1"}
    part = {"type": "tool", "tool": "bash", "callID": "c-1", "state": {"status": "error"}}
    answers = [("msg_1", "ses_1", "build"), ("msg_2", "ses_2", "explore")]
    return {
        "session": [session, child, {**child, "id": "ses_3"}],
        "message": [
            {"id": name, "session_id": where, "data": json.dumps(opencode_message(name, agent=agent))}
            for name, where, agent in answers
        ],
        "part": [{"id": "prt_1", "message_id": "msg_1", "session_id": "ses_1", "data": json.dumps(part)}],
    }


def _copilot_store() -> Rows:
    request = {"id": 1, "session_id": "s-1", "turn_index": 0, "agent_id": "a-1", "parent_tool_call_id": "t-1"}
    request |= {"model": "auto", "copilot_usage_model": "claude-sonnet-4.5", "input_tokens": 1000, "output_tokens": 50}
    request |= {"cache_read_tokens": 800, "cache_write_tokens": 100, "reasoning_tokens": 20}
    request |= {"total_nano_aiu": 1_500_000_000, "request_multiplier": 1.0, "duration_ms": 1200, "created_at": AT}
    session = {"id": "s-1", "cwd": "/home/a/project", "repository": "a/project", "branch": "ABC-1"}
    return {
        "sessions": [session],
        "turns": [{"session_id": "s-1", "turn_index": 0}],
        "assistant_usage_events": [request],
    }


def _crush() -> Rows:
    session = {"id": "s-1", "parent_session_id": None, "prompt_tokens": 36_783, "completion_tokens": 5, "cost": 1.89}
    session |= {"created_at": MS // 1000, "updated_at": MS // 1000 + 60}
    call = {"type": "tool_call", "data": {"id": "t-1", "name": "bash"}}
    result = {"type": "tool_result", "data": {"tool_call_id": "t-1", "is_error": True}}
    finish = {"type": "finish", "data": {"reason": "error"}}
    message = {"id": "m-1", "session_id": "s-1", "role": "assistant", "model": "gpt-5", "provider": "openai"}
    message["parts"] = json.dumps([call, result, finish])
    return {"sessions": [session, {**session, "id": "s-2", "parent_session_id": "s-1"}], "messages": [message]}


def _goose() -> Rows:
    session = {"id": "20260302_1", "working_dir": "/home/a/project", "created_at": "2026-03-02 09:00:00"}
    session |= {"updated_at": "2026-03-02 09:10:00", "accumulated_input_tokens": 900, "accumulated_output_tokens": 80}
    session |= {"accumulated_total_tokens": 980, "provider_name": "openai"}
    session["model_config_json"] = json.dumps({"model_name": "gpt-5"})
    content = [{"type": "toolRequest", "id": "t-1", "toolCall": {"value": {"name": "developer__shell"}}}]
    message = {"message_id": "m-1", "session_id": "20260302_1", "content_json": json.dumps(content)}
    return {"sessions": [session], "messages": [message]}


def zed_thread(**changed: Any) -> dict[str, Any]:
    usage = {"input_tokens": 10, "output_tokens": 5, "cache_read_input_tokens": 100, "cache_creation_input_tokens": 20}
    thread = {"model": {"provider": "anthropic", "model": "claude-sonnet-4-5"}, "cumulative_token_usage": usage}
    return {**thread, "request_token_usage": {"r-1": {**usage, "output_tokens": 1}}, **changed}


def _zed() -> Rows:
    import pyarrow

    def packed(thread: dict[str, Any]) -> bytes:
        content = json.dumps(thread).encode()
        return bytes(pyarrow.compress(content, "zstd", asbytes=True))

    row = {"id": "t-1", "summary": "x", "updated_at": AT, "data_type": "zstd", "data": packed(zed_thread())}
    plain = json.dumps(zed_thread(cumulative_token_usage=None))
    return {"threads": [row, {**row, "id": "t-2", "data_type": "json", "data": plain}]}


DATABASES = {
    "opencode": _opencode,
    "copilot-cli-store": _copilot_store,
    "crush": _crush,
    "goose": _goose,
    "zed": _zed,
}
"""Name of a format of SQLite files -> the maker of its tables and rows."""
