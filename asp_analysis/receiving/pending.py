"""Traces that are not whole yet: spans come in many requests, children before the spans around them.

Which calls count, and whose they are, is known only of a whole trace. A trace is whole when its root has come and
nothing more came for a moment; one whose root does not come, a while after its last span. Events of logs need not wait,
except that the last call of a session is kept for the tools that it asked for.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from asp_analysis.importers.transcripts.documents import objects_in
from asp_analysis.importers.transcripts.otlp_values import attributes_in, hex_id

QUIET_S, QUIET_REMOTE_S, QUIET_ROOTLESS_S = 2.0, 30.0, 600.0
"""After its last span, how long a trace waits: with its root, with a root in another service, and without one."""

_RETAINED_S, _MOST_RETAINED = 60.0, 50_000
_MOST_WAITING = 200_000
_MOST_SESSIONS = 1_000
_IS_REMOTE = 0x200
_CALL_EVENTS = ("api_request", "sse_event", "api_response")

Document = dict[str, Any]


class Patience(Enum):
    """How long traces are waited for: as usual, only for their root (nothing more will come), or not at all."""

    USUAL = 1
    FOR_ROOTS = 2
    NONE = 3


@dataclass(frozen=True)
class Request:
    """Which receiver took a request, its number there, and when it was read (monotonic seconds)."""

    source: str
    number: int
    came_at: float


@dataclass(frozen=True, slots=True)
class Received:
    """One span or one event as a document of its own: which receiver took it, and in which request."""

    document: Document
    source: str
    number: int
    name: str


@dataclass(slots=True)
class _UnfinishedTrace:
    items: list[Received] = field(default_factory=list)
    came_at: float = 0.0
    has_root: bool = False
    has_remote_root: bool = False

    def is_whole(self, now: float, patience: Patience) -> bool:
        if patience is not Patience.USUAL:
            return self.has_root or patience is Patience.NONE
        quiet_s = QUIET_S if self.has_root else QUIET_REMOTE_S if self.has_remote_root else QUIET_ROOTLESS_S
        return now - self.came_at >= quiet_s


class PendingTraces:
    """What was received and is not in the store yet, by trace; times are monotonic seconds.

    count: spans and events that wait.
    """

    def __init__(self) -> None:
        self._traces: dict[str, _UnfinishedTrace] = {}
        self._retained: dict[str, _UnfinishedTrace] = {}
        self._events: list[Received] = []
        self._last_calls: dict[str, tuple[float, Received]] = {}
        self.count = 0

    def add(self, document: Document, request: Request) -> None:
        """Take in one request."""
        for batch in objects_in(document.get("resourceSpans")):
            for span in _parts(batch, "scopeSpans", "spans"):
                self._add_span(span, {"resource": batch.get("resource")}, request)
        for batch in objects_in(document.get("resourceLogs")):
            for record in _parts(batch, "scopeLogs", "logRecords"):
                whole = {"resourceLogs": [{"resource": batch.get("resource"), "scopeLogs": [{"logRecords": [record]}]}]}
                name = f"event at {record.get('timeUnixNano')}"
                self._events.append(Received(whole, request.source, request.number, name))
                self.count += 1

    def _add_span(self, span: Document, about: Document, request: Request) -> None:
        trace_id = hex_id(span.get("traceId"))
        trace = self._traces.get(trace_id)
        if trace is None:  # a late span completes a trace that was whole a moment ago
            trace = self._traces[trace_id] = self._retained.pop(trace_id, _UnfinishedTrace())
            self.count += len(trace.items)
        flags = span.get("flags")
        trace.has_root |= not str(span.get("parentSpanId") or "").strip("0")
        trace.has_remote_root |= isinstance(flags, int) and bool(flags & _IS_REMOTE)
        trace.came_at = request.came_at
        whole = {"resourceSpans": [{**about, "scopeSpans": [{"spans": [span]}]}]}
        name = f"{trace_id}:{span.get('spanId')}"
        trace.items.append(Received(whole, request.source, request.number, name))
        self.count += 1

    def take(self, now: float, patience: Patience = Patience.USUAL) -> "Settled":
        """Take out what may go to the store now: whole traces, and events."""
        self._forget_retained(now)
        whole = [name for name, trace in self._traces.items() if trace.is_whole(now, patience)]
        if self.count > _MOST_WAITING:
            whole = [name for name, trace in self._traces.items() if trace.has_root or now - trace.came_at >= QUIET_S]
        traces = {name: self._traces.pop(name) for name in whole}
        events, self._events = self._events, []
        self.count -= len(events) + sum(len(trace.items) for trace in traces.values())
        return Settled(traces, [*self._former_calls(events), *events], len(events))

    def put_back(self, settled: "Settled") -> None:
        """Take back what the store did not take."""
        self.count += settled.own_count + sum(len(trace.items) for trace in settled.traces.values())
        for name, trace in settled.traces.items():
            later = self._traces.get(name)
            if later is not None:
                trace.items.extend(later.items)
                trace.came_at, trace.has_root = later.came_at, trace.has_root or later.has_root
            self._traces[name] = trace
        self._events = settled.own_events + self._events

    def retain(self, settled: "Settled", now: float) -> None:
        """Remember what the store has, for spans that come late and for tools of the last calls."""
        for name, trace in settled.traces.items():
            trace.came_at = now
            self._retained[name] = trace
        for event in settled.own_events:
            session = _session_of_call(event.document)
            if session is not None:
                self._last_calls.pop(session, None)
                self._last_calls[session] = now, event
        while len(self._last_calls) > _MOST_SESSIONS:
            self._last_calls.pop(next(iter(self._last_calls)))

    def waiting(self) -> Iterator[Received]:
        """Yield what waits, and the last calls, which later events may still speak of."""
        yield from (item for trace in self._traces.values() for item in trace.items)
        yield from self._events
        yield from (event for _, event in self._last_calls.values())

    def _former_calls(self, events: list[Received]) -> list[Received]:
        if not events or not self._last_calls:
            return []
        sessions = {_session_of(event.document) for event in events}
        return [event for session, (_, event) in self._last_calls.items() if session in sessions]

    def _forget_retained(self, now: float) -> None:
        held = sum(len(trace.items) for trace in self._retained.values())
        for name, trace in list(self._retained.items()):
            if now - trace.came_at < _RETAINED_S and held <= _MOST_RETAINED:
                break
            held -= len(self._retained.pop(name).items)
        old = [name for name, (came_at, _) in self._last_calls.items() if now - came_at > QUIET_ROOTLESS_S]
        for name in old:
            del self._last_calls[name]


@dataclass(frozen=True)
class Settled:
    """What goes to the store together: whole traces, and events, of which the first may be known already."""

    traces: dict[str, _UnfinishedTrace]
    events: list[Received]
    own_count: int

    @property
    def own_events(self) -> list[Received]:
        """The events that were not taken before."""
        return self.events[len(self.events) - self.own_count :]

    def by_source(self) -> dict[str, list[Received]]:
        """Return all by the receiver that took it; a trace is whole under its first one, and so are the events."""
        found: dict[str, list[Received]] = {}
        for trace in self.traces.values():
            found.setdefault(trace.items[0].source, []).extend(trace.items)
        if self.events:
            found.setdefault(self.events[0].source, []).extend(self.events)
        return found

    def __bool__(self) -> bool:
        """Whether there is anything."""
        return bool(self.traces or self.own_count)


def _parts(batch: Document, scopes: str, key: str) -> Iterator[Document]:
    for scope in objects_in(batch.get(scopes)):
        yield from objects_in(scope.get(key))


def _record_of(document: Document) -> Document:
    record: Document = document["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0]
    return record


def _session_of(document: Document) -> str | None:
    attributes = attributes_in_safely(_record_of(document))
    found = attributes.get("session.id") or attributes.get("conversation.id")
    return found if isinstance(found, str) else None


def _session_of_call(document: Document) -> str | None:
    record = _record_of(document)
    named = attributes_in_safely(record).get("event.name") or record.get("body")
    return _session_of(document) if any(name in str(named) for name in _CALL_EVENTS) else None


def attributes_in_safely(record: Document) -> Document:
    """Return the attributes of a record; a hostile one that cannot be read has none here, its reader rejects it."""
    try:
        return attributes_in(record.get("attributes"))
    except ValueError:
        return {}
