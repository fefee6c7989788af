"""What is forgotten is in no file any more, the numbers stay, and a later load does not bring it back."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asp_analysis import capture
from asp_analysis.config import parse_url
from asp_analysis.session import connect, readers
from asp_analysis.store import sqlite
from asp_analysis.store.agent_changes import NewChange, add_change, assign_tasks
from asp_analysis.store.budgets import NewBudget, set_budget
from asp_analysis.store.database import open_store
from asp_analysis.store.forgotten import FORGOTTEN_NAME, Forgotten
from asp_analysis.store.statements import execute

pytestmark = pytest.mark.slow

MARK = "Zoraida Quist"
"""The person: a name of two words, so that it is found in texts by both."""

RUNS = f"""execution_id,executed_at,task_id,agent_role,cost_usd,user_id,machine,branch,labels,comment
E-1,2026-03-10,T-1,Code,1.10,{MARK},m1,fix/{MARK},"{{""account"":""a-1"",""env"":""ci""}}",seen by {MARK}
E-2,2026-03-16,T-1,Code,2.20,{MARK},m1,main,,
E-3,2026-03-16,T-2,Test,4.40,bob,laptop of {MARK},main,"{{""lead"":""{MARK}""}}",
E-4,2026-02-01,T-3,Test,8.80,bob,m2,main,,keep
"""
CHANGE = (
    "INSERT INTO code_change (change_id, task_id, repository, flow, outcome, user_id, title, started_at) "
    f"VALUES ('C-1', 'T-1', 'a/b', 'merge', 'merged', '{MARK}', 'By {MARK}', '2026-03-11T00:00:00.000000Z')"
)
SESSION = (
    "INSERT INTO change_session (link_id, change_id, session_id, evidence, share) "
    "VALUES ('L-1', 'C-1', 'S-1', 'trailer', 1)"
)
BAD = f"executed_at,task_id,agent_role,cost_usd,user_id\nnever,T-1,Code,1,{MARK}\nnever,T-1,Code,1,bob\n"
PEOPLE = (
    f"person,team,from,until\n{MARK},harbour,2026-01-01,2026-03-14\n{MARK},ferry,2026-03-15,\nbob,ferry,2026-01-01,\n"
)
TASKS = (
    "task_id,created_at,task_description,actual_size,status\n"
    f"T-1,2026-03-01,Ask {MARK}: why?,5,completed\nT-3,2026-02-01,old words,3,completed\n"
)
DEFECTS = (
    "defect_id,found_at,task_id,user_id,defect_type,phase_injected,phase_removed,description,fix_cost_usd\n"
    f"D-1,2026-03-12,T-1,{MARK},20_Syntax,Code,Test,{MARK} saw it,0.5\n"
)


@pytest.fixture(params=["file", "server"])
def url(request, run, tmp_path):
    url = request.getfixturevalue("postgres_url" if request.param == "server" else "empty_store")
    (tmp_path / "loaded").mkdir()
    files = {"people": PEOPLE, "executions": RUNS, "bad": BAD, "task_metadata": TASKS, "defect_log": DEFECTS}
    assert run("init", "--db", url).exit_code == 0
    for kind, text in files.items():
        file = tmp_path / "loaded" / f"{MARK} {kind}.csv"
        file.write_text(text)
        ran = run("load", file, "--as", "executions" if kind == "bad" else kind, "--db", url)
        assert ran.exit_code == (1 if kind == "bad" else 0), ran.err
    with open_store(url) as store, store.transaction() as connection:
        for statement in (CHANGE, SESSION):
            execute(connection, statement)
    run("alias", "role", f"{MARK}=Code", "--db", url)
    with open_store(url) as store:
        for dimension in ("person", "team"):
            set_budget(store, NewBudget(dimension=dimension, member=MARK, period="month", unit="USD", amount=5))
        add_change(store, NewChange(name=f"prompt of {MARK}", changed_at="2026-03-11", kind="version", value=MARK))
        assign_tasks(store, f"prompt of {MARK}", [f"T of {MARK}"])
    return url


def forget(run, url, *words):
    ran = run("forget", *words, "--yes", "--db", url)
    assert ran.exit_code == 0, ran.err
    return ran


def costs(run, url, by):
    rows = run("costs", "--by", by, "--json", "--db", url).json
    return {tuple(row[name] for name in by.split(",")): (row["executions"], row["cost_usd"]) for row in rows}


def load_changed(run, url, tmp_path):
    """Load every record once more with another text, so that the store keeps what each load said."""
    for kind, text in {"executions": RUNS, "task_metadata": TASKS, "defect_log": DEFECTS}.items():
        changed = text.replace("saw it", "saw it too").replace("why", "how").replace("seen by", "also seen by")
        (tmp_path / f"more {kind}.csv").write_text(changed)
        assert run("load", tmp_path / f"more {kind}.csv", "--as", kind, "--db", url).exit_code == 0


def everything(url):
    """Return all that the tables of a store say, as one text."""
    tables = (
        "agent_cost_vector", "task_metadata", "defect_log", "people", "name_alias", "agent_roles", "load_log",
        "load_reject", "load_version", "bootstrap_metrics", "code_change", "change_session", "budget",
        "agent_change", "change_assignment",
    )  # fmt: skip
    with open_store(url) as store:
        return json.dumps([store.read(f"SELECT * FROM {table}") for table in tables], default=str, ensure_ascii=False)


def test_a_person_is_in_no_table_any_more_and_every_sum_stays(run, url):
    before = {by: costs(run, url, by) for by in ("team,month", "task", "role", "month", "cost_center")}
    ran = forget(run, url, "--person", MARK)
    assert "2 executions" in ran.out and "1 rejected record" in ran.out and "2 rows of people" in ran.out
    assert "Zoraida" not in everything(url)
    assert {by: costs(run, url, by) for by in before} == before
    assert set(costs(run, url, "person")) == {("bob",), (None,)}
    assert "bob" in everything(url), "the rejected record of somebody else stays"


def test_a_later_load_of_the_same_files_does_not_bring_the_name_back(run, url, tmp_path):
    before = costs(run, url, "team,month")
    forget(run, url, "--person", MARK)
    said = ""
    for kind in ("people", "executions", "bad", "task_metadata", "defect_log"):
        kind_said = "executions" if kind == "bad" else kind
        ran = run("load", tmp_path / "loaded" / f"{MARK} {kind}.csv", "--as", kind_said, "--db", url)
        said += ran.err
    assert "records name a person whom the store has forgotten" in said
    assert "Zoraida" not in everything(url)
    assert costs(run, url, "team,month") == before


def test_a_load_that_is_taken_back_later_does_not_bring_the_name_back(run, url, tmp_path):
    more = tmp_path / "more.csv"
    more.write_text(RUNS.replace("1.10", "1.15"))
    run("load", more, "--as", "executions", "--db", url)
    forget(run, url, "--person", MARK)
    last = run("loads", "--json", "--db", url).json[0]["load_id"]
    assert run("unload", last, "--yes", "--db", url).exit_code == 0
    assert "Zoraida" not in everything(url)
    assert costs(run, url, "task")["T-1",][1] == pytest.approx(3.3)
    assert costs(run, url, "team")["harbour",][1] == pytest.approx(1.1)


def test_no_file_of_the_data_folder_has_a_trace(run, tmp_path, monkeypatch):
    """Freed pages, the log of the file, the snapshot, records that wait: every byte is searched."""
    monkeypatch.setattr(readers, "COPIED_ROWS", 1)
    monkeypatch.setattr(sqlite, "_PRAGMAS", (*sqlite._PRAGMAS, "secure_delete = OFF"))  # as most systems have it
    folder = tmp_path / "data"
    folder.mkdir()
    url = parse_url("own.db", folder)
    with capture.open(url) as store:  # there is none yet: the record waits
        store.record(task_id="T-9", agent_role="Code", cost_usd=1.0, user_id=MARK)
    (waiting,) = folder.glob("*.spill-*")
    kept = waiting.rename(tmp_path / waiting.name)
    run("init", "--db", url)
    for kind, text in {"people": PEOPLE, "executions": RUNS, "task_metadata": TASKS}.items():
        (tmp_path / f"{kind}.csv").write_text(text)
        run("load", tmp_path / f"{kind}.csv", "--db", url)
    with connect(url) as session:
        assert "snapshot" in session.source
    run("backup", "--db", url)
    run("export", "--db", url)
    kept.rename(waiting)
    had = {path for path in folder.rglob("*") if path.is_file() and b"Zoraida" in path.read_bytes()}
    assert any(path.suffix == ".duckdb" for path in had)
    ran = forget(run, url, "--person", MARK)
    has = {path for path in folder.rglob("*") if path.is_file() and b"Zoraida" in path.read_bytes()}
    assert {folder / "own.db", waiting} < had and not waiting.exists()
    assert {path.relative_to(folder).parts[0] for path in has} == {"backups", "exports"}
    assert all(str(path) in ran.err for path in has), "what still holds it is listed"


def test_other_names_and_longer_words_stay(run, empty_store, tmp_path):
    (tmp_path / "runs.csv").write_text(
        "execution_id,executed_at,task_id,agent_role,cost_usd,user_id,machine\n"
        "1,2026-03-10,ada/T-1,Code,1,ada,adamant\n2,2026-03-10,T-2,Code,2,ada@example.com,ada-laptop\n"
    )
    run("load", tmp_path / "runs.csv", "--db", empty_store)
    ran = forget(run, empty_store, "--person", "ada")
    assert set(costs(run, empty_store, "person,machine")) == {
        (None, "adamant"), ("ada@example.com", f"{FORGOTTEN_NAME}-laptop")
    }  # fmt: skip
    assert "task_id 'ada/T-1'" in ran.err and "user_id 'ada@example.com'" in ran.err


def test_a_task_goes_with_all_that_belongs_to_it(run, url, tmp_path):
    load_changed(run, url, tmp_path)
    ran = forget(run, url, "--task", "T-1")
    assert (
        "1 change, 1 task" in ran.out
        and "2 executions, 1 defect" in ran.out
        and "T-1" not in everything(url).replace("T-1 ", "")
    )
    assert costs(run, url, "task") == {("T-2",): (1, 4.4), ("T-3",): (1, 8.8)}


def test_what_happened_before_a_day_goes(run, url):
    forget(run, url, "--before", "2026-03-01")
    assert set(costs(run, url, "task")) == {("T-1",), ("T-2",)} and "old words" not in everything(url)


@pytest.mark.parametrize("words", [("--task", "T-1"), ("--before", "2026-04-01")])
def test_texts_go_and_the_numbers_stay(run, url, words, tmp_path):
    load_changed(run, url, tmp_path)
    before = {by: costs(run, url, by) for by in ("team,month", "person", "task,role")}
    forget(run, url, *words, "--keep-numbers")
    said = everything(url)
    assert (
        f"Ask {MARK}" not in said
        and f"By {MARK}" not in said
        and f"{MARK} saw it" not in said
        and f"seen by {MARK}" not in said
    )
    assert {by: costs(run, url, by) for by in before} == before


def test_what_is_not_there_is_refused_and_nothing_happens_without_a_yes(run, empty_store, load_text):
    load_text(RUNS)
    assert "Nothing in the store names 'nobody'" in run("forget", "--person", "nobody", "--db", empty_store).refusal
    assert "has no letter" in run("forget", "--person", "!!", "--db", empty_store).refusal
    assert "There is no task 'T-77'" in run("forget", "--task", "T-77", "--db", empty_store).refusal
    assert "is not a day" in run("forget", "--before", "soon", "--db", empty_store).refusal
    assert "Nothing happened before 1999-01-01" in run("forget", "--before", "1999-01-01", "--db", empty_store).refusal
    assert run("forget", "--db", empty_store).exit_code == 2
    assert run("forget", "--person", MARK, "--db", empty_store).exit_code == 1  # nobody answers
    assert (MARK,) in costs(run, empty_store, "person")


words = st.text(alphabet='abAB0_-. @\\"é', min_size=1, max_size=6)


@given(before=words, after=words)
def test_a_name_is_found_between_other_words_and_nowhere_else(before, after):
    forgotten = Forgotten.of_name("Émile Zola", b"key")
    text = f"{before} Émile Zola {after}"
    assert forgotten.clean(text) == f"{before} {FORGOTTEN_NAME} {after}"
    assert forgotten.clean(f"{before} Émile Zolas {after}") == f"{before} Émile Zolas {after}"
    assert forgotten.holds("Émile Zola") and not forgotten.holds("Émile")
