"""The public command line in any order: what a store says depends on what was loaded, not on how it got there."""

import io
import json
import math
import os
import shutil
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import count
from pathlib import Path
from unittest import mock

import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from asp_analysis import cli, sql
from asp_analysis.config import StoreUrl, parse_url
from asp_analysis.session import connect, readers
from asp_analysis.store.database import create_store
from tests.postgres import new_database
from tests.test_export import assert_same_views, views
from tests.test_unload import DEFECTS, TASKS, UNNAMED, call

pytestmark = pytest.mark.slow

_names = count()


@dataclass(frozen=True)
class Said:
    """What a command printed and how it ended."""

    out: str
    err: str
    exit_code: int


def asp(*words):
    """Run a command line in this process."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    texts = [word.text if isinstance(word, StoreUrl) else str(word) for word in words]
    with mock.patch.object(sys, "argv", ["asp-analysis", *texts]), redirect_stdout(out), redirect_stderr(err):
        try:
            cli.main()
        except SystemExit as stop:
            code = int(stop.code or 0)
    assert "Traceback" not in err.getvalue()
    return Said(out.getvalue(), err.getvalue(), code)


def well(*words):
    ran = asp(*words)
    assert ran.exit_code == 0, (words, ran.err)
    return ran.out


def runs(start, many, name="T"):
    return [f"2026-01-{1 + n % 28:02}T{n % 24:02}:30:00Z,{name}-{n % 4},Code,{1 + n / 8}\n"
            for n in range(start, start + many)]  # fmt: skip


PARTS = {
    "runs.csv": (UNNAMED, runs(0, 8)),
    "more.csv": (UNNAMED, runs(8, 6, "U")),
    "tasks.csv": (TASKS, ['T-0,2026-01-01,completed,13,"{""x"":1}"\n', "T-1,2026-01-02,failed,5,\n",
                          "V-1,2026-01-03,,8,\n"]),
    "defects.csv": (DEFECTS, ["d,2026-01-08,T-0,70_Data,Code,Test,wrong,Low\n",
                              "e,2026-01-09,W-1,20_Syntax,Code,Test,w,\n"]),
    "people.csv": ("person,from_day,team\n", ["ada,2026-01-01,red\n", "bob,2026-01-01,blue\n"]),
    "s-1.jsonl": ("", [call(n, out=n + 1) + "\n" for n in range(1, 5)]),
    "s-2.jsonl": ("", [call(n, out=n + 1, session="s-2", cwd="/work/other") + "\n" for n in range(5, 8)]),
}  # fmt: skip
"""File -> its header and its records: what they say does not contradict what another says."""
FILES = sorted(PARTS)


class Stores:
    """Makes stores by copying an empty one, and writes the files of `PARTS`, whole or the first records of them."""

    def __init__(self, folder):
        self.folder, self.empty = folder, parse_url("empty.db", folder)
        create_store(self.empty)
        self._expected = None

    def new(self):
        folder = self.folder / f"run-{next(_names)}"
        folder.mkdir()
        shutil.copyfile(self.empty.path, folder / "store.db")
        return parse_url("store.db", folder)

    def load(self, url, name, share=1.0):
        header, records = PARTS[name]
        path = url.path.parent / name
        path.write_text(header + "".join(records[: math.ceil(len(records) * share)]))
        return json.loads(well("load", path, "--json", "--db", url))

    @property
    def expected(self):
        """The views of a store into which every file was loaded once, in the order of their names."""
        if self._expected is None:
            url = self.new()
            for name in FILES:
                self.load(url, name)
            self._expected = views(url)
        return self._expected


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    return Stores(tmp_path_factory.mktemp("sequences"))


def unload(url, place):
    """Take one of the loads back; one on which others depend stays."""
    loads = json.loads(well("sql", "SELECT load_id FROM stg_loads ORDER BY load_id", "--json", "--db", url))
    if loads:
        ran = asp("unload", loads[place % len(loads)]["load_id"], "--yes", "--db", url)
        assert ran.exit_code == 0 or "cannot be taken back" in ran.err, ran.err


STEP = st.one_of(
    st.tuples(st.sampled_from(FILES), st.sampled_from([1.0, 0.3, 0.6])),
    st.integers(0, 9).map(lambda place: ("", place)),
)
FEW = settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))


def run_steps(stores, url, steps):
    for name, what in steps:
        stores.load(url, name, what) if name else unload(url, what)


@FEW
@given(steps=st.lists(STEP, max_size=6), order=st.permutations(FILES))
@example(steps=[("s-1.jsonl", 0.3), ("", 0)], order=FILES[::-1])
@example(steps=[("defects.csv", 0.6), ("runs.csv", 0.6), ("", 0), ("", 0)], order=FILES[::-1])
def test_any_loads_parts_repeats_and_unloads_end_in_the_same_store(stores, steps, order):
    url = stores.new()
    run_steps(stores, url, steps)
    for name in order:
        stores.load(url, name)
    again = stores.load(url, order[0])
    assert again["written"] == again["updated"] == 0
    assert_same_views(views(url), stores.expected)


@settings(FEW, max_examples=4)
@given(steps=st.lists(STEP, min_size=1, max_size=5))
@example(steps=[(name, 1.0) for name in FILES])
def test_every_way_of_taking_a_store_elsewhere_gives_equal_views(stores, steps, postgres_server):
    url = stores.new()
    run_steps(stores, url, steps)
    whole = views(url)
    written = json.loads(well("export", "--raw", "--out", url.path.parent / "out", "--json", "--db", url))
    exported = stores.new()
    files = {one["table"]: one["file"] for one in written}
    well("load", *(files[table] for table in sql.RECORD_TABLES if table in files), "--db", exported)
    assert_same_views(views(exported), whole)
    backup = well("backup", "--db", url).strip()
    restored = stores.new()
    well("restore", backup, "--yes", "--db", restored)
    assert_same_views(views(restored), whole)
    with mock.patch.object(readers, "COPIED_ROWS", -1), connect(url) as session:
        assert session.source.startswith("from a snapshot")
        for name in ("executions", "tasks"):
            pd.testing.assert_frame_equal(session.view(name), live_view(url, name))
    with new_database(postgres_server) as server:
        well("migrate", server, "--from", url)
        assert_same_views(views(parse_url(server, Path())), whole)


def live_view(url, name):
    with connect(url, is_live=True) as session:
        return session.view(name)


@settings(FEW, max_examples=6)
@given(cuts=st.lists(st.integers(-1, 45), min_size=1, max_size=3, unique=True),
       zone=st.sampled_from(["UTC", "Pacific/Kiritimati", "America/St_Johns"]))  # fmt: skip
def test_the_costs_of_consecutive_periods_add_up_to_the_whole(stores, cuts, zone):
    url = stores.folder / "periods.db"
    if not url.exists():
        shutil.copyfile(stores.empty.path, url)
        for name in FILES:
            path = stores.folder / name
            path.write_text(PARTS[name][0] + "".join(PARTS[name][1]))
            well("load", path, "--db", url)
    days = [date(2026, 1, 1) + timedelta(cut) for cut in sorted(cuts)]
    periods = [(), *(("--since", day) for day in days)]
    periods = [
        (*since, *(("--until", until - timedelta(1)) if until else ()))
        for since, until in zip(periods, [*days, None], strict=True)
    ]
    ask = ("costs", "--by", "project,week", "--time-zone", zone, "--json", "--db", url)
    parts = [row for period in periods for row in costs(*ask, *period)]
    whole = costs(*ask)
    for name in ("executions", "tokens_in", "tokens_out", "cost_usd"):
        assert math.isclose(total(parts, name), total(whole, name), abs_tol=1e-9), (name, periods)
    assert {row["week"] for row in parts} == {row["week"] for row in whole}


def costs(*words):
    ran = asp(*words)
    assert ran.exit_code == 0 or "no execution" in ran.err.lower(), ran.err
    found = json.loads(ran.out) if ran.exit_code == 0 else []
    return found["rows"] if isinstance(found, dict) else found


def total(rows, name):
    return math.fsum(row[name] or 0 for row in rows)


@settings(FEW, max_examples=4)
@given(cut=st.integers(-1, 40), hour=st.integers(0, 23))
def test_an_export_since_an_instant_has_what_the_whole_has_from_then_on(stores, cut, hour):
    url, folder = stores.new(), stores.folder / f"since-{next(_names)}"
    for name in FILES:
        stores.load(url, name)
    instant = f"{date(2026, 1, 1) + timedelta(cut)}T{hour:02}:30:00"
    well("export", "--raw", "--out", folder / "whole", "--db", url)
    well("export", "--raw", "--out", folder / "since", "--since", instant, "--db", url)
    for table in ("agent_cost_vector", "defect_log", "task_metadata"):
        whole, since = (pd.read_csv(folder / part / f"{table}.csv", dtype=str) for part in ("whole", "since"))
        (time,) = {"executed_at", "found_at", "created_at"} & {*whole.columns}
        kept = whole[whole[time] >= f"{instant}.000000Z"].reset_index(drop=True)
        pd.testing.assert_frame_equal(since, kept, obj=table)


ANSWERS = (
    ("costs", "--by", "project,week,role", "--json"),
    ("costs", "--by", "model,month"),
    ("models", "--json"),
    ("estimate", "--size", "18", "--json"),
    ("quality", "--table", "fixes", "--json"),
    ("learning", "--json"),
    ("sql", "SELECT upper(task_id) AS t, sum(cost_usd), max(executed_at) FROM executions GROUP BY t ORDER BY t"),
)  # fmt: skip
DRIVER = """
import sys
from tests.test_any_sequence import ANSWERS, PARTS, well
folder, words = sys.argv[1], sys.argv[2:]
well("init", "--sample", "--db", "store.db")
for name, (header, records) in PARTS.items():
    open(name, "w").write(header + "".join(records))
