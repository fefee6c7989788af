"""Which form a bill has, and its lines. Logs of requests are read as their importers read them, and summed by day."""

from collections.abc import Iterable
from pathlib import Path

from asp_analysis.billing.bill import TOKEN_USE, Bill, BillLine
from asp_analysis.billing.bill_tables import read_bill_table
from asp_analysis.billing.reports import read_report
from asp_analysis.errors import InputError
from asp_analysis.importers.file import SourceFile, open_file
from asp_analysis.importers.formats import cursor, litellm, openrouter
from asp_analysis.importers.transcripts.calls import Call, Reading, Transcript
from asp_analysis.importers.transcripts.documents import read_documents
from asp_analysis.importers.transcripts.transcript_format import TranscriptFormat

_LOGS: tuple[tuple[TranscriptFormat, str, tuple[str, str] | None], ...] = (
    (cursor.FORMAT, "Cursor", ("tool", "cursor")),
    (cursor.API_FORMAT, "Cursor", ("tool", "cursor")),
    (openrouter.FORMAT, "OpenRouter", ("llm_provider", "openrouter")),
    (litellm.FORMAT, "LiteLLM", None),
    (litellm.CSV_FORMAT, "LiteLLM", None),
)
FORMS = "Anthropic or OpenAI usage and cost reports, Copilot, Cursor, LiteLLM, OpenRouter, or FOCUS"


def read_bills(paths: Iterable[Path]) -> list[Bill]:
    """Read the files of a bill.

    Raises:
        InputError: a file cannot be read, or is no bill in a form that is known.
    """
    bills = []
    for path in paths:
        with open_file(path) as file:
            bills.append(_read_bill(file))
    return bills


def _read_bill(file: SourceFile) -> Bill:
    bill = _read_log(file)
    if bill is None and file.head.magic.startswith(b"PAR1"):
        bill = read_bill_table(file, is_parquet=True)
    elif bill is None and file.head.text.startswith(("{", "[")):
        transcript = Transcript(source="bill")
        bill = read_report(file.name, [document for document, _ in read_documents(file, transcript, keep_text=False)])
    elif bill is None:
        bill = read_bill_table(file, is_parquet=False)
    if bill is None:
        raise InputError(f"{file.name} is no bill in a form that is known. Name {FORMS}.")
    if not bill.lines:
        raise InputError(f"{file.name} has no lines. Fetch the bill for days in which something was used.")
    return bill


def _read_log(file: SourceFile) -> Bill | None:
    for form, name, scope in _LOGS:
        if form.is_format_of(file.head):
            transcript = form.read_transcript(file, Reading())
            lines = [_line(call) for call in transcript.calls.values()]
            notes = [f"{file.name}: {len(transcript.rejects)} lines cannot be read."] if transcript.rejects else []
            listed = sum(call.reported_usd or 0.0 for call in transcript.calls.values() if call.billing == "plan")
            if listed:
                notes.append(f"{file.name}: USD {listed:,.2f} is the list price of what a plan includes.")
            return Bill(name=file.name, form=name, scope=scope, lines=lines, notes=notes, has_equal_lines=True)
    return None


def _line(call: Call) -> BillLine:
    return BillLine(
        day=call.at[:10],
        model=call.model,
        kind=TOKEN_USE,
        cost_usd=call.reported_usd,
        tokens_in=call.tokens_in,
        tokens_out=call.tokens_out,
        person=call.user_id,
        identity=call.call_id,
    )
