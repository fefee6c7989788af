"""Did a change help: an interval that holds at every look, tasks that are alike, experiments, and refusals."""

import math

import numpy as np
import pandas as pd
import pytest

from asp_analysis.comparisons.change_effect import ASPECTS, measure_effect
from asp_analysis.comparisons.known_changes import find_change, list_changes
from asp_analysis.dashboard.causes import say_effect
from asp_analysis.effects.matching import match_tasks
from asp_analysis.effects.sequences import Measured, find_boundary, measure_interval, measure_likeness
from asp_analysis.effects.verdicts import KEEP, ROLL_BACK, WAIT, judge_change
from asp_analysis.errors import EstimationRefusal, InputError
from asp_analysis.findings import change_effects
from asp_analysis.session import connect
from asp_analysis.store.agent_changes import draw
from benchmarks.effect_bench import NULLS, Life, make_tasks, measure_share

START = pd.Timestamp("2026-01-05")


def tasks(n=60, ratio=1.0, scatter=0.25, seed=1, **columns):
    rng = np.random.default_rng(seed)
    is_after = np.arange(n) >= n // 2
    size = rng.lognormal(1, 0.5, n)
    frame = pd.DataFrame(
        {
            "task_id": [f"T-{place:03}" for place in range(n)],
            "first_at": START + pd.to_timedelta(np.arange(n) * 12, unit="h"),
            "is_after": is_after,
            "value": size * np.where(is_after, ratio, 1.0) * np.exp(scatter * rng.normal(size=n)),
            "task_type": np.where(np.arange(n) % 2, "api", "ui"),
            "place": "shop",
            "size": size,
        }
    )
    return frame.assign(block=frame["first_at"].dt.strftime("%Y-%m-%d")).assign(**columns)


def judge(frame, **words):
    return judge_change(frame, **{"is_rate": False, "is_less_better": True, **words})


# --- the interval: benchmarks/effect_bench.py has the full figures ----------------------------------------------------


def test_the_boundary_is_that_of_the_e_value():
    """The Bayes factor of Lindon and others (2022, theorem 3.2), at the end of the interval, is 1 / alpha."""
    information, nu, alpha, phi = 25.0, 47, 0.05, 4.0
    t = find_boundary(information, nu, alpha)
    r = phi / (phi + information)
    factor = math.sqrt(r) * ((1 + r * t**2 / nu) / (1 + t**2 / nu)) ** (-(nu + 1) / 2)
    assert factor == pytest.approx(1 / alpha)
    assert find_boundary(information, 10_000, alpha) == pytest.approx(
        math.sqrt((math.log(1 / r) - 2 * math.log(alpha)) / (1 - r)), rel=1e-2
    )
    assert find_boundary(0.01, 4, alpha) == math.inf


@pytest.mark.parametrize("name", ["nothing", "drift -20 %", "blocks of 10, drift +20 %"])
def test_what_did_not_change_is_rarely_called_better_or_worse(name):
    assert measure_share(NULLS[name], count=20, seed=11) <= 0.1


def test_a_rise_of_a_quarter_is_found_and_a_drift_is_not_taken_for_one():
    found = measure_share(Life(tasks=120, scatter=0.2, effect=1.25), count=10, seed=3)
    assert found >= 0.8
    drifted = make_tasks(Life(drift=math.log(1.2)), np.random.default_rng(4))
    interval = measure_interval(drifted)
    assert interval.lower < 0 < interval.upper


def test_without_covariates_and_drift_the_effect_is_the_difference_of_means():
    values, is_after = np.array([1.0, 2, 1, 2, 3, 4, 3, 4]), np.arange(8) >= 4
    plain = Measured(
        values=values,
        is_after=is_after,
        days=np.tile([0.0, 1, 2, 3], 2),
        blocks=np.arange(8),
        covariates=np.empty((8, 0)),
    )
    found = measure_interval(plain)
    assert found.effect == pytest.approx(2.0, abs=0.1)
    assert measure_interval(Measured(**{**vars(plain), "is_after": np.zeros(8, bool)})) is None


