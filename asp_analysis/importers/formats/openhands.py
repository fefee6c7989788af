"""OpenHands: `output.jsonl` of its benchmarks, states of conversations, and logs of single completions.

Usage is as LiteLLM counts: cached tokens are inside the prompt. Calls are named by their responses, and their costs are
in the same order where there are as many. Where no call has usage, the sums of the run are one execution. A run that
failed before its first answer is a failed task. A cost of 0 next to tokens is unknown.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from asp_analysis.importers.file import SourceFile
from asp_analysis.importers.json_lines import LineError
from asp_analysis.importers.transcripts.calls import Call, Origin, Reading, Transcript, note_event, short_id
from asp_analysis.importers.transcripts.documents import objects_in, positive, read_documents
from asp_analysis.importers.transcripts.file_times import written_at
from asp_analysis.importers.transcripts.litellm_usage import fill_usage, note_unknown_usage
from asp_analysis.importers.transcripts.patches import changed_lines
from asp_analysis.importers.transcripts.taking import Taking
from asp_analysis.importers.transcripts.transcript_format import TranscriptFormat
from asp_analysis.importers.transcripts.values import count, instant, note_unknown_attributes, object_in, word

SOURCE = "openhands"
_SUM_KINDS = ("prompt_tokens", "completion_tokens", "cache_read_tokens", "cache_write_tokens")
_KNOWN_OF_USAGE = frozenset({*_SUM_KINDS, "reasoning_tokens", "per_turn_token", "context_window"})


@dataclass(frozen=True)
class _Found:
    """The usage of one call: its response, its model, when it ended if that is known, and what it used."""

    response: str
    model: str | None
    at: str | None
    usage: dict[str, Any]


# --- benchmarks -------------------------------------------------------------------------------------------------------


def recognises(objects: list[dict[str, Any]]) -> bool:
    """Recognise instances by their history and their metrics."""
    return all(name in objects[0] for name in ("instance_id", "metrics", "history"))


def read(file: SourceFile, reading: Reading) -> Transcript:
    """Read the runs of a benchmark, one for each instance and attempt."""
    transcript = Transcript(source=SOURCE)
    taking = Taking(transcript, reading)
    for run, line in read_documents(file, transcript, reading.keep_text):
        with taking.record(line, f"instance {run.get('instance_id')}"):
            _take_run(run, file, taking)
    return transcript


def _take_run(run: dict[str, Any], file: SourceFile, taking: Taking) -> None:
    metadata, history = object_in(run, "metadata"), _events(run.get("history"))
    begun = next((instant(event) for event in history if event.get("timestamp")), None)
    if begun is None and metadata.get("start_time"):
        begun = instant(metadata, "start_time")
    at = begun or written_at(file, taking.transcript)
    instance = str(run.get("instance_id"))
    attempt = short_id(f"{run.get('attempt')} {metadata.get('start_time')} {at}")
    name = f"{instance}#{attempt}"
    origin = Origin(is_copy=False, session_id=name, project_id=instance.rpartition("-")[0] or instance)
    activity = taking.touch(at, origin)
    if run.get("error"):
        activity.status = "failed"
        note_event(activity, "api_errors", short_id(name))
    for event in history:
        if event.get("timestamp"):
            taking.touch(instant(event), origin)
    patch = object_in(run, "test_result").get("git_patch")
    if isinstance(patch, str) and patch:
        added, removed, files = changed_lines(patch)
        note_event(activity, "edits", f"{short_id(name)}:{added}:{removed}")
        activity.files |= files
    _take_metrics(object_in(run, "metrics"), list(_in_history(history)), _Place(at, origin, name), taking)


def _events(history: Any) -> list[dict[str, Any]]:
    """Return the events of a history; older ones are pairs of an action and what came of it."""
    if not isinstance(history, list):
        return []
    flat = [event for entry in history for event in (entry if isinstance(entry, list) else [entry])]
    return [event for event in flat if isinstance(event, dict)]


def _in_history(history: list[dict[str, Any]]) -> Iterator[_Found]:
    """Yield the usage of answers in a history, each once: action and observation repeat it."""
    seen: set[str] = set()
    for event in history:
        response = object_in(object_in(event, "tool_call_metadata"), "model_response")
        name, usage = word(response, "id"), object_in(response, "usage")
        if name and usage and name not in seen:
            seen.add(name)
            at = instant(event) if event.get("timestamp") else None
            yield _Found(name, word(response, "model"), at, usage)


@dataclass(frozen=True)
class _Place:
    """Where metrics belong: when the run began, its origin, and the name of its sums."""

    at: str
    origin: Origin
    name: str


def _take_metrics(metrics: dict[str, Any], in_history: list[_Found], place: _Place, taking: Taking) -> None:
    """Take the calls of a run: from its list of usages, else from its history, else its sums."""
    listed = [
        _Found(str(usage["response_id"]), word(usage, "model"), None, usage)
        for usage in objects_in(metrics.get("token_usages"))
        if usage.get("response_id")
    ]
    found = listed or in_history
    costs, latencies = objects_in(metrics.get("costs")), objects_in(metrics.get("response_latencies"))
    lasted = {str(one.get("response_id")): positive(one.get("latency")) for one in latencies}
    for number, one in enumerate(found):
        cost = costs[number] if len(costs) == len(found) else {}
        at = instant(cost) if cost.get("timestamp") else one.at or place.at
        call = Call(call_id=f"openhands:{one.response}", at=at, origin=place.origin)
        call.model = one.model or word(cost, "model")
        _fill(call, one.usage, taking.transcript)
        seconds = lasted.get(one.response)
        call.latency_ms = None if seconds is None else seconds * 1000
        call.reported_usd = positive(cost.get("cost"))
        taking.touch(at, place.origin)
        taking.take(call)
    if not found:
        _take_sums(metrics, place, taking)


def _fill(call: Call, usage: dict[str, Any], transcript: Transcript) -> None:
    if "cache_read_tokens" not in usage:
        note_unknown_usage(transcript, usage)
        fill_usage(call, usage)
        return
    note_unknown_attributes(transcript, usage, _KNOWN_OF_USAGE, "token_usage.")
    call.tokens_in, call.tokens_out, call.cache_read, call.cache_write = (count(usage, kind) for kind in _SUM_KINDS)


def _take_sums(metrics: dict[str, Any], place: _Place, taking: Taking) -> None:
    usage = object_in(metrics, "accumulated_token_usage")
    call = Call(call_id=f"openhands:sums:{place.name}", at=place.at, origin=place.origin, covers="run")
    call.model = word(metrics, "model_name") or word(usage, "model")
    if usage:
        _fill(call, usage, taking.transcript)
    call.reported_usd = positive(metrics.get("accumulated_cost"))
    taking.take(call)


# --- conversations ----------------------------------------------------------------------------------------------------


def recognises_conversation(objects: list[dict[str, Any]]) -> bool:
    """Recognise the state of a conversation, or an event that updates its sums."""
    return any("usage_to_metrics" in _stats_of(record) for record in objects) or (
        objects[0].get("kind") in ("ConversationStateUpdateEvent", "SystemPromptEvent") and "source" in objects[0]
    )


def _stats_of(record: dict[str, Any]) -> dict[str, Any]:
    return object_in(record, "value") if record.get("key") == "stats" else object_in(record, "stats")


def read_conversation(file: SourceFile, reading: Reading) -> Transcript:
    """Read a state of a conversation, or its events: their sums go on, so that the last ones count."""
    transcript = Transcript(source=SOURCE)
    taking = Taking(transcript, reading)
    folder = file.path.absolute().parent
    name = folder.parent.name if folder.name == "events" else folder.name
    is_repeated = folder.name == "events" and (folder.parent / "base_state.json").is_file()
    for record, line in read_documents(file, transcript, reading.keep_text):
        with taking.record(line):
            conversation = name if "stats" not in record else word(record, "id") or name
            origin = Origin(is_copy=False, session_id=conversation or "unknown")
            at = instant(record) if record.get("timestamp") else None
            if at:
                taking.touch(at, origin)
            metrics = object_in(_stats_of(record), "usage_to_metrics")
            if not is_repeated:
                for usage_id in metrics:
                    begun = at or written_at(file, transcript)
                    place = _Place(begun, origin, f"{conversation}:{usage_id}")
                    _take_metrics(object_in(metrics, usage_id), [], place, taking)
    return transcript


# --- completions ------------------------------------------------------------------------------------------------------


def recognises_completion(objects: list[dict[str, Any]]) -> bool:
    """Recognise the log of one completion."""
    return all(name in objects[0] for name in ("messages", "response", "cost", "timestamp"))


def read_completion(file: SourceFile, reading: Reading) -> Transcript:
    """Read one completion; the folder of its log names the task."""
    transcript = Transcript(source=SOURCE)
    taking = Taking(transcript, reading)
    for record, line in read_documents(file, transcript, reading.keep_text):
        with taking.record(line):
            at, response = instant(record), object_in(record, "response")
            if not response.get("id"):
                raise LineError("response.id: a name of the response is missing")
            origin = Origin(is_copy=False, session_id=file.path.absolute().parent.name or "unknown")
            taking.touch(at, origin)
            call = Call(call_id=f"openhands:{response['id']}", at=at, origin=origin, model=word(response, "model"))
            _fill(call, object_in(response, "usage"), transcript)
            seconds = positive(record.get("latency_sec"))
            call.latency_ms = None if seconds is None else seconds * 1000
            call.reported_usd = positive(record.get("cost"))
            taking.take(call)
    return transcript


FORMAT = TranscriptFormat(name=SOURCE, title="OpenHands output", recognises=recognises, read_transcript=read)
CONVERSATION_FORMAT = TranscriptFormat(
    name="openhands-conversation",
    title="OpenHands conversation",
    recognises=recognises_conversation,
    read_transcript=read_conversation,
)
COMPLETION_FORMAT = TranscriptFormat(
    name="openhands-completion",
    title="OpenHands completion",
    recognises=recognises_completion,
    read_transcript=read_completion,
)
