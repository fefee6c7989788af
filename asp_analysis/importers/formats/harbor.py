"""Harbor: trajectories in its interchange form (ATIF), and the results of trials.

The prompt of a step holds its cached tokens. A trajectory that goes on in another file keeps its session and sums up
both, so that the steps count and the sums only where no step has any. The result of a job repeats those of its trials.
"""

from dataclasses import dataclass
from typing import Any

from asp_analysis.importers.file import SourceFile
from asp_analysis.importers.transcripts.calls import Call, Origin, Reading, Transcript, note_event, short_id
from asp_analysis.importers.transcripts.documents import objects_in, positive, read_documents
from asp_analysis.importers.transcripts.file_times import written_at
from asp_analysis.importers.transcripts.taking import Taking
from asp_analysis.importers.transcripts.transcript_format import TranscriptFormat
from asp_analysis.importers.transcripts.trials import has_transcript, is_failed, result_of
from asp_analysis.importers.transcripts.values import count, instant, note_unknown_attributes, object_in, word

SOURCE = "harbor"
_STEP_KINDS = ("prompt_tokens", "completion_tokens", "cached_tokens")
_KNOWN_OF_STEP = frozenset({*_STEP_KINDS, "cost_usd", "logprobs", "completion_token_ids", "prompt_token_ids"})


@dataclass(frozen=True)
class _Run:
    """One file of a run: where it belongs, its name among the files of the run, and its agent's model and version."""

    origin: Origin
    part: str
    model: str | None
    version: str | None


# --- trajectories -----------------------------------------------------------------------------------------------------


def recognises(objects: list[dict[str, Any]]) -> bool:
    """Recognise a trajectory by its version."""
    return str(objects[0].get("schema_version")).startswith("ATIF") and "steps" in objects[0]


def read(file: SourceFile, reading: Reading) -> Transcript:
    """Read one trajectory."""
    transcript = Transcript(source=SOURCE)
    taking = Taking(transcript, reading)
    result = result_of(file)
    for document, line in read_documents(file, transcript, reading.keep_text):
        with taking.record(line):
            _take(document, result, file, taking)
    if result and has_transcript(file.path.absolute().parent):
        transcript.duplicates += len(transcript.calls)
        transcript.calls.clear()
        transcript.line_numbers.clear()
        transcript.notes.append(f"{file.name}: the agent's own transcript in the same trial counts instead.")
    return transcript


def _take(document: dict[str, Any], result: dict[str, Any], file: SourceFile, taking: Taking) -> None:
    agent, steps = object_in(document, "agent"), objects_in(document.get("steps"))
    origin = Origin(
        is_copy=False,
        session_id=word(result, "trial_name") or word(document, "session_id") or "unknown",
        project_id=word(result, "source"),
    )
    times = [instant(step) for step in steps if step.get("timestamp")]
    begun = times[0] if times else instant(result, "started_at") if result.get("started_at") else None
    at = begun or written_at(file, taking.transcript)
    part = f"{document.get('session_id')}:{object_in(agent, 'extra').get('continuation_index', 0)}"
    run = _Run(origin, part, word(agent, "model_name"), word(agent, "version"))
    for number, step in enumerate(steps, 1):
        with taking.record(taking.line, f"step {step.get('step_id', number)}"):
            at = instant(step) if step.get("timestamp") else at
            _take_step(step, at, run, taking)
    if not any(call.has_usage for call in taking.transcript.calls.values()):
        _take_sums(document, at, run, taking)
    activity = taking.touch(at, origin)
    if is_failed(result):
        activity.status = "failed"
    for reference in objects_in(document.get("subagent_trajectories")) + objects_in(document.get("subagent_refs")):
        taking.transcript.notes.append(f"{file.name} names a trajectory of a sub-agent: load {reference} too.")


