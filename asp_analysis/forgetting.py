"""Forgets a person, a task or a time: in the store, in its copies for reading, and in records that wait next to it."""

import html
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from asp_analysis.capture.waiting import load_waiting, records_waiting
from asp_analysis.config import StoreUrl
from asp_analysis.errors import InputError
from asp_analysis.receiving.leftovers import load_received, received_waiting
from asp_analysis.records import read_day, read_instant
from asp_analysis.session.snapshot import Snapshots
from asp_analysis.store.database import open_store
from asp_analysis.store.forgotten import remember_forgotten
from asp_analysis.store.forgotten_person import Forgot, forget_person
from asp_analysis.store.forgotten_rows import before, forget_rows, of_task
from asp_analysis.store.sqlite import rewrite_file

_SEARCHED_FOLDERS = ("backups", "exports", "cache", "notebooks")
_PACKED = {".parquet", ".gz", ".zst", ".zip", ".xlsx", ".duckdb"}
_CHUNK = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Forgetting:
    """What is to be forgotten: one of a person, a task, or all before a day; whether the numbers of rows stay."""

    person: str | None = None
    task: str | None = None
    before: str | None = None
    keeps_numbers: bool = False

    @property
    def marks(self) -> list[str]:
        """The texts by which a file that still has it is found."""
        return [text for text in (self.person, self.task) if text]


@dataclass(kw_only=True)
class Remains:
    """Where it may still be: files that hold it, packed files, records that wait, pages that were not freed."""

    files: list[Path] = field(default_factory=list)
    packed: list[Path] = field(default_factory=list)
    waiting: int = 0
    is_rewritten: bool = True


def rehearse_forgetting(url: StoreUrl, wanted: Forgetting) -> Forgot:
    """Return what would be forgotten; the store stays as it is, and records that wait next to it go on waiting.

    Raises:
        InputError: there is nothing of it, or the day is none.
        StoreError: the store cannot be written.
    """
    with open_store(url) as store, store.rehearsal(), store.transaction() as connection:
        return _work(wanted)(connection)


def forget(url: StoreUrl, wanted: Forgetting) -> tuple[Forgot, Remains]:
    """Forget, and return what was done and where it may still be.

    The file is written again, so that freed pages hold nothing of it; copies for reading are removed. A person stays
    forgotten: what is loaded later is kept without the name.

    Raises:
        InputError, StoreError: as `rehearse_forgetting`.
    """
    load_waiting(url)
    load_received(url)
    with open_store(url) as store, store.transaction() as connection:
        forgot = _work(wanted)(connection)
        if wanted.person is not None:
            remember_forgotten(url, wanted.person)
    Snapshots(url).remove()
    waiting = records_waiting(url) + received_waiting(url)
    remains = Remains(waiting=waiting, is_rewritten=url.path is not None and rewrite_file(url.path))
    for path in _files_of(url):
        if path.suffix in _PACKED:
            remains.packed.append(path)
        elif _holds(path, wanted.marks) or (wanted.before is not None and path.parent.name in ("backups", "exports")):
            remains.files.append(path)
    return forgot, remains


def _work(wanted: Forgetting) -> Callable[..., Forgot]:
    """Return what forgets it within the transaction of a connection."""
    if wanted.person is not None:
        return partial(forget_person, person=wanted.person)
    if wanted.task is not None:
        return partial(forget_rows, removal=of_task(wanted.task, keeps_numbers=wanted.keeps_numbers))
    try:
        instant = read_instant(read_day(wanted.before))
    except ValueError as error:
        raise InputError(f"--before: {error}.") from None
    return partial(forget_rows, removal=before(instant, keeps_numbers=wanted.keeps_numbers))


def _files_of(url: StoreUrl) -> list[Path]:
    """List the files of the data folder but the store itself."""
    if not url.data_dir.is_dir():
        return []
    own = {Path(f"{url.path}{suffix}") for suffix in ("", "-wal", "-shm", "-journal")}
    found = [
        *url.data_dir.glob("*"),
        *(path for name in _SEARCHED_FOLDERS for path in (url.data_dir / name).rglob("*")),
    ]
    return sorted({path for path in found if path.is_file() and path not in own})


def _holds(path: Path, marks: Iterable[str]) -> bool:
    """Return whether a file has one of the texts, plain or as JSON or HTML write it."""
    forms = {form.encode() for text in marks for form in (text, json.dumps(text)[1:-1], html.escape(text))}
    longest = max(map(len, forms), default=1)
    with suppress(OSError):
        return any(form in chunk for chunk in _read_overlapping(path, longest) for form in forms)
    return False


def _read_overlapping(path: Path, overlap: int) -> Iterator[bytes]:
    with path.open("rb") as stream:
        tail = b""
        while data := stream.read(_CHUNK):
            yield tail + data
            tail = (tail + data)[-overlap:]
