"""Tables as trackers, providers and spreadsheets export them: each gets in by what the messages themselves propose."""

import json
import re
import shlex
from datetime import datetime

import pytest

from asp_analysis.pricing import Tokens, price_tokens
from tests.workbooks import write_workbook

JIRA = [
    "--as", "task_metadata", "--map", "task_id=Issue key", "--map", "created_at=Created",
    "--map", "completed_at=Resolved", "--map", "status=Status Category", "--map", "task_type=Issue Type",
    "--map", "estimated_size=Custom field (Story Points)",
]  # fmt: skip
LINEAR = [
    "--as", "task_metadata", "--map", "task_id=ID", "--map", "created_at=Created", "--map", "completed_at=Completed",
    "--map", "status=Status", "--map", "estimated_size=Estimate",
]  # fmt: skip
CURSOR = [
    "--as", "executions", "--map", "executed_at=Date", "--map", "llm_model=Model", "--map", "tokens_out=Output Tokens",
    "--map", "tokens_cache_read=Cache Read", "--map", "cost_usd=Cost", "--set", "task_id=T", "--set", "agent_role=Code",
]  # fmt: skip
OPENROUTER = [
    "--as", "executions", "--map", "executed_at=created_at", "--map", "execution_id=generation_id",
    "--map", "llm_model=model_permaslug", "--map", "cost_usd=cost_total", "--map", "tokens_in=tokens_prompt",
    "--map", "tokens_out=tokens_completion", "--set", "task_id=T", "--set", "agent_role=Code",
]  # fmt: skip
PROPOSED = re.compile(r"--(?:time-format|value|null|thousands|decimal|time-zone) (?:'[^']*'|\S+)")
"""An option that a message proposes; of two alternatives the first is taken."""


def proposed(said):
    """The options that messages propose, the first of the alternatives that each line offers for one flag."""
    words = {}
    for line in said.splitlines():
        seen = set()
        for option in PROPOSED.findall(line.partition(" or ")[0]):
            flag, value = shlex.split(option)
            if flag != "--value" and flag in seen:
                continue
            seen.add(flag)
            words[(flag, value)] = None
    return [word.rstrip(")") for pair in words for word in pair]


def load_in_two_tries(run, store, path, *options):
    first = run("load", path, *options, "--json", "--db", store)
    if first.json["rejected"] == 0:
        return first.json
    second = run("load", path, *options, *proposed("\n".join(_said(first))), "--json", "--db", store)
    return second.json


def _said(ran):
    (file,) = ran.json["files"]
    return [*file["reject_examples"], *file["notes"]]


@pytest.mark.parametrize(
    ("name", "options", "count"),
    [
        ("jira_csv/shape.csv", JIRA, 3),
        ("linear_csv/shape.csv", LINEAR, 2),
        ("cursor_csv/usage.csv", CURSOR, 4),
        ("openrouter_csv/activity.csv", OPENROUTER, 2),
    ],
)
def test_an_export_is_loaded_in_two_tries_that_its_messages_lead_to(run, empty_store, real_data, name, options, count):
    loaded = load_in_two_tries(run, empty_store, real_data / "samples" / name, *options)
    assert (loaded["read"], loaded["written"] + loaded["present"], loaded["rejected"]) == (count, count, 0), loaded


US = """Date,Ticket,Agent,Cost,Tokens,Duration
01/31/2026 09:30 AM,T-1,Code,"$1,234.50","12,345",00:05:10
02/01/2026 10:30 PM,T-2,Review,$0.25,"1,000",5m10s
02/02/2026 11:00 AM,T-3,Code,N/A,"2,000,000",310s
02/03/2026 11:00 AM,T-4,Code,$3,999,
"""
GERMAN = """Datum;Ticket;Agent;Kosten;Token;Dauer
31.01.2026 09:30;T-1;Code;1.234,50;12.345;00:05:10
01.02.2026 22:30;T-2;Review;0,25;1.000;5m10s
02.02.2026 11:00;T-3;Code;-;2.000.000;310s
"""
NAMES = ["executed_at", "task_id", "agent_role", "cost_usd", "tokens_in", "latency_ms"]


def mapped(text):
    header = re.split("[,;]", text.splitlines()[0])
    return [word for ours, theirs in zip(NAMES, header, strict=True) for word in ("--map", f"{ours}={theirs}")]


