"""A folder of test reports: what was green and turns red is a defect found by Test, until it is green again."""

import gzip
import json
import os
import sqlite3
import subprocess
from contextlib import closing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asp_analysis.importers.presets.green_red import tell_tests
from asp_analysis.importers.presets.junit_xml import WAS_GREEN, WAS_RED, JunitReport
from asp_analysis.importers.presets.series import SeriesRun, Stored
from asp_analysis.store.database import create_store

pytestmark = pytest.mark.slow

ENDS = {
    "g": "",
    "r": '<failure message="boom, secret"/>',
    "x": '<error message="ValueError"/>',
    "s": "<skipped/>",
    "e": '<error message="failed on setup with x"/>',
    "f": '<flakyFailure message="boom"/>',
    "R": '<failure message="boom"/><rerunFailure message="boom"/>',
}


def report(folder, run, time, **tests):
    """Write the report of a run: `report(folder, "aaa/junit", "2026-01-01T10:00", first="g", second="r")`."""
    path = folder / f"{run}.xml"
    path.parent.mkdir(parents=True, exist_ok=True)
    cases = (f'<testcase classname="m" name="{name}" line="3">{ENDS[end]}</testcase>' for name, end in tests.items())
    time = f' timestamp="{time}"' if time else ""
    path.write_text(f'<testsuites><testsuite name="s"{time}>{"".join(cases)}</testsuite></testsuites>')
    return path


@pytest.fixture
def runs(tmp_path):
    folder = tmp_path / "runs"
    folder.mkdir()
    return folder


@pytest.fixture
def load(run, empty_store, runs):
    def load_series(*words):
        given_paths = [word for word in words if not isinstance(word, str)]
        options = [word for word in words if isinstance(word, str)]
        how = () if {"--commit-from", "--set"} & set(options) else ("--commit-from", "runs/([^/]+)/")
        return run("load", "--from", "junit", *(given_paths or [runs]), *how, *options, "--json", "--db", empty_store)

    return load_series


def defects(url):
    with closing(sqlite3.connect(url.path)) as connection:
        connection.row_factory = sqlite3.Row
        rows = [dict(row) for row in connection.execute("SELECT * FROM defect_log ORDER BY found_at, function_name")]
    return [{**row, "metadata": json.loads(row["metadata_json"])} for row in rows]


def told(ran):
    return " ".join(ran.json["files"][0]["notes"])


def test_a_test_that_turns_red_is_a_defect_until_it_is_green_again(load, empty_store, runs):
    report(runs, "aaa/j", "2026-01-01T10:00:00Z", one="g", two="g")
    report(runs, "bbb/j", "2026-01-02T10:00:00Z", one="r", two="g")
    report(runs, "ccc/j", "2026-01-03T10:00:00+01:00", one="r", two="r")
    report(runs, "ddd/j", "2026-01-04T10:00:00Z", one="g", two="r")
    ran = load()
    assert (ran.exit_code, len(ran.json["files"]), ran.json["written"]) == (0, 1, 2)
    first, second = defects(empty_store)
    assert (first["function_name"], first["task_id"], first["component_path"]) == ("one", "bbb", "m")
    assert (first["found_at"], first["fixed_at"]) == ("2026-01-02T10:00:00.000000Z", "2026-01-04T10:00:00.000000Z")
    assert (first["phase_injected"], first["phase_removed"], first["line_number"]) == ("Code", "Test", 3)
    assert first["metadata"] == {
        "assumed": ["defect_type", "phase_injected"],
        "commit": "bbb",
        "fixed_commit": "ddd",
        "red_runs": 2,
    }
    assert (second["found_at"], second["fixed_at"], second["task_id"]) == ("2026-01-03T09:00:00.000000Z", None, "ccc")
    assert "secret" not in json.dumps([first, second])
    assert "4 reports of 2 tests: 2 turned red, 1 green again." in told(ran)


