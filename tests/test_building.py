"""A build of a lake shows what one store would that had all that was published, however it came there."""

import errno
import json
import os
import random
import shutil
import sqlite3
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from asp_analysis.building import Order, build, one_build
from asp_analysis.building.lease import lease_path
from asp_analysis.config import StoreUrl, lake_url, parse_url
from asp_analysis.errors import StoreError
from asp_analysis.lake.builds import CURRENT, read_build
from asp_analysis.lake.objects import open_storage
from asp_analysis.publishing import PublishOrder, publish, withdraw
from asp_analysis.session import connect, view_key

ROWS_OF_TASKS = ("agent_cost_vector", "defect_log", "task_metadata")
WITHOUT_LOADS = ("stg_loads", "stg_aliases")
STORE = parse_url("none.db", Path("/"))


@pytest.fixture
def lake(tmp_path: Path) -> StoreUrl:
    return lake_url(str(tmp_path / "lake"), tmp_path)


def put(store: StoreUrl, lake: StoreUrl, writer: str) -> None:
    publish(store, lake, PublishOrder(writer=writer, has_text=True))


def part_of(store: StoreUrl, path: Path, tasks: list[str]) -> StoreUrl:
    """Return a store that has only some of the tasks."""
    shutil.copyfile(store.path, path)
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        for table in ROWS_OF_TASKS:
            places = ", ".join("?" * len(tasks))
            connection.execute(f"DELETE FROM {table} WHERE task_id NOT IN ({places})", tasks)
    connection.close()
    return parse_url(str(path), path.parent)


def tasks_of(store: StoreUrl) -> list[str]:
    with connect(store) as session:
        return [task for (task,) in session.rows("SELECT task_id FROM tasks ORDER BY 1").values]


def rows_of(url: StoreUrl) -> dict[str, list[tuple]]:
    """Return the rows of every view in the order of its key; numbers as far as sums in any order agree."""
    with connect(url) as session:
        views = [name for name in session.views()["view"] if name not in WITHOUT_LOADS]
        return {name: [tuple(map(rounded, row)) for row in ordered(session, name)] for name in views}


def ordered(session, name):
    columns = [column for column in session.views(name)["name"] if column != "load_id"]
    listed = ", ".join(f'"{column}"' for column in columns)
    return session.rows(f"SELECT {listed} FROM {name} ORDER BY {', '.join(view_key(name))}").values


def rounded(value):
    return float(f"{value:.10g}") if isinstance(value, float) else value


def assert_equal(lake: StoreUrl, store: StoreUrl) -> None:
    found, wanted = rows_of(lake), rows_of(store)
    assert {name for name in wanted if found[name] != wanted[name]} == set()
    pointed = read_build(open_storage(lake))
    for part in (*pointed.tables.values(), *pointed.marts.values()):
        assert len({file.period for file in part.files}) == len(part.files)


def test_a_lake_of_one_store_shows_what_the_store_shows(sample_store, lake):
    put(sample_store, lake, "one")
    built = build(lake)
    assert built.is_new and built.build.build == 1 and built.build.writers["one"].rows > 600
    assert_equal(lake, sample_store)


def test_an_empty_store_makes_an_empty_lake(empty_store, lake):
    put(empty_store, lake, "one")
    build(lake)
    assert_equal(lake, empty_store)


@pytest.mark.lake
@pytest.mark.parametrize("seed", range(3))
def test_stores_that_overlap_make_their_union_in_any_order(seed, sample_store, lake, tmp_path):
    luck, every = random.Random(seed), tasks_of(sample_store)
    have = {}
    for step in range(4):
        writer = f"writer-{luck.randrange(3)}"
        have[writer] = luck.sample(every, luck.randrange(1, len(every)))
        put(part_of(sample_store, tmp_path / f"{step}.db", have[writer]), lake, writer)
        if step == 2 and len(have) > 1:
            gone = luck.choice(sorted(have))
            del have[gone]
            withdraw(STORE, lake, gone)
        build(lake)
        union = part_of(sample_store, tmp_path / f"union-{step}.db", sorted(set().union(*have.values())))
        assert_equal(lake, union)


