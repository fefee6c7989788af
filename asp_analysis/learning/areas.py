"""Error-prone areas: defect densities that a small count cannot inflate.

One defect in one small task has the highest raw density of all, and means nothing. Areas borrow strength from each
other: counts are Poisson with a density drawn from one gamma distribution (empirical Bayes, gamma-Poisson). How much
areas differ is itself uncertain where they are few, so the estimate is averaged over it instead of taking its most
likely value, which would make the intervals far too narrow. Own code: no library of the project fits a gamma-Poisson
model with exposures; the special functions are SciPy's.
"""

import json

import numpy as np
import pandas as pd
from scipy.special import betainc, gammainc, gammaln

from asp_analysis.errors import EstimationRefusal
from asp_analysis.intervals import Floats
from asp_analysis.learning.bisection import find_last_above
from asp_analysis.membership import is_among

BY = ("component", "task_type", "agent_role")
# beforehand equally likely: the relative spread of densities between areas (SD / mean; shape a = 1 / spread^2) and
# the logarithm of their mean, within so many standard errors of the pooled density
_SPREADS, _MEAN_ERRORS = np.linspace(0.1, 1.6, 13), np.linspace(-2.4, 2.4, 7)


class Densities:
    """The densities of areas after their counts were seen: a mixture over the mean of all areas and their spread.

    For a spread s and a mean m the prior is Gamma(a = 1/s^2, b = a/m), the posterior of area i Gamma(a + c_i,
    b + e_i); the weight of (s, m) is its marginal likelihood.
    """

    def __init__(self, defects: Floats, exposure: Floats) -> None:
        """Fit areas with `defects` (counts) over `exposure` (complexity units).

        Raises:
            EstimationRefusal: no area has an exposure.
        """
        c, e = np.asarray(defects, dtype=float), np.asarray(exposure, dtype=float)
        if not (e > 0).any():
            raise EstimationRefusal("No area has a known size. Record the size of tasks.")
        pooled = (c.sum() + 0.5) / e.sum()
        spread, error = (grid.reshape(-1, 1) for grid in np.meshgrid(_SPREADS, _MEAN_ERRORS))
        log_se = np.sqrt(1 / (c.sum() + 0.5) + spread**2 / max((e > 0).sum(), 1))
        a = 1 / spread**2
        b = a / (pooled * np.exp(error * log_se))
        prior = np.log(log_se)  # equal steps of error are wider steps of ln m where log_se is larger
        fit = gammaln(a + c) - gammaln(a) + a * np.log(b / (b + e)) + c * np.log(np.maximum(e, 1e-12) / (b + e))
        log_weight = prior[:, 0] + fit.sum(axis=1, where=np.broadcast_to(e > 0, fit.shape))
        weight = np.exp(log_weight - log_weight.max())
        self.shape, self.rate = a + c, b + e
        self.weight = (weight / weight.sum())[:, None]

    def mean(self) -> Floats:
        """Return the expected density of each area."""
        return (self.weight * self.shape / self.rate).sum(axis=0)

    def variance(self) -> Floats:
        """Return the variance of each area's density."""
        second = (self.weight * self.shape * (self.shape + 1) / self.rate**2).sum(axis=0)
        return second - self.mean() ** 2

    def probability_below(self, density: Floats | float) -> Floats:
        """Return the probability that each area's density is below a value."""
        return (self.weight * gammainc(self.shape, self.rate * density)).sum(axis=0)

    def quantile(self, level: float) -> Floats:
        """Return a quantile of each area's density."""
        highest = self.mean() + 40 * np.sqrt(self.variance())
        return find_last_above(lambda density: self.probability_below(density) < level, 0.0, highest)


def rank_densities(counts: pd.DataFrame, level: float = 0.90) -> pd.DataFrame:
    """Rank areas by their shrunken density.

    `counts` has area, tasks, size, defects. Returns these and: density (raw, defects / size; NaN without size),
    shrunken_density, lower, upper (its central interval at `level`), high_risk_probability (that the density is more
    than twice the median of the shrunken ones), is_high_risk_published (raw density > 2 x median of the raw ones),
    is_high_risk (lower above the median of the shrunken densities, and the shrunken one more than 1.5 times as high).
    """
    table = counts.copy()
    size, defects = table["size"].to_numpy(dtype=float), table["defects"].to_numpy(dtype=float)
    after = Densities(defects, size)
    with np.errstate(invalid="ignore", divide="ignore"):
        table["density"] = np.where(size > 0, defects / size, np.nan)
    table["shrunken_density"] = after.mean()
    table["lower"], table["upper"] = after.quantile((1 - level) / 2), after.quantile((1 + level) / 2)
    usual = table["shrunken_density"].median()
    table["high_risk_probability"] = 1 - after.probability_below(2 * usual)
    table["is_high_risk_published"] = table["density"] > 2 * table["density"].median()
    table["is_high_risk"] = (table["lower"] > usual) & (table["shrunken_density"] > 1.5 * usual)
    return table.sort_values(["shrunken_density", "area"], ascending=[False, True], ignore_index=True)