@pytest.mark.parametrize("text", [US, GERMAN])
def test_a_spreadsheet_of_another_country_is_loaded_exactly_in_two_tries(run, empty_store, tmp_path, text):
    path = tmp_path / "sheet.csv"
    path.write_text(text)
    loaded = load_in_two_tries(run, empty_store, path, "--as", "executions", *mapped(text))
    assert loaded["rejected"] == 0, loaded
    query = "SELECT executed_at, cost_usd, tokens_in, latency_ms FROM executions ORDER BY task_id"
    rows = run("sql", query, "--json", "--db", empty_store).json
    assert [row["tokens_in"] for row in rows][:3] == [12345, 1000, 2_000_000]
    assert [row["cost_usd"] for row in rows][:3] == [1234.5, 0.25, None]
    assert [row["latency_ms"] for row in rows][:3] == [310_000] * 3
    assert rows[1]["executed_at"].startswith("2026-02-01T22:30:00")


HEADER = ["executed_at", "task_id", "agent_role", "cost_usd", "tokens_in"]


def test_a_workbook_is_a_table(run, empty_store, tmp_path):
    path = tmp_path / "costs.xlsx"
    rows = [[None], HEADER, [datetime(2026, 1, 31, 9, 30), 101, "Code", 1.25, 12345], ["N/A", 102, "Code", 1, 2]]
    write_workbook(path, ("Costs", rows), ("Notes", []))
    ran = run("load", path, "--time-zone", "Europe/Berlin", "--json", "--db", empty_store)
    assert (ran.json["written"], ran.json["rejected"]) == (1, 1), ran.err
    (row,) = run("sql", "SELECT * FROM executions", "--json", "--db", empty_store).json
    assert row["executed_at"].startswith("2026-01-31T08:30:00") and row["task_id"] == "101"
    assert (row["cost_usd"], row["tokens_in"]) == (1.25, 12345)
    (reject,) = run("rejects", "--json", "--db", empty_store).json
    assert reject["line_number"] == 4


def test_of_several_sheets_one_is_named(run, empty_store, tmp_path):
    path = tmp_path / "costs.xlsx"
    rows = [HEADER, [datetime(2026, 1, 31), "T", "Code", 1, 2]]
    write_workbook(path, ("May", rows), ("June", rows))
    assert "2 sheets with cells: May, June. Name one with --sheet" in run("load", path, "--db", empty_store).err
    assert "It has: May, June." in run("load", path, "--sheet", "July", "--db", empty_store).err
    assert run("load", path, "--sheet", "June", "--json", "--db", empty_store).json["written"] == 1


def test_a_damaged_workbook_is_one_line(run, empty_store, tmp_path):
    path = tmp_path / "costs.xlsx"
    write_workbook(path, ("Costs", [HEADER]))
    path.write_bytes(path.read_bytes()[:200])
    ran = run("load", path, "--db", empty_store)
    assert ran.exit_code == 1 and ran.err.count("\n") == 1 and "cannot be read as a workbook" in ran.err


RECORD = {"executed_at": "2026-01-02", "task_id": "T", "agent_role": "Code", "cost_usd": 1}


@pytest.mark.parametrize(
    "text",
    [
        json.dumps([RECORD, {**RECORD, "task_id": "U"}]),
        json.dumps([RECORD, {**RECORD, "task_id": "U"}], indent=2),
        json.dumps({"total": 2, "items": [RECORD, {**RECORD, "task_id": "U"}]}, indent=2),
    ],
)
def test_a_json_document_is_a_table(run, empty_store, tmp_path, text):
    path = tmp_path / "runs.json"
    path.write_text(text)
    assert run("load", path, "--json", "--db", empty_store).json["written"] == 2


def test_of_several_arrays_in_a_document_one_must_be_taken_out(run, empty_store, tmp_path):
    path = tmp_path / "runs.json"
    path.write_text(json.dumps({"a": [RECORD], "b": [RECORD]}, indent=2))
    assert "several arrays of records (a, b)" in run("load", path, "--db", empty_store).err


