"""The record at hand while a file is read: what it says goes to the transcript, or it is rejected by its line."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from asp_analysis.importers.json_lines import Line, LineError
from asp_analysis.importers.transcripts.calls import Activity, Call, Origin, Reading, Transcript
from asp_analysis.importers.transcripts.values import reject

_NO_LINE = Line(1, b"")


@dataclass
class Taking:
    """Takes the records of a file one after the other; `line` is that of the one at hand."""

    transcript: Transcript
    reading: Reading
    line: Line = _NO_LINE

    @contextmanager
    def record(self, line: Line, what: str = "") -> Iterator[None]:
        """Read a record within; one that cannot be read is rejected. `what` names it where its line does not."""
        self.line = line
        try:
            yield
        except LineError as error:
            reason = f"{what}: {error}" if what else str(error)
            self.transcript.rejects.append(reject(line, reason, self.reading.keep_text))

    def touch(self, at: str, origin: Origin) -> Activity:
        """Return the activity of the task of an origin, extended to the instant `at`."""
        return self.transcript.touch(self.reading.task_of(origin), at, origin)

    def take(self, call: Call) -> bool:
        """Keep a call that has usage; one that has none is only counted. Return whether it has."""
        if call.has_usage:
            self.transcript.add_call(call, self.line.number)
        else:
            self.transcript.without_usage.add(call.call_id)
        return call.has_usage

    def keep_text(self, texts: dict[str, str], name: str, text: str) -> None:
        """Keep a text under a name, where texts are kept at all."""
        if self.reading.keep_text and text:
            texts[name] = text
