"""Codex rollouts: `~/.codex/sessions/**/rollout-*.jsonl`.

Token counts are cumulative over the session. A count that repeats the last total is no call; `last_token_usage` is the
call, and where an old version wrote only totals the difference is. A forked session replays its parent's turns under a
new time: the turn and the total name the call, the earliest time is its time. Cached input is part of `input_tokens`.
"""

from pathlib import Path
from typing import Any

from asp_analysis.importers.file import SourceFile, file_name
from asp_analysis.importers.json_lines import Line, LineError, parse_object
from asp_analysis.importers.transcripts.calls import (
    MAIN_AGENT,
    UNNAMED_AGENT,
    Activity,
    Call,
    Origin,
    Reading,
    Transcript,
    folder_name,
    note_event,
    relative_path,
    short_id,
)
from asp_analysis.importers.transcripts.documents import objects_in, positive
from asp_analysis.importers.transcripts.transcript_format import TranscriptFormat
from asp_analysis.importers.transcripts.values import (
    count,
    instant,
    note_unknown,
    note_unknown_type,
    read_lines,
    reject,
    text_of,
    word,
)

SOURCE = "codex"
_LINE_TYPES = {
    "session_meta", "turn_context", "response_item", "event_msg", "compacted", "world_state", "token_usage_record",
}  # fmt: skip
_KNOWN_IN_COUNTS = frozenset(
    {"input_tokens", "cached_input_tokens", "cache_write_input_tokens", "output_tokens", "reasoning_output_tokens"}
    | {"total_tokens"}
)
_TOOL_CALLS = {"function_call", "custom_tool_call", "local_shell_call", "web_search_call", "tool_search_call"}


def recognises(objects: list[dict[str, Any]]) -> bool:
    """Recognise a rollout by its lines: a time, a type and a payload."""
    return any(isinstance(record.get("payload"), dict) and word(record, "type") in _LINE_TYPES for record in objects)


def read(file: SourceFile, reading: Reading) -> Transcript:
    """Read one rollout: one session, or a sub-agent's part of one."""
    transcript = Transcript(source=SOURCE)
    session = _Session(reading, transcript, _named_session(file.path))
    for line in read_lines(file, transcript):
        try:
            session.take(parse_object(line), line)
        except LineError as error:
            transcript.rejects.append(reject(line, str(error), reading.keep_text))
    return transcript