def test_tasks_that_are_alike_count_less():
    rng = np.random.default_rng(2)
    block = np.repeat(np.arange(20), 5)
    shared = np.repeat(rng.normal(size=20), 5) + 0.3 * rng.normal(size=100)
    assert measure_likeness(rng.normal(size=100), block) < 1.7
    assert measure_likeness(shared, block) > 3


# --- matching and verdicts --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ratio", "is_less_better", "verdict"),
    [(2.0, True, ROLL_BACK), (0.5, True, KEEP), (2.0, False, KEEP), (1.0, True, WAIT)],
)
def test_the_verdict_follows_the_interval(ratio, is_less_better, verdict):
    found = judge(tasks(ratio=ratio), is_less_better=is_less_better)
    assert found.verdict == verdict and found.lower < found.ratio < found.upper
    assert found.smallest > 1
    assert len(found.looks) and found.looks["upper"].iloc[-1] < found.looks["upper"].iloc[0]


def test_two_tasks_against_one_are_refused():
    few = tasks(n=3)
    with pytest.raises(EstimationRefusal, match="1 before and 2 after"):
        judge(few)


def test_tasks_are_matched_by_type_repository_and_size():
    frame = tasks()
    frame.loc[5, "size"] = 1e6
    matched = match_tasks(frame)
    assert matched.by == ("type", "repository", "size") and matched.without_match == 1
    assert matched.mix["group"].tolist() == ["api in shop", "ui in shop"]
    unknown = match_tasks(frame.assign(task_type=None, size=np.nan, place=None))
    assert unknown.by == () and len(unknown.tasks) == 60


def test_other_work_before_than_after_is_refused():
    frame = tasks()
    other = frame.assign(place=np.where(frame["is_after"], "shop", "bank"), task_type=None)
    with pytest.raises(EstimationRefusal, match="0 before and 0 after the change have others of the same repository"):
        judge(other)


def test_rates_are_compared_as_they_are():
    frame = tasks(n=200)
    rng = np.random.default_rng(9)
    failing = frame.assign(value=(rng.random(200) < np.where(frame["is_after"], 0.05, 0.6)).astype(float))
    found = judge(failing, is_rate=True)
    assert found.verdict == KEEP and found.ratio < 0.4
    with pytest.raises(EstimationRefusal, match="Too little varies"):
        judge(frame.assign(value=0.0), is_rate=True)


# --- on a store -------------------------------------------------------------------------------------------------------


@pytest.fixture(params=["file", "server"])
def store(request, run, tmp_path):
    url = request.getfixturevalue("postgres_url" if request.param == "server" else "empty_store")
    frame = tasks(ratio=2.0)
    version = np.where(frame["is_after"], "2", "1")
    runs = pd.DataFrame(
        {
            "executed_at": frame["first_at"], "task_id": frame["task_id"], "agent_role": "Code", "llm_model": "m",
            "agent_version": version, "cost_usd": frame["value"], "latency_ms": 1000 * frame["value"],
            "repository": "shop",
        }
    )  # fmt: skip
    about = pd.DataFrame(
        {
            "task_id": frame["task_id"], "created_at": frame["first_at"], "status": "completed",
            "estimated_size": (10 * frame["size"]).round().astype(int), "task_type": frame["task_type"],
        }
    )  # fmt: skip
    assert run("init", "--db", url).exit_code == 0
    for kind, table in (("executions", runs), ("task_metadata", about)):
        table.to_csv(tmp_path / f"{kind}.csv", index=False)
        ran = run("load", tmp_path / f"{kind}.csv", "--as", kind, "--db", url)
        assert ran.exit_code == 0, ran.err
    return url


def test_a_new_version_is_found_and_judged(run, store):
    listed = run("change", "list", "--json", "--db", store).json
    assert [(row["change_id"], row["source"], row["tasks"]) for row in listed] == [("version:Code:2", "found", 30)]
    found = run("effect", "2", "--json", "--db", store).json
    assert found["effect"][0]["verdict"] == "roll back" and 1.6 < found["effect"][0]["ratio"] < 2.4
    assert "no experiment" in found["answer"] and found["effect"][0]["matched_by"] == "type, repository, size"
    refused = run("effect", "2", "--on", "defects", "--db", store)
    assert "No task of the comparison has a defect on record" in refused.refusal