@pytest.mark.parametrize(
    ("ends", "count"),
    [
        ("gr", 1),
        ("gx", 1),
        ("gR", 1),
        ("grrg", 1),
        ("grgr", 2),
        ("gsr", 1),
        ("rr", 0),
        ("rg", 0),
        ("ge", 0),
        ("gs", 0),
        ("gf", 0),
        ("sr", 0),
        ("r", 0),
        ("g", 0),
    ],
)
def test_what_is_a_defect_and_what_is_none(load, empty_store, runs, ends, count):
    for number, end in enumerate(ends):
        report(runs, f"c{number}/j", f"2026-01-0{number + 1}T10:00:00Z", one=end)
    assert load().exit_code == 0
    assert len(defects(empty_store)) == count


def test_red_and_green_on_one_commit_is_flaky_and_no_defect(load, empty_store, runs):
    report(runs, "aaa/j", "2026-01-01T10:00:00Z", one="g")
    report(runs, "bbb/j", "2026-01-02T10:00:00Z", one="r")
    report(runs, "bbb/k", "2026-01-02T11:00:00Z", one="g")
    report(runs, "ccc/j", "2026-01-03T10:00:00Z", one="g")
    assert "1 flaky" in told(load())
    assert defects(empty_store) == []


def test_a_rerun_that_shows_a_stored_defect_to_be_flaky_makes_it_a_false_alarm(load, empty_store, runs):
    report(runs, "aaa/j", "2026-01-01T10:00:00Z", one="g")
    report(runs, "bbb/j", "2026-01-02T10:00:00Z", one="r")
    load()
    assert [row["is_false_positive"] for row in defects(empty_store)] == [0]
    report(runs, "bbb/k", "2026-01-02T11:00:00Z", one="g")
    ran = load()
    assert (ran.json["written"], ran.json["updated"]) == (0, 1)
    assert [row["is_false_positive"] for row in defects(empty_store)] == [1]
    assert load().json["present"] == 1


def test_a_longer_series_writes_what_is_new_and_updates_what_was_open(load, empty_store, runs):
    report(runs, "aaa/j", "2026-01-01T10:00:00Z", one="g", two="g")
    report(runs, "bbb/j", "2026-01-02T10:00:00Z", one="r", two="g")
    assert load().json["written"] == 1
    before = defects(empty_store)
    assert load().json["present"] == 1
    assert defects(empty_store) == before
    report(runs, "ccc/j", "2026-01-03T10:00:00Z", one="g", two="r")
    ran = load()
    assert (ran.json["written"], ran.json["updated"], ran.json["present"]) == (1, 1, 0)
    assert defects(empty_store)[0]["defect_id"] == before[0]["defect_id"]
    assert defects(empty_store)[0]["fixed_at"] == "2026-01-03T10:00:00.000000Z"


def test_the_order_is_that_of_the_times_and_not_of_the_names(load, empty_store, runs):
    report(runs, "zzz/j", "2026-01-01T10:00:00Z", one="g")
    report(runs, "aaa/j", "2026-01-02T10:00:00Z", one="r")
    load()
    assert [row["task_id"] for row in defects(empty_store)] == ["aaa"]


def test_times_without_a_zone_are_those_of_the_zone_that_is_named(load, empty_store, runs):
    report(runs, "aaa/j", "2026-01-01T10:00:00", one="g")
    report(runs, "bbb/j", "2026-07-02T10:00:00", one="r")
    assert "2 of 2 reports say a time without its zone" in told(load("--dry-run"))
    assert "without its zone" not in told(load("--time-zone", "Europe/Berlin"))
    assert [row["found_at"] for row in defects(empty_store)] == ["2026-07-02T08:00:00.000000Z"]