class _Session:
    """Follows one rollout: the turn and model at hand, the tools since the last call, the last total."""

    def __init__(self, reading: Reading, transcript: Transcript, session_id: str) -> None:
        self._reading, self._transcript, self._session_id = reading, transcript, session_id
        self._origin: Origin | None = None
        self._folder: Any = None
        self._copied_turns = False
        self._turn = ""
        self._model: str | None = None
        self._provider: str | None = None
        self._version: str | None = None
        self._total: tuple[int, ...] = ()
        self._tools: set[str] = set()
        self._own_id = session_id
        self._tier: str | None = None
        self._told: list[tuple[str, tuple[int, ...]]] = []
        self._recorded: list[tuple[str, tuple[int, ...]]] = []

    def take(self, record: dict[str, Any], line: Line) -> None:
        payload, kind = record.get("payload"), word(record, "type")
        if not isinstance(payload, dict) or kind not in _LINE_TYPES:
            note_unknown_type(self._transcript, kind)
            return
        at = instant(record)
        if kind == "session_meta":
            self._begin(payload)
        elif kind == "turn_context":
            self._model = word(payload, "model") or self._model
            self._turn = str(payload.get("turn_id") or self._turn)
            self._tier = word(payload, "service_tier")
        elif kind == "token_usage_record":
            self._record(payload, at, line)
        elif kind == "response_item":
            self._item(payload, at, line)
        elif kind == "event_msg":
            self._event(payload, at, line)

    def _begin(self, meta: dict[str, Any]) -> None:
        """Take the session's own header: again where it was resumed; another one precedes turns that a fork replays."""
        own_id = word(meta, "id") or word(meta, "session_id") or self._session_id
        if self._origin is not None:
            self._copied_turns = self._copied_turns or own_id != self._own_id
            return
        self._own_id = own_id
        source = meta.get("source")
        agent, agent_id, root = MAIN_AGENT, None, word(meta, "session_id")
        if isinstance(source, dict) and "subagent" in source:
            agent, parent = _sub_agent(source["subagent"])
            agent_id, root = own_id, root or parent
        git = meta.get("git")
        branch = word(git, "branch") if isinstance(git, dict) else None
        self._folder = meta.get("cwd")
        self._origin = Origin(
            is_copy=False,
            session_id=str(root or own_id),
            project_id=folder_name(self._folder),
            branch=branch,
            agent=agent,
            agent_id=agent_id,
        )
        self._provider, self._model = word(meta, "model_provider"), word(meta, "model")
        self._version = word(meta, "cli_version")

    def _here(self, at: str) -> tuple[Origin, Activity]:
        origin = self._origin or Origin(is_copy=False, session_id=self._session_id)
        if self._copied_turns:
            return origin, Activity(started_at=at, ended_at=at, source=SOURCE)
        return origin, self._transcript.touch(self._reading.task_of(origin), at, origin)

    def _item(self, item: dict[str, Any], at: str, line: Line) -> None:
        kind = word(item, "type")
        if kind in _TOOL_CALLS:
            self._here(at)
            name = item.get("name") or str(kind).removesuffix("_call")
            self._tools.add(f"{name}:{short_id(str(item.get('call_id') or item.get('id') or line.number))}")
        elif kind == "message" and self._reading.keep_text and item.get("role") in ("user", "assistant"):
            blocks = [{"type": "text", "text": block.get("text")} for block in objects_in(item.get("content"))]
            if text := text_of(blocks):
                self._here(at)[1].texts[f"{at} {short_id(text)}"] = text

    def _event(self, event: dict[str, Any], at: str, line: Line) -> None:
        kind = word(event, "type")
        if kind == "task_started":
            self._start_turn(event)
        _, activity = self._here(at)
        name = short_id(str(event.get("turn_id") or event.get("call_id") or self._turn))
        if kind == "token_count":
            self._tier = word(event, "service_tier") or self._tier
            self._count(event.get("info"), at, line)
        elif kind == "task_complete" and isinstance(event.get("duration_ms"), int | float):
            note_event(activity, "turns", f"{name}:{positive(event['duration_ms']) or 0:.0f}")
        elif kind == "turn_aborted":
            note_event(activity, "interruptions", name)
        elif kind in ("error", "stream_error"):
            note_event(activity, "api_errors", short_id(f"{self._turn} {at}"))
        elif kind == "context_compacted":
            note_event(activity, "compactions", short_id(f"{self._turn} {self._total}"))
        elif kind == "patch_apply_end":
            self._patch(event, activity, name=short_id(str(event.get("call_id"))))
        elif kind in ("exec_command_end", "mcp_tool_call_end") and _has_failed(event):
            note_event(activity, "tool_errors", short_id(str(event.get("call_id"))))

    def _start_turn(self, event: dict[str, Any]) -> None:
        self._turn = str(event.get("turn_id") or self._turn)
        if self._copied_turns and _is_younger(self._turn, self._thread_id()):
            self._copied_turns = False

    def _thread_id(self) -> str:
        origin = self._origin or Origin(is_copy=False, session_id=self._session_id)
        return origin.agent_id or origin.session_id

    def _count(self, info: Any, at: str, line: Line) -> None:
        if not isinstance(info, dict):
            return
        total, last = _usage(info.get("total_token_usage")), _usage(info.get("last_token_usage"))
        if total is not None and total == self._total:
            self._transcript.duplicates += 1
            return
        if last is None and total is not None:
            last = tuple(max(0, new - old) for new, old in zip(total, self._total or (0,) * len(total), strict=True))
        self._total = total or self._total
        if last is None or not any(last):
            self._transcript.without_usage.add(f"{self._turn}:{at}")
            return
        for where in ("total_token_usage", "last_token_usage"):
            if isinstance(info.get(where), dict):
                note_unknown(self._transcript, info[where], _KNOWN_IN_COUNTS, f"{where}.")
        if (self._turn, last) in self._recorded:  # a record said it already
            self._recorded.remove((self._turn, last))
            self._transcript.duplicates += 1
            return
        self._told.append((self._turn, last))
        self._add("-".join(map(str, (total or last)[:4])), last, at, line)

    def _record(self, payload: dict[str, Any], at: str, line: Line) -> None:
        """Take what one response used; newer versions write it next to the running count, or alone."""
        usage = _usage(payload.get("usage"))
        if usage is None or not any(usage):
            self._transcript.without_usage.add(f"{self._turn}:{at}")
            return
        note_unknown(self._transcript, payload["usage"], _KNOWN_IN_COUNTS, "token_usage_record.usage.")
        self._turn = str(payload.get("turn_id") or self._turn)
        self._tier = word(payload, "service_tier") or self._tier
        if (self._turn, usage) in self._told:
            self._told.remove((self._turn, usage))
            self._transcript.duplicates += 1
            return
        self._recorded.append((self._turn, usage))
        self._add(word(payload, "response_id") or "-".join(map(str, usage[:4])), usage, at, line)

    def _add(self, name: str, last: tuple[int, ...], at: str, line: Line) -> None:
        origin, _ = self._here(at)
        name = f"{self._turn or origin.agent_id or origin.session_id}:{name}"
        tokens_in, cache_read, cache_write, tokens_out = last[:4]
        call = Call(
            call_id=f"codex:{name}",
            at=at,
            origin=Origin(
                is_copy=self._copied_turns,
                session_id=origin.session_id,
                project_id=origin.project_id,
                branch=origin.branch,
                agent=origin.agent,
                agent_id=origin.agent_id,
            ),
            model=self._model,
            provider=self._provider,
            tokens_in=tokens_in,
            tokens_out=tokens_out,
            cache_read=min(cache_read, tokens_in),
            cache_write=min(cache_write, tokens_in),
            variant=_variant(self._tier),
            tool_version=self._version,
            tools=set() if self._copied_turns else self._tools,
        )
        self._tools = set()
        self._transcript.add_call(call, line.number)

    def _patch(self, event: dict[str, Any], activity: Activity, name: str) -> None:
        changes = event.get("changes")
        if event.get("success") is False:
            note_event(activity, "tool_errors", name)
            return
        added = removed = 0
        for path, change in changes.items() if isinstance(changes, dict) else ():
            if isinstance(change, dict):
                plus, minus = _lines_of(change)
                added, removed = added + plus, removed + minus
                activity.files.add(relative_path(path, self._folder))
        note_event(activity, "edits", f"{name}:{added}:{removed}")


