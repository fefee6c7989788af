"""A lake as `status` shows it: its build, how far each writer is behind, and what waits for the next build."""

from dataclasses import dataclass
from datetime import datetime

import pandas as pd

from asp_analysis.config import StoreUrl
from asp_analysis.errors import StoreError
from asp_analysis.lake.builds import LakeBuild, Publication
from asp_analysis.lake.heads import WriterHead, read_heads
from asp_analysis.lake.objects import Storage
from asp_analysis.session.lake_reader import open_lake, read_present_build

_WRITER_INSTANTS = ("published_at", "built_of")
_WRITER_COUNTS = ("files", "rows", "waiting_files", "waiting_rows", "waiting_bytes")


@dataclass(frozen=True, kw_only=True)
class LakeFacts:
    """The build of a lake and its writers; instants in UTC, without zone.

    cpu_s: of the last build, None where it does not say. writers: one row each; published_at: of its newest head;
    built_of: of the head that the build has; waiting_*: files that came since then. remark: why that is not known.
    """

    build: int
    built_at: pd.Timestamp
    engine: str
    cpu_s: float | None
    files: int
    rows: int
    size_bytes: int
    writers: pd.DataFrame
    remark: str = ""


def measure_lake(url: StoreUrl) -> LakeFacts:
    """Read the pointer of a lake and the heads of its writers.

    Raises:
        StoreError: there is no build, or the lake cannot be reached.
    """
    storage = open_lake(url)
    build = read_present_build(url, storage)
    heads, remark = _read_heads(storage)
    files = [file for table in (*build.tables.values(), *build.marts.values()) for file in table.files]
    return LakeFacts(
        build=build.build,
        built_at=_instant(build.built_at),
        engine=build.engine,
        cpu_s=build.cpu_s,
        files=len(files),
        rows=sum(table.rows for table in build.tables.values()),
        size_bytes=sum(file.size_bytes for file in files),
        writers=_list_writers(build, heads),
        remark=remark,
    )


def _read_heads(storage: Storage) -> tuple[dict[str, WriterHead] | None, str]:
    """Return the heads by writer; None, and why, where this reader has no right to see them."""
    try:
        return {head.writer: head for head in read_heads(storage)}, ""
    except StoreError as error:
        return None, f"what waits for the next build is not known: {error}"


def _list_writers(build: LakeBuild, heads: dict[str, WriterHead] | None) -> pd.DataFrame:
    known = heads or {}
    names = sorted({*build.writers, *known})
    rows = [_describe_writer(name, build.writers.get(name), known.get(name)) for name in names]
    frame = pd.DataFrame(rows, columns=["writer", *_WRITER_INSTANTS, *_WRITER_COUNTS])
    return frame.astype({**dict.fromkeys(_WRITER_INSTANTS, "datetime64[us]"), **dict.fromkeys(_WRITER_COUNTS, "Int64")})


def _describe_writer(name: str, built: Publication | None, head: WriterHead | None) -> dict[str, object]:
    row: dict[str, object] = {"writer": name}
    if built is not None:
        row |= {"built_of": _instant(built.published_at), "files": built.files, "rows": built.rows}
        row["published_at"] = row["built_of"]
    if head is not None:
        taken = "" if built is None else built.published_at
        row["published_at"] = _instant(head.published_at)
        waiting = [file for file in head.files if file.published_at > taken]
        row["waiting_files"] = len(waiting)
        row["waiting_rows"] = sum(file.rows for file in waiting)
        row["waiting_bytes"] = sum(file.size_bytes for file in waiting)
    return row


def _instant(text: str) -> pd.Timestamp:
    return pd.Timestamp(datetime.fromisoformat(text)).tz_convert(None)