def test_a_report_without_a_time_has_that_of_its_path_or_else_of_its_file(load, empty_store, runs):
    for number, end in enumerate("gr"):
        path = report(runs, f"2026-01-0{number + 1}T10-00-00_c{number}/j", "", one=end)
        os.utime(path, (1_700_000_000 + number, 1_700_000_000 + number))
    ran = load("--commit-from", "runs/[^_]+_([^/]+)/")
    assert "2 of 2 reports say no time" in told(ran)
    assert [row["found_at"] for row in defects(empty_store)] == ["2023-11-14T22:13:21.000000Z"]
    load("--commit-from", "runs/(?P<time>[^_]+)_(?P<commit>[^/]+)/")
    assert [row["found_at"] for row in defects(empty_store)] == ["2026-01-02T10:00:00.000000Z"]


def test_the_task_is_what_the_user_says_or_finds_in_the_path(load, empty_store, runs):
    report(runs, "PAY-1_aaa/j", "2026-01-01T10:00:00Z", one="g")
    report(runs, "PAY-2_bbb/j", "2026-01-02T10:00:00Z", one="r")
    load("--commit-from", "_([a-f]+)/", "--task-from", "PAY-[0-9]+")
    assert [(row["task_id"], row["metadata"]["commit"]) for row in defects(empty_store)] == [("PAY-2", "bbb")]
    load("--commit-from", "_([a-f]+)/", "--set", "task_id=T-9")
    assert [row["task_id"] for row in defects(empty_store)] == ["T-9"]


def commit(repository, subject):
    """Make a commit and return its hash."""
    who = ("-c", "user.name=a", "-c", "user.email=a@b")
    (repository / "pay.py").write_text(f"# {subject}\n" * 3)
    for words in (("add", "-A"), (*who, "commit", "-qm", subject)):
        subprocess.run(["git", "-C", str(repository), *words], check=True)
    head = subprocess.run(
        ["git", "-C", str(repository), "rev-parse", "HEAD"], check=True, capture_output=True, text=True
    )
    return head.stdout.strip()


def test_the_task_of_a_commit_is_that_of_its_change_where_the_repository_was_loaded(
    run, load, empty_store, runs, tmp_path
):
    subprocess.run(["git", "init", "-q", str(tmp_path / "till")], check=True)
    green, red = commit(tmp_path / "till", "one"), commit(tmp_path / "till", "PAY-2: two")
    assert run("load", "--git", tmp_path / "till", "--task-from", "PAY-[0-9]+", "--db", empty_store).exit_code == 0
    report(runs, f"{green}/j", "2026-01-01T10:00:00Z", one="g", two="g")
    report(runs, f"{red[:9]}/j", "2026-01-02T10:00:00Z", one="r", two="g")
    report(runs, "fffffff/j", "2026-01-03T10:00:00Z", one="r", two="r")
    load()
    found = [row for row in defects(empty_store) if row["metadata"].get("commit")]
    assert [(row["function_name"], row["task_id"]) for row in found] == [("one", "PAY-2"), ("two", "fffffff")]


def test_defects_without_a_commit_need_a_task(load, empty_store, runs):
    report(runs, "aaa/j", "2026-01-01T10:00:00Z", one="g")
    report(runs, "bbb/j", "2026-01-02T10:00:00Z", one="r")
    said = load("--commit-from", "nothing([0-9])").refusal
    assert "--set task_id=TASK" in said and "--commit-from PATTERN" in said
    assert load("--commit-from", "nothing([0-9])", "--set", "task_id=T").json["written"] == 1


def test_one_report_is_a_state_and_no_change(load, empty_store, runs, real_data):
    ran = load(real_data / "samples/junit/pytest.xml")
    assert (ran.exit_code, ran.json["read"]) == (0, 0)
    assert "One report is a state" in told(ran) and "1 report of 6 tests: 0 turned red" in told(ran)
    assert ran.json["files"][0]["found"]["in_setup"] == 1


def test_messages_are_kept_only_where_texts_are(load, empty_store, runs):
    report(runs, "aaa/j", "2026-01-01T10:00:00Z", one="g")
    report(runs, "bbb/j", "2026-01-02T10:00:00Z", one="r")
    load()
    assert defects(empty_store)[0]["description"] == "the test m one failed"
    load("--keep-text")
    assert defects(empty_store)[0]["description"] == "boom, secret"


