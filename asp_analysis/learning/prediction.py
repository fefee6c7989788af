"""Which defect types will a task bring? Predicted from what is known of the task, judged in time order.

The judge is the base rate: whoever always names the three types that were most frequent so far. A classifier that is
not better than that knows nothing about the task, however high its share of hits.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.special import bdtrc

from asp_analysis.errors import EstimationRefusal
from asp_analysis.membership import is_among

if TYPE_CHECKING:
    from asp_analysis.learning.classifier import TypeModel

TOP = 3


@dataclass(frozen=True)
class TypeForecasts:
    """A rolling evaluation: one row of `cases` per real defect of a task that was predicted before it began.

    cases: task_id, defect_type, predicted (list of three types, likeliest first), is_hit, is_base_hit.
    The verdict compares the two on the cases where they differ (exact McNemar test, one-sided 5 %).
    """

    cases: pd.DataFrame

    @property
    def accuracy_share(self) -> float:
        """Share of defects whose type was among the three predicted; NaN without cases."""
        return float(self.cases["is_hit"].mean()) if len(self.cases) else float("nan")

    @property
    def base_share(self) -> float:
        """The same share for the three types most frequent before."""
        return float(self.cases["is_base_hit"].mean()) if len(self.cases) else float("nan")

    @property
    def p_value(self) -> float:
        """Probability of so many wins over the base rate by chance (exact McNemar); 1 without differences."""
        wins = int((self.cases["is_hit"] & ~self.cases["is_base_hit"]).sum())
        losses = int((~self.cases["is_hit"] & self.cases["is_base_hit"]).sum())
        return float(bdtrc(wins - 1, wins + losses, 0.5)) if wins else 1.0

    @property
    def verdict(self) -> str:
        """Say whether the classifier is worth more than counting."""
        if not len(self.cases):
            return "too few defects for a verdict"
        words = f"{self.accuracy_share:.0%} against {self.base_share:.0%} of {len(self.cases)} defects"
        return f"{'better' if self.p_value <= 0.05 else 'not better'} than the base rate: {words}"


def describe_tasks(tasks: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
    """Return what is known of each task before its defects: task_id, task_type, log_size, components, model, words."""
    models = runs[runs["agent_role"] == "Code"].drop_duplicates("task_id").set_index("task_id")["llm_model"]
    paths = tasks["components_json"].fillna("[]").astype(str).str.replace(r"[\[\],\"]+", " ", regex=True)
    return pd.DataFrame(
        {
            "task_id": tasks["task_id"],
            "task_type": _fill_unknown(tasks["task_type"]),
            "log_size": pd.Series(np.log1p(tasks["size"].astype(float))).fillna(0.0),
            "components": paths,
            "model": _fill_unknown(tasks["task_id"].map(models)),
            "words": tasks["task_description"].fillna("").astype(str),
        }
    ).astype({"components": object, "words": object})  # they are read text by text, which is slow in pandas' text type


def _fill_unknown(values: pd.Series) -> pd.Series:
    """Return texts, "unknown" where there is none, whatever type an empty column came with."""
    return values.astype(object).where(values.notna(), "unknown").astype(str)


def fit_types(features: pd.DataFrame, types: pd.Series) -> "TypeModel":
    """Fit defect types on task features: regularised multinomial logistic regression.

    Raises:
        EstimationRefusal: fewer than two types.
    """
    if types.nunique() < 2:
        raise EstimationRefusal(
            f"Too few defect types to learn from: {types.nunique()} of at least 2. Collect more defects."
        )
    from asp_analysis.learning.classifier import fit  # it brings SciPy's optimiser

    return fit(features, types)


def rank_types(model: "TypeModel", features: pd.DataFrame) -> pd.DataFrame:
    """Return the three likeliest types of each task: task_id, rank (1 to 3), defect_type, probability."""
    odds = model.predict_odds(features)
    order = np.argsort(-odds, axis=1, kind="stable")[:, :TOP]
    width = order.shape[1]
    return pd.DataFrame(
        {
            "task_id": np.repeat(features["task_id"].to_numpy(), width),
            "rank": np.tile(np.arange(1, width + 1), len(features)),
            "defect_type": model.types[order].ravel(),
            "probability": np.take_along_axis(odds, order, axis=1).ravel(),
        }
    )


def predict_open_tasks(tasks: pd.DataFrame, defects: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
    """Return the three likeliest defect types of each task that has not ended; columns of `rank_types`.

    Read it next to the verdict of `rolling_type_forecasts`: where that says "not better than the base rate", the
    ranking is worth no more than the most frequent types so far.

    Raises:
        EstimationRefusal: the ended tasks show fewer than two types.
    """
    features, is_open = describe_tasks(tasks, runs), ~tasks["status"].isin(["completed", "failed"]).to_numpy()
    real = defects[~defects["is_false_positive"] & is_among(defects["task_id"], tasks.loc[~is_open, "task_id"])]
    rows = real[["task_id", "defect_type"]].merge(features, on="task_id")
    return rank_types(fit_types(rows, rows["defect_type"]), features[is_open])


def rolling_type_forecasts(
    tasks: pd.DataFrame, defects: pd.DataFrame, runs: pd.DataFrame, first: int = 20, fits: int = 8
) -> TypeForecasts:
    """Predict each task from the tasks that ended before it; tasks come in the order in which they ended.

    The first `first` tasks only train; the rest is predicted in at most `fits` blocks, each by a model of all before.
    """
    features = describe_tasks(tasks, runs)
    place = dict(zip(tasks["task_id"], range(len(tasks)), strict=True))
    real = defects[~defects["is_false_positive"] & is_among(defects["task_id"], tasks["task_id"])]
    real = real.assign(place=real["task_id"].map(place))
    block = max(1, -(-(len(tasks) - first) // fits))
    parts = [_predict_block(features, real, start, start + block) for start in range(first, len(tasks), block)]
    empty = pd.DataFrame({"task_id": [], "defect_type": [], "predicted": [], "is_hit": [], "is_base_hit": []})
    cases = pd.concat(parts, ignore_index=True) if parts else empty
    return TypeForecasts(cases.astype({"is_hit": bool, "is_base_hit": bool}))


def _predict_block(features: pd.DataFrame, real: pd.DataFrame, start: int, stop: int) -> pd.DataFrame:
    past, present = real[real["place"] < start], real[(real["place"] >= start) & (real["place"] < stop)]
    cases = present[["task_id", "defect_type"]].copy()
    base = [*past["defect_type"].value_counts().sort_index().sort_values(ascending=False, kind="stable").index[:TOP]]
    cases["is_base_hit"] = cases["defect_type"].isin(base)
    if past["defect_type"].nunique() < 2 or not len(cases):
        cases["predicted"] = [base] * len(cases)
    else:
        model = fit_types(features.iloc[past["place"].astype(int)], past["defect_type"])
        rows = features[is_among(features["task_id"], cases["task_id"])]
        likeliest = rank_types(model, rows)["defect_type"].to_numpy(dtype=object).reshape(len(rows), -1)
        named = dict(zip(rows["task_id"], likeliest.tolist(), strict=True))
        cases["predicted"] = [named[task] for task in cases["task_id"]]
    hits = [kind in three for kind, three in zip(cases["defect_type"], cases["predicted"], strict=True)]
    cases["is_hit"] = np.array(hits, dtype=bool)
    return cases[["task_id", "defect_type", "predicted", "is_hit", "is_base_hit"]]
