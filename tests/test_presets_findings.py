"""A folder of reports of static analysis: what was found and is gone was a defect, what is suppressed a false alarm."""

import json
import sqlite3
from contextlib import closing

import pytest

pytestmark = pytest.mark.slow


def result(rule="F401", path="pay/card.py", line=1, text="os imported but unused", **more):
    place = {"artifactLocation": {"uri": path}, "region": {"startLine": line}}
    return {
        "ruleId": rule,
        "level": "error",
        "message": {"text": text},
        "locations": [{"physicalLocation": place}],
        **more,
    }


def sarif(*results, tool="ruff", time=None, version="1", rules=(), **more):
    run = {
        "tool": {"driver": {"name": tool, "version": version, "rules": list(rules)}},
        "results": list(results),
        **more,
    }
    if time:
        run["invocations"] = [{"executionSuccessful": True, "endTimeUtc": time}]
    return {"version": "2.1.0", "runs": [run]}


def eslint(*messages, path="/ci/pay/card.js", source=None, suppressed=()):
    return [{"filePath": path, "messages": list(messages), "suppressedMessages": list(suppressed), "source": source}]


def message(rule="no-unused-vars", line=1, severity=2, **more):
    return {"ruleId": rule, "severity": severity, "line": line, "column": 1, "message": "secret is not used", **more}


@pytest.fixture
def runs(tmp_path):
    folder = tmp_path / "runs"
    folder.mkdir()
    return folder


@pytest.fixture
def write(runs):
    def write_run(day, document, commit=None, name="report.sarif"):
        path = runs / f"2026-01-0{day}T10:00:00Z_{commit or f'c{day}'}" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(document if isinstance(document, str) else json.dumps(document))
        return path

    return write_run


@pytest.fixture
def load(run, empty_store, runs):
    def load_series(*options, preset="sarif", path=runs):
        how = ("--commit-from", "(?P<time>[^/_]+)_(?P<commit>c[0-9])/")
        return run("load", "--from", preset, path, *how, *options, "--json", "--db", empty_store)

    return load_series


def defects(url):
    with closing(sqlite3.connect(url.path)) as connection:
        connection.row_factory = sqlite3.Row
        rows = [dict(row) for row in connection.execute("SELECT * FROM defect_log ORDER BY found_at, defect_id")]
    return [{**row, "metadata": json.loads(row["metadata_json"])} for row in rows]


def told(ran):
    return " ".join(ran.json["files"][0]["notes"])


# --- SARIF ------------------------------------------------------------------------------------------------------------


def test_a_finding_that_is_gone_is_a_defect_that_was_mended_and_one_that_stays_is_none(load, empty_store, write):
    stays = result("E501", text="Line too long")
    write(1, sarif(stays))
    write(2, sarif(stays, result(line=7)))
    write(3, sarif(stays, result(line=9)))
    write(4, sarif(stays))
    ran = load()
    assert (ran.exit_code, ran.json["written"], len(ran.json["files"])) == (0, 1, 1)
    (defect,) = defects(empty_store)
    assert (defect["found_at"], defect["fixed_at"]) == ("2026-01-02T10:00:00.000000Z", "2026-01-04T10:00:00.000000Z")
    assert (defect["task_id"], defect["component_path"], defect["line_number"]) == ("c2", "pay/card.py", 9)
    assert (defect["phase_injected"], defect["phase_removed"], defect["severity"]) == ("Code", "StaticAnalysis", "High")
    assert (defect["is_flagged_by_agent"], defect["is_false_positive"]) == (0, 0)
    assert defect["metadata"]["fixed_commit"] == "c4" and "in_first_report" not in defect["metadata"]
    assert "unused" not in defect["description"]
    assert "1 gone again, which are defects; 1 open" in told(ran)


def test_one_report_is_a_state_and_has_no_defects(run, empty_store, real_data):
    ran = run("load", "--from", "sarif", real_data / "samples/sarif", "--json", "--db", empty_store)
    assert (ran.exit_code, ran.json["read"]) == (0, 0)
    said = told(ran)
    assert "ruff: 1 report" in said and "Bandit: 1 report" in said and "One report is a state" in said
    assert "--set root=FOLDER" in said and "says no time" in said


def test_the_samples_whose_findings_go_are_defects_of_their_kinds(load, empty_store, write, real_data):
    for name in ("ruff", "bandit"):
        document = json.loads((real_data / f"samples/sarif/{name}.sarif").read_text())
        for run in document["runs"]:
            run["invocations"] = []  # else its own time goes before that of the path
        write(1, document, name=f"{name}.sarif")
        for run in document["runs"]:
            run["results"] = []
        write(2, document, name=f"{name}.sarif")
    ran = load("--set", "root=/home/user/proj")
    assert (ran.exit_code, ran.json["rejected"], ran.json["written"]) == (0, 0, 9)
    found = defects(empty_store)
    assert {row["component_path"] for row in found} == {"m.py", "test_m.py", "proj/m.py", "proj/test_m.py"}
    kinds = {(row["metadata"]["tool"], row["metadata"]["rule"]): row["defect_type"] for row in found}
    assert kinds["Bandit", "B602"] == "5_Security_Vulnerability"
    assert (kinds["ruff", "I001"], kinds["ruff", "F401"]) == ("20_Syntax", "6_Conventional_Code_Bug")
    severities = {row["metadata"]["rule"]: row["severity"] for row in found}
    assert (severities["B602"], severities["B404"]) == ("High", "Low")


