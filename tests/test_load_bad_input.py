"""Every kind of bad input has one clear outcome, and nothing is lost."""

import gzip
import json
from pathlib import Path

import pytest

HEAD = "timestamp,task_id,agent_role,cost_usd\n"
GOOD = "2026-01-02,T-1,Code,1\n"


@pytest.fixture
def load_text(run, empty_store, tmp_path):
    def load(text, name="runs.csv", *options):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        ran = run("load", path, "--as", "executions", "--json", "--db", empty_store, *options)
        rejects = run("rejects", "--json", "--db", empty_store).json
        return ran, rejects

    return load


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("2026-01-02,T-1,Code,NaN\n", "nothing was measured: latency_ms, tokens_in"),
        ("2026-01-02,T-1,Code,inf\n", "cost_usd: 'inf' is not a number; if it means unknown, add --null 'inf'"),
        ("2026-01-02,T-1,Code,-3\n", "cost_usd: '-3' is not a number from 0 to 1e15"),
        ("2026-01-02,T-1,Code,cheap\n", "cost_usd: 'cheap' is not a number; if it means unknown, add --null 'cheap'"),
        ("yesterday,T-1,Code,1\n", "executed_at: 'yesterday' is not an instant; write ISO 8601"),
        ("2026-02-30,T-1,Code,1\n", "executed_at: '2026-02-30' is not an instant; write ISO 8601"),
        ("0000-01-01,T-1,Code,1\n", "executed_at: '0000-01-01' is not an instant; write ISO 8601"),
        ("2026-01-02,,Code,1\n", "task_id: is missing or empty"),
        ("2026-01-02,T-1,Code,\n", "nothing was measured: latency_ms, tokens_in"),
        (
            "2026-01-02,T-1,Code,\n",
            "are all empty; name the column that holds one with --map, or leave out what measured",
        ),
        ("2026-01-02,T-1,Code\n", "nothing was measured: latency_ms, tokens_in"),
        ("2026-01-02,T-1,Code", "the header has 4 columns, this line has 3; the file ends within this line"),
        ("2026-01-02,T-1,Code,1,9\n", "the header has 4 columns, this line has 5"),
        ("2026-01-02,a\x00b,Code,1\n", "has the character U+0000"),
    ],
)
def test_a_bad_line_is_rejected_with_line_reason_and_text(load_text, line, reason):
    ran, (reject,) = load_text(HEAD + GOOD + line)
    assert ran.exit_code == 0
    counts = ran.json
    assert (counts["read"], counts["written"], counts["rejected"]) == (2, 1, 1)
    assert reject["line_number"] == 3
    assert any(reason in found for found in reject["reasons"]), reject["reasons"]
    assert reject["raw_text"] == line.replace("\x00", "\\x00")


def test_every_reason_of_a_record_is_given(load_text):
    _, (reject,) = load_text(HEAD + "yesterday,,Code,-1\n")
    assert len(reject["reasons"]) == 3


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"timestamp": NaN}', "the line is not JSON"),
        ('{"timestamp":"2026-01-02","task_id":"T"', "half-written"),
        ("[1, 2]", "not a JSON object"),
        ('{"timestamp":"2026-01-02","task_id":"T","agent_role":"Code","cost_usd":true}', "True is not a number"),
        ('{"timestamp":"2026-01-02","task_id":"T","agent_role":"Code","cost_usd":[1]}', "[1] is not a number"),
        ('{"timestamp":"2026-01-02","task_id":"T","agent_role":"Code","cost_usd":1e999}', "cost_usd"),
        ('{"timestamp":"2026-01-02","task_id":"\\ud800","agent_role":"Code","cost_usd":1}', "the line is not JSON"),
        ('{"timestamp":"2026-01-02","task_id":"T","agent_role":"Code","cost_usd":1,"metadata":"{"}', "is not JSON"),
    ],
)
def test_a_bad_json_line_is_rejected_and_the_others_are_kept(load_text, line, reason):
    good = json.dumps({"timestamp": "2026-01-02", "task_id": "T-0", "agent_role": "Code", "cost_usd": 1})
    ran, (reject,) = load_text(good + "\n" + line, "runs.jsonl")
    assert (ran.json["written"], ran.json["rejected"]) == (1, 1)
    assert reject["line_number"] == 2 and reject["raw_text"] == line
    assert any(reason in found for found in reject["reasons"]), reject["reasons"]


def test_bytes_that_are_no_utf8_reject_only_their_line(load_text):
    ran, (reject,) = load_text(HEAD.encode() + GOOD.encode() + b"2026-01-02,T\xff,Code,1\n")
    assert (ran.json["written"], ran.json["rejected"]) == (1, 1)
    assert "\\udcff" in reject["raw_text"]


def test_an_unknown_word_of_a_closed_vocabulary_is_rejected_with_the_words(run, empty_store, tmp_path):
    path = tmp_path / "tasks.csv"
    path.write_text("task_id,created_at,status\nT-1,2026-01-02,done\n")
    run("load", path, "--db", empty_store)
    (reject,) = run("rejects", "--json", "--db", empty_store).json
    assert (
        "'done' is not one of pending, in_progress, completed, failed; say which it is with --value"
        in reject["reasons"][0]
    )


