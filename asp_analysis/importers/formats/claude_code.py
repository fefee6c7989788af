"""Claude Code transcripts: `~/.claude/projects/<project>/<session>.jsonl` and `<session>/subagents/agent-*.jsonl`.

One response of the API is written as several lines that repeat its `message.id`, and resumed or forked sessions copy
whole histories: the id names the call over all files together. Early lines of a response hold partial `output_tokens`.
`input_tokens` leaves the cached ones out, so that both cache counts are added to it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asp_analysis.importers.file import SourceFile, file_name, open_file
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
from asp_analysis.importers.transcripts.providers import provider_of
from asp_analysis.importers.transcripts.transcript_format import TranscriptFormat
from asp_analysis.importers.transcripts.values import (
    count,
    instant,
    is_counted,
    list_in,
    note_unknown,
    note_unknown_type,
    read_lines,
    reject,
    text_of,
    word,
)

SOURCE = "claude-code"

_KEPT_TYPES = {"user", "assistant", "system", "progress"}
_UNUSED = re.compile(b'"type":"(?:file-history|queue-operation")')
_IN_KEYS = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
_KNOWN_IN_USAGE = frozenset(
    {*_IN_KEYS, "output_tokens", "cache_creation", "server_tool_use", "service_tier", "speed", "iterations"}
    | {"inference_geo", "output_tokens_details"}
)
_SHORTEST_TRUSTED_ID = 20
"""Letters of an id without a request id next to it: shorter ones are those of gateways, which may repeat them."""

_BILLED_ITERATIONS = {"advisor_message", "compaction"}
"""Steps of an answer that the API bills next to what its own usage says."""

_INSIDE_ITERATIONS = {"message", "declined", "declined_message", "attempt_declined"}
"""Steps that are in the usage already, or were not billed."""

_INTERRUPTED = "[Request interrupted by user"


def recognises(objects: list[dict[str, Any]]) -> bool:
    """Recognise a transcript by its lines: they name their session, or are snapshots and summaries that begin one."""
    kinds = {record.get("type") for record in objects if isinstance(record.get("type"), str)}
    if any("sessionId" in record and ("uuid" in record or "leafUuid" in record) for record in objects):
        return bool(kinds)
    if any("sessionId" in record and len(record) <= 6 for record in objects) and kinds <= _HEAD_TYPES:
        return bool(kinds)
    return bool(kinds) and kinds <= {"summary", "file-history-snapshot", "file-history-delta"}


_HEAD_TYPES = {
    "queue-operation", "last-prompt", "ai-title", "mode", "permission-mode", "bridge-session", "pr-link", "atis-latch",
    "summary", "file-history-snapshot", "file-history-delta", "custom-title", "agent-name", "tag",
}  # fmt: skip


def read(file: SourceFile, reading: Reading) -> Transcript:
    """Read one transcript; its sub-agents' types are looked up next to it where it is a sub-agent's own file."""
    transcript = Transcript(source=SOURCE)
    context = _Context(reading, transcript, _file_agent(file.path))
    for line in read_lines(file, transcript):
        if _UNUSED.search(line.content, 0, 80):
            continue
        if b'"type":"progress"' in line.content and b'"agent_progress"' not in line.content:
            continue
        try:
            context.take(parse_object(line), line)
        except LineError as error:
            transcript.rejects.append(reject(line, str(error), reading.keep_text))
    return transcript


@dataclass(kw_only=True)
class _Chain:
    """The lines of one answer whose id may be that of others too."""

    name: str
    whole_in: tuple[Any, ...]
    out: Any
    times: set[str]

    def try_continue(self, whole_in: tuple[Any, ...], out: Any, at: str) -> bool:
        """Take a line as the latest of this answer, if it belongs to it; return whether it does."""
        grows = isinstance(out, int) and isinstance(self.out, int) and out >= self.out
        if whole_in != self.whole_in or not (grows or at in self.times):
            return False
        self.times.add(at)
        self.out = out if grows else self.out
        return True


class _Context:
    """What earlier lines of the file said that later ones need: which tool call started which kind of sub-agent."""

    def __init__(self, reading: Reading, transcript: Transcript, file_agent: tuple[str, str] | None) -> None:
        self._reading, self._transcript, self._file_agent = reading, transcript, file_agent
        self._agent_types: dict[str, str] = {}
        self._origins: dict[tuple[Any, ...], tuple[Origin, str]] = {}
        self._chains: dict[tuple[str, str | None, str], list[_Chain]] = {}

    def take(self, record: dict[str, Any], line: Line) -> None:
        kind = word(record, "type")
        if kind not in _KEPT_TYPES or word(record, "sessionId") is None:
            note_unknown_type(self._transcript, kind)
            return
        if kind == "progress":
            record = _unwrapped(record)
            kind = word(record, "type")
        at = instant(record)
        origin, task_id = self._origin(record)
        # A copy adds nothing to the task that holds it.
        activity = (
            Activity(started_at=at, ended_at=at, source=SOURCE)
            if origin.is_copy
            else self._transcript.touch(task_id, at, origin)
        )
        if kind == "assistant":
            self._assistant(record, at, origin, activity, line)
        elif kind == "user":
            self._user(record, at, activity)
        elif kind == "system":
            _system(record, activity)

    def _origin(self, record: dict[str, Any]) -> tuple[Origin, str]:
        agent, agent_id = MAIN_AGENT, None
        if self._file_agent is not None:
            agent, agent_id = self._file_agent
        elif record.get("agentId"):
            agent_id = str(record["agentId"])
            agent = self._agent_types.get(str(record.get("_parentToolUseID")), UNNAMED_AGENT)
        elif record.get("isSidechain"):
            agent = UNNAMED_AGENT
        around = (record["sessionId"], word(record, "cwd"), word(record, "gitBranch"))
        key = (*around, agent, agent_id, "forkedFrom" in record)
        known = self._origins.get(key)
        if known is None:
            session_id, folder, branch, *_, is_copy = key
            origin = Origin(
                is_copy=is_copy,
                session_id=session_id,
                project_id=folder_name(folder),
                branch=branch,
                agent=agent,
                agent_id=agent_id,
            )
            known = self._origins[key] = origin, self._reading.task_of(origin)
        return known

    def _assistant(self, record: dict[str, Any], at: str, origin: Origin, activity: Activity, line: Line) -> None:
        message = record.get("message")
        if not isinstance(message, dict):
            raise LineError("message: an object is needed")
        if record.get("isApiErrorMessage"):
            note_event(activity, "api_errors", short_id(str(record.get("uuid"))))
        own_id = self._name(record, message, origin, at)
        if message.get("model") == "<synthetic>":  # written by the program itself in place of an answer
            self._transcript.without_usage.add(own_id)
            return
        blocks = objects_in(message.get("content"))
        for block in blocks:
            self._note_agent_type(block)
        usage = message.get("usage")
        if not isinstance(usage, dict):
            self._transcript.without_usage.add(own_id)
            return
        note_unknown(self._transcript, usage, _KNOWN_IN_USAGE, "usage.")
        call = _call(record, message, usage, Call(call_id=own_id, at=at, origin=origin, folder=word(record, "cwd")))
        call.tools = {_tool(block) for block in blocks if block.get("type") in ("tool_use", "server_tool_use")}
        if self._reading.keep_text:
            call.texts = {f"{at} {record.get('uuid')}": text_of(blocks)} if text_of(blocks) else {}
        if call.has_usage:
            self._transcript.add_call(call, line.number)
        else:
            self._transcript.without_usage.add(own_id)
        self._iterations(usage, call, line)

    def _name(self, record: dict[str, Any], message: dict[str, Any], origin: Origin, at: str) -> str:
        """Name the answer: by its id where that can be one, else by what does not change of it.

        Some gateways write one constant id for every answer and no request id. Lines belong to one answer there if
        their input is the same and their output grows.
        """
        own_id = str(message.get("id") or record.get("requestId") or record.get("uuid"))
        usage = message.get("usage")
        if record.get("requestId") or not isinstance(usage, dict):
            return own_id
        whole_in = tuple(usage.get(name) for name in _IN_KEYS)
        out = usage.get("output_tokens")
        chains = self._chains.setdefault((origin.session_id, origin.agent_id, own_id), [])
        for chain in chains:
            if chain.try_continue(whole_in, out, at):
                return chain.name
        is_trusted = len(own_id) >= _SHORTEST_TRUSTED_ID and not chains
        content = f"{at} {message.get('model')} {whole_in}"
        name = own_id if is_trusted else f"{own_id}:{short_id(content)}"
        chains.append(_Chain(name=name, whole_in=whole_in, out=out, times={at}))
        return name

    def _iterations(self, usage: dict[str, Any], call: Call, line: Line) -> None:
        """Add what the API did on its own side within the answer and billed next to it."""
        for number, iteration in enumerate(objects_in(usage.get("iterations"))):
            kind = word(iteration, "type") or "unnamed"
            if kind in _BILLED_ITERATIONS:
                extra = Call(call_id=f"{call.call_id}:{kind}:{number}", at=call.at, origin=call.origin)
                _fill_usage(extra, iteration)
                extra.model = word(iteration, "model") or call.model
                extra.provider, extra.tool_version, extra.tools = provider_of(extra.model), call.tool_version, set()
                if extra.has_usage:
                    self._transcript.add_call(extra, line.number)
            elif kind not in _INSIDE_ITERATIONS and is_counted(iteration):
                self._transcript.not_understood[f"usage.iterations of type {kind}"] += 1

    def _note_agent_type(self, block: dict[str, Any]) -> None:
        given = block.get("input")
        if block.get("type") == "tool_use" and isinstance(given, dict) and isinstance(given.get("subagent_type"), str):
            self._agent_types[str(block.get("id"))] = given["subagent_type"] or UNNAMED_AGENT

    def _user(self, record: dict[str, Any], at: str, activity: Activity) -> None:
        message = record.get("message")
        content = message.get("content") if isinstance(message, dict) else None
        blocks = content if isinstance(content, list) else [{"type": "text", "text": content}]
        for block in blocks:
            if not isinstance(block, dict):
                continue
            if block.get("type") == "tool_result" and block.get("is_error"):
                note_event(activity, "tool_errors", short_id(str(block.get("tool_use_id"))))
            text = block.get("text")
            if isinstance(text, str) and text.startswith(_INTERRUPTED):
                note_event(activity, "interruptions", short_id(str(record.get("uuid"))))
        result = record.get("toolUseResult")
        if isinstance(result, dict) and isinstance(result.get("structuredPatch"), list):
            _edit(result, record, blocks, activity)
        if self._reading.keep_text and (text := text_of(blocks)):
            activity.texts[f"{at} {record.get('uuid')}"] = text


def _unwrapped(record: dict[str, Any]) -> dict[str, Any]:
    """Return the sub-agent's own line in a progress record, with the session of the record around it."""
    data = record.get("data")
    inner = data.get("message") if isinstance(data, dict) else None
    if not isinstance(data, dict) or not isinstance(inner, dict):
        return {**record, "type": None}
    around = {name: record.get(name) for name in ("sessionId", "cwd", "gitBranch", "version")}
    agent_id = data.get("agentId") or record.get("parentToolUseID") or UNNAMED_AGENT
    own = {"agentId": agent_id, "_parentToolUseID": record.get("parentToolUseID")}
    return {"timestamp": record.get("timestamp"), **inner, **around, **own}