def test_a_build_without_a_change_makes_no_file(sample_store, lake, tmp_path):
    put(sample_store, lake, "one")
    build(lake)
    before = sorted(tmp_path.joinpath("lake").rglob("*.parquet"))
    again = build(lake)
    assert not again.is_new and again.changed == {}
    assert sorted(tmp_path.joinpath("lake").rglob("*.parquet")) == before


def test_a_corrected_value_comes_through_and_touches_its_month_alone(sample_store, lake, tmp_path):
    store = part_of(sample_store, tmp_path / "own.db", tasks_of(sample_store))
    put(store, lake, "one")
    first = build(lake).build
    with sqlite3.connect(store.path) as connection:
        (name,) = connection.execute("SELECT min(execution_id) FROM agent_cost_vector").fetchone()
        connection.execute("UPDATE agent_cost_vector SET cost_usd = 99 WHERE execution_id = ?", (name,))
    connection.close()
    put(store, lake, "one")
    second = build(lake)
    assert second.changed == {"stg_executions": 1}
    kept = set(first.tables["stg_executions"].files) & set(second.build.tables["stg_executions"].files)
    assert len(kept) == len(first.tables["stg_executions"].files) - 1
    assert_equal(lake, store)


def test_the_newest_known_value_counts_and_an_empty_one_erases_none(sample_store, lake, tmp_path):
    tasks = tasks_of(sample_store)
    older, newer = (part_of(sample_store, tmp_path / f"{name}.db", tasks) for name in ("older", "newer"))
    name = "SELECT min(execution_id) FROM agent_cost_vector"
    with sqlite3.connect(newer.path) as connection:
        connection.execute(
            f"UPDATE agent_cost_vector SET cost_usd = 7.5, latency_ms = NULL WHERE execution_id = ({name})"
        )
    connection.close()
    put(older, lake, "z-older")
    put(newer, lake, "a-newer")
    build(lake)
    of_first = "SELECT cost_usd, latency_ms FROM executions ORDER BY execution_id LIMIT 1"
    with connect(lake) as session, connect(older) as store:
        assert session.rows(of_first).values == [(7.5, store.rows(of_first).values[0][1])]


def test_delta_readers_see_the_rows_of_the_build(sample_store, lake, tmp_path):
    deltalake = pytest.importorskip("deltalake")
    put(sample_store, lake, "one")
    build(lake)
    withdraw(STORE, lake, "one")
    put(part_of(sample_store, tmp_path / "few.db", tasks_of(sample_store)[:5]), lake, "two")
    built = build(lake).build
    for name, table in built.tables.items():
        if table.files:
            delta = deltalake.DeltaTable(str(lake.lake_folder / "tables" / name))
            assert delta.to_pyarrow_table().num_rows == table.rows, name
            assert delta.version() == table.delta_version


def test_nobody_has_published(lake):
    with pytest.raises(StoreError, match=r"Nobody has published to .* yet"):
        build(lake)


def test_a_builder_that_is_at_work_keeps_others_away_and_a_dead_one_does_not(sample_store, lake):
    put(sample_store, lake, "one")
    storage = open_storage(lake)
    storage.create(lease_path(1), b'{"host": "elsewhere", "pid": 1, "renewed_at": "2999-01-01T00:00:00+00:00"}')
    with pytest.raises(StoreError, match="being built by process 1 on elsewhere"):
        build(lake)
    storage.replace(lease_path(1), b'{"host": "elsewhere", "pid": 1, "renewed_at": "2026-01-01T00:00:00+00:00"}')
    assert build(lake).build.build == 2
    assert storage.list_below("builds") == []


def test_a_newer_writer_a_damaged_head_and_a_foreign_file_are_named(sample_store, lake):
    put(sample_store, lake, "one")
    storage = open_storage(lake)
    storage.replace("inbox/strange.txt", b"hello")
    assert build(lake).purged.foreign == ("inbox/strange.txt",)
    head = storage.read("inbox/one/head.json")
    storage.replace("inbox/two/head.json", head.replace(b'"schema_version": ', b'"schema_version": 9'))
    with pytest.raises(StoreError, match=r"inbox/two/head.json has format 1 and schema version 9\d"):
        build(lake)
    storage.replace("inbox/two/head.json", b"[]")
    with pytest.raises(StoreError, match=r"inbox/two/head.json is not the head of a writer"):
        build(lake)


