"""A load can be taken back: the store becomes what the other loads alone would have made of it."""

import io
import json
import shutil
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from asp_analysis.config import parse_url
from asp_analysis.errors import InputError
from asp_analysis.load_options import LoadOptions
from asp_analysis.loading import load_paths
from asp_analysis.sql import RECORD_TABLES
from asp_analysis.store.database import create_store, open_store
from asp_analysis.unloading import unload_load
from tests.test_upgrade import old_store

EXECUTIONS = "executed_at,task_id,agent_role,cost_usd,tokens_in,llm_model,execution_id\n"
UNNAMED = "executed_at,task_id,agent_role,cost_usd\n"
STUBS = "task_id,created_at,is_stub\nT-1,2026-01-03,true\nT-4,2026-01-03,true\n"
ROLES = "agent_role,phase_order,kind\nGardener,65,construction\nCode,41,construction\n"
TYPES = "defect_type,type_order,taxonomy\nOurs,110,ours\n70_Data,75,ours\n"
TASKS = "task_id,created_at,status,actual_size,metadata_json\n"
DEFECTS = "defect_id,found_at,task_id,defect_type,phase_injected,phase_removed,description,severity\n"
LEARNING = (
    "capability,measured_at,period_start_at,period_end_at,mode,tasks_completed,tasks_needed,notes\n"
    "PROBE_AI,2026-02-0{day},2026-01-01,2026-01-31,{mode},{count},20,{notes}\n"
)


def call(number, *, out, session="s-1", cwd="/work/app"):
    """One answer of a Claude Code transcript, as it is written down while it grows."""
    return json.dumps(
        {
            "type": "assistant",
            "uuid": f"{session}-{number}-{out}",
            "sessionId": session,
            "cwd": cwd,
            "gitBranch": "main",
            "timestamp": f"2026-01-1{number}T09:00:00.000Z",
            "requestId": f"r-{number}",
            "message": {
                "id": f"m-{number}",
                "model": "claude-sonnet-4-5",
                "role": "assistant",
                "content": [{"type": "text", "text": "ok"}],
                "usage": {"input_tokens": 10, "output_tokens": out},
            },
        }
    )


def lines(*texts):
    return "".join(text + "\n" for text in texts)


@dataclass(frozen=True)
class Text:
    """A file: its name, what it is loaded as, and its text."""

    name: str
    kind: str | None
    text: str


RUN_A, RUN_B = "2026-01-05,T-1,Code,1.5,100,m,a\n", "2026-01-04,T-2,Review,2.5,,m,b\n"
TEXTS = {
    "runs": Text("runs.csv", "executions", EXECUTIONS + RUN_A + RUN_B),
    "runs grown": Text("runs.csv", "executions", EXECUTIONS + RUN_A + RUN_B + "2026-01-03,T-1,Code,4,7,m,c\n"),
    "runs corrected": Text("runs.csv", "executions", EXECUTIONS + "2026-01-02,T-1,Code,9,100,n,a\n" + RUN_B),
    "runs with more": Text("more.csv", "executions", EXECUTIONS + "2026-01-04,T-2,Review,,55,,b\n"),
    "one run twice": Text("twice.csv", "executions", EXECUTIONS + RUN_A + RUN_A.replace("1.5", "3")),
    "priced runs": Text(
        "priced.csv", "executions", EXECUTIONS + "2026-01-05,T-1,Code,,100,claude-sonnet-4-5,a\n"
    ),
    "unnamed": Text("own.csv", "executions", UNNAMED + "2026-01-05,T-1,Code,1\n2026-01-06,T-3,Code,2\n"),
    "unnamed grown": Text(
        "own.csv", "executions", UNNAMED + "2026-01-05,T-1,Code,1\n2026-01-06,T-3,Code,2\n2026-01-01,T-3,Code,3\n"
    ),
    "metrics": Text(
        "metrics.jsonl",
        "metrics",
        lines(
            *(
                json.dumps(
                    {"executed_at": at, "task_id": "T-1", "agent_role": "Code", "execution_id": "a"}
                    | {"metric_type": kind, "metric_value": value, "metric_unit": unit}
                )
                for at, kind, value, unit in (
                    ("2026-01-05T01:00", "Tokens_Out", 6, "tokens"),
                    ("2026-01-01T02:00", "Latency", 7, "ms"),
                )
            )
        ),
    ),
    "tasks": Text("tasks.csv", "task_metadata", TASKS + 'T-1,2026-01-01,pending,,"{""x"":1}"\nT-2,2026-01-01,,5,\n'),
    "tasks grown": Text(
        "tasks.csv",
        "task_metadata",
        TASKS + 'T-1,2026-01-01,pending,,"{""x"":1}"\nT-2,2026-01-01,,5,\nT-3,2026-01-07,,8,\n',
    ),
    "tasks done": Text("done.csv", "task_metadata", TASKS + 'T-1,2026-01-02,completed,13,"{""y"":2}"\n'),
    "sizes": Text("sizes.csv", "task_metadata", "task_id,actual_size\nT-1,21\nT-3,34\n"),
    "stubs": Text("stubs.csv", "task_metadata", STUBS),
    "defects": Text("defects.csv", "defect_log", DEFECTS + "d,2026-01-02,T-2,70_Data,Code,Test,wrong,Low\n"),
    "defects corrected": Text(
        "defects.csv", "defect_log", DEFECTS + "d,2026-01-08,T-2,80_Function,Code,Test,wrong,High\n"
    ),
    "own types": Text("types.csv", "defect_types", TYPES),
    "own defects": Text("ours.csv", "defect_log", DEFECTS + "e,2026-01-02,T-5,Ours,Code,Test,wrong,\n"),
    "roles": Text("roles.csv", "agent_roles", ROLES),
    "learning": Text("learning.csv", "bootstrap_metrics", LEARNING.format(day=1, mode="Learning", count=3, notes="")),
    "learning again": Text("l2.csv", "bootstrap_metrics", LEARNING.format(day=1, mode="Shadow", count=4, notes="n")),
    "session": Text("s-1.jsonl", None, lines(call(1, out=5), call(2, out=1))),
    "session grown": Text("s-1.jsonl", None, lines(call(1, out=5), call(2, out=1), call(2, out=8), call(3, out=2))),
    "fork": Text("s-2.jsonl", None, lines(call(1, out=5, session="s-2"), call(4, out=9, session="s-2"))),
    "sub-agent": Text("other.jsonl", None, lines(call(0, out=5), call(5, out=3, cwd="/work/other"))),
}  # fmt: skip
NAMES = sorted(TEXTS)


