"""Vocabularies that people extend: words of a record that its store does not list are rejected, with what is listed."""

import difflib
from dataclasses import replace

from sqlalchemy import Connection

from asp_analysis.batch import Batch, Reject
from asp_analysis.store.statements import execute
from asp_analysis.validation import shown

_MOST_SHOWN, _MOST_COMPARED = 20, 500


class Words:
    """The words that a store lists, read once for each vocabulary that a load needs."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._listed: dict[str, dict[str, None]] = {}
        self._compared = 0

    def without_unknown(self, batch: Batch, words: dict[str, str]) -> tuple[Batch, tuple[Reject, ...]]:
        """Return the batch without the rows whose words are not listed, and these as rejects.

        words: column -> the table of its vocabulary.
        """
        wrong: dict[int, str] = {}
        for column, table in words.items():
            if column in batch.columns:
                place, listed = batch.columns.index(column), self._words(table)
                unknown = {row[place] for row in batch.rows}.difference(listed, [None])
                reasons = {word: self._reason(column, word, table) for word in sorted(unknown)}
                wrong |= {i: reasons[row[place]] for i, row in enumerate(batch.rows) if row[place] in unknown}
        if not wrong:
            return batch, ()
        rejects = [
            Reject(batch.line_numbers[record], (wrong[i],), batch.raw_text(record))
            for i, record in enumerate(batch.record_of_row)
            if i in wrong
        ]
        kept = [i for i in range(len(batch.rows)) if i not in wrong]
        rows, records = [batch.rows[i] for i in kept], [batch.record_of_row[i] for i in kept]
        return replace(batch, rows=rows, record_of_row=records), tuple(rejects)

    def _words(self, table: str) -> dict[str, None]:
        if table not in self._listed:
            self._listed[table] = dict.fromkeys(self._read(table))
        return self._listed[table]

    def _read(self, table: str) -> list[str]:
        """Read the words of a vocabulary in their order."""
        columns = {"defect_types": ("defect_type", "type_order"), "capabilities": ("capability", "capability_order")}
        word, order = columns[table]
        return [row[0] for row in execute(self._connection, f"SELECT {word} FROM {table} ORDER BY {order}, {word}")]

    def _reason(self, column: str, word: str, table: str) -> str:
        """Say what is listed, and what may be meant; of a column of free words only the first ones are compared."""
        listed = list(self._words(table))
        self._compared += 1
        close = difflib.get_close_matches(word, listed, 1, 0.7) if self._compared <= _MOST_COMPARED else []
        meant = f", is {close[0]} meant?" if close else "."
        more = f" and {len(listed) - _MOST_SHOWN} more" if len(listed) > _MOST_SHOWN else ""
        return (
            f"{column}: {shown(word)} is not listed in {table}{meant} Listed: {', '.join(listed[:_MOST_SHOWN])}{more}; "
            f"add your own with: load FILE --as {table}"
        )