def test_a_series_is_one_load_that_is_rehearsed_and_taken_back(run, load, empty_store, runs):
    report(runs, "aaa/j", "2026-01-01T10:00:00Z", one="g")
    report(runs, "bbb/j", "2026-01-02T10:00:00Z", one="r")
    assert load("--dry-run").json["written"] == 1
    assert defects(empty_store) == []
    load()
    (logged,) = run("loads", "--json", "--db", empty_store).json
    assert (logged["file"], logged["format"], logged["loaded_as"]) == (str(runs), "junit", "defect_log")
    ran = load("--replace")
    assert ran.json["present"] == 1 and "Backed up to" in ran.err
    assert run("unload", "2", "--yes", "--db", empty_store).exit_code == 0
    assert defects(empty_store) == []


def test_options_of_the_user_go_before_the_preset(load, empty_store, runs):
    report(runs, "aaa/j", "2026-01-01T10:00:00Z", one="g")
    report(runs, "bbb/j", "2026-01-02T10:00:00Z", one="r")
    load("--commit-from", "runs/([^/]+)/", "--set", "phase_injected=Design", "--set", "severity=High")
    (defect,) = defects(empty_store)
    assert (defect["phase_injected"], defect["severity"]) == ("Design", "High")
    assert defect["metadata"]["assumed"] == ["defect_type"]


def test_the_reports_of_many_files_and_shapes_are_one_series(load, empty_store, runs):
    (runs / "aaa").mkdir()
    (runs / "bbb").mkdir()
    bare = '<testsuite name="pkg" timestamp="2026-01-0{}T10:00:00Z"><testcase name="TestPay">{}</testcase></testsuite>'
    (runs / "aaa/go.xml").write_text(bare.format(1, ""))
    (runs / "bbb/go.xml.gz").write_bytes(gzip.compress(bare.format(2, "<failure/>").encode()))
    (runs / "bbb/log.txt").write_text("no report")
    ran = load()
    assert [row["function_name"] for row in defects(empty_store)] == ["TestPay"]
    assert [one["file"] for one in ran.json["not_loaded"]] == [str(runs / "bbb/log.txt")]


# --- hostile and odd files --------------------------------------------------------------------------------------------

LAUGHS = '<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "lol">{}]><testsuite>&j;</testsuite>'
BOMB = LAUGHS.format("".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9)))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (BOMB, "declares a document type or entities"),
        ('<!DOCTYPE t SYSTEM "http://127.0.0.1:9/x"><testsuite/>', "declares a document type"),
        ('<!DOCTYPE t [<!ENTITY x SYSTEM "file:///etc/passwd">]><testsuite name="&x;"/>', "declares a document type"),
        ("<testsuite>" * 100 + "</testsuite>" * 100, "nested more than"),
        ("<html><body/></html>", "its first element is <html>"),
        ("<testsuite><testcase", "is not XML, or damaged"),
        ("", "is not XML, or damaged"),
        ("{}", "is not XML, or damaged"),
        ("<testsuite>\x00</testsuite>", "is not XML, or damaged"),
        ('<testsuite timestamp="soon"/>', "The time of"),
    ],
    ids=["laughs", "external DTD", "external entity", "deep", "HTML", "half", "empty", "JSON", "NUL", "time"],
)  # fmt: skip
def test_what_is_no_report_is_refused_in_one_line(load, runs, text, said):
    path = runs / "j.xml"
    path.write_text(text)
    assert said in load(path).refusal


@pytest.mark.parametrize(
    "text",
    [
        "<testsuites/>",
        '<testsuite timestamp="2026-01-01"><testcase/></testsuite>',
        '<testsuite timestamp="2026-01-01"><testcase name="x"><failure/><failure/><skipped/></testcase></testsuite>',
        '<x:testsuite xmlns:x="u" timestamp="2026-01-01"><x:testcase name="x"/></x:testsuite>',
        '<testsuite><testcase name="a"><testcase name="b"/></testcase></testsuite>',
    ],
)
def test_odd_reports_are_read(load, runs, text):
    (runs / "j.xml").write_text(text)
    ran = load(runs / "j.xml", "--set", "commit=c")
    assert (ran.exit_code, ran.json["read"]) == (0, 0)


