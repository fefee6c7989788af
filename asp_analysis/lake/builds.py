"""What the present build of a lake consists of: one small file that is replaced in one step, after all it names."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from asp_analysis.errors import StoreError
from asp_analysis.lake.objects import Storage
from asp_analysis.sql import SCHEMA_VERSION

CURRENT = "current.json"
BUILD_FORMAT = 1
_PERIOD_TEXT = re.compile(r"all|\d{4}-\d{2}(-\d{2})?", re.ASCII)
_TYPE = re.compile(r"[A-Z][A-Z0-9_ ]*(\(\d+, ?\d+\))?(\[\])?")
"""DuckDB's types of columns, such as TIMESTAMP, DECIMAL(18,3) and VARCHAR[]."""


@dataclass(frozen=True, kw_only=True)
class LakeFile:
    """A Parquet file of a table or mart. period: a month, a day of many rows, or `all`."""

    path: str
    period: str
    rows: int
    size_bytes: int


@dataclass(frozen=True, kw_only=True)
class LakeTable:
    """A table or a mart of a build: its columns with DuckDB's types, its files, its version where it is Delta's."""

    columns: dict[str, str]
    files: tuple[LakeFile, ...]
    delta_version: int | None = None

    @property
    def rows(self) -> int:
        """How many rows it has."""
        return sum(file.rows for file in self.files)


@dataclass(frozen=True, kw_only=True)
class Publication:
    """What a build has taken from one writer: of which head, how many files and rows."""

    published_at: str
    files: int
    rows: int


@dataclass(frozen=True, kw_only=True)
class LakeBuild:
    """One build. tables: staging view -> its table. marts: mart -> its files; those not named are computed when asked.

    sources: (table, period) as `TABLE PERIOD` -> what its rows were made of, so that the next build sees what changed.
    links: table -> pairs of days that share keys, and are made together. cpu_s: what the build took. kept_since: the
    first day whose executions are kept, None where all are. views_digest: of the texts that the marts were made by.
    """

    build: int
    built_at: str
    engine: str
    writers: dict[str, Publication] = field(default_factory=dict)
    tables: dict[str, LakeTable] = field(default_factory=dict)
    marts: dict[str, LakeTable] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    links: dict[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    cpu_s: float | None = None
    kept_since: str | None = None
    views_digest: str = ""
    schema_version: int = SCHEMA_VERSION

    def write(self) -> bytes:
        """Return the pointer as it is stored."""
        return json.dumps({"format": BUILD_FORMAT, **asdict(self)}, separators=(",", ":")).encode()


def read_build(storage: Storage) -> LakeBuild | None:
    """Read the present build, None where nothing was built yet.

    Raises:
        StoreError: the file is no pointer, or a newer workbench built the lake.
    """
    content = storage.read(CURRENT)
    return None if content is None else parse_build(content)


def parse_build(content: bytes) -> LakeBuild:
    """Read the text of a pointer.

    Raises:
        StoreError: it is none, or a newer workbench wrote it.
    """
    try:
        told: dict[str, Any] = json.loads(content)
        version = told.pop("format"), told["schema_version"]
        if version[0] <= BUILD_FORMAT and version[1] <= SCHEMA_VERSION:
            return _make_build(told)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise StoreError(
            f"{CURRENT} of the lake is not a build of this workbench. Build it again: asp-analysis build URL"
        ) from None
    raise StoreError(
        f"The lake was built with format {version[0]} and schema version {version[1]}, this workbench reads format "
        f"{BUILD_FORMAT} and schema version {SCHEMA_VERSION} or older. Use the workbench that built it, or a newer."
    )


def _make_build(told: Mapping[str, Any]) -> LakeBuild:
    links = {table: tuple((first, second) for first, second in pairs) for table, pairs in told["links"].items()}
    return LakeBuild(
        **{
            **told,
            "writers": {name: Publication(**one) for name, one in told["writers"].items()},
            "tables": {name: _make_table(one) for name, one in told["tables"].items()},
            "marts": {name: _make_table(one) for name, one in told["marts"].items()},
            "links": links,
        }
    )


def _make_table(told: Mapping[str, Any]) -> LakeTable:
    """Return a table whose files are in the lake and whose types are types: a lake may come from anybody.

    Raises:
        ValueError: a file is elsewhere, or a type is more than one.
    """
    for kind in told["columns"].values():
        if not _TYPE.fullmatch(kind):
            raise ValueError(kind)
    for file in told["files"]:
        if (
            file["path"].startswith("/")
            or ".." in file["path"].split("/")
            or not _PERIOD_TEXT.fullmatch(file["period"])
        ):
            raise ValueError(file["path"])
    return LakeTable(
        columns=told["columns"],
        files=tuple(LakeFile(**file) for file in told["files"]),
        delta_version=told["delta_version"],
    )
