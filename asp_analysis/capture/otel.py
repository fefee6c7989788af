"""OpenTelemetry spans as executions: `provider.add_span_processor(BatchSpanProcessor(AspSpanExporter()))`.

The rules are those of the importer of OTLP files, applied to what is known of each trace so far. A child ends before
the spans around it: a call is recorded when it ends, and once more where a later span says more about it (the agent,
the conversation, a tool). Both have one name, trace and span, so that a trace that is also loaded counts once.
"""

import os
import threading
import weakref
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import StatusCode

from asp_analysis import capture
from asp_analysis.capture.recorder import Recorder
from asp_analysis.capture.shield import Shield
from asp_analysis.config import StoreUrl
from asp_analysis.importers.formats.otlp import SOURCE, SpanEnd, SpanIds, note_identity, span_of
from asp_analysis.importers.json_lines import Line, LineError
from asp_analysis.importers.transcripts.call_rows import CallRows
from asp_analysis.importers.transcripts.calls import MAIN_AGENT, Reading, Transcript
from asp_analysis.importers.transcripts.spans import Span, Trace, take_spans

_MOST_SPANS, _MOST_OF_A_TRACE = 5_000, 1_000

Fields = dict[str, Any]


@dataclass(kw_only=True)
class _OpenTrace:
    """What is kept of one trace: its last spans, what was recorded of them, and what earlier spans ruled out."""

    trace: Trace = field(default_factory=Trace)
    recorded: dict[str, Fields] = field(default_factory=dict)
    wrappers: set[str] = field(default_factory=set)
    has_forgotten_calls: bool = False
    is_over: bool = False

    def take(self, span: Span) -> None:
        """Add a span; one around a forgotten call is not a call."""
        if span.span_id in self.wrappers:
            span.kind = "other"
            self.wrappers.add(span.parent_id or "")
        self.trace.spans[span.span_id] = span

    def countable(self) -> list[Span]:
        """Return the spans, none where it is too early: an agent's own usage counts only in a trace without calls."""
        spans = list(self.trace.spans.values())
        if any(span.kind == "call" and span.call.has_usage for span in spans):
            return spans
        return spans if self.is_over and not self.has_forgotten_calls else []

    def forget(self) -> None:
        """Forget the older half of the spans, and keep what they say about the spans around them."""
        spans = list(self.trace.spans.values())
        old = spans[: len(spans) // 2]
        for span in old:
            if span.kind == "call" and span.call.has_usage:
                self.has_forgotten_calls = True
                self.wrappers |= {around.parent_id or "" for around in (span, *self.trace.above(span))}
        for span in old:
            del self.trace.spans[span.span_id]
            self.recorded.pop(span.call.call_id, None)
        for span in self.trace.spans.values():
            if span.span_id in self.wrappers:
                span.kind = "other"


class AspSpanExporter(SpanExporter):
    """Writes the model calls among the spans (GenAI conventions new and old, OpenInference) to the store.

    Task: `gen_ai.conversation.id` or `session.id`, else the trace. Role: `gen_ai.agent.name`, else `agent_role`. The
    agent never meets an error of it; a call that cannot be priced rightly is kept as a reject. A span around a call
    that was exported before the call ended counts as well: instrumentations that end parents first do that.
    """

    def __init__(
        self, url: str | StoreUrl | None = None, *, agent_role: str = "Code", recorder: Recorder | None = None
    ) -> None:
        """Record to the store `url` as in `capture.open`, or with a recorder that stays its owner's to close.

        Raises:
            InputError: `agent_role` is empty.
            ConfigError, StoreError: as `capture.open`.
        """
        self._reading = Reading(roles=((MAIN_AGENT, agent_role),))
        self._rows = CallRows(self._reading, SOURCE, lambda _call: None)
        self._is_own, self._recorder = recorder is None, recorder or capture.open(url)
        self._traces: OrderedDict[str, _OpenTrace] = OrderedDict()
        self._is_shut_down = False
        self._lock = threading.Lock()
        _exporters.add(self)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Record the calls among the spans; never raises."""
        if self._is_shut_down:
            return SpanExportResult.FAILURE
        with Shield("Recording spans"):
            with self._lock:
                touched = {trace_id for trace_id in map(self._take, spans) if trace_id is not None}
                for trace_id in sorted(touched):
                    self._record(self._traces[trace_id])
                self._make_room()
            return SpanExportResult.SUCCESS
        return SpanExportResult.FAILURE

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Bring what was recorded to disk; True where all of it is in the store, not in a spill file."""
        return self._recorder.flush(min(2.0, timeout_millis / 1000))

    def shutdown(self) -> None:
        """Record what waited for the end of its trace, and end."""
        if self._is_shut_down:
            return
        self._is_shut_down = True
        with Shield("Ending the recording of spans"), self._lock:
            while self._traces:
                self._finish(self._traces.popitem(last=False)[1])
        # A provider older than the recorder is shut down after it when the process ends: its last spans are in the
        # spill file by then.
        self._recorder.flush()
        if self._is_own:
            self._recorder.close(0.0)

    def _take(self, span: ReadableSpan) -> str | None:
        """Add a span to its trace and return the trace's id, None where the span holds nothing that can be kept."""
        if span.context is None or span.start_time is None:
            return None
        ids = _ids(span)
        try:
            taken = _span(span, ids)
        except LineError as error:
            reason = {"source": SOURCE, "reason": str(error)}  # no measure: the store keeps it as a reject
            name = f"{ids.trace_id}:{ids.span_id}"
            self._recorder.record(execution_id=name, task_id=ids.trace_id, metadata_json=reason)
            return None
        held = self._traces.setdefault(ids.trace_id, _OpenTrace())
        held.take(taken)
        held.is_over |= span.parent is None or span.parent.is_remote
        self._traces.move_to_end(ids.trace_id)
        return ids.trace_id

    def _record(self, held: _OpenTrace) -> None:
        """Record the calls that are new, and again those of which more is known now."""
        transcript = Transcript(source=SOURCE)
        take_spans(held.countable(), self._reading, transcript)
        failed = {span.call.call_id for span in held.trace.spans.values() if span.is_error}
        for call in transcript.calls.values():
            fields = self._rows.fields(call)
            if call.call_id in failed:
                fields["metadata_json"]["is_error"] = True
            if held.recorded.get(call.call_id) != fields:
                held.recorded[call.call_id] = fields
                self._recorder.record(**fields)

    def _make_room(self) -> None:
        for held in self._traces.values():
            if len(held.trace.spans) > _MOST_OF_A_TRACE:
                held.forget()
        while sum(len(held.trace.spans) for held in self._traces.values()) > _MOST_SPANS:
            self._finish(self._traces.popitem(last=False)[1])

    def _finish(self, held: _OpenTrace) -> None:
        held.is_over = True
        self._record(held)

    def _after_fork_in_child(self) -> None:
        self._lock = threading.Lock()
        self._traces.clear()  # the parent's, which exports them


def _ids(span: ReadableSpan) -> SpanIds:
    """Return the ids of a span as OTLP/JSON writes them: trace, span, parent."""
    parent_id = None if span.parent is None else f"{span.parent.span_id:016x}"
    return SpanIds(f"{span.context.trace_id:032x}", f"{span.context.span_id:016x}", parent_id)


def _span(span: ReadableSpan, ids: SpanIds) -> Span:
    began_ns = span.start_time or 0
    attributes = {**(span.attributes or {}), "service.name": span.resource.attributes.get("service.name")}
    failed = span.status.status_code is StatusCode.ERROR
    made = span_of(ids, span.name, (began_ns, span.end_time or began_ns), attributes, SpanEnd(failed, Line(1, b"")))
    note_identity(made, dict(span.attributes or {}), dict(span.resource.attributes))
    return made


_exporters: "weakref.WeakSet[AspSpanExporter]" = weakref.WeakSet()


def _begin_anew() -> None:
    for exporter in list(_exporters):
        exporter._after_fork_in_child()


os.register_at_fork(after_in_child=_begin_anew)
