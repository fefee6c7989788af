"""One small file for each further source, made from its documented form: all occurs that its importer looks at."""

import json
from collections.abc import Callable
from typing import Any

from tests.fuzz.database_seeds import AT, opencode_message


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


SOURCES: dict[str, Callable[[], bytes]] = {
    "opencode-json": _opencode_json,
    "copilot-cli": _copilot_events,
}
"""Name of a format -> the maker of its seed."""
