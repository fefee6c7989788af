"""Defect types: predicted in time order, and judged against the base rate."""

import numpy as np
import pandas as pd
import pytest

from asp_analysis.errors import EstimationRefusal
from asp_analysis.learning import Telemetry, classifier
from asp_analysis.learning.prediction import (
    TypeForecasts,
    describe_tasks,
    fit_types,
    predict_open_tasks,
    rolling_type_forecasts,
)
from asp_analysis.session import connect

TYPES = ["20_Syntax", "30_Build_Package", "40_Assignment", "50_Interface", "60_Checking", "70_Data", "80_Function"]


def world(count=150, is_told=True):
    """Tasks of seven kinds; each kind brings its own defect type where `is_told`, else any."""
    rng = np.random.default_rng(1)
    kind = rng.integers(0, 7, count)
    ids = [f"t{n}" for n in range(count)]
    tasks = pd.DataFrame({"task_id": ids, "task_type": [f"kind{k}" for k in kind], "size": 10.0, "status": "completed",
                          "components_json": "[]", "task_description": "work"})  # fmt: skip
    types = [TYPES[k if is_told else rng.integers(0, 7)] for k in kind]
    defects = pd.DataFrame({"task_id": ids, "defect_type": types, "is_false_positive": False})
    runs = pd.DataFrame({"task_id": ids, "agent_role": "Code", "llm_model": "m"})
    return tasks, defects, runs


def test_types_that_features_tell_are_predicted_better_than_the_base_rate():
    found = rolling_type_forecasts(*world())
    assert found.accuracy_share > 0.9 > found.base_share
    assert found.verdict.startswith("better than the base rate")


def test_types_that_nothing_tells_are_not_better_than_the_base_rate():
    found = rolling_type_forecasts(*world(is_told=False))
    assert found.p_value > 0.05
    assert found.verdict.startswith("not better than the base rate")


def test_the_sample_is_not_better_than_the_base_rate_and_says_so(sample_store):
    with connect(sample_store) as session:
        known = Telemetry.read(session.view).as_of(pd.Timestamp("2025-12-31"))
    found = rolling_type_forecasts(known.list_ended(), known.defects, known.runs)
    assert found.verdict.startswith("not better than the base rate")
    assert all(len(three) == 3 for three in found.cases["predicted"])
    open_tasks = predict_open_tasks(known.tasks, known.defects, known.runs)
    assert set(open_tasks["rank"]) == {1, 2, 3}
    assert open_tasks["task_id"].nunique() == (~known.tasks["is_done"]).sum()


def test_the_future_does_not_change_a_prediction():
    tasks, defects, runs = world(80)
    swapped = defects.assign(defect_type=np.where(np.arange(80) >= 50, "100_Environment", defects["defect_type"]))
    early = [rolling_type_forecasts(tasks, frame, runs, fits=6).cases[:30] for frame in (defects, swapped)]
    assert early[0]["predicted"].tolist() == early[1]["predicted"].tolist()


def told_by(**columns):
    """Features of tasks with defaults for what is not named, and a type for each."""
    count = len(next(iter(columns.values())))
    usual = {"task_type": "any", "log_size": 0.0, "components": "", "model": "m", "words": ""}
    features = pd.DataFrame({"task_id": [f"t{n}" for n in range(count)], **usual, **columns})
    return features.astype({"components": object, "words": object})


def test_the_classifier_is_that_of_scikit_learn(monkeypatch):
    compose, text = pytest.importorskip("sklearn.compose"), pytest.importorskip("sklearn.feature_extraction.text")
    linear_model, preprocessing = (pytest.importorskip(f"sklearn.{name}") for name in ("linear_model", "preprocessing"))
    monkeypatch.setitem(classifier._SEARCH, "gtol", 1e-10)
    rng, words = np.random.default_rng(3), ["parse", "the", "cache", "retry", "token", "x", "Plan"]
    features = told_by(
        task_type=rng.choice(["fix", "feature"], 60),
        log_size=rng.normal(size=60),
        components=[" ".join(rng.choice(["a/b", "c", "d"], 2)) for _ in range(60)],
        words=[" ".join(rng.choice(words, 5)) for _ in range(60)],
    )
    features = features.iloc[[*range(60), *range(20)]]  # some tasks with two defects
    types = pd.Series(rng.choice(TYPES[:4], 80))
    parts = [
        ("known", preprocessing.OneHotEncoder(handle_unknown="ignore"), ["task_type", "model"]),
        ("size", preprocessing.StandardScaler(), ["log_size"]),
        ("paths", text.CountVectorizer(analyzer=str.split, binary=True), "components"),
        ("words", text.TfidfVectorizer(), "words"),
    ]
    encoded = compose.ColumnTransformer(parts).fit_transform(features)
    theirs = linear_model.LogisticRegression(C=1 / classifier.PENALTY, max_iter=9_000, tol=1e-10).fit(encoded, types)
    model = fit_types(features, types)
    assert model.types.tolist() == theirs.classes_.tolist()
    assert np.abs(model.predict_odds(features) - theirs.predict_proba(encoded)).max() < 1e-6


def test_a_task_of_which_nothing_is_known_has_the_odds_of_all():
    model = fit_types(told_by(model=["m"] * 8), pd.Series(["a"] * 6 + ["b"] * 2))
    odds = model.predict_odds(told_by(task_type=["new"], words=["unheard of"], components=["x/y"], model=["n"]))
    assert odds.shape == (1, 2)
    assert odds[0, 0] > odds[0, 1] > 0
    assert odds.sum() == pytest.approx(1)


def test_false_alarms_are_not_predicted():
    tasks, defects, runs = world(60)
    found = rolling_type_forecasts(tasks, defects.assign(is_false_positive=True), runs)
    assert len(found.cases) == 0
    assert found.verdict == "too few defects for a verdict"
    assert np.isnan(found.accuracy_share)


def test_too_few_tasks_give_no_cases():
    tasks, defects, runs = world(10)
    assert len(rolling_type_forecasts(tasks, defects, runs).cases) == 0


def test_one_type_alone_is_refused():
    tasks, _, runs = world(10)
    with pytest.raises(EstimationRefusal, match="1 of at least 2"):
        fit_types(describe_tasks(tasks, runs), pd.Series(["70_Data"] * 10))


def test_the_verdict_counts_only_where_the_two_differ():
    cases = pd.DataFrame({"is_hit": [True] * 5 + [True] * 90, "is_base_hit": [False] * 5 + [True] * 90})
    assert TypeForecasts(cases).p_value == pytest.approx(1 / 32)
