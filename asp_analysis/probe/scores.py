"""How good forecasts were: accuracy, calibration and width side by side, because each can be bought with the others.

Ratios of errors favour forecasts that are too low (MMRE, PRED); log bias shows it, standardized accuracy says whether a
forecast beats guessing, coverage and the interval score judge the interval. Coverage on average proves little: a level
that follows the misses covers whatever its model is worth. Skill on common rows, and coverage under conditions, do.
"""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import special

from asp_analysis.errors import InputError
from asp_analysis.intervals import wilson

GROUP = ("model", "llm_model", "agent_role")
TERCILES = ("small", "middle", "large")

BASELINE = "past_median"
"""What skill is measured against."""

RESAMPLES = 400
"""Draws of blocks for the interval of a skill: its ends move by less than a tenth of its width."""

LEAST_FOR_SKILL = 20
"""Common forecasts before a skill has an interval."""


def score(forecasts: pd.DataFrame, by: tuple[str, ...] = GROUP) -> pd.DataFrame:
    """One row per group with every score of its forecasts.

    forecasts: columns actual, estimate, lower_<percent> and upper_<percent>, the group's columns, and size_tercile if
    known (a backtest or `answers.score_stored`). Columns of the result, next to the group's: n; mdape, mmre (shares of
    the actual); pred25 (share with an error <= 25 % of the actual); sa (standardized accuracy, n(n-1) form); log_bias =
    mean ln(estimate / actual) with log_bias_lower and log_bias_upper (95 % t interval; above 0: too high); above (share
    of actuals above the estimate, half for a median); mean_ratio (sum of means / sum of actuals, 1 for a mean that may
    be added up); wis (weighted interval score on logs: the estimate and all levels; Bracher and others 2021); crps (of
    the whole distribution, on logs); position_gap (largest distance of the distribution of `position` from the uniform
    one); n_common, skill, skill_lower, skill_upper (1 - wis / wis of the past median on the rows that both forecast,
    with a 95 % block bootstrap interval; above 0: better); and per level, here for 70: coverage_70, coverage_70_small,
    _middle, _large (within the size tercile), interval_score_70 and width_70 on logs, raw_interval_score_70 and
    raw_width_70 in the component's unit (means). log_bias leaves out estimates that are not above 0; the scores of
    intervals on logs are NaN where a lower bound is 0 (only the published line has such estimates and bounds). Columns
    that a frame does not support (stored forecasts have no mean, distribution or baseline) are missing or NaN.

    Raises:
        InputError: there are no forecasts.
    """
    if forecasts.empty:
        raise InputError("There are no forecasts with an outcome. Run a backtest, or finish forecast tasks first.")
    levels = read_levels(forecasts)
    forecasts = forecasts.assign(wis=weighted_interval_scores(forecasts))
    base = _list_baseline(forecasts)
    rows = []
    for key, group in forecasts.groupby(list(by), sort=False, observed=True):
        row = {**dict(zip(by, key, strict=True)), **_score_points(group), **_score_distribution(group)}
        rows.append({**row, **_compare_with(group, base), **_score_intervals(group, levels)})
    return pd.DataFrame(rows)


def cover(forecasts: pd.DataFrame, by: str) -> pd.DataFrame:
    """How often intervals held under a condition: one row per model, value of the column `by` and level.

    forecasts: a backtest. by: size_tercile, knowledge, is_after_change or another column. Columns: model, the
    condition, level (as it ends column names), n, coverage (share), lower and upper (Wilson's 95 % interval of the
    coverage, as if forecasts were independent). Values without a forecast have no row.
    """
    frames = []
    for level in read_levels(forecasts):
        known = forecasts.dropna(subset=[f"lower_{level}", by])
        inside = known["actual"].between(known[f"lower_{level}"], known[f"upper_{level}"])
        found = inside.groupby([known["model"], known[by]], observed=True, sort=False).agg(n="size", coverage="mean")
        frames.append(found.reset_index().assign(level=level))
    table = pd.concat(frames, ignore_index=True)
    lower, upper = wilson(table["coverage"] * table["n"], table["n"])
    return table.assign(lower=lower, upper=upper)[["model", by, "level", "n", "coverage", "lower", "upper"]]


def weighted_interval_scores(forecasts: pd.DataFrame) -> np.ndarray:
    """The weighted interval score on logs of each forecast: (|y - median| / 2 + sum alpha / 2 IS) / (levels + 1 / 2).

    NaN where a level has no interval, or a bound is not above 0.
    """
    levels = read_levels(forecasts)
    with np.errstate(divide="ignore", invalid="ignore"):
        y, said = (np.log(forecasts[name].to_numpy(float)) for name in ("actual", "estimate"))
        total = np.abs(y - said) / 2
        for level in levels:
            lower, upper = (np.log(forecasts[f"{side}_{level}"].to_numpy(float)) for side in ("lower", "upper"))
            share = float(level) / 100
            total = total + (1 - share) / 2 * interval_score(y, lower, upper, share)
    return np.where(np.isfinite(total), total / (len(levels) + 0.5), np.nan)


