"""Own kinds of work: which columns say what, who may act alone among many, and the policy that follows."""

import json

import numpy as np
import pandas as pd
import pytest

from asp_analysis.errors import InputError
from asp_analysis.learning.discoveries import CellQuestion, discover, judge_cells
from asp_analysis.learning.maturity import find_lag
from asp_analysis.learning.outcome_columns import read_outcomes
from asp_analysis.learning.permissions import make_policy
from asp_analysis.learning.power import find_cases_needed

QUESTION = CellQuestion(by=("agent", "work"), success="ok", columns={"block": "none"})


def outcomes(rates, count=200, seed=1):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"agent": np.repeat([*rates], count), "work": "fix"})
    frame["ok"] = rng.random(len(frame)) < np.repeat([*rates.values()], count)
    frame["ended_at"] = pd.Timestamp("2026-01-01") + pd.to_timedelta(np.tile(np.arange(count), len(rates)), "D")
    return frame


def test_the_fit_may_act_alone_and_the_unfit_may_not():
    table = judge_cells(outcomes({"good": 0.97, "fair": 0.8, "bad": 0.5}), QUESTION).table.set_index("agent")
    assert table["mode"].to_dict() == {"good": "Autonomous", "fair": "Shadow", "bad": "Learning"}
    assert table.loc["good", ["alone_on", "missing"]].tolist() == ["all sizes", ""]
    assert "is not clearly above 80 %" in table.loc["bad", "missing"]
    assert table.loc["good", "lower_bound"] > 0.8 > table.loc["fair", "lower_bound"]


def test_more_kinds_ask_more_evidence_of_each():
    log_e = np.log([1000.0, 45.0, 30.0, 1.0])
    assert discover(log_e, 0.05).tolist() == [True, True, True, False]  # 80, 40 and 27 are asked
    assert discover(log_e[:1], 0.05).tolist() == [True]
    assert discover(np.log([25.0, 1.0, 1.0, 1.0]), 0.05).tolist() == [False] * 4


def test_of_fifty_kinds_few_of_those_granted_are_unfit():
    rates = {f"fit {n}": 0.92 for n in range(6)} | {f"unfit {n}": 0.8 for n in range(34)}
    table = judge_cells(outcomes(rates, 250), QUESTION).table
    alone = table.loc[table["mode"] == "Autonomous", "agent"]
    assert len(alone) >= 5 and alone.str.startswith("fit").all()


def test_a_kind_may_be_granted_on_small_tasks_only():
    frame = outcomes({"one": 0.97}, 600)
    frame["size"] = np.resize([1.0, 10.0, 100.0], 600)
    frame.loc[frame["size"] == 100.0, "ok"] = np.random.default_rng(2).random(200) < 0.4
    row = judge_cells(frame, QUESTION).table.iloc[0]
    assert (row["mode"], row["alone_on"], row["size_at_most"]) == ("Shadow", "small, medium", 10.0)


def test_a_critical_failure_takes_autonomy_away():
    frame = outcomes({"one": 0.99}).assign(harm=False)
    question = CellQuestion(by=("agent",), success="ok", critical="harm", columns={"block": "none"})
    assert judge_cells(frame, question).table.loc[0, "mode"] == "Autonomous"
    frame.loc[frame.index[-1], "harm"] = True
    assert judge_cells(frame, question).table.loc[0, "mode"] == "Shadow"


def test_outcomes_count_when_a_failure_would_have_shown():
    frame = outcomes({"one": 0.9}).assign(known_on=lambda one: one["ended_at"] + pd.Timedelta(days=20))
    report = judge_cells(frame, CellQuestion(by=("agent",), success="ok", columns={"known": "known_on"}))
    assert report.table.loc[0, "waiting"] == 20
    assert "final after 20 days" in report.promise
    assert find_lag(np.array([0.0, 1, 2, 3, 10]), 100) == pytest.approx(7.2)
    assert find_lag(np.array([5.0]), 90) == 60


def test_words_and_shares_are_outcomes_and_what_is_open_is_none():
    words = pd.Series(["accepted", "Failed", "open", "0.5", None, "yes"])
    assert read_outcomes(words, "end").tolist()[:2] == [1.0, 0.0]
    assert np.isnan(read_outcomes(words, "end")[[2, 4]]).all()
    with pytest.raises(InputError, match="end holds 'maybe'"):
        read_outcomes(pd.Series(["maybe"]), "end")


def test_targets_of_one_kind_and_columns_that_are_not_there():
    frame = outcomes({"good": 0.97, "fair": 0.8})
    strict = CellQuestion(by=("agent",), success="ok", targets={"good": 0.99}, columns={"block": "none"})
    good = judge_cells(frame, strict).table.set_index("agent").loc["good"]
    assert (good["target"], good["mode"]) == (0.99, "Shadow")
    with pytest.raises(InputError, match="no column 'wor'"):
        judge_cells(frame, CellQuestion(by=("wor",), success="ok"))
    with pytest.raises(InputError, match="target 80 is not between"):
        CellQuestion(by=("agent",), success="ok", target=80)


def test_the_policy_says_who_may_act_alone_until_when():
    report = judge_cells(outcomes({"good": 0.97, "bad": 0.5}), QUESTION)
    policy = json.loads(json.dumps(make_policy(report, QUESTION.by, "cases.csv", 30), allow_nan=False))
    good, bad = sorted(policy["kinds"], key=lambda kind: kind["may"])
    assert good["who"] == {"agent": "good", "work": "fix"} and good["may"] == "alone"
    assert good["until"] == policy["expires_at"] == "2026-08-18T00:00:00Z"
    assert (bad["may"], bad["until"]) == ("checked", None) and bad["evidence"]["cases"] == 200