well("load", *PARTS, "--db", "store.db")
for answer in ANSWERS:
    print(well(*answer, "--db", "store.db"))
well("export", "--raw", "--out", "out", "--db", "store.db")
"""


@pytest.fixture(scope="module")
def turkish(tmp_path_factory):
    """A folder with a locale in which the small letter of I is no i; empty where it cannot be made."""
    folder = tmp_path_factory.mktemp("locales")
    if shutil.which("localedef"):
        command = ["localedef", "-i", "tr_TR", "-f", "UTF-8", "--no-archive", str(folder / "tr_TR.UTF-8")]
        subprocess.run(command, capture_output=True, check=False)
    return folder


def told(folder, **environment):
    """What a process in this environment answers, and what it exports."""
    folder.mkdir()
    command = [sys.executable, "-c", DRIVER, str(folder)]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LC_") and name != "LANG"}
    root = str(Path(__file__).parents[1])
    environment = {**kept, "PYTHONPATH": root, "TMPDIR": str(folder), "COLUMNS": "100", **environment}
    ran = subprocess.run(command, cwd=folder, env=environment, capture_output=True, timeout=300)
    assert ran.returncode == 0, ran.stderr.decode()
    files = {path.name: path.read_text() for path in sorted((folder / "out").glob("*.csv"))}
    return ran.stdout.decode(), files


def test_time_zone_locale_and_hash_seed_of_the_machine_change_no_answer(tmp_path, turkish, record_property):
    said, files = told(tmp_path / "plain", TZ="UTC", LC_ALL="C.UTF-8", PYTHONHASHSEED="0")
    assert len(files) == len(sql.RECORD_TABLES) and said.count("\n") > 50
    others = (
        {"TZ": "Pacific/Kiritimati", "LC_ALL": "tr_TR.UTF-8", "LOCPATH": str(turkish), "PYTHONHASHSEED": "1"},
        {"TZ": "America/St_Johns", "LC_ALL": "C", "PYTHONHASHSEED": "4242"},
    )
    record_property("a Turkish locale", "made" if any(turkish.iterdir()) else "could not be made: the C locale instead")
    for place, environment in enumerate(others):
        again, exported = told(tmp_path / f"other-{place}", **environment)
        assert again == said, environment
        assert exported == files, environment
