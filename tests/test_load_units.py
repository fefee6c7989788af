"""Values in other units are multiplied where the mapping says so, exactly, and nowhere else."""

import json

import pytest

HEAD = "timestamp,task_id,agent_role,seconds\n"


@pytest.fixture
def latencies(run, empty_store):
    query = "SELECT latency_ms FROM executions WHERE latency_ms IS NOT NULL ORDER BY 1"
    return lambda: [row["latency_ms"] for row in run("sql", query, "--json", "--db", empty_store).json]


@pytest.mark.parametrize(
    ("theirs", "found"),
    [("seconds*1000", 1005.0), ("seconds*0.5", 0.5025), ("seconds*1e-3", 0.001005), ("seconds", 1.005)],
)
def test_the_number_behind_a_star_multiplies_exactly(load_text, latencies, theirs, found):
    ran = load_text(HEAD + "2026-01-02,T,Code,1.005\n", "--map", f"latency_ms={theirs}")
    assert latencies() == [found] and ran.err == ""


def test_numbers_of_json_are_multiplied_and_what_is_none_is_judged_as_it_is(load_text, latencies, run, empty_store):
    values = [2, 0.25, None, "x", True, 10**400, "1e999999999"]
    told = {"timestamp": "2026-01-02", "task_id": "T", "agent_role": "Code", "retries": 0}
    text = "".join(json.dumps({**told, "seconds": value}) + "\n" for value in values)
    ran = load_text(text, "--map", "latency_ms=seconds*1000", name="runs.jsonl")
    assert "read 7 = 3 written, 0 updated, 0 present, 4 rejected" in ran.out
    assert latencies() == [250.0, 2000.0]
    reasons = [reject["reasons"][0] for reject in run("rejects", "--json", "--db", empty_store).json]
    assert "'x' is not a number" in reasons[0] and "True is not a number" in reasons[1]


def test_a_column_that_is_really_called_so_keeps_its_meaning(load_text, latencies):
    load_text(HEAD.replace("seconds", "s,s*1000") + "2026-01-02,T,Code,1,7\n", "--map", "latency_ms=s*1000")
    assert latencies() == [7.0]


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (
            "user_id=task_id*2",
            "--map user_id=task_id*2: only numbers are multiplied, by a factor above 0. Leave *2 out.",
        ),
        ("latency_ms=seconds*0", "Leave *0 out."),
        ("latency_ms=minutes*60000", "has no column 'minutes'"),
        ("latency_ms=seconds*1.2.3", "has no column 'seconds*1.2.3'"),
    ],
)
def test_what_cannot_be_multiplied_is_refused(load_text, option, said):
    assert said in load_text(HEAD + "2026-01-02,T,Code,1\n", "--map", option).err


def test_the_load_log_keeps_the_option_as_it_was_given(load_text, run, empty_store):
    load_text(HEAD + "2026-01-02,T,Code,-1\n", "--map", "latency_ms=seconds*1000")
    (reject,) = run("rejects", "--json", "--db", empty_store).json
    assert reject["options"] == {"map": {"latency_ms": "seconds*1000"}}


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("1234,5", 1234.5),
        ("1.234,5", 1234.5),
        ("1.234.567", 1234567.0),
        ("1234", 1234.0),
        (",5", 0.5),
        (" 0,25 ", 0.25),
    ],
)
def test_numbers_with_a_decimal_comma_are_read_where_the_user_says_so(load_text, latencies, written, found):
    text = HEAD.replace(",", ";") + f"2026-01-02;T;Code;{written}\n"
    load_text(text, "--map", "latency_ms=seconds", "--decimal", ",")
    assert latencies() == ([] if found is None else [found])


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("1.234", "'1.234' is 1234 (load with --decimal , --thousands .) or 1.234 (leave out --decimal ,)"),
        ("12.5", "'12.5' is not a number with '.' between thousands and ',' before a fraction"),
        ("1,234,567", "'1,234,567' is not a number with '.' between thousands"),
        ("1.23,4", "'1.23,4' is not a number with '.' between thousands"),
    ],
)
def test_numbers_that_may_mean_something_else_beside_a_decimal_comma_are_rejected(load_text, written, reason):
    text = HEAD.replace(",", ";") + f"2026-01-02;T;Code;{written}\n"
    said = load_text(text, "--map", "latency_ms=seconds", "--decimal", ",").err
    assert reason in said


def test_a_decimal_comma_holds_for_constants_and_before_a_factor_and_not_for_texts(load_text, run, empty_store):
    text = "timestamp;task_id;agent_role;s\n2026-01-02;1.234;Code;0,5\n"
    load_text(text, "--map", "latency_ms=s*1000", "--set", "cost_usd=1,25", "--decimal", ",")
    query = "SELECT task_id, latency_ms, cost_usd FROM executions"
    found = run("sql", query, "--json", "--db", empty_store).json
    assert found == [{"task_id": "1.234", "latency_ms": 500.0, "cost_usd": 1.25}]


def test_rejects_are_loaded_again_with_the_same_decimal_sign(load_text, run, empty_store, tmp_path):
    load_text(HEAD + '2026-01-02,T,Code,"-1,5"\n', "--map", "latency_ms=seconds", "--decimal", ",")
    assert "--decimal ," in run("rejects", "--export", tmp_path / "back.csv", "--db", empty_store).err


def test_seconds_of_real_trials_become_milliseconds(real_data, run, empty_store):
    path = real_data / "terminal_bench" / "terminal_bench_trials.csv.gz"
    maps = ("timestamp=trial_started_at", "latency_ms=agent_seconds*1000", "llm_model=run", "tokens_in=input_tokens")
    words = [word for option in maps for word in ("--map", option)]
    run("load", path, "--as", "executions", *words, "--set", "agent_role=Code", "--db", empty_store)
    query = """
SELECT median(latency_ms) / 1000 AS seconds, median(CAST(metadata_json ->> 'trial_seconds' AS DOUBLE)) AS whole_trial
FROM executions WHERE latency_ms IS NOT NULL"""
    (row,) = run("sql", query, "--json", "--db", empty_store).json
    assert 0.5 * row["whole_trial"] < row["seconds"] < row["whole_trial"]
