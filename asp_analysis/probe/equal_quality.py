"""Which model is cheapest per accepted result among those that are not worse: equal quality first, then cost.

The same tasks are compared pair by pair where models share them; elsewhere tasks of like size and type, weighted as the
best model's tasks are, so that hard tasks given to the strong model do not make it look weak.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import pandas as pd

from asp_analysis.errors import EstimationRefusal, InputError
from asp_analysis.intervals import wilson

LEAST_OVERLAP = 0.8
"""Share of both models' tasks that must be of a kind that both have, where tasks are not the same."""

LEAST_SHARED = 30
"""Tasks that both models did, from which on they are compared pair by pair; and tasks that a model needs at all."""

_ALPHA, _Z_POWER = 0.05, 0.8416
"""One-sided error of all verdicts together, and the quantile of a power of 80 %."""


@dataclass(frozen=True)
class EqualQuality:
    """The answer. frame: one row per model, cheapest per accepted result first; sentence: which to take, or why none.

    llm_model, tasks, success with its 95 % Wilson interval (success_lower, success_upper), cost_per_accepted, verdict
    ("reference", "not inferior", "worse", "not known"), difference to the reference and its lower bound
    (one-sided 95 % over all models), compared ("same tasks", "matched", or why not), tasks_needed (so many more).
    """

    frame: pd.DataFrame
    sentence: str


def compare_accepted(outcomes: pd.DataFrame, margin: float) -> EqualQuality:
    """Compare models by what an accepted result costs, among those not worse than the best by `margin` or more.

    outcomes: one row per task and model: llm_model, task_id, is_accepted, cost_usd, and size, task_type where known.
    The model with the highest success on like tasks is the reference; its rate is the highest by chance too, which
    makes the others look worse, never better. Where tasks are matched, costs are those of the reference's mix of tasks.
    Bounds share their 5 % among the models.

    Raises:
        InputError: the margin is not between 0 and 1.
        EstimationRefusal: fewer than two models have enough tasks with an outcome and a cost.
    """
    if not 0 < margin < 1:
        raise InputError(f"The margin {margin:g} is not between 0 and 1. Name a share of success, such as 0.05.")
    known = outcomes.dropna(subset=["llm_model", "is_accepted", "cost_usd"]).copy()
    known["is_accepted"] = known["is_accepted"].astype(float)
    counts = known["llm_model"].value_counts()
    models = sorted(counts.index[counts >= LEAST_SHARED])
    if len(models) < 2:
        raise EstimationRefusal(
            f"{len(models)} models have {LEAST_SHARED} or more tasks with an outcome and a cost, and a comparison "
            "takes two. Load more finished tasks."
        )
    by_model = {model: known[known["llm_model"] == model] for model in models}
    z = NormalDist().inv_cdf(1 - _ALPHA / (len(models) - 1))
    strata = _name_strata(known)
    best = _find_best(by_model, strata)
    rows = [_describe(by_model[one], by_model[best], strata, (margin, z)) for one in models]
    frame = pd.DataFrame(rows).sort_values("cost_per_accepted", ignore_index=True)
    return EqualQuality(frame, _write_sentence(frame, best, margin))


def _describe(
    own: pd.DataFrame, best: pd.DataFrame, strata: pd.Series, asked: tuple[float, float]
) -> dict[str, object]:
    margin, z = asked
    accepted, n = float(own["is_accepted"].sum()), len(own)
    lower, upper = wilson(accepted, n)
    row: dict[str, object] = {"llm_model": own["llm_model"].iloc[0], "tasks": n, "success": accepted / n}
    row |= {"success_lower": float(lower), "success_upper": float(upper)}
    row |= {"cost_per_accepted": float(own["cost_usd"].sum()) / accepted if accepted else math.nan}
    if own["llm_model"].iloc[0] == best["llm_model"].iloc[0]:
        return row | {
            "verdict": "reference",
            "difference": 0.0,
            "difference_lower": 0.0,
            "compared": "",
            "tasks_needed": 0,
        }
    difference, error, compared = _find_difference(own, best, strata)
    if compared == "matched":
        row["cost_per_accepted"] = _find_cost(own, best, strata)
    low, high = difference - z * error, difference + z * error
    verdict = "not known"
    if not math.isnan(error):
        verdict = "not inferior" if low > -margin else "worse" if high < 0 and difference <= -margin else verdict
    room = difference + margin
    more = math.nan
    if verdict == "not known" and room > 0 and not math.isnan(error):
        more = math.ceil(n * ((z + _Z_POWER) * error / room) ** 2) - n
    elif verdict != "not known":
        more = 0
    return row | {"verdict": verdict, "difference": difference, "difference_lower": low, "compared": compared,
                  "tasks_needed": more}  # fmt: skip


