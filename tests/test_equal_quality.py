"""Models compared at equal quality: pairs where tasks are the same, matched elsewhere, and refusals with a number."""

import numpy as np
import pandas as pd
import pytest

from asp_analysis.errors import EstimationRefusal, InputError
from asp_analysis.probe.equal_quality import compare_accepted


def runs(rates, tasks=400, seed=1, *, own_tasks=False):
    rng = np.random.default_rng(seed)
    frames = []
    for place, (model, (rate, cost)) in enumerate(rates.items()):
        ids = [f"{place if own_tasks else ''}t{n}" for n in range(tasks)]
        accepted = rng.random(tasks) < rate
        frames.append(pd.DataFrame({"llm_model": model, "task_id": ids, "is_accepted": accepted, "cost_usd": cost}))
    return pd.concat(frames, ignore_index=True)


def verdicts(frame):
    return compare_accepted(frame, 0.1).frame.set_index("llm_model")["verdict"].to_dict()


def test_the_cheapest_of_those_that_are_as_good_is_named_and_the_worse_is_not():
    found = compare_accepted(runs({"strong": (0.9, 3.0), "good": (0.89, 1.0), "weak": (0.5, 0.1)}), 0.1)
    table = found.frame.set_index("llm_model")
    assert table["verdict"].to_dict() == {"strong": "reference", "good": "not inferior", "weak": "worse"}
    assert found.sentence.startswith("good costs least per accepted result")
    assert table.loc["good", "cost_per_accepted"] == pytest.approx(1 / table.loc["good", "success"])


def test_few_tasks_do_not_know_and_say_how_many_more():
    found = compare_accepted(runs({"strong": (0.8, 3.0), "cheap": (0.78, 1.0)}, 60), 0.05)
    one = found.frame.set_index("llm_model")
    cheap = one[one["verdict"] != "reference"].iloc[0]
    assert cheap["verdict"] == "not known" and cheap["tasks_needed"] > 50


def test_hard_tasks_given_to_the_strong_model_do_not_turn_the_verdict():
    rng = np.random.default_rng(3)
    frame = runs({"strong": (0.5, 3.0), "weak": (0.5, 1.0)}, 900, own_tasks=True)
    frame["size"] = rng.integers(1, 4, len(frame)).astype(float)
    rate = 0.95 - 0.3 * (frame["size"] - 1) - 0.15 * (frame["llm_model"] == "weak")
    frame["is_accepted"] = rng.random(len(frame)) < rate
    hard = frame["size"] == 3
    given = np.where(frame["llm_model"] == "strong", np.where(hard, 1.0, 0.3), np.where(hard, 0.3, 1.0))
    frame = frame[rng.random(len(frame)) < given]
    raw = frame.groupby("llm_model")["is_accepted"].mean()
    assert raw["weak"] > raw["strong"]  # the raw rates say the opposite
    table = compare_accepted(frame, 0.05).frame.set_index("llm_model")
    assert table.loc["strong", "verdict"] == "reference"
    assert table.loc["weak", "verdict"] == "worse" and table.loc["weak", "compared"] == "matched"


def test_models_of_other_tasks_are_not_compared():
    frame = runs({"one": (0.9, 1.0), "other": (0.9, 2.0)}, own_tasks=True)
    assert sorted(verdicts(frame).values()) == ["not known", "reference"]
    frame["task_type"] = np.where(frame["llm_model"] == "one", "api", "ui")
    assert "not known" in verdicts(frame).values()


def test_one_model_and_a_margin_that_is_no_share_are_refused():
    with pytest.raises(EstimationRefusal, match="1 models have 30"):
        compare_accepted(runs({"one": (0.9, 1.0)}), 0.1)
    with pytest.raises(InputError, match="margin 5"):
        compare_accepted(runs({"one": (0.9, 1.0)}), 5)


def test_a_csv_of_outcomes_is_compared_without_a_store(run, tmp_path):
    file = tmp_path / "runs.csv"
    runs({"strong": (0.9, 3.0), "good": (0.89, 1.0)}).to_csv(file, index=False)
    done = run("estimate", "--compare", "--margin", "0.1", "--outcomes", file)
    assert done.exit_code == 0 and "costs least per accepted result" in done.out
    assert "--margin needs --compare" in run("estimate", "--margin", "0.1").err
