"""Lakes for tests of reading: one build of what a store's views show, written without publishing and building."""

from datetime import UTC, datetime
from pathlib import Path

from asp_analysis.config import StoreUrl, parse_url
from asp_analysis.lake.builds import CURRENT, LakeBuild, LakeFile, LakeTable, Publication
from asp_analysis.lake.heads import DAY_COLUMNS, LAKE_TABLES
from asp_analysis.lake.objects import open_storage
from asp_analysis.session.attaching import attached
from asp_analysis.session.catalog import create_views
from asp_analysis.sql import digest_views

BUILT_MARTS = ("executions", "tasks", "task_history", "daily_costs", "role_costs")


def lake_url(folder: Path) -> StoreUrl:
    """Return the address of a folder as a lake."""
    return parse_url(f"lake://{folder}", Path("/"))


def build_lake(store: StoreUrl, url: StoreUrl, *, number: int = 1, marts: tuple[str, ...] = BUILT_MARTS) -> LakeBuild:
    """Write one build of a store into a folder: tables by month, some marts, and the pointer last."""
    storage = open_storage(url)
    folder = url.lake_folder
    assert folder is not None
    connection = attached(store)
    create_views(connection, is_copied=True)

    def write(name: str, place: str, instant: str | None) -> LakeTable:
        columns = {row[0]: row[1] for row in connection.execute(f"DESCRIBE {name}").fetchall()}
        period = f"COALESCE(strftime({instant}, '%Y-%m'), 'all')" if instant else "'all'"
        load = "SELECT * REPLACE (CAST(NULL AS BIGINT) AS load_id)" if "load_id" in columns else "SELECT *"
        files = []
        for (one,) in connection.execute(f"SELECT DISTINCT {period} FROM {name} ORDER BY ALL").fetchall():
            path = f"{place}/{one}-{number}.parquet"
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            rows = connection.execute(
                f"COPY ({load} FROM {name} WHERE {period} = '{one}') TO '{folder / path}' (FORMAT parquet)"
            ).fetchall()[0][0]
            files.append(LakeFile(path=path, period=one, rows=rows, size_bytes=(folder / path).stat().st_size))
        return LakeTable(columns=columns, files=tuple(files))

    tables = {name: write(name, f"tables/{name}", DAY_COLUMNS.get(name)) for name in LAKE_TABLES}
    built = {name: write(name, f"marts/{number:08d}/{name}", None) for name in marts}
    connection.close()
    build = LakeBuild(
        build=number,
        built_at=datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        engine="duckdb",
        writers={"home": Publication(published_at="2026-11-27T00:00:00Z", files=1, rows=1)},
        tables=tables,
        marts=built,
        views_digest=digest_views(),
    )
    storage.replace(CURRENT, build.write())
    return build
