"""Cursor's usage: the CSV of its dashboard in all of its forms, and pages of its Admin API.

Its own database holds no counts on current versions. Equal rows are real: two requests in one millisecond. So a request
is named by its time, its model, its counts and how often these came before, in either form. What a plan includes has
the list price that Cursor says; what an error did not charge is really free.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from asp_analysis.importers.file import SourceFile
from asp_analysis.importers.json_lines import LineError
from asp_analysis.importers.transcripts.calls import Call, Origin, Reading, Transcript, note_event, short_id
from asp_analysis.importers.transcripts.csv_logs import CsvLogFormat, Record, read_records
from asp_analysis.importers.transcripts.documents import objects_in, positive, read_documents
from asp_analysis.importers.transcripts.taking import Taking
from asp_analysis.importers.transcripts.transcript_format import TranscriptFormat
from asp_analysis.importers.transcripts.values import count, instant, note_unknown, object_in, word

SOURCE = "cursor"
_WITH_WRITE, _WITHOUT_WRITE = "Input (w/ Cache Write)", "Input (w/o Cache Write)"
_KNOWN_OF_CSV = frozenset({_WITH_WRITE, _WITHOUT_WRITE, "Output Tokens", "Total Tokens", "Cost", "Cost to you"})
_KNOWN_OF_API = frozenset({"inputTokens", "outputTokens", "cacheWriteTokens", "cacheReadTokens", "totalCents"})


@dataclass(kw_only=True)
class _CursorRequest:
    """A request as either form says it. paid: what was charged; listed: what its tokens cost by Cursor's list."""

    at: str
    kind: str
    model: str | None
    user: str | None
    sizes: tuple[int, int, int, int]
    paid: float | None
    listed: float | None

    @property
    def is_of_plan(self) -> bool:
        """Whether a plan includes it."""
        return "INCLUDED" in self.kind.upper()

    @property
    def is_free(self) -> bool:
        """Whether an error kept it from being charged."""
        return "ERRORED" in self.kind.upper() or "NO CHARGE" in self.kind.upper() or "NOT_CHARGED" in self.kind.upper()


@dataclass
class _CursorRequests:
    """The requests of a file, equal ones counted."""

    taking: Taking
    seen: Counter[str] = field(default_factory=Counter)

    def take(self, request: _CursorRequest) -> None:
        fresh, output, cache_read, cache_write = request.sizes
        name = short_id(f"{request.at} {request.model} {request.sizes}")
        self.seen[name] += 1
        day = request.at[:10]
        origin = Origin(is_copy=False, session_id=" ".join(filter(None, ("cursor", request.user, day))))
        activity = self.taking.touch(request.at, origin)
        call = Call(call_id=f"cursor:{request.at}:{name}:{self.seen[name]}", at=request.at, origin=origin)
        call.model, call.user_id = request.model, request.user
        call.tokens_in, call.tokens_out = fresh + cache_read + cache_write, output
        call.cache_read, call.cache_write = cache_read, cache_write
        call.reported_usd = request.listed if request.is_of_plan else request.paid
        call.billing = "plan" if request.is_of_plan else "own key" if "USER" in request.kind.upper() else None
        if request.is_free:
            call.reported_usd = 0.0
            note_event(activity, "api_errors", short_id(call.call_id))
        self.taking.take(call)


# --- the dashboard's CSV ----------------------------------------------------------------------------------------------


def read_csv(file: SourceFile, reading: Reading) -> Transcript:
    """Read an export of the dashboard."""
    transcript = Transcript(source=SOURCE)
    requests = _CursorRequests(Taking(transcript, reading))
    for record, line in read_records(file, transcript, _KNOWN_OF_CSV):
        with requests.taking.record(line):
            requests.take(_of_row(record))
    return transcript


def _of_row(record: Record) -> _CursorRequest:
    with_write, fresh = count(record, _WITH_WRITE) or 0, count(record, _WITHOUT_WRITE) or 0
    cache_read, output = count(record, "Cache Read") or 0, count(record, "Output Tokens") or 0
    total, cache_write = count(record, "Total Tokens"), with_write
    if fresh and total == with_write + cache_read + output:  # the written ones include the others
        cache_write = with_write - fresh
    listed = _usd(record.get("Cost"))
    paid = _usd(record["Cost to you"]) if "Cost to you" in record else listed
    return _CursorRequest(
        at=instant(record, "Date"),
        kind=word(record, "Kind") or ("Included" if record.get("Cost") == "Included" else ""),
        model=word(record, "Model"),
        user=word(record, "User"),
        sizes=(fresh, output, cache_read, cache_write),
        paid=paid,
        listed=listed,
    )


def _usd(cell: Any) -> float | None:
    """Return dollars of a cell; a word such as Included says that there is no amount."""
    text = str(cell or "").strip().lstrip("$")
    return None if text in ("", "-") or text.isalpha() else positive(text)


# --- the Admin API ----------------------------------------------------------------------------------------------------


def recognises(objects: list[dict[str, Any]]) -> bool:
    """Recognise a page by its list."""
    return "usageEventsDisplay" in objects[0]


def read_pages(file: SourceFile, reading: Reading) -> Transcript:
    """Read pages of the Admin API."""
    transcript = Transcript(source=SOURCE)
    requests = _CursorRequests(Taking(transcript, reading))
    for page, line in read_documents(file, transcript, reading.keep_text):
        for number, event in enumerate(objects_in(page.get("usageEventsDisplay")), 1):
            with requests.taking.record(line, f"event {number}"):
                note_unknown(transcript, object_in(event, "tokenUsage"), _KNOWN_OF_API, "tokenUsage.")
                requests.take(_of_event(event))
    return transcript


def _of_event(event: dict[str, Any]) -> _CursorRequest:
    milliseconds = count(event, "timestamp")
    if milliseconds is None:
        raise LineError("timestamp: None is not an instant")
    usage = object_in(event, "tokenUsage")
    kinds = ("inputTokens", "outputTokens", "cacheReadTokens", "cacheWriteTokens")
    fresh, output, cache_read, cache_write = (count(usage, kind) or 0 for kind in kinds)
    return _CursorRequest(
        at=instant({"timestamp": milliseconds}),
        kind=word(event, "kind") or "",
        model=word(event, "model"),
        user=word(event, "userEmail"),
        sizes=(fresh, output, cache_read, cache_write),
        paid=_dollars(event.get("chargedCents")),
        listed=_dollars(usage.get("totalCents")),
    )


def _dollars(cents: Any) -> float | None:
    amount = positive(cents)
    return None if amount is None else amount / 100


FORMAT = CsvLogFormat(
    name="cursor-csv",
    title="Cursor usage CSV",
    columns=frozenset({"Date", "Model", _WITH_WRITE, _WITHOUT_WRITE, "Cache Read", "Output Tokens"}),
    read_transcript=read_csv,
)
API_FORMAT = TranscriptFormat(
    name="cursor-api", title="Cursor Admin API page", recognises=recognises, read_transcript=read_pages
)