def test_postgresql_stores_what_sqlite_stores(run, empty_store, postgres_url, runs):
    create_store(postgres_url)
    report(runs, "aaaaaaa/j", "2026-01-01T10:00:00Z", one="g", two="g")
    report(runs, "bbbbbbb/j", "2026-01-02T10:00:00Z", one="r", two="r")
    query = (
        "SELECT defect_id, found_at, fixed_at, task_id, is_false_positive, metadata_json FROM stg_defects ORDER BY 1"
    )
    answers = []
    for url in (empty_store, postgres_url):
        words = ("load", "--from", "junit", runs, "--commit-from", "runs/([^/]+)/", "--json", "--db", url)
        assert run(*words).json["written"] == 2
        rerun = report(runs, "bbbbbbb/k", "2026-01-02T11:00:00Z", one="g")
        counts = run(*words).json
        assert (counts["updated"], counts["present"]) == (1, 1)
        rows = run("sql", query, "--json", "--db", url).json
        answers.append([{**row, "metadata_json": json.loads(row["metadata_json"])} for row in rows])
        rerun.unlink()
    assert answers[0] == answers[1] and [row["is_false_positive"] for row in answers[0]].count(True) == 1


def test_an_empty_folder_writes_nothing(load):
    ran = load()
    assert (ran.exit_code, ran.json["read"]) == (0, 0)


def test_a_report_without_a_preset_is_refused_with_the_name_of_its_preset(run, empty_store, runs):
    path = report(runs, "aaa/j", "2026-01-01T10:00:00Z", one="g")
    assert "load --from junit" in run("load", path, "--db", empty_store).refusal
    ran = run("load", runs, "--json", "--db", empty_store)
    assert "--from junit" in ran.json["not_loaded"][0]["reason"]


def test_a_pattern_that_is_none_is_refused(load, runs):
    report(runs, "aaa/j", "2026-01-01T10:00:00Z", one="g")
    assert "is not a regular expression" in load("--commit-from", "(").refusal


def test_a_commit_from_without_a_series_is_wrong_usage(run, empty_store, runs):
    assert run("load", runs, "--commit-from", "x", "--db", empty_store).exit_code == 2


NOTHING_STORED = Stored(defects=lambda _: set(), tasks=lambda _: {})

# --- the rule itself --------------------------------------------------------------------------------------------------


ENDED = st.lists(st.tuples(st.integers(0, 5), st.sampled_from([0, WAS_GREEN, WAS_RED])), max_size=12)


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.integers(0, 5), st.sampled_from([0, WAS_GREEN, WAS_RED])), max_size=12), st.integers(0, 12)
)
def test_a_longer_series_keeps_what_a_shorter_one_told(ends, cut):
    """Whatever comes later: a commit that is over tells the same defects, unless a rerun shows that it is flaky."""
    ordered = sorted(ends, key=lambda pair: pair[0])
    runs = [
        SeriesRun(file=f"{number:02}", at=f"2026-01-01T00:00:{number:02}Z", commit=f"c{commit}", task=None,
                  content=JunitReport(ends={("m", "t"): end}))
        for number, (commit, end) in enumerate(ordered)
    ]  # fmt: skip
    cut = next((place for place in range(cut, len(runs)) if runs[place].commit != runs[place - 1].commit), len(runs))
    short, whole = (tell_tests(some, NOTHING_STORED).records for some in (runs[:cut], runs))
    assert [record["id"] for record in whole[: len(short)]] == [record["id"] for record in short]
    for before, after in zip(short, whole, strict=False):
        assert before["fixed_at"] in (None, after["fixed_at"])
    assert len({record["id"] for record in whole}) == len(whole)
