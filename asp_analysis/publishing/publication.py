"""Brings what a writer has published up to date with its store, or takes it out."""

import fcntl
import re
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa

from asp_analysis.config import StoreUrl, machine_name
from asp_analysis.errors import InputError, StoreError
from asp_analysis.lake.heads import LAKE_TABLES, is_writer_name
from asp_analysis.lake.objects import open_storage
from asp_analysis.privacy import make_folder, pseudonym_key
from asp_analysis.progress import Step, tell
from asp_analysis.publishing.day_files import write_day_files
from asp_analysis.publishing.days import DAY, StoreDay, read_days, read_rows, split_days
from asp_analysis.publishing.free_text import KEPT_KEYS, LEFT_AT_HOME, take_out_text
from asp_analysis.publishing.writer_files import PublishedTable, WriterFiles
from asp_analysis.session.batches import Read, reading_state
from asp_analysis.session.persons import PersonView, persons_of_environment

_PUBLISHED_FORM = 1
"""Raised when the same rows are published otherwise than before."""

_LONGEST_WRITER = 100


@dataclass(frozen=True, kw_only=True)
class PublishOrder:
    """How to publish. writer: the name of the store in the lake; None takes one from the machine and the store."""

    writer: str | None = None
    has_text: bool = False
    persons: PersonView | None = None

    @property
    def form(self) -> str:
        """Return what makes the same rows look different in a lake."""
        return f"{_PUBLISHED_FORM} {self.persons} {self.has_text or (LEFT_AT_HOME, KEPT_KEYS)}"


@dataclass(frozen=True, kw_only=True)
class PublishResult:
    """What a run did. tables: those of which the lake has or had files; foreign: paths that are not this writer's."""

    writer: str
    tables: list[PublishedTable]
    foreign: list[str]


def publish(store: StoreUrl, lake: StoreUrl, order: PublishOrder) -> PublishResult:
    """Bring the files of a writer up to date with its store.

    Raises:
        InputError: the writer cannot have this name.
        StoreError: the store cannot be read, the lake cannot be used, or a newer workbench published this writer.
    """
    if store.is_lake:
        raise StoreError(f"{store.shown} is a lake, and publish reads a store. Name one: --db sqlite:///FILE.")
    writer = _name_writer(order.writer, store)
    order = replace(order, persons=order.persons or persons_of_environment())
    with _alone(store), reading_state(store, order.persons) as read, tempfile.TemporaryDirectory() as folder:
        files = WriterFiles(open_storage(lake), writer)
        key = _digest_key(store)
        for table in LAKE_TABLES:
            _publish_table(files, read, read_days(read, table, order.form, key), order.has_text, Path(folder))
        files.finish()
    return PublishResult(writer=writer, tables=files.tables(), foreign=files.foreign)


def withdraw(store: StoreUrl, lake: StoreUrl, writer: str | None) -> PublishResult:
    """Take a writer out of a lake: its head, and then its files.

    Raises:
        InputError: a writer cannot have this name.
        StoreError: the lake cannot be used, or has no such writer.
    """
    name = _name_writer(writer, store)
    files = WriterFiles(open_storage(lake), name)
    if not files.is_there:
        raise StoreError(f"The lake {lake.shown} has no writer {name}. Name the one that is meant with --writer.")
    files.remove()
    return PublishResult(writer=name, tables=files.tables(), foreign=files.foreign)


def _publish_table(files: WriterFiles, read: Read, days: list[StoreDay], has_text: bool, folder: Path) -> None:
    """Write and upload the days of a table that are not in the lake as they are in the store."""
    changed = {day.day: day for day in days if not files.keep(day)}
    if not changed:
        return
    table = days[0].table

    def change(rows: pa.Table) -> pa.Table:
        return rows if has_text else take_out_text(rows, table)

    with read_rows(read, table, changed) as reader:
        schema = pa.schema([field for field in reader.schema if field.name != DAY])
        for done, file in enumerate(write_day_files(split_days(reader), schema, folder, change), start=1):
            files.add(changed[file.day], file)
            tell(Step(part=table, done=done, total=len(changed), unit="days"))


def _name_writer(writer: str | None, store: StoreUrl) -> str:
    """Return the name that a store has in lakes: that of the machine and of the store, if none is given."""
    if writer is None:
        plain = re.sub(r"[^A-Za-z0-9._-]+", "-", f"{machine_name()}-{store.local_name}")
        return plain.lstrip("._-")[-_LONGEST_WRITER:].lstrip("._-")
    if not is_writer_name(writer):
        raise InputError(
            f"{writer!r} cannot be the name of a writer. Use up to {_LONGEST_WRITER} letters, digits, dots, hyphens "
            "and underscores, a letter or digit first."
        )
    return writer


def _digest_key(store: StoreUrl) -> bytes:
    """Return what digests are made with; where it cannot be kept, every day is written again and compared as a file."""
    try:
        return pseudonym_key(store.data_dir / f"{store.local_name}.publishing.key")
    except OSError:
        return secrets.token_bytes(32)


@contextmanager
def _alone(store: StoreUrl) -> Iterator[None]:
    """Keep other processes of this machine from publishing the same store meanwhile.

    Raises:
        StoreError: one does.
    """
    folder = store.data_dir / "cache"
    with suppress(OSError):  # in a folder that takes no file
        make_folder(folder, store)
    try:
        lock = (folder / f"{store.local_name}.publishing.lock").open("w")
    except OSError:
        yield
        return
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise StoreError(
                f"Another process is publishing {store.shown}. Wait until it has ended, and publish again."
            ) from None
        yield