def _call(record: dict[str, Any], message: dict[str, Any], usage: dict[str, Any], call: Call) -> Call:
    """Fill in what the message says about tokens and model."""
    _fill_usage(call, usage)
    model = message.get("model") if isinstance(message.get("model"), str) else None
    tools = usage.get("server_tool_use")
    call.web_searches = count(tools, "web_search_requests") or None if isinstance(tools, dict) else None
    call.variant = _variant(usage)
    call.tool_version = word(record, "version")
    reported = record.get("costUSD")
    call.model, call.provider = model, provider_of(model)
    call.reported_usd = positive(reported) if isinstance(reported, int | float) else None
    return call


def _variant(usage: dict[str, Any]) -> str | None:
    """Return the kind of service that has prices of its own."""
    if usage.get("speed") == "fast":
        return "speed=fast"
    tier = word(usage, "service_tier")
    return None if tier in (None, "standard", "default", "auto") else f"service_tier={tier}"


def _fill_usage(call: Call, usage: dict[str, Any]) -> None:
    fresh = count(usage, "input_tokens") or 0
    cache_read = count(usage, "cache_read_input_tokens") or 0
    cache_write = count(usage, "cache_creation_input_tokens") or 0
    kinds = usage.get("cache_creation")
    in_1h = count(kinds, "ephemeral_1h_input_tokens") or 0 if isinstance(kinds, dict) else 0
    if not cache_write and isinstance(kinds, dict):
        cache_write = in_1h + (count(kinds, "ephemeral_5m_input_tokens") or 0)
    call.tokens_in, call.tokens_out = fresh + cache_read + cache_write, count(usage, "output_tokens") or 0
    call.cache_read, call.cache_write, call.cache_write_1h = cache_read, cache_write, min(in_1h, cache_write)