def test_a_file_that_is_no_parquet_is_named_and_the_former_build_stays(sample_store, lake, tmp_path):
    put(sample_store, lake, "one")
    build(lake)
    few = part_of(sample_store, tmp_path / "few.db", tasks_of(sample_store)[:9])
    put(few, lake, "two")
    broken = next((lake.lake_folder / "inbox/two/stg_tasks").rglob("*.parquet"))
    broken.write_bytes(b"PAR1 no more")
    with pytest.raises(StoreError, match=broken.name):
        build(lake)
    assert read_build(open_storage(lake)).build == 1
    assert_equal(lake, sample_store)


def test_what_no_build_names_goes_after_its_time(sample_store, lake, tmp_path):
    put(sample_store, lake, "one")
    build(lake)
    withdraw(STORE, lake, "one")
    put(part_of(sample_store, tmp_path / "few.db", tasks_of(sample_store)[:3]), lake, "two")
    assert build(lake).purged.files == 0
    assert build(lake, Order(purge_days=0)).purged.files > 10
    named = {
        part.path
        for parts in vars(read_build(open_storage(lake))).values()
        if isinstance(parts, dict)
        for table in parts.values()
        if hasattr(table, "columns")
        for part in table.files
    }
    left = {path.relative_to(lake.lake_folder).as_posix() for path in lake.lake_folder.rglob("*.parquet")}
    assert {path for path in left if not path.startswith("inbox/")} == named
    assert (lake.lake_folder / CURRENT).is_file()


def age_of_middle(store: StoreUrl) -> tuple[int, str]:
    """Return a day in the middle of the executions, as days before today and as text."""
    with connect(store) as session:
        ((day,),) = session.rows("SELECT strftime(median(executed_at), '%Y-%m-01') FROM executions").values
    return (datetime.now(UTC).date() - date.fromisoformat(day)).days, day


def test_executions_that_are_not_kept_leave_sums_of_days_and_tasks(sample_store, lake, tmp_path):
    tasks, (age, since) = tasks_of(sample_store), age_of_middle(sample_store)
    store = part_of(sample_store, tmp_path / "own.db", tasks)
    put(store, lake, "one")
    built = build(lake, Order(keep_days=age))
    wanted, found = rows_of(store), rows_of(lake)
    assert built.build.kept_since == since
    assert 0 < len(found["executions"]) < len(wanted["executions"])
    for name in ("daily_costs", "tasks", "work", "task_history"):
        assert found[name] == wanted[name], name
    assert not build(lake, Order(keep_days=age)).is_new

    with sqlite3.connect(store.path) as connection:  # a task that began before goes on
        connection.execute(
            "UPDATE agent_cost_vector SET executed_at = (SELECT max(executed_at) FROM agent_cost_vector) "
            "WHERE execution_id = (SELECT min(execution_id) FROM agent_cost_vector)"
        )
    connection.close()
    put(store, lake, "one")
    build(lake, Order(keep_days=age))
    wanted, found = rows_of(store), rows_of(lake)
    for name in ("daily_costs", "tasks", "work", "task_history"):
        assert found[name] == wanted[name], name

    build(lake)  # all are kept again
    assert_equal(lake, store)


def test_marts_of_other_texts_are_made_again(sample_store, lake, monkeypatch):
    put(sample_store, lake, "one")
    first = build(lake).build
    monkeypatch.setattr(one_build, "digest_views", lambda: "of another release")
    second = build(lake)
    assert second.is_new and second.changed == {}
    assert second.build.tables == first.tables
    assert {name for name, mart in first.marts.items() if mart.files and second.build.marts[name] == mart} == set()
    assert_equal(lake, sample_store)


@pytest.mark.parametrize(
    ("what", "value"),
    [
        ("path", "inbox/two/stg_people/day=all/0123456789abcdef0123456789abcdef.parquet"),
        ("path", "inbox/one/stg_people/day=all/../../../../secret.parquet"),
        ("day", "2026-01-01') OR TRUE --"),
        ("table", "stg_loads"),
        ("rows", "many"),
    ],
)
def test_a_head_that_speaks_of_more_than_its_own_files_is_refused(what, value, sample_store, lake):
    put(sample_store, lake, "one")
    storage = open_storage(lake)
    head = json.loads(storage.read("inbox/one/head.json"))
    head["files"][0][what] = value
    storage.replace("inbox/one/head.json", json.dumps(head).encode())
    with pytest.raises(StoreError, match=r"inbox/one/head.json is not the head of a writer"):
        build(lake)