def _find_best(by_model: dict[str, pd.DataFrame], strata: pd.Series) -> str:
    """Return the model that no other beats on like tasks, beginning with the one of the highest raw success."""
    best, seen = max(by_model, key=lambda model: float(by_model[model]["is_accepted"].mean())), set[str]()
    while best not in seen:
        seen.add(best)
        gaps = {one: _find_difference(own, by_model[best], strata)[0] for one, own in by_model.items() if one != best}
        rival = max(gaps, key=lambda one: -1.0 if math.isnan(gaps[one]) else gaps[one])
        best = rival if gaps[rival] > 0 and rival not in seen else best
    return best


def _find_cost(own: pd.DataFrame, best: pd.DataFrame, strata: pd.Series) -> float:
    """Return the cost of an accepted result over the kinds of tasks of the best model; NaN where none was accepted."""
    ours, theirs = strata[own.index], strata[best.index]
    weights = theirs[theirs.isin(set(ours))].value_counts(normalize=True)
    by_kind = own.groupby(ours)[["cost_usd", "is_accepted"]].mean().loc[weights.index]
    cost, accepted = by_kind.mul(weights, axis=0).sum()
    return float(cost / accepted) if accepted else math.nan


def _find_difference(own: pd.DataFrame, best: pd.DataFrame, strata: pd.Series) -> tuple[float, float, str]:
    """Return the difference of success, its standard error and how it was found; NaN where nothing is comparable."""
    pair = pd.merge(
        own.groupby("task_id")["is_accepted"].mean(), best.groupby("task_id")["is_accepted"].mean(),
        left_index=True, right_index=True,
    )  # fmt: skip
    if len(pair) >= LEAST_SHARED:
        gap = (pair.iloc[:, 0] - pair.iloc[:, 1]).to_numpy()
        gap = np.append(gap, [1.0, -1.0])  # one discordant pair each way: no certainty from few (Agresti and Min 2005)
        return float(gap.mean()), float(gap.std(ddof=1) / math.sqrt(len(gap))), "same tasks"
    ours, theirs = strata[own.index], strata[best.index]
    common = set(ours[ours != ""]) & set(theirs[theirs != ""])
    shares = float(ours.isin(common).mean()), float(theirs.isin(common).mean())
    if min(shares) < LEAST_OVERLAP:
        return math.nan, math.nan, f"only {min(shares):.0%} of the tasks are of a like size and type".replace("%", " %")
    total, variance, weights = 0.0, 0.0, theirs[theirs.isin(common)].value_counts(normalize=True)
    for name, weight in weights.items():
        rates = [_rate(rows["is_accepted"][which == name]) for rows, which in ((own, ours), (best, theirs))]
        total += weight * (rates[0][0] - rates[1][0])
        variance += weight**2 * (rates[0][1] + rates[1][1])
    return total, math.sqrt(variance), "matched"


def _rate(accepted: pd.Series) -> tuple[float, float]:
    """Return a rate and its variance, one success and one failure added (Agresti and Caffo 2000)."""
    n = len(accepted) + 2
    rate = (float(accepted.sum()) + 1) / n
    return rate, rate * (1 - rate) / n


def _name_strata(known: pd.DataFrame) -> pd.Series:
    """Name the third of size and the type of each task; empty where neither is known."""
    size = known["size"] if "size" in known else pd.Series(np.nan, index=known.index)
    kind = known["task_type"] if "task_type" in known else pd.Series(None, index=known.index, dtype=object)
    names = pd.Series("", index=known.index)
    if size.nunique() >= 3:
        names = pd.qcut(size.rank(method="average"), 3, labels=False, duplicates="drop").astype(object).map(
            lambda third: "" if pd.isna(third) else f"third {third:.0f}"
        )  # fmt: skip
    return names.where(kind.isna(), names + " " + kind.astype(str))


def _write_sentence(frame: pd.DataFrame, best: str, margin: float) -> str:
    good = frame[frame["verdict"].isin(["reference", "not inferior"])]
    choice, reference = good.iloc[0], frame[frame["llm_model"] == best].iloc[0]
    text = (
        f"{choice['llm_model']} costs least per accepted result ({choice['cost_per_accepted']:.3g}) among the models "
        f"that are not worse than {best} ({reference['success']:.0%} accepted) by {100 * margin:.3g} points or more."
    )
    cheaper = frame[(frame["verdict"] == "not known") & (frame["cost_per_accepted"] < choice["cost_per_accepted"])]
    if len(cheaper):
        one = cheaper.iloc[0]
        more = (
            f"about {one['tasks_needed']:,.0f} more tasks"
            if one["tasks_needed"] == one["tasks_needed"]
            else "more tasks"
        )
        text += f" {one['llm_model']} would cost less; whether it is as good is not known: {more} of the same kind."
    return text.replace("%", " %")