def _tool(block: dict[str, Any]) -> str:
    return f"{block.get('name')}:{short_id(str(block.get('id')))}"


def _edit(result: dict[str, Any], record: dict[str, Any], blocks: list[Any], activity: Activity) -> None:
    """Note an edit with its lines; a new file has no patch, all its lines are added."""
    lines = [
        line for hunk in result["structuredPatch"] if isinstance(hunk, dict) for line in list_in(hunk.get("lines"))
    ]
    added = sum(isinstance(line, str) and line.startswith("+") for line in lines)
    removed = sum(isinstance(line, str) and line.startswith("-") for line in lines)
    content = result.get("content")
    if result.get("type") == "create" and not lines and isinstance(content, str):
        added = len(content.splitlines())
    own_id = next(
        (block["tool_use_id"] for block in blocks if isinstance(block, dict) and "tool_use_id" in block), None
    )
    note_event(activity, "edits", f"{short_id(str(own_id or record.get('uuid')))}:{added}:{removed}")
    if isinstance(result.get("filePath"), str):
        activity.files.add(relative_path(result["filePath"], record.get("cwd")))


def _system(record: dict[str, Any], activity: Activity) -> None:
    kind, name = record.get("subtype"), short_id(str(record.get("uuid")))
    if kind == "turn_duration" and isinstance(record.get("durationMs"), int | float):
        note_event(activity, "turns", f"{name}:{positive(record['durationMs']) or 0:.0f}")
    elif kind == "compact_boundary":
        note_event(activity, "compactions", name)
    elif kind == "api_error":  # one of several attempts; the answer itself comes later, or never
        note_event(activity, "api_errors", name)


