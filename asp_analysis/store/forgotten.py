"""Whom a store has forgotten: keyed hashes of names, so that what comes later is kept without them.

The names themselves are nowhere. The hashes are in a file next to the store, made with the key of its pseudonyms; of a
store on a server the file is this machine's.
"""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from asp_analysis.batch import Batch, Reject
from asp_analysis.config import StoreUrl
from asp_analysis.errors import StoreError
from asp_analysis.privacy import as_private_as, pseudonym, pseudonym_key, pseudonym_key_file
from asp_analysis.records import json_text

FORGOTTEN_NAME = "(forgotten)"
"""What a text has where the name was."""

OF_STORE = "asp_store"
"""The option of a connection that says which store it writes."""

_PIECE = re.compile(r"[^\W_]+")
_WHOLE_NAMES = ("user_id", "person")
_NAMES_OF_RECORDS = {
    "task_id", "subtask_id", "execution_id", "defect_id", "capability", "defect_type", "status", "severity", "mode",
    "bootstrap_phase", "kind", "from_day", "until_day", "change_id", "link_id", "session_id", "flow", "outcome",
    "commit_hash", "evidence", "revert_evidence", "reverted_by",
}  # fmt: skip
"""Columns that rows find each other by, or of fixed words: no name is taken out of them."""

Hashes = dict[int, frozenset[str]]
"""Number of words of a name -> the hashes of such names."""


class Forgotten:
    """Names that are left out, as hashes. A name is a run of whole words; one with @ in it has no case."""

    def __init__(self, key: bytes, hashes: Hashes) -> None:
        """Take hashes that `key` has made."""
        self._key, self._hashes = key, hashes

    def __bool__(self) -> bool:
        return bool(self._hashes)

    @classmethod
    def of_name(cls, name: str, key: bytes = b"") -> "Forgotten":
        """Return what leaves out one name."""
        return cls(key, {len(_PIECE.findall(name)): frozenset([_hash(core_of(name), key)])})

    @classmethod
    def of_store(cls, url: StoreUrl) -> "Forgotten":
        """Return what a store has forgotten.

        Raises:
            StoreError: its list cannot be read.
        """
        kept = _read(_file(url))
        hashes = {words: frozenset(of for count, of in kept if count == words) for words, _ in kept}
        return cls(pseudonym_key(pseudonym_key_file(url)) if kept else b"", hashes)

    def holds(self, text: Any) -> bool:
        """Return whether a text is one of the names."""
        if not isinstance(text, str):
            return False
        count = len(_PIECE.findall(text))
        return count in self._hashes and _hash(core_of(text), self._key) in self._hashes[count]

    def clean(self, text: str) -> str:
        """Return a text without the names."""
        spans = [match.span() for match in _PIECE.finditer(text)]
        parts, end, place = [], 0, 0
        while place < len(spans):
            count = self._count_of_name(text, spans, place)
            if count:
                parts += [text[end : spans[place][0]], FORGOTTEN_NAME]
                end = spans[place + count - 1][1]
            place += max(1, count)
        return "".join([*parts, text[end:]])

    def clean_labels(self, text: str) -> str | None:
        """Return a JSON object of labels without those that are one of the names; None where none is left."""
        kept = {name: value for name, value in json.loads(text).items() if not self.holds(value)}
        return self.clean(json_text(kept)) if kept else None

    def clean_row(self, columns: Sequence[str], row: Sequence[Any]) -> tuple[Any, ...]:
        """Return the values of a row without the names; a person who is one of them is unknown."""
        return tuple(self._clean_value(name, value) for name, value in zip(columns, row, strict=True))

    def clean_batch(self, batch: Batch) -> tuple[Batch, int]:
        """Return a batch without the names, and how many of its rows had one; a row about such a person is gone."""
        rows, record_of_row, count = [], [], 0
        for row, record in zip(batch.rows, batch.record_of_row, strict=True):
            cleaned = self.clean_row(batch.columns, row)
            count += cleaned != row
            if "person" not in batch.columns or cleaned[batch.columns.index("person")] is not None:
                rows.append(cleaned)
                record_of_row.append(record)
        return replace(batch, rows=rows, record_of_row=record_of_row), count

    def clean_rejects(self, rejects: Iterable[Reject]) -> list[Reject]:
        """Return rejects whose texts are without the names."""
        return [
            Reject(one.line_number, tuple(map(self.clean, one.reasons)), self.clean(one.raw_text)) for one in rejects
        ]

    def _clean_value(self, column: str, value: Any) -> Any:
        if not isinstance(value, str) or column in _NAMES_OF_RECORDS or column.endswith("_at"):
            return value
        if column in _WHOLE_NAMES:
            return None if self.holds(value) else value
        return self.clean_labels(value) if column == "labels" else self.clean(value)

    def _count_of_name(self, text: str, spans: list[tuple[int, int]], place: int) -> int:
        """Return of how many words the name is that begins at a word; 0 where none does."""
        for count in sorted(self._hashes, reverse=True):
            last = place + count - 1
            if last < len(spans) and _hash(text[spans[place][0] : spans[last][1]], self._key) in self._hashes[count]:
                return count
        return 0


def forgotten_by(connection: Connection) -> Forgotten:
    """Return what the store of a connection has forgotten."""
    url = connection.get_execution_options().get(OF_STORE)
    return Forgotten(b"", {}) if url is None else Forgotten.of_store(url)


def remember_forgotten(url: StoreUrl, name: str) -> None:
    """Leave a name out of all that is loaded into a store from now on.

    Raises:
        OSError: the file cannot be written.
    """
    path, key = _file(url), pseudonym_key(pseudonym_key_file(url))
    kept = {*_read(path), (len(_PIECE.findall(name)), _hash(core_of(name), key))}
    new = path.with_suffix(".new")
    with as_private_as(url):
        new.write_text(json.dumps(sorted(kept)), encoding="utf-8")
    new.chmod(0o600)
    new.replace(path)


def core_of(name: str) -> str:
    """Return a name from its first to its last word; empty where it has none."""
    spans = [match.span() for match in _PIECE.finditer(name)]
    return name[spans[0][0] : spans[-1][1]] if spans else ""


def longest_word(name: str) -> str:
    """Return the longest word of a name, by which texts that may hold it are found."""
    return max(_PIECE.findall(name), key=len, default="")


def _hash(name: str, key: bytes) -> str:
    """Return the hash of a name; a backslash of JSON within it makes no difference."""
    plain = name.replace("\\", "")
    return pseudonym(plain.casefold() if "@" in plain else plain, key)


def _file(url: StoreUrl) -> Path:
    return url.data_dir / f"{url.local_name}.forgotten.json"


def _read(path: Path) -> list[tuple[int, str]]:
    try:
        return [(int(count), str(of)) for count, of in json.loads(path.read_text(encoding="utf-8"))]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError) as error:
        raise StoreError(
            f"{path} cannot be read: {error}. It says whom the store has forgotten; put it back from a copy, or remove "
            "it to let later loads name everybody."
        ) from None