def measure_skill(own: np.ndarray, base: np.ndarray) -> tuple[float, float, float]:
    """(skill, lower, upper): 1 - sum of own scores / sum of base scores, with its 95 % interval.

    Scores of the same forecasts in time order. Moving blocks of n^(1/3) forecasts are drawn again, because scores of
    neighbours are alike (Kuensch 1989). No interval below 20 forecasts.
    """
    n = len(own)
    if n == 0 or base.sum() <= 0:
        return float("nan"), float("nan"), float("nan")
    skill = float(1 - own.sum() / base.sum())
    if n < LEAST_FOR_SKILL:
        return skill, float("nan"), float("nan")
    length = int(np.ceil(n ** (1 / 3)))
    sums = np.stack([np.append(0.0, np.cumsum(one)) for one in (own, base)])
    blocks = sums[:, length:] - sums[:, :-length]
    drawn = np.random.default_rng(0).integers(0, blocks.shape[1], (RESAMPLES, max(n // length, 1)))
    own_drawn, base_drawn = blocks[:, drawn].sum(-1)
    lower, upper = np.quantile(1 - own_drawn / base_drawn, [0.025, 0.975])
    return skill, float(lower), float(upper)


def read_levels(forecasts: pd.DataFrame) -> list[str]:
    """The levels of a forecast frame as they end its column names: `["70", "90"]`."""
    names = [re.fullmatch(r"lower_([\d.]+)", str(name)) for name in forecasts.columns]
    return [name.group(1) for name in names if name]


def relative_errors(actual: ArrayLike, estimate: ArrayLike) -> np.ndarray:
    """abs(actual - estimate) / actual (MRE); NaN where the actual is not above 0."""
    y, said = np.asarray(actual, float), np.asarray(estimate, float)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(y > 0, np.abs(y - said) / y, np.nan)


def mdape(actual: ArrayLike, estimate: ArrayLike) -> float:
    """Median relative error (MdMRE, MdAPE), as a share."""
    return float(np.nanmedian(relative_errors(actual, estimate)))


def mmre(actual: ArrayLike, estimate: ArrayLike) -> float:
    """Mean relative error (MMRE), as a share."""
    return float(np.nanmean(relative_errors(actual, estimate)))


def pred(actual: ArrayLike, estimate: ArrayLike, within: float = 0.25) -> float:
    """PRED(within): share of forecasts with a relative error <= within (equal counts as hit)."""
    errors = relative_errors(actual, estimate)
    return float(np.mean(errors[~np.isnan(errors)] <= within))


def random_guess_error(actual: ArrayLike) -> float:
    """MAR_P0: mean abs(y_i - y_j) over ordered pairs of different cases, exact in O(n log n) by sorting.

    The error of guessing another case's actual (Shepperd and MacDonell 2012); NaN below 2 cases.
    """
    ordered = np.sort(np.asarray(actual, float))
    n = len(ordered)
    if n < 2:
        return np.nan
    # The i-th smallest is the larger of i pairs and the smaller of n - 1 - i.
    total = 2 * np.sum((2 * np.arange(n) - (n - 1)) * (ordered - ordered.mean()))
    return float(total / (n * (n - 1)))


def standardized_accuracy(actual: ArrayLike, estimate: ArrayLike) -> float:
    """SA = 1 - mean abs(actual - estimate) / MAR_P0: 1 is perfect, 0 no better than guessing another case's actual."""
    guess = random_guess_error(actual)
    absolute = float(np.mean(np.abs(np.asarray(actual, float) - np.asarray(estimate, float))))
    return 1 - absolute / guess if guess > 0 else np.nan


def log_bias(actual: ArrayLike, estimate: ArrayLike, level: float = 0.95) -> tuple[float, float, float]:
    """(mean, lower, upper) of ln(estimate / actual) with its t interval; pairs not above 0 are left out."""
    y, said = np.asarray(actual, float), np.asarray(estimate, float)
    usable = (y > 0) & (said > 0)
    ratio = np.log(said[usable] / y[usable])
    if len(ratio) < 2:
        return (float(ratio.mean()) if len(ratio) else np.nan), np.nan, np.nan
    reach = special.stdtrit(len(ratio) - 1, 0.5 + level / 2) * ratio.std(ddof=1) / np.sqrt(len(ratio))
    return float(ratio.mean()), float(ratio.mean() - reach), float(ratio.mean() + reach)


def interval_score(actual: ArrayLike, lower: ArrayLike, upper: ArrayLike, level: float) -> np.ndarray:
    """Winkler's score per forecast: width + 2 / (1 - level) x distance to the interval when missed; lower is better."""
    y, low, high = (np.asarray(values, float) for values in (actual, lower, upper))
    missed = np.maximum(low - y, 0) + np.maximum(y - high, 0)
    return high - low + 2 / (1 - level) * missed


def _score_points(group: pd.DataFrame) -> dict[str, float]:
    actual, estimate = group["actual"].to_numpy(float), group["estimate"].to_numpy(float)
    bias, bias_lower, bias_upper = log_bias(actual, estimate)
    return {
        "n": len(group),
        "mdape": mdape(actual, estimate),
        "mmre": mmre(actual, estimate),
        "pred25": pred(actual, estimate),
        "sa": standardized_accuracy(actual, estimate),
        "log_bias": bias,
        "log_bias_lower": bias_lower,
        "log_bias_upper": bias_upper,
    }


def _score_distribution(group: pd.DataFrame) -> dict[str, float]:
    actual, estimate = group["actual"].to_numpy(float), group["estimate"].to_numpy(float)
    found = {"above": float(np.mean(np.where(actual == estimate, 0.5, actual > estimate))), "mean_ratio": np.nan}
    if "mean" in group.columns:
        found["mean_ratio"] = float(group["mean"].sum() / actual.sum())
    found["wis"] = _average(group["wis"].to_numpy(float))
    if "crps" in group.columns:
        found["crps"] = _average(group["crps"].to_numpy(float))
        found["position_gap"] = _measure_gap(group["position"].to_numpy(float))
    return found


def _measure_gap(position: np.ndarray) -> float:
    """Kolmogorov's distance of the positions from the uniform distribution."""
    known = np.sort(position[~np.isnan(position)])
    if not len(known):
        return float("nan")
    steps = np.arange(len(known) + 1) / len(known)
    return float(max((steps[1:] - known).max(), (known - steps[:-1]).max()))


_KEYS = ["llm_model", "agent_role", "place"]


def _list_baseline(forecasts: pd.DataFrame) -> pd.Series | None:
    """The score of the baseline by series and place; None where the frame has none."""
    if "place" not in forecasts.columns or BASELINE not in set(forecasts["model"]):
        return None
    return forecasts[forecasts["model"] == BASELINE].set_index(_KEYS)["wis"].dropna()


def _compare_with(group: pd.DataFrame, base: pd.Series | None) -> dict[str, float]:
    if base is None:
        return {}
    joined = group.set_index(_KEYS)["wis"].dropna().to_frame("own").join(base.rename("base"), how="inner")
    skill, lower, upper = measure_skill(joined["own"].to_numpy(float), joined["base"].to_numpy(float))
    return {"n_common": len(joined), "skill": skill, "skill_lower": lower, "skill_upper": upper}


def _score_intervals(group: pd.DataFrame, levels: list[str]) -> dict[str, float]:
    found: dict[str, float] = {}
    for level in levels:
        lower, upper = group[f"lower_{level}"].to_numpy(float), group[f"upper_{level}"].to_numpy(float)
        actual = group["actual"].to_numpy(float)
        known = ~np.isnan(lower)
        inside = np.where(known, (lower <= actual) & (actual <= upper), np.nan)
        found[f"coverage_{level}"] = _average(inside)
        if "size_tercile" in group.columns:
            tercile = group["size_tercile"].to_numpy(object)
            found.update({f"coverage_{level}_{name}": _average(inside[tercile == name]) for name in TERCILES})
        found.update(_measure_widths(actual, lower, upper, level))
    return found


def _measure_widths(actual: np.ndarray, lower: np.ndarray, upper: np.ndarray, level: str) -> dict[str, float]:
    share = float(level) / 100
    # A bound of 0 has no logarithm; leaving such rows out would flatter the model that has them.
    is_positive = not (lower <= 0).any()
    log_actual, log_lower, log_upper = (
        np.log(values) if is_positive else np.full(len(values), np.nan) for values in (actual, lower, upper)
    )
    return {
        f"interval_score_{level}": _average(interval_score(log_actual, log_lower, log_upper, share)),
        f"width_{level}": _average(log_upper - log_lower),
        f"raw_interval_score_{level}": _average(interval_score(actual, lower, upper, share)),
        f"raw_width_{level}": _average(upper - lower),
    }


def _average(values: np.ndarray) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else np.nan
