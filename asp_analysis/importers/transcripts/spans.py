"""Traces as trees of spans, whatever their dialect: which spans are model calls, and each call counted at one level.

Frameworks wrap calls in calls, and agents in agents, and each level may repeat the usage below it. A call counts where
no call is below it; an agent's own usage counts only where its trace knows no call at all.
"""

import bisect
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from asp_analysis.importers.transcripts.calls import MAIN_AGENT, Call, Origin, Reading, Transcript, note_event, short_id
from asp_analysis.importers.transcripts.identity import take_over

Inherited = tuple[str | None, str | None, str | None, str | None]
_NOTHING: Inherited = (None, None, None, None)


@dataclass(slots=True, kw_only=True)
class Span:
    """One span or observation. `kind` is call, agent, tool or other; `call` holds what it says of a call.

    not_understood: names of its usage that no reader knows. request_id: of a request that log events may repeat.
    """

    trace_id: str
    span_id: str
    parent_id: str | None
    name: str
    kind: str
    at: str
    call: Call
    ended_at: str | None = None
    session_id: str | None = None
    project_id: str | None = None
    branch: str | None = None
    agent: str | None = None
    is_error: bool = False
    line_number: int = 1
    request_id: str | None = None
    not_understood: tuple[str, ...] = ()


@dataclass
class Trace:
    """The spans of one trace, and who is above whom."""

    spans: dict[str, Span] = field(default_factory=dict)
    _inherited: dict[str, Inherited] = field(default_factory=dict)

    def above(self, span: Span) -> Iterator[Span]:
        """Return the span's parent, its parent's parent and so on; a circle ends where it closes."""
        seen = {span.span_id}
        while (parent := self.spans.get(span.parent_id or "")) is not None and parent.span_id not in seen:
            seen.add(parent.span_id)
            yield parent
            span = parent

    def inherited(self, span: Span) -> Inherited:
        """Return agent, session, project and branch of a span, each from the nearest span that names one.

        The calls on the way take over whom their rows belong to, so that a chain is climbed once, whatever its length.
        """
        line: list[Span] = []
        for above in itertools.chain((span,), self.above(span)) if span.span_id not in self._inherited else ():
            line.append(above)
            if above.parent_id in self._inherited:
                break
        for below in reversed(line):
            own = (below.agent, below.session_id, below.project_id, below.branch)
            given = self._inherited.get(below.parent_id or "", _NOTHING)
            agent, session_id, project_id, branch = (mine or theirs for mine, theirs in zip(own, given, strict=True))
            self._inherited[below.span_id] = agent, session_id, project_id, branch
            if (parent := self.spans.get(below.parent_id or "")) is not None:
                take_over(below.call, parent.call)
        return self._inherited[span.span_id]

    def counted(self) -> list[Span]:
        """Return the spans that count as calls, in the order of their times."""
        calls = [span for span in self.spans.values() if span.kind == "call" and span.call.has_usage]
        if not calls:
            calls = [span for span in self.spans.values() if span.kind == "agent" and span.call.has_usage]
        wrappers: set[str] = set()
        for span in calls:
            for above in self.above(span):
                if above.span_id in wrappers:  # and so is all that is above it
                    break
                wrappers.add(above.span_id)
        return sorted(
            (span for span in calls if span.span_id not in wrappers), key=lambda span: (span.at, span.span_id)
        )


def take_spans(spans: Iterable[Span], reading: Reading, transcript: Transcript) -> None:
    """Add the calls, events and tasks of the spans of one file to its transcript."""
    traces: dict[str, Trace] = {}
    for span in spans:
        held = traces.setdefault(span.trace_id, Trace()).spans
        if span.span_id in held:
            transcript.duplicates += 1
        else:
            transcript.not_understood.update(span.not_understood)
        held[span.span_id] = span
    for trace in traces.values():
        _take_trace(trace, reading, transcript)


def _take_trace(trace: Trace, reading: Reading, transcript: Transcript) -> None:
    counted = trace.counted()
    session_id = min((span.session_id for span in trace.spans.values() if span.session_id), default=None)
    for span in counted:
        _add_call(span, trace, session_id, reading, transcript)
    names = {span.span_id for span in counted}
    for span in trace.spans.values():
        if span.call.has_usage and span.span_id not in names:
            transcript.duplicates += 1
        elif span.kind == "call" and not span.call.has_usage:
            transcript.without_usage.add(span.call.call_id)
        if span.kind in ("call", "tool"):
            _note(span, trace, session_id, reading, transcript)
    _give_tools(trace, counted)


def _origin(span: Span, trace: Trace, session_id: str | None) -> Origin:
    agent, own_session, project_id, branch = trace.inherited(span)
    return Origin(
        is_copy=False,
        session_id=own_session or session_id or span.trace_id,
        project_id=project_id,
        branch=branch,
        agent=agent or MAIN_AGENT,
    )


def _add_call(span: Span, trace: Trace, session_id: str | None, reading: Reading, transcript: Transcript) -> None:
    span.call.origin = _origin(span, trace, session_id)
    span.call.tools = set()
    transcript.add_call(span.call, span.line_number)


def _note(span: Span, trace: Trace, session_id: str | None, reading: Reading, transcript: Transcript) -> None:
    origin = _origin(span, trace, session_id)
    task_id = reading.task_of(origin)
    activity = transcript.touch(task_id, span.at, origin)
    if span.ended_at:
        transcript.touch(task_id, span.ended_at, origin)
    if span.is_error:
        note_event(activity, "tool_errors" if span.kind == "tool" else "api_errors", short_id(span.call.call_id))


def _give_tools(trace: Trace, counted: list[Span]) -> None:
    """Return each tool span to the last call that began before it: the one that asked for it."""
    begun = [span.at for span in counted]
    for tool in trace.spans.values():
        if tool.kind != "tool":
            continue
        place = bisect.bisect_right(begun, tool.at) - 1
        if place >= 0 and (tools := counted[place].call.tools) is not None:
            tools.add(f"{tool.name}:{short_id(tool.call.call_id)}")