def error_prone_areas(tasks: pd.DataFrame, defects: pd.DataFrame, runs: pd.DataFrame, by: str) -> pd.DataFrame:
    """Rank components, task types or agent roles by defect density; columns of `rank_densities`.

    tasks: ended tasks (`tasks`); defects: `defects`; runs: `work`. False alarms are no defects. A task and
    all its defects belong to the first component that it names: how its work was spread over the others is not
    recorded. A role is charged with the defects that it injected, over the sizes of the tasks on which it worked;
    roles that never injected one are left out.

    Raises:
        EstimationRefusal: `by` is unknown, or no task has a size.
    """
    if by not in BY:
        raise EstimationRefusal(f"{by!r} is not an area. Choose one of {', '.join(BY)}.")
    real = defects[~defects["is_false_positive"] & is_among(defects["task_id"], tasks["task_id"])]
    exposure = assign_areas(tasks, runs, by)
    if by == "agent_role":
        exposure = exposure[is_among(exposure["area"], real["phase_injected"])]
    if not len(exposure):
        raise EstimationRefusal(f"No task has both a size and a {by}. Record size and {by}.")
    area_of_task = exposure.drop_duplicates("task_id").set_index("task_id")["area"]
    charged = real["phase_injected"] if by == "agent_role" else real["task_id"].map(area_of_task)
    grouped = exposure.groupby("area").agg(tasks=("task_id", "nunique"), size=("size", "sum")).reset_index()
    grouped["defects"] = grouped["area"].map(charged.value_counts()).fillna(0).astype(int)
    return rank_densities(grouped)


def assign_areas(tasks: pd.DataFrame, runs: pd.DataFrame, by: str) -> pd.DataFrame:
    """Return one row per task and area with the size that the task brings to it: task_id, area, size.

    The size is the actual one, the estimated one where that is unknown, in complexity units.
    """
    sizes = tasks[["task_id"]].assign(size=tasks["actual_size"].fillna(tasks["size"]))
    if by == "agent_role":
        pairs = runs[["task_id", "agent_role"]].drop_duplicates().rename(columns={"agent_role": "area"})
        return pairs.merge(sizes, on="task_id").dropna()
    area = tasks["task_type"] if by == "task_type" else tasks["components_json"].map(_read_first_path)
    return sizes.assign(area=area).dropna()[["task_id", "area", "size"]]


def _read_first_path(text: object) -> str | None:
    paths = json.loads(text) if isinstance(text, str) else []
    return str(paths[0]) if isinstance(paths, list) and paths else None


# --- did it help? -----------------------------------------------------------------------------------------------------


def reduction_p_value(defects: int, before: Densities, exposure: Floats, ratio: float) -> float:
    """Return P(at most so many defects after | densities are `ratio` times those before), for several areas together.

    before: the shrunken densities, so that areas that were flagged because they were unlucky do not look improved
    (regression to the mean); exposure: size after, per area. The sum of the scaled densities is matched by one gamma
    (two moments), which makes the count negative binomial.
    """
    mean = float(np.sum(ratio * exposure * before.mean()))
    if mean <= 0:
        return 1.0
    matched = mean**2 / float(np.sum((ratio * exposure) ** 2 * before.variance()))
    return float(betainc(matched, defects + 1, matched / (matched + mean)))


def reduction_lower_pct(defects: int, before: Densities, exposure: Floats, alpha: float) -> float:
    """Return the lower bound of the reduction in percent: with confidence 1 - alpha it is at least this; may be < 0."""

    def find_excess(log_ratio: float) -> float:
        return reduction_p_value(defects, before, exposure, float(np.exp(log_ratio))) - alpha

    low, high = np.log(1e-4), np.log(1e4)
    if exposure.sum() <= 0 or find_excess(low) <= 0 or find_excess(high) >= 0:
        return float("nan")
    last = find_last_above(lambda log_ratio: np.asarray(find_excess(float(log_ratio)) > 0), low, high)
    return 100 * (1 - float(np.exp(last)))
