"""One row per key, whoever published it: rows of one key become one, of the newest known value of each column.

Within one store keys do not repeat, so that a lake of one writer costs nothing here. Of several, the keys alone are
read first; only rows of keys that come twice are merged.
"""

from asp_analysis.building.plan import TablePlan, linked_days
from asp_analysis.building.workshop import Workshop
from asp_analysis.lake.builds import LakeTable
from asp_analysis.lake.heads import DAY_COLUMNS, UNDATED
from asp_analysis.session import view_key

_JSON_OBJECTS = {"metadata_json", "labels"}
_STUBS_LAST = 1_000_000_000
"""Is added to the rank of what is known of a task beyond its name."""


def merge_repetitions(shop: Workshop, plan: TablePlan, former: LakeTable | None) -> set[tuple[str, str]]:
    """Make `asp_repeated`, the keys that come twice, and `asp_merged`, one row for each, with its day.

    What is left as it was is drawn in where it shares a key with what changes: the plan's `changed` grows. Returns the
    pairs of days that share keys.
    """
    key = view_key(plan.table)
    if not plan.has_several_writers:
        _show_none(shop, plan, key)
        return set()
    while True:
        _read_sources(shop, plan, sorted(plan.changed))
        _find_repeated(shop, plan, key, former)
        drawn = _draw_in(shop, plan, key, former)
        if not drawn:
            break
        plan.changed.update(drawn)
    _merge(shop, plan, key)
    return _link(shop, plan, key)


def _show_none(shop: Workshop, plan: TablePlan, key: tuple[str, ...]) -> None:
    """Make both tables without a row."""
    none = shop.select_from([], shop.columns[plan.table])
    shop.run(f"CREATE OR REPLACE TEMP TABLE asp_repeated AS SELECT {', '.join(key)} FROM ({none})")
    shop.run(f"CREATE OR REPLACE TEMP TABLE asp_merged AS SELECT *, CAST(NULL AS VARCHAR) AS day FROM ({none})")


def _read_sources(shop: Workshop, plan: TablePlan, periods: list[str]) -> None:
    """Make `asp_published`: all rows of periods with their file, and `asp_sources`: the day and rank of each file."""
    sources = [source for period in periods for source in plan.sources.get(period, ())]
    listed = shop.select_from([source.path for source in sources], shop.columns[plan.table], ", asp_file")
    shop.run(f"CREATE OR REPLACE TEMP VIEW asp_published AS {listed}")
    shop.run(
        "CREATE OR REPLACE TEMP TABLE asp_sources AS SELECT UNNEST($files::VARCHAR[]) AS asp_file, "
        "UNNEST($days::VARCHAR[]) AS day, UNNEST($ranks::BIGINT[]) AS rank",
        files=[shop.place(source.path) for source in sources],
        days=[source.day for source in sources],
        ranks=[source.rank for source in sources],
    )


def _find_repeated(shop: Workshop, plan: TablePlan, key: tuple[str, ...], former: LakeTable | None) -> None:
    keys = ", ".join(key)
    _show_kept(shop, plan, former)
    shop.run(
        f"CREATE OR REPLACE TEMP TABLE asp_repeated AS SELECT {keys} FROM (SELECT {keys} FROM asp_published "
        f"UNION ALL SELECT {keys} FROM asp_kept SEMI JOIN asp_published USING ({keys})) "
        f"GROUP BY {keys} HAVING count(*) > 1"
    )


def _show_kept(shop: Workshop, plan: TablePlan, former: LakeTable | None) -> None:
    """Make `asp_kept`: the rows of the former build in periods that stay as they are."""
    stay = [file for file in (former.files if former else ()) if file.period not in plan.changed | plan.gone]
    listed = shop.select_from([file.path for file in stay], shop.columns[plan.table], ", asp_file")
    shop.run(f"CREATE OR REPLACE TEMP VIEW asp_kept AS {listed}")
    shop.run(
        "CREATE OR REPLACE TEMP TABLE asp_kept_files AS SELECT UNNEST($files::VARCHAR[]) AS asp_file, "
        "UNNEST($periods::VARCHAR[]) AS period",
        files=[address for address, _ in shop.addresses(stay)],
        periods=[file.period for file in stay],
    )


def _draw_in(shop: Workshop, plan: TablePlan, key: tuple[str, ...], former: LakeTable | None) -> set[str]:
    """Return the periods that stay as they were, though they share a key with those that change."""
    if former is None:
        return set()
    found = shop.run(
        f"SELECT DISTINCT period FROM asp_kept SEMI JOIN asp_repeated USING ({', '.join(key)}) "
        "INNER JOIN asp_kept_files USING (asp_file)"
    )
    periods = {str(period) for (period,) in found}
    days = {day for day, period in plan.days.items() if period in periods}
    return {plan.days[day] for day in linked_days(days, plan.links) if day in plan.days} - plan.changed


def _merge(shop: Workshop, plan: TablePlan, key: tuple[str, ...]) -> None:
    columns = [name for name in shop.columns[plan.table] if name not in key]
    rank = f"rank + CASE WHEN is_stub THEN 0 ELSE {_STUBS_LAST} END" if plan.table == "stg_tasks" else "rank"
    values = ", ".join(f'{_newest(plan.table, name)} AS "{name}"' for name in columns)
    ordered = ", ".join(f'"{name}"' for name in shop.columns[plan.table])
    day = f"strftime({DAY_COLUMNS[plan.table]}, '%Y-%m-%d')" if plan.table in DAY_COLUMNS else f"'{UNDATED}'"
    keys = ", ".join(key)
    shop.run(
        f"CREATE OR REPLACE TEMP TABLE asp_merged AS SELECT {ordered}, {day} AS day FROM ("
        f"SELECT {keys}, {values} FROM (SELECT *, {rank} AS asp_rank FROM asp_published "
        f"SEMI JOIN asp_repeated USING ({keys}) INNER JOIN asp_sources USING (asp_file)) GROUP BY {keys})"
    )


def _newest(table: str, name: str) -> str:
    newest = f'arg_max("{name}", asp_rank)'
    if name in _JSON_OBJECTS:
        merged = (
            f'list_reduce(list("{name}" ORDER BY asp_rank) FILTER (WHERE "{name}" IS NOT NULL), '
            "lambda a, b: CAST(json_merge_patch(a, b) AS VARCHAR))"
        )
        return f'CASE WHEN count(DISTINCT "{name}") > 1 THEN {merged} ELSE {newest} END'
    if table == "stg_tasks" and name == "created_at":
        return f"CASE WHEN bool_and(is_stub) THEN min(created_at) ELSE {newest} END"
    return newest


def _link(shop: Workshop, plan: TablePlan, key: tuple[str, ...]) -> set[tuple[str, str]]:
    """Return the pairs of days that share keys: those found now, and the known ones between days that stay."""
    keys = ", ".join(key)
    shop.run(
        f"CREATE OR REPLACE TEMP TABLE asp_shared AS SELECT DISTINCT {keys}, day FROM asp_published "
        f"SEMI JOIN asp_repeated USING ({keys}) INNER JOIN asp_sources USING (asp_file)"
    )
    found = shop.run(
        f"SELECT DISTINCT one.day, other.day FROM asp_shared AS one INNER JOIN asp_shared AS other USING ({keys}) "
        "WHERE one.day < other.day"
    )
    stay = {pair for pair in plan.links if not any(plan.days.get(day) in plan.changed for day in pair)}
    return stay | {(str(first), str(second)) for first, second in found}