def test_a_suppressed_finding_is_a_false_alarm_and_not_fixed(load, empty_store, write):
    write(1, sarif(result("A"), result("B"), result("C")))
    hidden = [{"kind": "inSource"}]
    write(
        2,
        sarif(result("A", suppressions=hidden), result("B", suppressions=[{"kind": "external", "status": "rejected"}])),
    )
    ran = load()
    known = {row["metadata"]["rule"]: row for row in defects(empty_store)}
    assert set(known) == {"A", "C"}
    assert (known["A"]["is_false_positive"], known["A"]["fixed_at"]) == (1, None)
    assert (known["C"]["is_false_positive"], known["C"]["metadata"]["in_first_report"]) == (0, True)
    assert "1 suppressed" in told(ran)


def test_a_longer_series_changes_nothing_but_what_is_new(load, empty_store, write):
    write(1, sarif(result("A"), result("B")))
    write(2, sarif(result("B")))
    assert load().json["written"] == 1
    before = defects(empty_store)
    assert load().json["present"] == 1
    write(3, sarif(result("A")))
    ran = load()
    assert (ran.json["written"], ran.json["updated"], ran.json["present"]) == (1, 0, 1)
    assert before[0] in defects(empty_store)
    write(4, sarif())
    load()
    assert sorted(row["metadata"]["rule"] for row in defects(empty_store)) == ["A", "A", "B"]


def test_lines_that_move_are_the_same_finding_and_equal_ones_are_counted(load, empty_store, write):
    write(1, sarif(result(line=3), result(line=8), result(line=20)))
    write(2, sarif(result(line=5), result(line=30)))
    load()
    (defect,) = defects(empty_store)
    assert defect["line_number"] == 20


def test_a_fingerprint_goes_before_the_text(load, empty_store, write):
    same = {"primaryLocationLineHash": "39fa2ee980eb94b0:1"}
    write(1, sarif(result(text="one", partialFingerprints=same)))
    write(2, sarif(result(text="another", partialFingerprints=same)))
    ran = load()
    assert ran.json["read"] == 0 and "1 open" in told(ran)


def test_findings_that_go_with_another_version_of_the_tool_were_not_mended(load, empty_store, write):
    write(1, sarif(result("A"), version="1"))
    write(2, sarif(version="2"))
    assert "1 gone with another version" in told(load())
    assert defects(empty_store) == []


def test_reports_of_one_commit_are_parts_of_one(load, empty_store, write):
    for day in (1, 2):
        write(day, sarif(result("A", path="a.py")), name="a.sarif")
        write(day, sarif(result("B", path="b.py")), name="b.sarif")
    assert "2 open" in told(load())
    assert defects(empty_store) == []


def test_a_report_of_a_tool_that_broke_off_is_passed_over(load, empty_store, write):
    write(1, sarif(result("A")))
    broken = sarif()
    broken["runs"][0]["invocations"] = [{"executionSuccessful": False}]
    write(2, broken)
    write(3, sarif(result("A")))
    assert "did not end well: 1" in told(load())
    assert defects(empty_store) == []


def test_time_and_commit_are_those_that_the_report_says(run, empty_store, runs):
    for day, results in ((1, [result("A")]), (2, [])):
        document = sarif(
            *results, time=f"2026-03-0{day}T08:00:00Z", versionControlProvenance=[{"revisionId": f"abc{day}"}]
        )
        (runs / f"{day}.sarif").write_text(json.dumps(document))
    run("load", "--from", "sarif", runs, "--db", empty_store)
    (defect,) = defects(empty_store)
    assert (defect["found_at"], defect["task_id"]) == ("2026-03-01T08:00:00.000000Z", "abc1")


@pytest.mark.parametrize(
    ("rule", "severity", "kind"),
    [
        ({"security-severity": "9.8", "tags": ["security"]}, "Critical", "5_Security_Vulnerability"),
        ({"security-severity": "7.0"}, "High", "5_Security_Vulnerability"),
        ({"security-severity": "4.1"}, "Medium", "5_Security_Vulnerability"),
        ({"security-severity": 0.1}, "Low", "5_Security_Vulnerability"),
        ({"tags": ["security"]}, "High", "5_Security_Vulnerability"),
        ({"tags": "security"}, "High", "6_Conventional_Code_Bug"),
    ],
)
def test_severity_is_the_score_of_security_or_else_the_level(load, empty_store, write, rule, severity, kind):
    write(1, sarif(result("q"), tool="CodeQL", rules=[{"id": "q", "properties": rule}]))
    write(2, sarif(tool="CodeQL"))
    load()
    assert [(row["severity"], row["defect_type"]) for row in defects(empty_store)] == [(severity, kind)]