def test_one_file_fills_several_tables(run, empty_store, tmp_path):
    path = tmp_path / "work.csv"
    path.write_text("day,task_id,agent_role,usd,points,note\n2026-01-02,T,Code,1.5,8,n\n2026-01-03,T,Review,0.5,8,n\n")
    maps = ["--map", "executed_at=day", "--map", "created_at=day", "--map", "cost_usd=usd"]
    maps += ["--map", "estimated_size=points"]
    ran = run("load", path, "--as", "executions", "--as", "task_metadata", *maps, "--json", "--db", empty_store)
    assert ran.exit_code == 0, ran.err
    assert [(file["loaded_as"], file["read"]) for file in ran.json["files"]] == [
        ("executions", 2),
        ("task_metadata", 2),
    ]
    (task,) = run("sql", "SELECT estimated_size, cost_usd FROM tasks", "--json", "--db", empty_store).json
    assert task == {"estimated_size": 8, "cost_usd": 2.0}
    rows = run("sql", "SELECT metadata_json FROM executions", "--json", "--db", empty_store).json
    assert [json.loads(row["metadata_json"]) for row in rows] == [{"note": "n"}] * 2


def test_short_lines_are_filled_and_counted_but_not_the_last_one_that_is_cut(run, empty_store, tmp_path):
    path = tmp_path / "runs.csv"
    path.write_text("executed_at,task_id,agent_role,cost_usd,llm_model\n2026-01-02,T,Code,1\n2026-01-02,T,Code,12")
    ran = run("load", path, "--json", "--db", empty_store)
    assert (ran.json["written"], ran.json["rejected"]) == (1, 1)
    (file,) = ran.json["files"]
    assert "1 line has fewer cells than the header; the missing ones are empty." in file["notes"]
    assert "half-written" in file["reject_examples"][0]


def test_a_file_of_which_nothing_could_be_taken_ends_with_1(run, empty_store, tmp_path):
    path = tmp_path / "runs.csv"
    path.write_text("executed_at,task_id,agent_role,cost_usd\nx,T,Code,1\n")
    assert run("load", path, "--db", empty_store).exit_code == 1
    path.write_text(path.read_text() + "2026-01-02,T,Code,1\n")
    assert run("load", path, "--db", empty_store).exit_code == 0


def test_nothing_is_written_of_a_file_with_more_rejects_than_allowed(run, empty_store, tmp_path):
    path = tmp_path / "runs.csv"
    path.write_text("executed_at,task_id,agent_role,cost_usd\nx,T,Code,1\ny,T,Code,1\n2026-01-02,T,Code,1\n")
    said = run("load", path, "--max-rejects", 1, "--db", empty_store).err
    assert "2 of the first 3 records cannot be taken, and --max-rejects is 1" in said
    assert run("load", path, "--max-rejects", 2, "--json", "--db", empty_store).json["written"] == 1


# --- prices -----------------------------------------------------------------------------------------------------------

PRICED = "execution_id,executed_at,task_id,agent_role,llm_model,tokens_in,tokens_out,cost_usd\n"


def costs(run, store):
    rows = run("sql", "SELECT execution_id, cost_usd FROM executions ORDER BY ALL", "--json", "--db", store).json
    return {row["execution_id"]: row["cost_usd"] for row in rows}


def test_executions_of_a_table_are_priced_by_model_and_tokens_where_no_cost_is_known(load_text, run, empty_store):
    at = "2026-01-02T03:04:05Z"
    text = PRICED + f"a,{at},T,Code,claude-opus-4-5,1000,200,\nb,{at},T,Code,claude-opus-4-5,1000,200,7\n"
    ran = load_text(text + f"c,{at},T,Code,no-such-model,1000,200,\nd,{at},T,Code,,1000,200,\n")
    expected = price_tokens("claude-opus-4-5", None, at, Tokens(total_in=1000, out=200)).cost_usd
    assert costs(run, empty_store) == {"a": pytest.approx(expected), "b": 7.0, "c": None, "d": None}
    assert "1 execution had no cost and was priced by model and tokens." in ran.err


def test_a_cost_that_is_known_is_never_replaced_by_a_computed_one(load_text, run, empty_store):
    at = "2026-01-02T03:04:05Z"
    known = PRICED + f"a,{at},T,Code,claude-opus-4-5,,,7\n"
    priced = PRICED + f"a,{at},T,Code,claude-opus-4-5,1000,200,\n"
    for first, second in ((known, priced), (priced, known)):
        load_text(first)
        load_text(second)
        assert costs(run, empty_store) == {"a": 7.0}


def test_own_prices_come_first(load_text, run, empty_store, tmp_path):
    prices = tmp_path / "prices.csv"
    prices.write_text("model,input,output\nclaude-opus-4-5,1,2\n")
    text = PRICED + "a,2026-01-02,T,Code,claude-opus-4-5,1000000,1000000,\n"
    load_text(text, "--prices", str(prices))
    assert costs(run, empty_store) == {"a": 3.0}