def test_recorded_changes_and_an_experiment(run, store):
    at = str(tasks()["first_at"][30])
    words = ("change", "add", "new prompt", "--at", at, "--role", "Code", "--version", "2", "--keep-old", "0.4")
    assert run(*words, "--seed", "7", "--db", store).exit_code == 0
    assert "already" in run(*words, "--db", store).refusal
    names = [f"T-{place:03}" for place in range(60)]
    first = run("change", "assign", "new prompt", *names, "--json", "--db", store).json
    again = run("change", "assign", "new prompt", *names, "--json", "--db", store).json
    assert [row["state"] for row in first] == [row["state"] for row in again]
    assert all(row["is_first"] for row in first) and not any(row["is_first"] for row in again)
    expected = ["new" if draw(7, "new prompt", name) >= 0.4 else "old" for name in names]
    assert [row["state"] for row in first] == expected
    with connect(store) as session:
        found = measure_effect(session, "new prompt")
        assert found.is_experiment and "an experiment" in found.answer
        assert found.after == expected.count("new")
        assert find_change(session, "new prompt").part == "Code"
        assert len(list_changes(session)) == 2
    gone = run("change", "remove", "new prompt", "--db", store)
    assert "60 assigned tasks" in gone.err
    assert "is no recorded change" in run("change", "remove", "new prompt", "--db", store).refusal


def test_a_task_that_spans_the_change_is_left_out(run, empty_store, tmp_path):
    frame = tasks(n=40)
    runs = frame[["first_at", "task_id", "value"]].set_axis(["executed_at", "task_id", "cost_usd"], axis=1)
    late = runs.head(1).assign(executed_at=frame["first_at"].iloc[-1])
    pd.concat([runs, late]).to_csv(tmp_path / "runs.csv", index=False)
    ran = run("load", tmp_path / "runs.csv", "--as", "executions", "--set", "agent_role=Code", "--db", empty_store)
    assert ran.exit_code == 0, ran.err
    run("change", "add", "x", "--at", str(frame["first_at"][20]), "--db", empty_store)
    with connect(empty_store) as session:
        found = measure_effect(session, "x")
    assert (found.before, found.after) == (19, 20)
    assert any("began before the change and ended after it" in remark for remark in found.remarks)


def test_what_is_wrong_is_one_line(run, empty_store):
    assert "There is no change 'x'" in run("effect", "x", "--db", empty_store).refusal
    assert "is no recorded change" in run("change", "assign", "x", "T-1", "--db", empty_store).refusal
    assert "between 0 and 1" in run("change", "add", "x", "--keep-old", "1", "--db", empty_store).refusal
    assert "is not an instant" in run("change", "add", "x", "--at", "soon", "--db", empty_store).refusal
    assert run("change", "add", "--db", empty_store).exit_code == 2
    with connect(empty_store) as session, pytest.raises(InputError, match="cannot be compared"):
        measure_effect(session, "x", "colour")


@pytest.mark.parametrize("on", ASPECTS)
def test_every_aspect_of_the_sample_is_judged_or_refused(sample_store, on):
    with connect(sample_store) as session:
        try:
            found = measure_effect(session, "version:Code:1.1.0", on)
        except EstimationRefusal as refusal:
            assert "wait for more" in str(refusal)
            return
    assert found.answer in found._repr_html_() and found.verdict.startswith("wait")
    assert len(found.to_frame()) == 1


def test_findings_and_the_dashboard_say_what_is_missing(empty_store):
    with connect(empty_store) as session:
        effect = change_effects.choose_effect(session)
        parts = [
            change_effects.tell_changes(list_changes(session)),
            *(
                tell(effect)
                for tell in (change_effects.tell_effect, change_effects.tell_looks, change_effects.tell_mix)
            ),
            change_effects.tell_aspects(session, effect),
        ]
    assert isinstance(effect, str) and all(part.text and part.draw is None for part in parts)
    assert "asp-analysis change add" in say_effect("").words
