"""Writes Claude Code transcripts of any size whose calls, tokens and cost are known to the cent.

They mislead as real ones do: a response stands on several lines with partial output first, forked sessions copy whole
histories under another session, files mix long tool results with short records that tell nothing.
"""

import json
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

PRICES = {
    "claude-opus-4-5-20251101": ("5", "0.5", "6.25", "10", "25"),
    "claude-sonnet-4-5-20250929": ("3", "0.3", "3.75", "6", "15"),
    "claude-haiku-4-5-20251001": ("1", "0.1", "1.25", "2", "5"),
}
"""USD per million tokens: fresh input, cache read, cache write for 5 minutes and for 1 hour, output (early 2026)."""

_TEXT = "The quick brown fox reviews the pull request and finds nothing. " * 400


@dataclass
class Truth:
    """What was written: files, lines, bytes, distinct calls, their tokens and cost; `copied_calls` came twice."""

    files: int = 0
    lines: int = 0
    size_bytes: int = 0
    calls: int = 0
    copied_calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    cost_usd: Decimal = field(default_factory=Decimal)


def write_transcripts(folder: Path, size_bytes: int, seed: int = 1) -> Truth:
    """Write sessions into `folder/projects/...` until they hold `size_bytes`; every tenth session is a fork."""
    rng, truth = random.Random(seed), Truth()
    history: list[dict[str, Any]] = []
    while truth.size_bytes < size_bytes:
        is_fork = truth.files % 10 == 9
        session_id = f"{rng.getrandbits(32):08x}-0000-4000-8000-{truth.files:012d}"
        copied = [{**record, "sessionId": session_id} for record in history] if is_fork else []
        truth.copied_calls += len({record["message"]["id"] for record in copied if record["type"] == "assistant"})
        own = _session(rng, truth, session_id)
        path = folder / "projects" / f"-home-user-project-{truth.files % 7}" / f"{session_id}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        text = "".join(json.dumps(record, separators=(",", ":")) + "\n" for record in [*copied, *own])
        path.write_text(text)
        truth.files += 1
        truth.lines += len(copied) + len(own)
        truth.size_bytes += len(text)
        history = own[: len(own) // 2]
    return truth


def _session(rng: random.Random, truth: Truth, session_id: str) -> list[dict[str, Any]]:
    """Write one session of 20 to 80 calls."""
    at = datetime(2026, 1, 5, tzinfo=UTC) + timedelta(hours=truth.files, seconds=rng.random())
    folder = f"/home/user/project-{truth.files % 7}"
    around = {"sessionId": session_id, "cwd": folder, "gitBranch": f"feature/ABC-{truth.files % 40}-x"}
    around |= {"version": "2.1.37", "isSidechain": False, "userType": "external"}
    model, context = rng.choice(list(PRICES)), rng.randint(8_000, 20_000)
    records: list[dict[str, Any]] = []
    for _ in range(rng.randint(20, 80)):
        at += timedelta(seconds=rng.uniform(2, 40))
        tool_id = f"toolu_{rng.getrandbits(64):016x}"
        usage = _usage(rng, context)
        context = min(150_000, context + usage["cache_creation_input_tokens"])
        _count(truth, model, usage)
        records += _answer(rng, at, around, model, usage, tool_id)
        records += _result(rng, at + timedelta(seconds=1), around, tool_id)
    return records


def _usage(rng: random.Random, context: int) -> dict[str, Any]:
    written, is_hour = rng.randint(200, 3_000), rng.random() < 0.3
    kinds = {
        "ephemeral_5m_input_tokens": 0 if is_hour else written,
        "ephemeral_1h_input_tokens": written if is_hour else 0,
    }
    return {
        "input_tokens": rng.randint(1, 12),
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": context,
        "cache_creation": kinds,
        "output_tokens": rng.randint(50, 1_500),
        "service_tier": "standard",
    }


def _count(truth: Truth, model: str, usage: dict[str, Any]) -> None:
    kinds = usage["cache_creation"]
    counts = (
        usage["input_tokens"],
        usage["cache_read_input_tokens"],
        kinds["ephemeral_5m_input_tokens"],
        kinds["ephemeral_1h_input_tokens"],
        usage["output_tokens"],
    )
    truth.calls += 1
    truth.tokens_in += sum(counts[:4])
    truth.tokens_out += counts[4]
    truth.cost_usd += sum(Decimal(rate) * count for rate, count in zip(PRICES[model], counts, strict=True)) / 1_000_000


def _answer(
    rng: random.Random, at: datetime, around: dict[str, Any], model: str, usage: dict[str, Any], tool_id: str
) -> list[dict[str, Any]]:
    """Write one response as two or three lines; all but the last hold partial output."""
    name = f"msg_{rng.getrandbits(96):024x}"
    blocks: list[dict[str, Any]] = [{"type": "text", "text": _TEXT[: rng.randint(100, 900)]}] * rng.randint(1, 2)
    blocks.append({"type": "tool_use", "id": tool_id, "name": "Read", "input": {"file_path": "/src/main.py"}})
    request = f"req_{rng.getrandbits(64):016x}"
    records = []
    for place, block in enumerate(blocks):
        is_last = place == len(blocks) - 1
        partial = usage if is_last else {**usage, "output_tokens": min(usage["output_tokens"], 5)}
        message = {"id": name, "type": "message", "role": "assistant", "model": model, "content": [block]}
        message |= {"stop_reason": "tool_use" if is_last else None, "usage": partial}
        records.append(_line(rng, "assistant", at, around) | {"message": message, "requestId": request})
    return records


def _result(rng: random.Random, at: datetime, around: dict[str, Any], tool_id: str) -> list[dict[str, Any]]:
    content = _TEXT[: rng.randint(200, 12_000)]
    block = {"type": "tool_result", "tool_use_id": tool_id, "content": content}
    shown = _line(rng, "user", at, around) | {"message": {"role": "user", "content": [block]}}
    shown |= {"toolUseResult": {"type": "text", "file": {"filePath": "/src/main.py", "content": content}}}
    progress = {"type": "hook_progress", "hookEvent": "PostToolUse", "command": "true"}
    return [shown, _line(rng, "progress", at, around) | {"data": progress}]


def _line(rng: random.Random, kind: str, at: datetime, around: dict[str, Any]) -> dict[str, Any]:
    instant = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"parentUuid": None, "type": kind, "uuid": f"{rng.getrandbits(128):032x}", "timestamp": instant, **around}