def test_a_wrong_unit_is_rejected_with_the_right_one(run, empty_store, tmp_path):
    path = tmp_path / "metrics.csv"
    path.write_text(
        "timestamp,task_id,agent_role,metric_type,metric_value,metric_unit\n2026-01-02,T-1,Code,Latency,1,s\n"
    )
    run("load", path, "--db", empty_store)
    (reject,) = run("rejects", "--json", "--db", empty_store).json
    assert reject["reasons"] == ["metric_unit: Latency is measured in ms, found 's'"]


def test_a_new_task_without_a_time_is_rejected_with_what_to_do(run, empty_store, tmp_path):
    path = tmp_path / "tasks.csv"
    path.write_text("task_id,status\nT-1,completed\n")
    ran = run("load", path, "--as", "task_metadata", "--json", "--db", empty_store)
    assert ran.json["rejected"] == 1
    (reject,) = run("rejects", "--json", "--db", empty_store).json
    assert "--set created_at" in reject["reasons"][0]


def test_an_empty_file_holds_no_records_and_says_so(load_text):
    ran, rejects = load_text("")
    assert ran.exit_code == 0 and ran.json["read"] == 0 and rejects == []


def test_a_header_without_records_is_no_error(load_text):
    ran, rejects = load_text(HEAD)
    assert ran.exit_code == 0 and ran.json["read"] == 0 and rejects == []


def test_crlf_lines_are_read_as_lines(load_text):
    ran, _ = load_text((HEAD + GOOD + GOOD).replace("\n", "\r\n"))
    assert ran.json["written"] == 2


def test_what_a_folder_holds_besides_telemetry_is_named(run, empty_store, tmp_path):
    folder = tmp_path / "mixed"
    folder.mkdir()
    (folder / "notes.md").write_text("# notes\n")
    (folder / "runs.csv").write_text(HEAD + GOOD)
    (folder / "strange.csv").write_text("a,b\n1,2\n")
    ran = run("load", folder, "--json", "--db", empty_store)
    assert ran.exit_code == 0 and ran.json["written"] == 1
    assert [Path(entry["file"]).name for entry in ran.json["not_loaded"]] == ["notes.md", "strange.csv"]
    assert "notes.md" in ran.err and "strange.csv" in ran.err


def test_a_missing_file_is_refused_in_one_line(run, empty_store, tmp_path):
    ran = run("load", tmp_path / "none.csv", "--db", empty_store)
    assert ran.exit_code == 1 and "does not exist" in ran.err and ran.err.count("\n") == 1


def test_a_gzip_file_cut_short_is_refused_and_nothing_is_written(run, empty_store, tmp_path):
    path = tmp_path / "runs.csv.gz"
    text = HEAD + "".join(f"2026-01-02,T-{n},Code,{n}\n" for n in range(20_000))
    path.write_bytes(gzip.compress(text.encode())[:-2_000])
    ran = run("load", path, "--db", empty_store)
    assert ran.exit_code == 1 and "damaged or cut short" in ran.err
    assert run("sql", "SELECT count(*) AS n FROM stg_executions", "--json", "--db", empty_store).json == [{"n": 0}]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"SQLite format 3\x00" + b"\x00" * 100, "SQLite database"),
        (b"PAR1 and no more", "Parquet"),
        (b"[1]", "no JSON record that can be read"),
    ],
)
def test_other_kinds_of_files_are_named(run, empty_store, tmp_path, content, reason):
    path = tmp_path / "file"
    path.write_bytes(content)
    ran = run("load", path, "--db", empty_store)
    assert ran.exit_code == 1 and reason in ran.err and "Traceback" not in ran.err


def test_of_two_columns_of_one_name_none_is_taken_unless_it_is_mapped(run, empty_store, tmp_path):
    path = tmp_path / "runs.csv"
    path.write_text("timestamp,task_id,task_id,agent_role,cost_usd,,\n2026-01-02,T,U,Code,1,x,\n")
    ran = run("load", path, "--as", "executions", "--db", empty_store)
    assert ran.exit_code == 1 and "task_id: is missing or empty" in ran.err
    assert run("load", path, "--map", "task_id=task_id (2)", "--db", empty_store).exit_code == 0
    (row,) = run("sql", "SELECT task_id, metadata_json FROM executions", "--json", "--db", empty_store).json
    assert row["task_id"] == "U" and json.loads(row["metadata_json"]) == {"column 6": "x", "task_id (1)": "T"}


def test_strict_writes_nothing_where_a_record_is_rejected(run, empty_store, tmp_path):
    path = tmp_path / "runs.csv"
    path.write_text(HEAD + GOOD + "2026-01-02,T-2,Code,-1\n")
    ran = run("load", path, "--strict", "--db", empty_store)
    assert ran.exit_code == 1 and "line 3: cost_usd" in ran.err
    tables = "SELECT (SELECT count(*) FROM stg_executions) + (SELECT count(*) FROM stg_loads) AS n"
    assert run("sql", tables, "--json", "--db", empty_store).json == [{"n": 0}]
    assert run("rejects", "--json", "--db", empty_store).json == []


def test_components_that_are_no_texts_are_rejected(empty_store, tmp_path, run):
    path = tmp_path / "tasks.jsonl"
    path.write_text('{"task_id": "T", "created_at": "2026-01-02", "components_affected": ["src/a.py", 7]}\n')
    loaded = run("load", path, "--as", "task_metadata", "--json", "--db", empty_store).json
    assert (loaded["written"], loaded["rejected"]) == (0, 1)
    (reject,) = run("rejects", "--json", "--db", empty_store).json
    assert reject["reasons"] == ["components_json: 7 is not a text; write a JSON array of texts"]
