"""However long a line, a record, a document or an unpacked file is: the memory stays bounded and the rest is loaded."""

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest

from asp_analysis.importers import file as source
from asp_analysis.importers.formats import csv_file, jsonl
from asp_analysis.importers.registry import list_formats
from asp_analysis.importers.tables import raw, record_batches
from asp_analysis.importers.tables.table_options import TableOptions
from asp_analysis.importers.transcripts import spans, values
from tests.fuzz.seeds import SEEDS
from tests.reading import read_transcript

GIB = 2**30
LIMITED = (
    "import resource, sys; resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv.pop(1)),) * 2); "
    "from asp_analysis.cli import main; main()"
)
HEAD = b"timestamp,task_id,agent_role,cost_usd\n"
GOOD = {
    "runs.csv": b"2026-01-02,T-1,Code,1\n",
    "runs.jsonl": b'{"timestamp":"2026-01-02","task_id":"T","agent_role":"Code","cost_usd":1}\n',
    "session.jsonl": SEEDS["claude-code"](),
    "trace.jsonl": SEEDS["opentelemetry"](),
}
BEGUN = {"runs.csv": b'2026-01-02,"', "runs.jsonl": b'{"task_id":"', "session.jsonl": b'{"x":"', "trace.jsonl": b"{"}
ENDED = {"runs.csv": b'",Code,1\n', "runs.jsonl": b'"}\n', "session.jsonl": b'"}\n', "trace.jsonl": b"}\n"}


def load_limited(path: Path, store, limit_bytes: int):
    """Load a file in a process that may have no more than so many bytes of memory."""
    words = [sys.executable, "-c", LIMITED, str(limit_bytes), "load", str(path), "--json", "--db", store.text]
    return subprocess.run(words, capture_output=True, text=True, check=False)


@pytest.mark.faults
@pytest.mark.parametrize("name", ["runs.csv", "runs.jsonl", "session.jsonl"])
def test_a_line_of_a_gibibyte_is_rejected_in_less_memory_than_it_has(run, empty_store, tmp_path, name):
    path = tmp_path / name
    with path.open("wb") as stream:
        before = (HEAD if name == "runs.csv" else b"") + GOOD[name]
        stream.write(before + BEGUN[name])
        stream.seek(GIB, 1)  # a hole: it takes no place on the disk and reads as U+0000
        stream.write(ENDED[name] + GOOD[name])
    ran = load_limited(path, empty_store, GIB - 2**28)
    assert ran.returncode == 0, ran.stderr
    (reject,) = run("rejects", "--json", "--db", empty_store).json
    assert reject["line_number"] == before.count(b"\n") + 1
    assert "at most 67,108,864" in reject["reasons"][0] or "more than 67,108,864" in reject["reasons"][0]
    assert len(reject["raw_text"]) < 1_000
    assert run("sql", "SELECT count(*) AS n FROM executions", "--json", "--db", empty_store).json[0]["n"] >= 1


@pytest.fixture
def short_lines(monkeypatch):
    """Make the limits small, so that small files reach them."""
    for module in (source, csv_file):
        monkeypatch.setattr(module, "LONGEST_LINE", 10_000)


@pytest.mark.parametrize("name", ["runs.csv", "runs.jsonl", "session.jsonl"])
def test_what_stands_after_a_line_that_is_too_long_is_loaded(run, empty_store, tmp_path, short_lines, name):
    path = tmp_path / name
    long = BEGUN[name] + b"x" * 30_000 + ENDED[name]
    path.write_bytes((HEAD if name == "runs.csv" else b"") + GOOD[name] + long + GOOD[name])
    ran = run("load", path, "--json", "--db", empty_store)
    assert (ran.exit_code, ran.json["rejected"]) == (0, 1)
    (reject,) = run("rejects", "--json", "--db", empty_store).json
    assert "10,000" in reject["reasons"][0]


def test_a_quote_that_is_never_closed_rejects_records_and_holds_none_of_them(run, empty_store, tmp_path, short_lines):
    path = tmp_path / "runs.csv"
    path.write_bytes(HEAD + GOOD["runs.csv"] + b'2026-01-02,"\n' + b"x\n" * 10_000)
    ran = run("load", path, "--json", "--db", empty_store)
    assert (ran.exit_code, ran.json["written"]) == (0, 1) and ran.json["rejected"] > 1
    first = run("rejects", "--json", "--db", empty_store).json[0]
    assert first["line_number"] == 3 and "more than 10,000 characters" in first["reasons"][0]
    assert len(first["raw_text"]) <= 200


def test_a_document_that_is_too_large_is_refused_with_what_to_do(run, empty_store, tmp_path, monkeypatch):
    path = tmp_path / "trace.json"
    path.write_text(json.dumps({"resourceSpans": [{}] * 5_000}, indent=1))
    for module in ("transcripts.documents", "file"):
        monkeypatch.setattr(f"asp_analysis.importers.{module}.LARGEST_DOCUMENT", 10_000)
    ran = run("load", path, "--db", empty_store)
    assert ran.exit_code == 1 and "one JSON document of more than 10,000 bytes" in ran.err and ran.err.count("\n") == 1


def test_a_gzip_bomb_is_refused_before_it_is_unpacked(run, empty_store, tmp_path):
    path = tmp_path / "runs.jsonl.gz"
    with gzip.open(path, "wb") as stream:
        stream.write(GOOD["runs.jsonl"])
        for _ in range(300):
            stream.write(b" " * (2**20 - 1) + b"\n")
    ran = run("load", path, "--as", "executions", "--db", empty_store)
    assert ran.exit_code == 1 and "more than 250 times" in ran.err
    assert run("sql", "SELECT count(*) AS n FROM stg_executions", "--json", "--db", empty_store).json == [{"n": 0}]