def test_results_that_are_no_findings_are_left_out(load, write):
    write(1, sarif(result("A", kind="pass"), result("B", baselineState="absent")))
    write(2, sarif())
    assert load().json["read"] == 0


# --- ESLint -----------------------------------------------------------------------------------------------------------


def test_eslint_tells_what_is_gone_and_what_is_suppressed(load, empty_store, write):
    source = "let secret = 1\nlet b\n"
    write(1, eslint(message(), message(None, line=2, fatal=True), source=source), name="r.json")
    write(
        2,
        eslint(message(line=3), source="\n\nlet secret = 1\n", suppressed=[message("eqeqeq", severity=1)]),
        name="r.json",
    )
    write(3, eslint(suppressed=[message("eqeqeq", severity=1)]), name="r.json")
    ran = load("--set", "root=/ci/", preset="eslint")
    assert (ran.exit_code, ran.json["written"]) == (0, 3)
    known = {row["metadata"]["rule"]: row for row in defects(empty_store)}
    unused, broken, hidden = (known[rule] for rule in ("no-unused-vars", "parse error", "eqeqeq"))
    assert (unused["fixed_at"], unused["component_path"]) == ("2026-01-03T10:00:00.000000Z", "pay/card.js")
    assert (broken["defect_type"], broken["fixed_at"]) == ("20_Syntax", "2026-01-02T10:00:00.000000Z")
    assert (hidden["is_false_positive"], hidden["severity"]) == (1, "Medium")
    assert "secret" not in json.dumps(defects(empty_store))


def test_a_clean_run_of_eslint_is_a_report(load, empty_store, write):
    write(1, eslint(message()), name="r.json")
    write(2, [], name="r.json")
    load(preset="eslint")
    assert len(defects(empty_store)) == 1


# --- coverage ---------------------------------------------------------------------------------------------------------


def test_a_coverage_is_kept_with_the_task_that_is_named(run, empty_store, tmp_path, real_data):
    path = real_data / "samples/coverage/coverage.json"
    assert "--set task_id=" in run("load", "--from", "coverage", path, "--db", empty_store).refusal
    (tmp_path / "tasks.csv").write_text("task_id,created_at,status,actual_size\nT-1,2026-01-01,completed,7\n")
    run("load", tmp_path / "tasks.csv", "--as", "task_metadata", "--db", empty_store)
    ran = run("load", "--from", "coverage", path, "--set", "task_id=T-1", "--json", "--db", empty_store)
    assert (ran.exit_code, ran.json["updated"]) == (0, 1)
    (task,) = run("sql", "SELECT * FROM stg_tasks", "--json", "--db", empty_store).json
    about = json.loads(task["metadata_json"])
    assert (task["status"], task["actual_size"]) == ("completed", 7)
    assert (about["coverage"]["num_statements"], about["coverage"]["covered_lines"]) == (17, 15)
    assert about["coverage_at"].startswith("2026-11-26T11:39:18")


# --- hostile and odd files --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("preset", ["sarif", "eslint"])
@pytest.mark.parametrize(
    "text",
    ["", "{", "7", '"x"', "<html>", "[" * 5_000, '{"runs": 5}', '[{"a": 1}]', "\x00"],
    ids=lambda text: repr(text[:9]),
)
def test_what_is_no_report_is_refused_in_one_line(load, write, preset, text):
    path = write(1, text)
    assert path.name in load(preset=preset, path=path).refusal


@pytest.mark.parametrize(
    "odd",
    [
        {"locations": None, "message": "text", "level": 5},
        {"locations": [{"physicalLocation": {"artifactLocation": {"uri": 7}, "region": {"startLine": -3}}}]},
        {"locations": [{"physicalLocation": {"region": {"startLine": 2**70}}}], "ruleId": {}, "ruleIndex": 99},
        {"suppressions": "yes", "partialFingerprints": [1], "properties": []},
        {"message": {"text": "\u0000 secret"}, "ruleId": "x\u0000"},
        {"locations": [{"physicalLocation": {"artifactLocation": {"uri": "file:///C:/a%20b.py"}}}]},
    ],
)
def test_odd_results_are_read_or_rejected_and_never_a_traceback(load, write, odd):
    write(1, sarif({**result("A"), **odd}, result("B")))
    write(2, sarif())
    ran = load()
    assert ran.exit_code == 0 and "Traceback" not in ran.err
    assert ran.json["read"] == 2 and ran.json["written"] >= 1


@pytest.mark.parametrize(
    ("document", "preset"), [(sarif(result()), "sarif"), (eslint(message()), "eslint")], ids=["sarif", "eslint"]
)
def test_a_report_without_a_preset_is_refused_with_the_name_of_its_preset(run, empty_store, write, document, preset):
    path = write(1, document, name="report.json")
    assert f"load --from {preset}" in run("load", path, "--db", empty_store).refusal


def test_a_coverage_without_a_preset_is_refused_with_its_name(run, empty_store, real_data):
    ran = run("load", real_data / "samples/coverage/coverage.json", "--db", empty_store)
    assert "load --from coverage" in ran.refusal