def test_alike_cases_need_more_cases_and_what_is_hardly_better_very_many():
    half, most = find_cases_needed(0.8, 0.9, 1, 0.0, 20)
    assert half < most < find_cases_needed(0.8, 0.9, 10, 0.3, 20)[0]
    assert np.isnan(find_cases_needed(0.8, 0.81, 10, 0.3, 20)[0])


def test_a_csv_is_judged_without_a_store_and_the_policy_is_written(tmp_path, run):
    file, policy = tmp_path / "cases.csv", tmp_path / "policy.json"
    outcomes({"good": 0.97, "bad": 0.5}).to_csv(file, index=False)
    done = run("learning", "--by", "agent", "--success", "ok", "--from", file, "--policy", policy)
    assert done.exit_code == 0, done.err
    assert "good: may act alone on all sizes" in done.out and "four of five after" in done.out
    assert [kind["may"] for kind in json.loads(policy.read_text())["kinds"]] == ["alone", "checked"]


def test_what_the_options_lack_is_one_line(run, sample_store):
    for words, message in (
        (["--by", "task_type"], "--by needs --success"),
        (["--success", "outcome"], "need --by"),
        (["--by", "task_type", "--success", "outcome", "--from", "no.csv"], "no.csv cannot be read"),
        (["--by", "task_type", "--success", "outcome", "--target", "high"], "is no number"),
        (["--by", "task_type", "--success", "task_id", "--from", "tasks"], "which is no outcome"),
    ):
        done = run("learning", *words, "--db", sample_store)
        assert done.exit_code and message in done.err and "Traceback" not in done.err


def test_an_outcome_that_never_says_no_grants_nothing():
    frame = outcomes({"one": 2.0})  # all of 200 cases end well
    report = judge_cells(frame, CellQuestion(by=("agent",), success="ok", columns={"block": "none"}))
    row = report.table.iloc[0]
    assert (row["mode"], row["alone_on"]) == ("Shadow", "") and "one failure on record" in row["missing"]
    assert any(note.startswith("No outcome in ok is a failure, in 200 cases.") for note in report.notes)
    frame.loc[0, "ok"] = False
    granted = judge_cells(frame, CellQuestion(by=("agent",), success="ok", columns={"block": "none"}))
    assert granted.table.loc[0, "mode"] == "Autonomous"


def test_evidence_is_told_by_third_of_size_and_by_block():
    frame = outcomes({"one": 0.9}, 300).assign(size=np.resize([1.0, 10.0, 100.0], 300))
    report = judge_cells(frame, CellQuestion(by=("agent",), success="ok"))
    assert report.thirds["third"].tolist() == ["small", "medium", "large"]
    assert report.thirds["cases"].tolist() == [100] * 3 and report.thirds["size_at_most"].tolist() == [1, 10, 100]
    alike = frame.assign(session_id=np.arange(300) // 10, ok=np.arange(300) // 10 % 2 == 0)
    row = judge_cells(alike, CellQuestion(by=("agent",), success="ok")).table.iloc[0]
    assert row["blocks"] == 30 and row["cases_worth"] == pytest.approx(30, rel=0.1)
    assert judge_cells(frame.drop(columns="size"), QUESTION).thirds.empty


def test_times_may_be_numbers_since_1970():
    frame = outcomes({"one": 0.9})
    milliseconds = frame.assign(ended_at=frame["ended_at"].astype("datetime64[ms]").astype("int64"))
    question = CellQuestion(by=("agent",), success="ok")
    both = [judge_cells(one, question) for one in (frame, milliseconds)]
    assert both[0].as_of == both[1].as_of and both[0].table.equals(both[1].table)
    with pytest.raises(InputError, match="ended_at holds '5'"):
        judge_cells(frame.assign(ended_at=5), question)


def test_what_cannot_name_or_measure_a_kind_is_refused():
    frame = outcomes({"one": 0.9}).assign(size="large")
    for words, message in (
        ({"by": ("agent", "agent")}, "names one column twice"),
        ({"by": ("ok",)}, "'ok' is how a case ended"),
        ({"by": ("agent",), "lag_days": 1e9}, "lag of 1e.09 days"),
    ):
        with pytest.raises(InputError, match=message):
            CellQuestion(success="ok", **words)
    with pytest.raises(InputError, match="size holds 'large', which is no size"):
        judge_cells(frame, CellQuestion(by=("agent",), success="ok"))


def test_a_compressed_file_is_read_too(tmp_path, run):
    file = tmp_path / "cases.csv.gz"
    outcomes({"good": 0.97, "bad": 0.5}).to_csv(file, index=False)
    done = run("learning", "--by", "agent", "--success", "ok", "--from", file)
    assert done.exit_code == 0 and "good: may act alone on all sizes" in done.out


def test_who_waits_for_failures_waits_longer_where_their_delays_scatter():
    rng = np.random.default_rng(8)
    delays, ages = rng.exponential(20.0, 400), rng.uniform(0, 60, 400)
    is_seen = delays < ages
    corrected = find_lag(delays[is_seen], 60, ages[is_seen])
    assert find_lag(delays[is_seen], 60) < 40 < corrected  # 20 x ln 10 = 46 is the quantile of all
    assert (delays > corrected).mean() < 0.07 < 0.12 < (delays > find_lag(delays[is_seen], 60)).mean()
    assert find_lag(np.full(50, 20.0), 60, np.linspace(20, 60, 50)) == 20
    assert find_lag(np.zeros(9), 60, np.full(9, 5.0)) == 0