def _take_step(step: dict[str, Any], at: str, run: _Run, taking: Taking) -> None:
    activity = taking.touch(at, run.origin)
    kind = object_in(object_in(step, "extra"), "context_management").get("type")
    if kind == "compaction":
        note_event(activity, "compactions", short_id(f"{run.part} {step.get('step_id')}"))
    metrics = object_in(step, "metrics")
    if step.get("source") != "agent" or step.get("is_copied_context") is True:
        return
    note_unknown_attributes(taking.transcript, metrics, _KNOWN_OF_STEP | {"extra"}, "metrics.")
    sizes = [metrics.get(name) for name in _STEP_KINDS]
    call = Call(call_id=f"atif:{run.part}:{step.get('step_id')}:{short_id(str(sizes))}", at=at, origin=run.origin)
    call.model = word(step, "model_name") or run.model
    call.tool_version = run.version
    call.tokens_in, call.tokens_out, call.cache_read = (count(metrics, name) for name in _STEP_KINDS)
    call.reported_usd = positive(metrics.get("cost_usd"))
    tools = objects_in(step.get("tool_calls"))
    call.tools = {f"{tool.get('function_name')}:{short_id(str(tool.get('tool_call_id')))}" for tool in tools}
    taking.take(call)


def _take_sums(document: dict[str, Any], at: str, run: _Run, taking: Taking) -> None:
    sums = object_in(document, "final_metrics")
    call = Call(call_id=f"atif:{run.part}:sums", at=at, origin=run.origin, covers="run")
    call.model, call.tool_version = run.model, run.version
    call.tokens_in, call.tokens_out = count(sums, "total_prompt_tokens"), count(sums, "total_completion_tokens")
    call.cache_read, call.reported_usd = count(sums, "total_cached_tokens"), positive(sums.get("total_cost_usd"))
    taking.take(call)


# --- results ----------------------------------------------------------------------------------------------------------


def recognises_result(objects: list[dict[str, Any]]) -> bool:
    """Recognise the result of a trial, or of a job."""
    first = objects[0]
    return ("trial_name" in first and "agent_result" in first) or ("n_total_trials" in first and "stats" in first)


def read_result(file: SourceFile, reading: Reading) -> Transcript:
    """Read one result: how the trial ended, and its sums where nothing in its folder knows more."""
    transcript = Transcript(source=SOURCE)
    taking = Taking(transcript, reading)
    agent = file.path.absolute().parent / "agent"
    for result, line in read_documents(file, transcript, reading.keep_text):
        with taking.record(line):
            if "trial_name" in result:
                is_known = (agent / "trajectory.json").is_file() or has_transcript(agent)
                _take_result(result, taking, is_known=is_known)
            else:
                transcript.duplicates += 1
    return transcript


def _take_result(result: dict[str, Any], taking: Taking, *, is_known: bool) -> None:
    name, at = str(result.get("trial_name")), instant(result, "started_at")
    sums, info = object_in(result, "agent_result"), object_in(result, "agent_info")
    origin = Origin(is_copy=False, session_id=name, project_id=word(result, "source"))
    if "fake" in str(object_in(sums, "metadata").get("backend")):
        taking.transcript.notes.append(f"{name} is a dry run with an invented model: its tokens are not counted.")
        return
    activity = taking.touch(at, origin)
    if result.get("finished_at"):
        taking.touch(instant(result, "finished_at"), origin)
    if is_failed(result):
        activity.status = "failed"
    if result.get("exception_info"):
        note_event(activity, "api_errors", short_id(name))
    call = Call(call_id=f"harbor:{result.get('id')}", at=at, origin=origin, covers="run")
    model = object_in(info, "model_info")
    call.model, call.provider = word(model, "name"), word(model, "provider")
    call.tool_version = word(info, "version")
    call.tokens_in, call.tokens_out = count(sums, "n_input_tokens"), count(sums, "n_output_tokens")
    call.cache_read, call.reported_usd = count(sums, "n_cache_tokens"), positive(sums.get("cost_usd"))
    if is_known:
        taking.transcript.duplicates += 1
    else:
        taking.take(call)


FORMAT = TranscriptFormat(name="atif", title="ATIF trajectory", recognises=recognises, read_transcript=read)
RESULT_FORMAT = TranscriptFormat(
    name="harbor-result", title="Harbor result", recognises=recognises_result, read_transcript=read_result
)