def _named_session(path: Path) -> str:
    """Return the session's id from `rollout-<time>-<uuid>.jsonl`, for files that lost their header."""
    return file_name(path.name).split(".")[0][-36:]


def _sub_agent(spawned: Any) -> tuple[str, str | None]:
    """Return a sub-agent's type and the thread that started it; `source.subagent` is a name or says how it was made."""
    if not isinstance(spawned, dict):
        return (spawned if isinstance(spawned, str) and spawned else UNNAMED_AGENT), None
    details = next((value for value in spawned.values() if isinstance(value, dict)), {})
    return word(details, "agent_role") or UNNAMED_AGENT, word(details, "parent_thread_id")


def _is_younger(turn_id: str, thread_id: str) -> bool:
    """Return whether a turn began after its thread was made: both are UUIDs that begin with their time."""
    return turn_id > thread_id


def _variant(tier: str | None) -> str | None:
    """Return the kind of service that has prices of its own; the product calls priority fast."""
    if tier in (None, "default", "auto", "standard"):
        return None
    return f"service_tier={'priority' if tier == 'fast' else tier}"


def _usage(usage: Any) -> tuple[int, ...] | None:
    if not isinstance(usage, dict):
        return None
    names = ("input_tokens", "cached_input_tokens", "cache_write_input_tokens", "output_tokens")
    return tuple(count(usage, name) or 0 for name in (*names, "reasoning_output_tokens"))


def _has_failed(event: dict[str, Any]) -> bool:
    result = event.get("result")
    if isinstance(result, dict) and ("Err" in result or result.get("isError")):
        return True
    return isinstance(event.get("exit_code"), int) and event["exit_code"] != 0


def _lines_of(change: dict[str, Any]) -> tuple[int, int]:
    """Count the lines that a change of one file adds and removes."""
    content, patch = change.get("content"), change.get("unified_diff")
    if isinstance(content, str):
        size = len(content.splitlines())
        return (0, size) if change.get("type") == "delete" else (size, 0)
    lines = patch.splitlines() if isinstance(patch, str) else []
    added = sum(line.startswith("+") and not line.startswith("+++") for line in lines)
    return added, sum(line.startswith("-") and not line.startswith("---") for line in lines)


FORMAT = TranscriptFormat(name=SOURCE, title="Codex rollout", recognises=recognises, read_transcript=read)