def test_telemetry_that_packs_well_is_no_bomb(run, empty_store, tmp_path):
    path = tmp_path / "runs.csv.gz"
    path.write_bytes(gzip.compress(HEAD + GOOD["runs.csv"] * 20_000))
    assert len(HEAD + GOOD["runs.csv"] * 20_000) > 200 * path.stat().st_size
    assert run("load", path, "--json", "--db", empty_store).json["written"] == 20_000


def test_a_table_of_too_many_columns_is_refused(run, empty_store, tmp_path):
    path = tmp_path / "runs.csv"
    path.write_text(",".join(f"c{n}" for n in range(100_000)) + "\n" + "," * 99_999 + "\n")
    ran = run("load", path, "--db", empty_store)
    assert ran.exit_code == 1 and "has 100,000 columns, at most 10,000 are read" in ran.err


def test_an_unknown_table_of_many_columns_names_some_of_them(run, empty_store, tmp_path):
    path = tmp_path / "runs.csv"
    path.write_text(",".join(f"c{n}" for n in range(9_000)) + "\n" + "," * 8_999 + "\n")
    ran = run("load", path, "--db", empty_store)
    assert ran.exit_code == 1 and "and 8,950 more" in ran.err and len(ran.err) < 2_000


def test_an_object_of_too_many_keys_is_rejected(run, empty_store, tmp_path):
    path = tmp_path / "runs.jsonl"
    path.write_bytes(GOOD["runs.jsonl"] + json.dumps({f"k{n}": 1 for n in range(10_001)}).encode())
    assert run("load", path, "--json", "--db", empty_store).json["rejected"] == 1
    (reject,) = run("rejects", "--json", "--db", empty_store).json
    assert "this object has 10,001 keys, at most 10,000 are read" in reject["reasons"][0]


def jsonl_batches(path):
    with source.open_file(path) as file:
        return list(jsonl.read_table(file, TableOptions()))


def test_records_that_all_have_keys_of_their_own_are_read_in_small_batches(tmp_path, monkeypatch):
    monkeypatch.setattr(jsonl, "_BATCH_CELLS", 1_000)
    path = tmp_path / "runs.jsonl"
    path.write_text("".join(json.dumps({"shared": n, f"own{n}": n, "x": "y"}) + "\n" for n in range(200)))
    batches = jsonl_batches(path)
    assert max(len(batch.columns) * batch.record_count for batch in batches) <= 1_000
    assert [n for batch in batches for n in batch.columns["shared"]] == list(range(200))
    assert [n for batch in batches for n in batch.line_numbers] == list(range(1, 201))
    assert [json.loads(batch.raw_text(0))["shared"] + 1 for batch in batches] == [b.line_numbers[0] for b in batches]


def test_long_records_come_in_small_batches(tmp_path, monkeypatch):
    monkeypatch.setattr(raw, "BATCH_BYTES", 10_000)
    path = tmp_path / "runs.jsonl"
    path.write_text((json.dumps({"x": "y" * 3_000}) + "\n") * 20)
    assert max(batch.record_count for batch in jsonl_batches(path)) <= 4


def test_a_transcript_of_lines_that_cannot_be_read_is_refused(run, empty_store, tmp_path, monkeypatch):
    monkeypatch.setattr(values, "MOST_REJECTS", 100)
    path = tmp_path / "session.jsonl"
    path.write_bytes(GOOD["session.jsonl"] + b"x\n" * 200)
    ran = run("load", path, "--db", empty_store)
    assert ran.exit_code == 1 and "more than 100 records that cannot be read (line 9:" in ran.err


def test_a_table_of_records_that_cannot_be_taken_is_refused(run, empty_store, tmp_path, monkeypatch):
    monkeypatch.setattr(record_batches, "MOST_REJECTED_RECORDS", 100)
    path = tmp_path / "runs.jsonl"
    path.write_bytes(GOOD["runs.jsonl"] + b"x\n" * 200)
    ran = run("load", path, "--db", empty_store)
    assert ran.exit_code == 1 and "more than 100 records that cannot be taken as executions (line 201:" in ran.err
    assert run("sql", "SELECT count(*) AS n FROM stg_executions", "--json", "--db", empty_store).json == [{"n": 0}]


@pytest.mark.parametrize("name", ["session.jsonl", "trace.jsonl"])
def test_a_transcript_of_too_many_calls_is_refused(run, empty_store, tmp_path, monkeypatch, name):
    monkeypatch.setattr(values, "MOST_CALLS", 1)
    path = tmp_path / name
    path.write_bytes(GOOD[name] * 2)
    ran = run("load", path, "--db", empty_store)
    assert ran.exit_code == 1 and "holds more than 1 calls" in ran.err


def test_a_chain_of_ten_thousand_spans_is_climbed_once(tmp_path, monkeypatch):
    climbed = 0
    above = spans.Trace.above

    def counted(self, span):
        nonlocal climbed
        for found in above(self, span):
            climbed += 1
            yield found

    monkeypatch.setattr(spans.Trace, "above", counted)
    document = json.loads(SEEDS["opentelemetry"]().splitlines()[0])
    scope = document["resourceSpans"][0]["scopeSpans"][0]
    call = scope["spans"][0]
    scope["spans"] = [{**call, "spanId": str(n), "parentSpanId": str(n - 1)} for n in range(10_000)]
    path = tmp_path / "trace.jsonl"
    path.write_text(json.dumps(document))
    transcript = read_transcript(path)
    assert len(transcript.calls) == 1 and transcript.duplicates == 9_999
    assert climbed < 100_000


def test_every_format_has_a_seed():
    assert {form.name for form in list_formats()} - {"empty"} == set(SEEDS)
