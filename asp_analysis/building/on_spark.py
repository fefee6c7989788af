"""The marts of a lake on a Spark cluster: the same files by the same periods, each mart that changed made whole there.

DuckDB makes again what belongs to tasks that changed; a cluster is there for lakes of which nearly all has changed, or
which one machine cannot hold. Files are written below a folder of their own in that of the build, and nobody reads them
before the pointer names them.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from threading import Event, Thread
from uuid import uuid4

from asp_analysis import sql
from asp_analysis.building.marts import (
    BY_DAY,
    BY_TASK,
    MART_ORDER,
    MARTS,
    NOT_KEPT,
    Rebuild,
    read_columns,
    read_sources,
)
from asp_analysis.building.retention import EXECUTION_ROWS
from asp_analysis.building.workshop import Workshop
from asp_analysis.errors import StoreError
from asp_analysis.lake.builds import LakeFile, LakeTable
from asp_analysis.lake.heads import UNDATED
from asp_analysis.lake.objects import StoredObject
from asp_analysis.progress import Step, tell
from asp_analysis.session.catalog import marts as ordered_marts
from asp_analysis.spark import MartText, SparkCluster, StagedFiles

SPARK_FOLDER = "spark-"
"""How the folder begins that a build has on a cluster, within that of its marts."""

_SIGN_OF_LIFE_S = 60
_PERIOD = "asp_period"
_PATH = re.compile(rf"/(\w+)/{_PERIOD}=([^/]+)/[^/]+\.parquet$")
"""What Spark names a file: its mart, its period."""


def build_marts_on(
    cluster: SparkCluster, shop: Workshop, rebuild: Rebuild, renew: Callable[[], None]
) -> dict[str, LakeTable]:
    """Make all marts that are kept on a cluster; renew: the builder's sign of life, once a minute.

    As without a cluster, sums of tasks and days are of all executions, and the other marts of those that are kept.

    Raises:
        StoreError: the cluster cannot be reached, or it could not compute a mart.
    """
    for name in ordered_marts():
        shop.run(f"CREATE OR REPLACE VIEW {name} AS {sql.view_text('marts', name)}")
    kept = [name for name in ordered_marts() if name not in NOT_KEPT]
    sums = [name for name in kept if name in BY_TASK + BY_DAY]
    others = [name for name in kept if name not in sums]
    with _signs_of_life(renew):
        made = _compute(cluster, shop, rebuild, _Shift(wanted=sums, made={}))
        rebuild = replace(rebuild, tables={**rebuild.tables, EXECUTION_ROWS: rebuild.kept})
        return made | _compute(cluster, shop, rebuild, _Shift(wanted=others, made=made))


@contextmanager
def _signs_of_life(renew: Callable[[], None]) -> Iterator[None]:
    """Renew the lease while a cluster computes. Where another builder took over, the builder itself finds out next."""
    ended = Event()

    def go_on() -> None:
        while not ended.wait(_SIGN_OF_LIFE_S):
            with suppress(StoreError):
                renew()

    thread = Thread(target=go_on, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@dataclass(frozen=True, kw_only=True)
class _Shift:
    """Marts that are made of the same rows; made: those that they may read."""

    wanted: list[str]
    made: Mapping[str, LakeTable]


def _compute(cluster: SparkCluster, shop: Workshop, rebuild: Rebuild, part: _Shift) -> dict[str, LakeTable]:
    """Return the marts of a part: those that have not changed, and the others as the cluster made them."""
    columns = {name: read_columns(shop, name) for name in part.wanted}
    same = {name: former for name in columns if (former := _unchanged(rebuild, name, columns[name])) is not None}
    texts = [_mart_text(name) for name in ordered_marts() if name in set(columns) - set(same) or name in NOT_KEPT]
    folder = f"{MARTS}/{shop.number:08}/{SPARK_FOLDER}{uuid4().hex[:12]}"
    if len(same) < len(columns):
        readable = {name: _staged(shop, table) for name, table in {**rebuild.tables, **part.made, **same}.items()}
        inputs = {name: StagedFiles(of, ()) for name, of in shop.columns.items()} | readable
        cluster.compute(inputs, texts, shop.storage.address(folder), _shower(len(texts)))
    written = _list_written(shop, folder)
    return {name: same.get(name) or LakeTable(columns=columns[name], files=written[name]) for name in columns}


def _unchanged(rebuild: Rebuild, name: str, columns: Mapping[str, str]) -> LakeTable | None:
    former = rebuild.former.marts.get(name) if rebuild.former else None
    is_same = former is not None and former.columns == columns and not rebuild.is_changed(read_sources(name))
    return former if is_same else None


def _mart_text(name: str) -> MartText:
    """Return a mart with the period of each row, as the marts that DuckDB makes have them."""
    text = sql.view_text("marts", name)
    if name in NOT_KEPT:
        return MartText(name=name, text=text, is_written=False)
    if name in BY_TASK:
        period = f"COALESCE(strftime(owner.created_at, '%Y-%m'), '{UNDATED}')"
        joined = "LEFT JOIN (SELECT task_id, created_at FROM stg_tasks) AS owner ON mart.task_id = owner.task_id"
    else:
        period, joined = (
            (f"COALESCE(strftime(mart.day, '%Y-%m'), '{UNDATED}')" if name in BY_DAY else f"'{UNDATED}'"),
            "",
        )
    text = f"SELECT mart.*, {period} AS {_PERIOD} FROM (\n{text}\n) AS mart {joined}"
    return MartText(name=name, text=text, partition=_PERIOD, order=MART_ORDER.get(name, ()))


def _staged(shop: Workshop, table: LakeTable) -> StagedFiles:
    return StagedFiles(table.columns, [shop.storage.address(file.path) for file in table.files])


def _shower(total: int) -> Callable[[int], None]:
    return lambda done: tell(Step(part="marts", done=done, total=total, unit="marts"))


def _list_written(shop: Workshop, folder: str) -> Mapping[str, tuple[LakeFile, ...]]:
    """Return the files that Spark wrote, those of each mart in the order of their periods."""
    found = [(match, one) for one in shop.storage.list_below(folder) if (match := _PATH.search(f"/{one.path}"))]
    rows = _count_rows(shop, (one for _, one in found))
    files: dict[str, list[LakeFile]] = defaultdict(list)
    for match, one in sorted(found, key=lambda pair: (pair[0][2], pair[1].path)):
        file = LakeFile(path=one.path, period=match[2], rows=rows[one.path], size_bytes=one.size_bytes)
        files[match[1]].append(file)
    return defaultdict(tuple, {name: tuple(ones) for name, ones in files.items()})


def _count_rows(shop: Workshop, objects: Iterable[StoredObject]) -> dict[str, int]:
    """Return path -> rows, as the files themselves say at their ends."""
    paths = {shop.place(one.path): one.path for one in objects}
    if not paths:
        return {}
    places = ", ".join(map(sql.quoted, paths))
    counted = shop.run(f"SELECT file_name, num_rows FROM parquet_file_metadata([{places}])")
    return {paths[str(name)]: int(str(rows)) for name, rows in counted}