class Loads:
    """A store with the loads that were made of it and not taken back: what was loaded, and its number."""

    def __init__(self, url, folder):
        self.url, self.folder, self.made = url, folder, []

    def load(self, name):
        text = TEXTS[name]
        path = self.folder / text.name
        path.write_text(text.text)
        with open_store(self.url) as store:
            options = LoadOptions(kinds=(text.kind,) if text.kind else ())
            (result,) = load_paths(store, [path], options)
            if result.is_unchanged:
                return
            load_id = store.read("SELECT max(load_id) AS load_id FROM load_log")[0]["load_id"]
        self.made.append((name, load_id))

    def unload(self, place):
        """Take a load back; one that another load depends on stays."""
        name, load_id = self.made[place]
        with open_store(self.url) as store:
            try:
                unload_load(store, load_id)
            except InputError as error:
                assert "cannot be taken back" in str(error)
                return False
        self.made.remove((name, load_id))
        return True

    def content(self):
        """All that the loads made; a load is named by what it loaded first, whatever its number."""
        order = {load_id: (name, [made for made, _ in self.made[:place]].count(name))
                 for place, (name, load_id) in enumerate(self.made)}  # fmt: skip
        with open_store(self.url) as store:
            found = {table: store.read(f"SELECT * FROM {table}") for table in RECORD_TABLES}
        for rows in found.values():
            for row in rows:
                row.pop("row_id", None)
                if row.get("load_id") is not None:
                    row["load_id"] = order[row["load_id"]]
            rows.sort(key=str)
        return found


@pytest.fixture(scope="module")
def new_store(tmp_path_factory):
    """Copies an empty store: making one takes longer."""
    made = parse_url("made.db", tmp_path_factory.mktemp("made"))
    create_store(made)

    def copy():
        folder = tmp_path_factory.mktemp("loads")
        shutil.copy(made.path, folder / "store.db")
        return Loads(parse_url("store.db", folder), folder)

    return copy


def run_steps(loads, steps):
    for step in steps:
        if isinstance(step, str):
            loads.load(step)
        elif loads.made:
            loads.unload(step % len(loads.made))


def check(loads, fresh):
    for name, _ in loads.made:
        fresh.load(name)
    found, expected = loads.content(), fresh.content()
    for table, rows in expected.items():
        assert found[table] == rows, (table, loads.made)


STEPS = st.lists(st.one_of(st.sampled_from(NAMES), st.sampled_from(NAMES), st.integers(0, 9)), max_size=14)


@pytest.mark.slow
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
@example(steps=["runs", "runs grown", "runs grown", 0])
@example(steps=["runs", "runs grown", "runs corrected", "runs grown", 1, 0])
@example(steps=["runs", "tasks", 0, 0])
@example(steps=["tasks", "runs", 0, "sizes", 0])
@example(steps=["session", "fork", "session grown", 0, 0])
@example(steps=["own types", "own defects", 0, 1, 0])
@example(steps=["priced runs", "runs", "priced runs", 1])
def test_any_loads_and_unloads_leave_what_the_remaining_loads_make(new_store, steps):
    loads = new_store()
    run_steps(loads, steps)
    check(loads, new_store())