@pytest.mark.parametrize(
    "change",
    [
        lambda table: table["columns"].update(task_id="VARCHAR) AS x FROM read_text('/etc/hosts') --"),
        lambda table: table["files"][0].update(path="/etc/hosts"),
        lambda table: table["files"][0].update(path="tables/../../elsewhere.parquet"),
    ],
)
def test_a_build_that_leads_out_of_its_lake_is_refused(change, sample_store, lake):
    put(sample_store, lake, "one")
    build(lake)
    storage = open_storage(lake)
    pointed = json.loads(storage.read(CURRENT))
    change(pointed["tables"]["stg_tasks"])
    storage.replace(CURRENT, json.dumps(pointed).encode())
    with pytest.raises(StoreError, match=r"current.json of the lake is not a build"):
        connect(lake)


def test_a_share_without_links_grants_a_lease_to_one(sample_store, lake, monkeypatch):
    def refuse(*_):
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    monkeypatch.setattr(os, "link", refuse)
    put(sample_store, lake, "one")
    storage = open_storage(lake)
    assert storage.create("builds/00000007/lease.json", b"{}") and not storage.create(
        "builds/00000007/lease.json", b"no"
    )
    assert storage.read("builds/00000007/lease.json") == b"{}"
    assert build(lake).build.build == 8


def test_no_answer_is_made_again_that_depends_on_nothing_new(sample_store, lake, tmp_path):
    store = part_of(sample_store, tmp_path / "own.db", tasks_of(sample_store))
    put(store, lake, "one")
    first = build(lake).build
    with sqlite3.connect(store.path) as connection:
        connection.execute("UPDATE people SET team = 'quay' WHERE team = (SELECT min(team) FROM people)")
    connection.close()
    put(store, lake, "one")
    second = build(lake)
    assert second.changed == {"stg_people": 1} and second.build.marts == first.marts
    assert_equal(lake, store)


def test_what_a_writer_has_not_named_yet_stays_whatever_is_purged(sample_store, lake):
    put(sample_store, lake, "one")
    storage = open_storage(lake)
    waiting = "inbox/two/stg_people/day=all/0123456789abcdef0123456789abcdef.parquet"
    storage.replace(waiting, b"on its way")
    build(lake, Order(purge_days=0))
    assert storage.read(waiting) == b"on its way"
    aged = (datetime.now(UTC) - timedelta(days=8)).timestamp()
    os.utime(lake.lake_folder / waiting, (aged, aged))
    assert build(lake).purged.files == 1 and storage.read(waiting) is None


def test_a_file_of_the_former_build_that_is_gone_says_how_to_begin_again(sample_store, lake, tmp_path):
    put(sample_store, lake, "one")
    built = build(lake).build
    (lake.lake_folder / built.tables["stg_executions"].files[0].path).unlink()
    put(part_of(sample_store, tmp_path / "few.db", tasks_of(sample_store)[:9]), lake, "one")
    with pytest.raises(StoreError, match=r"Remove current.json of the lake and build again"):
        build(lake)
    (lake.lake_folder / CURRENT).unlink()
    build(lake)
    assert_equal(lake, part_of(sample_store, tmp_path / "same.db", tasks_of(sample_store)[:9]))


@pytest.mark.parametrize(
    "option",
    [
        "--purge-days=inf",
        "--purge-days=nan",
        "--purge-days=1000000",
        "--keep-raw=999999d",
        "--keep-raw=0d",
        "--keep-raw=x",
    ],
)
def test_days_that_no_calendar_has_are_wrong_usage(option, lake, run):
    ran = run("build", str(lake.lake_folder), option)
    assert ran.exit_code == 2 and option.split("=")[0] in ran.err


def test_a_reader_of_another_release_computes_what_it_says_otherwise(sample_store, lake):
    put(sample_store, lake, "one")
    build(lake)
    storage = open_storage(lake)
    storage.replace(CURRENT, storage.read(CURRENT).replace(b'"views_digest":"', b'"views_digest":"0'))
    for mart in (lake.lake_folder / "marts").rglob("*.parquet"):
        mart.unlink()
    with connect(lake) as session:
        assert session.source.endswith("answers are computed until the next build")
    assert rows_of(lake) == rows_of(sample_store)