# --- sub-agents' own files --------------------------------------------------------------------------------------------


def _file_agent(path: Path) -> tuple[str, str] | None:
    """Return type and id of the sub-agent that `agent-<id>.jsonl` belongs to; None for a session's own file."""
    name = file_name(path.name).split(".")[0]
    if not name.startswith("agent-"):
        return None
    agent_id = name.removeprefix("agent-")
    return _noted_type(path, name) or _spawned_type(path, agent_id) or UNNAMED_AGENT, agent_id


def _noted_type(path: Path, name: str) -> str | None:
    for notes in (path.with_name(f"{name}.meta.json"),):
        if notes.is_file():
            kind = _object_of(notes.read_bytes()).get("agentType")
            return kind if isinstance(kind, str) and kind else None
    return None


def _object_of(content: bytes) -> dict[str, Any]:
    try:
        return parse_object(Line(1, content))
    except LineError:
        return {}


def _spawned_type(path: Path, agent_id: str) -> str | None:
    """Find the type in the session that started the agent, `<session>.jsonl` next to `<session>/subagents/`."""
    session = path.parent.parent
    for parent in (session.with_name(f"{session.name}.jsonl"), session.with_name(f"{session.name}.jsonl.gz")):
        if parent.is_file():
            return _types_of_agents(parent).get(agent_id)
    return None


def _types_of_agents(parent: Path) -> dict[str, str]:
    """Map the agents that a session started to their types: the tool call says the type, its result the agent."""
    kinds: dict[str, str] = {}
    agents: dict[str, str] = {}
    with open_file(parent) as file:
        for line in read_lines(file, Transcript(source=SOURCE)):
            if b'"subagent_type"' not in line.content and b'"agentId"' not in line.content:
                continue
            for tool_use_id, agent_id, kind in _spawns(_object_of(line.content)):
                if kind:
                    kinds[tool_use_id] = kind
                if agent_id and tool_use_id in kinds:
                    agents[agent_id] = kinds[tool_use_id]
    return agents


def _spawns(record: dict[str, Any]) -> Iterator[tuple[str, str | None, str | None]]:
    message, result = record.get("message"), record.get("toolUseResult")
    content = message.get("content") if isinstance(message, dict) else None
    for block in content if isinstance(content, list) else ():
        if not isinstance(block, dict):
            continue
        given = block.get("input")
        if isinstance(given, dict) and isinstance(given.get("subagent_type"), str):
            yield str(block.get("id")), None, given["subagent_type"]
        if "tool_use_id" in block and isinstance(result, dict) and result.get("agentId"):
            yield str(block["tool_use_id"]), str(result["agentId"]), None


FORMAT = TranscriptFormat(name=SOURCE, title="Claude Code transcript", recognises=recognises, read_transcript=read)