@pytest.mark.parametrize("name", NAMES)
def test_a_load_alone_is_taken_back_whole(new_store, name):
    loads = new_store()
    before = loads.content()
    loads.load(name)
    assert loads.unload(0)
    assert loads.content() == before
    with open_store(loads.url) as store:
        for table in ("load_log", "load_reject", "load_version"):
            assert store.read(f"SELECT * FROM {table}") == []


# --- the command ---


@pytest.fixture
def write(tmp_path):
    def write_text(name, kind=None):
        text = TEXTS[name]
        (tmp_path / text.name).write_text(text.text)
        return (tmp_path / text.name, *(("--as", text.kind) if text.kind else ()))

    return write_text


def test_it_says_what_goes_backs_up_and_takes_back(run, empty_store, write, tmp_path):
    run("load", *write("runs"), "--db", empty_store)
    run("load", *write("runs with more"), "--db", empty_store)
    ran = run("unload", 1, "--yes", "--db", empty_store)
    assert ran.exit_code == 0, ran.err
    assert f"Load 1 is {tmp_path / 'runs.csv'}, loaded as executions" in ran.err
    assert "1 execution will be removed. 1 execution that other loads brought too will stay" in ran.err
    assert "1 task without details that nothing else names will be removed." in ran.err
    (kept,) = (tmp_path / "backups").iterdir()
    assert f"Backed up to {kept}." in ran.err and "before-unload" in kept.name
    assert [load["load_id"] for load in run("loads", "--json", "--db", empty_store).json] == [2]
    query = "SELECT execution_id, tokens_in, cost_usd FROM executions"
    assert run("sql", query, "--json", "--db", empty_store).json == [
        {"execution_id": "b", "tokens_in": 55, "cost_usd": None}
    ]


def test_without_an_answer_nothing_changes(run, empty_store, write, tmp_path, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    run("load", *write("runs"), "--db", empty_store)
    assert "--yes answers it beforehand" in run("unload", 1, "--db", empty_store).err
    assert not (tmp_path / "backups").exists()
    assert len(run("loads", "--json", "--db", empty_store).json) == 1


def test_a_task_that_others_name_keeps_its_name_only(run, empty_store, write):
    run("load", *write("tasks"), "--db", empty_store)
    run("load", *write("runs"), "--db", empty_store)
    assert (
        "2 tasks will lose the details: other loads still name them."
        in run("unload", 1, "--yes", "--db", empty_store).err
    )
    query = "SELECT task_id, is_stub, status FROM tasks ORDER BY task_id"
    assert run("sql", query, "--json", "--db", empty_store).json == [
        {"task_id": "T-1", "is_stub": True, "status": "pending"},
        {"task_id": "T-2", "is_stub": True, "status": "pending"},
    ]


def test_words_that_others_use_and_unknown_loads_are_refused(run, empty_store, write):
    run("load", *write("own types"), "--db", empty_store)
    run("load", *write("own defects"), "--db", empty_store)
    assert (
        "'Ours' of defect_types is used by rows of other loads"
        in run("unload", 1, "--yes", "--db", empty_store).refusal
    )
    assert "There is no load 9 in the store." in run("unload", 9, "--yes", "--db", empty_store).refusal


def test_a_load_of_an_earlier_release_is_refused(run, tmp_path):
    url = old_store(3, tmp_path)
    assert "by an earlier release" in run("unload", 1, "--yes", "--db", url).refusal
    assert not [path for path in (tmp_path / "backups").iterdir() if "unload" in path.name]


def test_a_file_that_is_loaded_again_or_grew_takes_one_line(new_store):
    loads = new_store()
    for name in ("runs", "runs", "runs grown", "runs grown"):
        loads.load(name)
    with open_store(loads.url) as store:
        found = store.read("SELECT table_name, load_id, same_as FROM load_version ORDER BY load_id")
    assert [tuple(row.values()) for row in found] == [("", 2, 1), ("", 3, 2), ("", 4, 3)]


@pytest.mark.parametrize("steps", [["tasks", "runs", "session", "runs corrected", "metrics", "fork", 0, 1, 0],
                                   ["runs", "runs grown", "defects", "defects corrected", "learning", "learning again",
                                    4, 2, 0, "own types", "stubs", 0]])  # fmt: skip
def test_a_server_takes_loads_back_as_a_file_does(new_store, postgres_url, tmp_path, steps):
    create_store(postgres_url)
    server, file = Loads(postgres_url, tmp_path), new_store()
    run_steps(server, steps)
    run_steps(file, steps)
    assert [name for name, _ in server.made] == [name for name, _ in file.made]

    def told(loads):
        return json.loads(json.dumps(loads.content()).replace("true", "1").replace("false", "0"))

    found, expected = told(server), told(file)
    for table, rows in expected.items():
        key = {name: [row[name] for row in rows] for name in rows[0]} if rows else {}
        assert {name: [row[name] for row in found[table]] for name in key} == key, table
