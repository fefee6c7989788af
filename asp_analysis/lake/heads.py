"""What a writer has published: its head names its files, and only what a head names is part of the lake."""

import json
import re
from dataclasses import asdict, dataclass, fields
from typing import Any

from asp_analysis.errors import StoreError
from asp_analysis.lake.objects import Storage
from asp_analysis.sql import SCHEMA_VERSION

INBOX = "inbox"
HEAD = "head.json"
HEAD_FORMAT = 1

DAY_COLUMNS = {
    "stg_executions": "executed_at",
    "stg_tasks": "created_at",
    "stg_defects": "found_at",
    "stg_learning": "measured_at",
    "stg_changes": "started_at",
}
"""Staging view that is published by days -> the instant that says of which day (UTC) a row is."""

UNDATED = "all"
"""Stands for the day of a table that has none."""

LAKE_TABLES = (
    *DAY_COLUMNS,
    "stg_people",
    "stg_roles",
    "stg_capabilities",
    "stg_defect_types",
    "stg_change_sessions",
    "stg_budgets",
    "stg_agent_changes",
    "stg_change_assignments",
)
"""The staging views that a lake holds. Of the others, aliases are applied before rows are published, and loads are a
matter of each store."""

_DAY_TEXT = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_CONTENT_NAME = re.compile(r"[0-9a-f]{32}\.parquet")
_WRITER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True, kw_only=True)
class HeadFile:
    """A file of a writer: the rows of one day of one table.

    path: from the root of the lake. digest: of the rows; with the same digest a day need not be written again.
    published_at: when a head named the file first (ISO 8601, UTC).
    """

    path: str
    table: str
    day: str
    rows: int
    size_bytes: int
    digest: str
    published_at: str


@dataclass(frozen=True, kw_only=True)
class WriterHead:
    """All that one writer has published, as of one state of its store."""

    writer: str
    published_at: str
    product: str
    files: tuple[HeadFile, ...]
    schema_version: int = SCHEMA_VERSION

    def write(self) -> bytes:
        """Return the head as it is stored."""
        return json.dumps({"format": HEAD_FORMAT, **asdict(self)}, indent=1).encode()


def is_writer_name(name: str) -> bool:
    """Return whether a name can be that of a writer: it is a folder's in every kind of storage."""
    return _WRITER.fullmatch(name) is not None


def head_path(writer: str) -> str:
    """Return where the head of a writer is."""
    return f"{INBOX}/{writer}/{HEAD}"


def read_head(storage: Storage, writer: str) -> WriterHead | None:
    """Read the head of one writer, None where it has none.

    Raises:
        StoreError: the file is no head, or a newer workbench wrote it.
    """
    content = storage.read(head_path(writer))
    return None if content is None else _parse(content, writer)


def read_heads(storage: Storage) -> list[WriterHead]:
    """Read the heads of all writers, in the order of their names.

    Raises:
        StoreError: a file is no head, or a newer workbench wrote it.
    """
    heads = (read_head(storage, writer) for writer in storage.list_folders(INBOX))
    return [head for head in heads if head is not None]


def _parse(content: bytes, writer: str) -> WriterHead:
    path = head_path(writer)
    try:
        told: dict[str, Any] = json.loads(content)
        version = told["format"], told["schema_version"]
        if version[0] <= HEAD_FORMAT and version[1] <= SCHEMA_VERSION:
            return _make_head(told, writer)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise StoreError(
            f"{path} is not the head of a writer of this workbench. Remove it, or let its writer publish again: "
            "asp-analysis publish URL"
        ) from None
    raise StoreError(
        f"{path} has format {version[0]} and schema version {version[1]}, this workbench reads format {HEAD_FORMAT} "
        f"and schema version {SCHEMA_VERSION} or older. Build with the workbench of that writer, or a newer one."
    )


def _make_head(told: dict[str, Any], writer: str) -> WriterHead:
    """Return a head that speaks of its own writer's files alone: whoever writes one may know no more of the lake.

    Raises:
        ValueError: it names others.
    """
    if told["writer"] != writer:
        raise ValueError(told["writer"])
    names = {field.name for field in fields(HeadFile)}
    files = tuple(HeadFile(**{name: file[name] for name in names}) for file in told["files"])
    for file in files:
        _check_file(file, writer)
    return WriterHead(
        writer=writer,
        published_at=told["published_at"],
        product=told["product"],
        files=files,
        schema_version=told["schema_version"],
    )


def _check_file(file: HeadFile, writer: str) -> None:
    """Check that a file is where a writer's files of a day are, and has the name that its content gives.

    Raises:
        ValueError: it is not, or its day or its table is none.
    """
    folder = f"{INBOX}/{writer}/{file.table}/day={file.day}/"
    is_dated = file.table in DAY_COLUMNS and _DAY_TEXT.fullmatch(file.day) is not None
    is_known = is_dated or (file.table in LAKE_TABLES and file.table not in DAY_COLUMNS and file.day == UNDATED)
    is_counted = type(file.rows) is int and type(file.size_bytes) is int and file.rows >= 0
    if not (
        is_known and is_counted and file.path.startswith(folder) and _CONTENT_NAME.fullmatch(file.path[len(folder) :])
    ):
        raise ValueError(file.path)
