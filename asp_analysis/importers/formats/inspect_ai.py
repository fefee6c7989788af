"""Inspect AI: logs of evaluations, one JSON document or a zip file (`.eval`) with a document for each sample.

A model event is a call. A sample whose events have no usage is one execution with its own sums, and so is a log without
samples. Early versions have cached tokens inside the input, later ones next to it: the total decides. Answers from
Inspect's own cache are free. Both forms of one log name their calls alike.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from asp_analysis.importers.file import Head, SourceFile
from asp_analysis.importers.json_lines import Line, LineError
from asp_analysis.importers.json_text import read_json
from asp_analysis.importers.transcripts.archives import Archive, open_archive
from asp_analysis.importers.transcripts.calls import MAIN_AGENT, Call, Origin, Reading, Transcript, note_event, short_id
from asp_analysis.importers.transcripts.documents import objects_in, positive, read_documents
from asp_analysis.importers.transcripts.taking import Taking
from asp_analysis.importers.transcripts.transcript_format import TranscriptFormat, recognises_no_lines
from asp_analysis.importers.transcripts.values import check_size, count, instant, note_unknown, object_in, word

SOURCE = "inspect-ai"
_KNOWN_OF_INSPECT = frozenset(
    {"input_tokens", "output_tokens", "total_tokens", "input_tokens_cache_read", "input_tokens_cache_write"}
    | {"reasoning_tokens", "total_cost"}
)
_WRONG = ("I", "N", 0, False)
"""Values of scores that mean incorrect, or no answer."""


@dataclass(frozen=True)
class _Log:
    """One log: its task, the name of its run, when it began, and who reads it."""

    task: str
    run: str
    at: str
    taking: Taking

    def origin(self, sample: dict[str, Any], agent: str = MAIN_AGENT) -> Origin:
        """Return where a sample belongs: each epoch of it is a task."""
        name = f"{self.task}/{sample.get('id')}#{sample.get('epoch', 1)}@{short_id(self.run)}"
        return Origin(is_copy=False, session_id=name, project_id=self.task, agent=agent)


def _log(header: dict[str, Any], taking: Taking) -> _Log:
    about, stats = object_in(header, "eval"), object_in(header, "stats")
    at = instant(about, "created") if about.get("created") else instant(stats, "started_at")
    return _Log(word(about, "task") or "unknown", str(about.get("run_id")), at, taking)


# --- the two forms ----------------------------------------------------------------------------------------------------


def recognises(objects: list[dict[str, Any]]) -> bool:
    """Recognise a log by what it says of its evaluation."""
    about = object_in(objects[0], "eval")
    return "run_id" in about and "task" in about and "model" in about


def read(file: SourceFile, reading: Reading) -> Transcript:
    """Read a log that is one JSON document."""
    transcript = Transcript(source=SOURCE)
    taking = Taking(transcript, reading)
    for document, line in read_documents(file, transcript, reading.keep_text):
        with taking.record(line):
            _take_log(document, objects_in(document.get("samples")), taking)
    return transcript


def is_archive(head: Head) -> bool:
    """Return whether a file is a zip file with the header or the journal of a log."""
    return bool({"header.json", "_journal/start.json"} & head.members)


def read_archive(file: SourceFile, reading: Reading) -> Transcript:
    """Read a log that is a zip file."""
    transcript = Transcript(source=SOURCE)
    taking = Taking(transcript, reading)
    with open_archive(file) as archive, taking.record(Line(1, b"")):
        name = next((one for one in ("header.json", "_journal/start.json") if one in archive.names), None)
        if name is None:
            raise LineError("the log has neither a header nor a journal")
        _take_log(_member(archive, name), _samples(archive, file, taking), taking)
    return transcript


def _samples(archive: Archive, file: SourceFile, taking: Taking) -> Iterator[dict[str, Any]]:
    names = [name for name in archive.names if name.startswith("samples/") and name.endswith(".json")]
    for number, name in enumerate(names, 1):
        check_size(file.name, taking.transcript)
        with taking.record(Line(number, name.encode(errors="backslashreplace")), name):
            yield _member(archive, name)


def _member(archive: Archive, name: str) -> dict[str, Any]:
    try:
        value = read_json(archive.content(name))
    except ValueError as error:
        raise LineError(str(error)) from None
    if not isinstance(value, dict):
        raise LineError("it is not a JSON object")
    return value


# --- what a log says --------------------------------------------------------------------------------------------------


def _take_log(header: dict[str, Any], samples: Any, taking: Taking) -> None:
    log = _log(header, taking)
    has_samples = False
    for sample in samples:
        has_samples = True
        taking.transcript.lines += 1
        with taking.record(taking.line, f"sample {sample.get('id')}"):
            _take_sample(sample, log)
    if not has_samples:
        _take_sums(object_in(object_in(header, "stats"), "model_usage"), log, Origin(is_copy=False, session_id=log.run))


def _take_sample(sample: dict[str, Any], log: _Log) -> None:
    events = objects_in(sample.get("events")) or objects_in(object_in(sample, "transcript").get("events"))
    origin = log.origin(sample)
    begun = instant(sample, "started_at") if sample.get("started_at") else None
    activity = log.taking.touch(begun or log.at, origin) if begun or not events else None
    known = False
    for event in events:
        if event.get("timestamp"):
            activity = log.taking.touch(instant(event), origin)
        if event.get("event") == "model" and not event.get("pending"):
            known = _take_event(event, sample, log) or known
        elif event.get("event") == "tool" and event.get("error") and activity:
            note_event(activity, "tool_errors", short_id(str(event.get("id"))))
    if activity and _is_failed(sample):
        activity.status = "failed"
        if sample.get("error"):
            note_event(activity, "api_errors", short_id(origin.session_id))
    if not known:
        _take_sums(object_in(sample, "model_usage"), log, origin)


def _is_failed(sample: dict[str, Any]) -> bool:
    scores = object_in(sample, "scores")
    values = [object_in(scores, name).get("value") for name in scores]
    judged = [value for value in values if isinstance(value, str | int | float)]
    return bool(sample.get("error")) or (bool(judged) and all(value in _WRONG for value in judged))


def _take_event(event: dict[str, Any], sample: dict[str, Any], log: _Log) -> bool:
    at, output = instant(event), object_in(event, "output")
    usage = object_in(output, "usage")
    origin = log.origin(sample, word(event, "role") or MAIN_AGENT)
    sizes = {kind: usage.get(kind) for kind in sorted(_KNOWN_OF_INSPECT)}
    name = short_id(f"{log.run} {sample.get('id')} {sample.get('epoch')} {at} {event.get('model')} {sizes}")
    call = Call(call_id=f"inspect:{event.get('uuid') or name}", at=at, origin=origin)
    _fill(call, word(event, "model"), usage, log.taking.transcript)
    seconds = positive(output.get("time")) or positive(event.get("working_time"))
    call.latency_ms = None if seconds is None else round(seconds * 1000, 3)
    call.retries = count(event, "retries")
    message = object_in(next(iter(objects_in(output.get("choices"))), {}), "message")
    tools = objects_in(message.get("tool_calls"))
    call.tools = {f"{tool.get('function')}:{short_id(str(tool.get('id')))}" for tool in tools}
    if event.get("cache") == "read":
        call.reported_usd = 0.0
    return log.taking.take(call)


def _take_sums(usages: dict[str, Any], log: _Log, origin: Origin) -> None:
    for model in usages:
        call = Call(call_id=f"inspect:{origin.session_id}:{model}", at=log.at, origin=origin, covers="run")
        _fill(call, model, object_in(usages, model), log.taking.transcript)
        log.taking.touch(log.at, origin)
        log.taking.take(call)


def _fill(call: Call, model: str | None, usage: dict[str, Any], transcript: Transcript) -> None:
    note_unknown(transcript, usage, _KNOWN_OF_INSPECT, "usage.")
    provider, _, name = (model or "").partition("/")
    call.model, call.provider = (name or provider or None), (provider if name else None)
    given, output = count(usage, "input_tokens"), count(usage, "output_tokens")
    cache_read, cache_write = count(usage, "input_tokens_cache_read"), count(usage, "input_tokens_cache_write")
    cached = (cache_read or 0) + (cache_write or 0)
    is_inside = count(usage, "total_tokens") == (given or 0) + (output or 0) and cached <= (given or 0)
    call.tokens_in = given if given is None or is_inside else given + cached
    call.tokens_out, call.cache_read, call.cache_write = output, cache_read, cache_write
    call.reported_usd = positive(usage.get("total_cost"))


@dataclass(frozen=True, kw_only=True)
class _ArchiveFormat(TranscriptFormat):
    """Logs that are zip files."""

    def is_format_of(self, head: Head) -> bool:
        """Return whether it is one."""
        return is_archive(head)


FORMAT = TranscriptFormat(name=SOURCE, title="Inspect AI log", recognises=recognises, read_transcript=read)
ARCHIVE_FORMAT = _ArchiveFormat(
    name="inspect-ai-eval", title="Inspect AI archive", recognises=recognises_no_lines, read_transcript=read_archive
)
