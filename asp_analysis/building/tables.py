"""The tables of a lake: those periods of a table that changed are written again, each into one file."""

from collections.abc import Mapping

from asp_analysis.building.plan import TablePlan
from asp_analysis.building.repetitions import merge_repetitions
from asp_analysis.building.workshop import Workshop
from asp_analysis.lake.builds import LakeFile, LakeTable
from asp_analysis.progress import Step, tell
from asp_analysis.session import view_key

TABLES = "tables"


def build_table(shop: Workshop, plan: TablePlan, former: LakeTable | None) -> tuple[LakeTable, set[tuple[str, str]]]:
    """Write the periods of a table that changed; return the whole table, and the days that share keys."""
    columns = shop.columns[plan.table]
    if not plan.is_touched and former is not None and former.columns == columns:
        return former, plan.links
    if former is not None and former.columns != columns:
        plan.changed.update(plan.digests)
    links = merge_repetitions(shop, plan, former)
    stay = [file for file in (former.files if former else ()) if file.period not in plan.changed | plan.gone]
    written = []
    for number, period in enumerate(sorted(plan.changed), start=1):
        written.append(_write_period(shop, plan, period))
        tell(Step(part=plan.table, done=number, total=len(plan.changed), unit="periods"))
    files = sorted((*stay, *(file for file in written if file)), key=lambda file: file.period)
    return LakeTable(columns=columns, files=tuple(files)), links


def _write_period(shop: Workshop, plan: TablePlan, period: str) -> LakeFile | None:
    """Write the rows of one period, each key once."""
    columns, key = shop.columns[plan.table], view_key(plan.table)
    listed, keys = ", ".join(f'"{name}"' for name in columns), ", ".join(key)
    published = shop.select_from([source.path for source in plan.sources.get(period, ())], columns)
    days = ", ".join(f"'{day}'" for day, of in plan.days.items() if of == period)
    return shop.keep(
        f"SELECT {listed} FROM (SELECT {listed} FROM ({published}) ANTI JOIN asp_repeated USING ({keys}) "
        f"UNION ALL SELECT {listed} FROM asp_merged WHERE day IN ({days}))",
        f"{TABLES}/{plan.table}",
        period,
    )


def show_tables(shop: Workshop, tables: Mapping[str, LakeTable]) -> None:
    """Make the staging views over the files of a build; those that no lake has are empty."""
    for name, columns in shop.columns.items():
        shop.show(name, tables.get(name) or LakeTable(columns=columns, files=()))
