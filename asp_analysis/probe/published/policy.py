"""Every rule of choosing a PROBE method, in one place: a threshold is a field, its answer a `RuleCheck` in words.

A veto refuses a method; a flag lets it pass and says what a reader has to know. The thresholds are PSP's where PSP
has one. The expected slope is Sum(y) / Sum(own x): with another basis (productivity over actual size) a sound line
is refused on the SEI's own reference table.
"""

from dataclasses import dataclass, fields

import numpy as np
import pandas as pd

from asp_analysis.errors import EstimationRefusal
from asp_analysis.probe.published.linear import LinearFit, fit_line

METHODS = ("A", "B", "C1", "C2", "C3", "D")
SLOPE_BASES = ("own_x", "actual_size", "one")

_RULE_MEANINGS = {
    "min_points": ("veto", "finished tasks that know both values, at least (A, B, C)"),
    "min_r2": ("veto", "share of the variation that the line must explain, at least (A, B)"),
    "max_significance": ("veto", "two-sided p-value of the correlation, at most; None: no veto (A, B)"),
    "max_b0_share": ("veto", "size of b0 as a share of the projection, at most, in either direction (A, B)"),
    "slope_basis": (
        "veto",
        "expected slope: own_x = Sum(y)/Sum(own x), actual_size = Sum(y)/Sum(actual size), one = 1",
    ),
    "slope_low": ("veto", "b1 as a multiple of the expected slope, at least (A, B)"),
    "slope_high": ("veto", "b1 as a multiple of the expected slope, at most (A, B)"),
    "weak_r2": ("flag", "below this share of explained variation, size explains next to nothing (A, B, C)"),
    "max_cooks_distance": ("flag", "Cook's distance of any one task, at most (A, B)"),
    "max_slope_change": ("flag", "change of b1 when any one task is left out, as a share of b1, at most (A, B)"),
    "max_total_share": ("flag", "share of Sum(x) that one task may hold (C)"),
    "max_size_bias": (
        "flag",
        "distance of Sum(actual size)/Sum(estimated size) from 1 (C3 is fitted on one, reads the other)",
    ),
    "is_strict": (
        "choice",
        "True: every method reads E, the estimated size of the new task, as the published tests do (plan and E are "
        "both sizes there, and the plan is what is being computed). False: B and C2 read the plan of the new task, in "
        "the unit they were fitted in: for plans that are not sizes. C3 reads E either way",
    ),
    "is_floored_at_zero": ("choice", "a lower limit below zero is shown as 0, and said so (no cost is negative)"),
    "order": ("choice", "the order in which methods are tried; the first that no veto refuses is chosen"),
    "is_ranked_by_rating": (
        "choice",
        "True: the best Process Dashboard rating is chosen instead of the first in order",
    ),
}


@dataclass(frozen=True, kw_only=True)
class Policy:
    """The rules of choosing. `Policy()` is PSP's guidance with the slope judged on the method's own x.

    Sources: Humphrey, A Discipline for Software Engineering and PSP: A Self-Improvement Process, chapter on PROBE.
    `frame()` lists every rule in words. Extrapolation beyond the range of x is always flagged and never a veto.
    """

    min_points: int = 3
    min_r2: float = 0.5
    max_significance: float | None = 0.05
    max_b0_share: float = 0.25
    slope_basis: str = "own_x"
    slope_low: float = 0.5
    slope_high: float = 1.5
    weak_r2: float = 0.1
    max_cooks_distance: float = 1.0
    max_slope_change: float = 0.25
    max_total_share: float = 0.5
    max_size_bias: float = 0.25
    is_strict: bool = True
    is_floored_at_zero: bool = True
    order: tuple[str, ...] = METHODS
    is_ranked_by_rating: bool = False

    def __post_init__(self) -> None:
        """Refuse an order or a basis that no method has, and fewer points than a line needs."""
        unknown = [m for m in self.order if m not in METHODS]
        if unknown or len(set(self.order)) != len(self.order) or not self.order:
            raise EstimationRefusal(
                f"The order {self.order} of methods is wrong. Name one or more of {', '.join(METHODS)}, each once."
            )
        if self.slope_basis not in SLOPE_BASES:
            raise EstimationRefusal(f"{self.slope_basis!r} is not a slope basis. Choose one of {SLOPE_BASES}.")
        if self.min_points < 3:
            raise EstimationRefusal(f"min_points={self.min_points} is too few for a line. Use 3 or more.")

    def frame(self) -> pd.DataFrame:
        """Return one row per rule: rule, value, kind (veto, flag, choice), meaning."""
        rows = [(f.name, getattr(self, f.name), *_RULE_MEANINGS[f.name]) for f in fields(self)]
        return pd.DataFrame(rows, columns=["rule", "value", "kind", "meaning"])


@dataclass(frozen=True)
class RuleCheck:
    """One rule asked about one method: `words` say what was found, whether or not the rule `is_met`."""

    rule: str
    is_met: bool
    is_veto: bool
    words: str


@dataclass(frozen=True, eq=False, kw_only=True)
class Sample:
    """The history as one method sees it: the tasks that know x and y (shape (n,) each), and the x of the new task."""

    x: np.ndarray
    y: np.ndarray
    labels: tuple[str, ...]
    dropped: int
    x_new: float
    x_name: str
    y_name: str
    expected_slope: float

    @property
    def n(self) -> int:
        """Return the number of usable tasks."""
        return len(self.x)


def check_input(sample: Sample, policy: Policy) -> list[RuleCheck]:
    """Return what must hold before anything is computed: enough tasks, a new x, an x that is not all zero."""
    more = f", {sample.dropped} dropped for an unknown value" if sample.dropped else ""
    words = f"{sample.n} tasks know {sample.x_name} and {sample.y_name} (at least {policy.min_points}){more}"
    checks = [_make_veto("min_points", sample.n >= policy.min_points, words)]
    if not np.isfinite(sample.x_new):
        checks.append(
            _make_veto("new_x", False, f"the new task lacks the value that this method reads for {sample.x_name}")
        )
    if sample.n and sample.x.sum() <= 0:
        checks.append(_make_veto("some_x", False, f"{sample.x_name} is zero in every task"))
    return checks


def check_line(fit: LinearFit, sample: Sample, policy: Policy) -> list[RuleCheck]:
    """Return every rule for a fitted line (methods A and B) and the new x of the sample."""
    checks = [_make_veto("min_r2", fit.r2 >= policy.min_r2, f"r² {_write_number(fit.r2)} (at least {policy.min_r2:g})")]
    if policy.max_significance is not None:
        words = f"significance p {_write_number(fit.significance)} (at most {policy.max_significance:g})"
        checks.append(_make_veto("max_significance", fit.significance <= policy.max_significance, words))
    checks += [_check_b0(fit, sample, policy), _check_slope(fit, sample, policy)]
    if fit.warning:
        checks.append(_make_flag("numerics", False, fit.warning))
    return [*checks, *_check_history(sample, fit.r2, policy), *_check_influence(fit, sample, policy)]


def check_ratio(sample: Sample, policy: Policy) -> list[RuleCheck]:
    """Return every rule for a ratio of sums (methods C1 to C3) and the new x of the sample."""
    share, at = float(sample.x.max() / sample.x.sum()), int(sample.x.argmax())
    words = f"{sample.labels[at]} alone holds {share:.0%} of all {sample.x_name} (at most {policy.max_total_share:.0%})"
    flag = _make_flag("max_total_share", share <= policy.max_total_share, words)
    r = _correlate(sample)
    falls = f"{sample.y_name} falls as {sample.x_name} grows (r {_write_number(r)}), which a ratio cannot follow"
    return [*_check_history(sample, r**2, policy), _make_flag("direction", r >= 0, falls), flag]


def check_size(proxy: np.ndarray, actual_size: np.ndarray, policy: Policy) -> RuleCheck:
    """Return whether actual sizes add up to about what was estimated: C3 is per actual size but reads E."""
    known = np.isfinite(proxy) & np.isfinite(actual_size)
    total = proxy[known].sum()
    multiple = actual_size[known].sum() / total if total > 0 else np.nan
    words = f"actual sizes add up to {multiple:.2f} times the estimated ones, which C3 does not correct and C1 does"
    if np.isnan(multiple):
        words = "no task has both sizes, so that nobody knows how far actual sizes are from estimated ones"
    return _make_flag("max_size_bias", abs(multiple - 1) <= policy.max_size_bias, words)


def rate_method(method: str, slope_ratio: float, fit: LinearFit | None = None, b0_share: float = 0.0) -> float:
    """Return Process Dashboard's score of a method that it does not refuse: the higher the better.

    5 + (1 - 2 abs(log2(b1 / expected))) for lines and ratios; a line adds 0.25 - abs(b0 / projection), 2, 1 or 0 for
    r² above 0.9, 0.7, 0.5, and 0.5, 0.2, 0, -0.5 for p up to 0.05, 0.12, 0.20 and above. C3 is 5.00001, D is 5.
    """
    if method in ("C3", "D"):
        return 5.00001 if method == "C3" else 5.0
    score = 6 - 2 * abs(np.log2(slope_ratio)) if slope_ratio > 0 else -np.inf
    if fit is None:
        return float(score)
    by_r2 = float(np.select([fit.r2 > 0.9, fit.r2 > 0.7], [2.0, 1.0], 0.0))
    by_p = float(
        np.select([fit.significance <= 0.05, fit.significance <= 0.12, fit.significance <= 0.2], [0.5, 0.2, 0], -0.5)
    )
    return float(score + 0.25 - abs(b0_share) + by_r2 + by_p)


def relate_slope(slope: float, sample: Sample) -> float:
    """Return the slope as a multiple of the expected slope; NaN when nothing can be expected."""
    return slope / sample.expected_slope if sample.expected_slope > 0 else np.nan


def relate_b0(fit: LinearFit, x_new: float) -> float:
    """Return b0 / projection with its sign; infinite when the projection is zero."""
    projection = fit.predict(x_new)
    return fit.b0 / projection if projection else np.inf


def _check_b0(fit: LinearFit, sample: Sample, policy: Policy) -> RuleCheck:
    share = relate_b0(fit, sample.x_new)
    words = f"b0 {_write_number(fit.b0)} is {share:.0%} of the projection (at most ±{policy.max_b0_share:.0%})"
    return _make_veto("max_b0_share", abs(share) <= policy.max_b0_share, words)


def _check_slope(fit: LinearFit, sample: Sample, policy: Policy) -> RuleCheck:
    multiple = relate_slope(fit.b1, sample)
    words = (
        f"b1 {_write_number(fit.b1)} is {multiple:.2f} times the expected {_write_number(sample.expected_slope)} "
        f"({policy.slope_low:g} to {policy.slope_high:g})"
    )
    return _make_veto("slope", policy.slope_low <= multiple <= policy.slope_high, words)


def _check_history(sample: Sample, r2: float, policy: Policy) -> list[RuleCheck]:
    low, high = sample.x.min(), sample.x.max()
    outside = f"the new {sample.x_new:g} is outside {low:g} to {high:g}, the {sample.x_name} of the history"
    checks = [_make_flag("extrapolation", low <= sample.x_new <= high, outside)]
    if r2 < policy.weak_r2:
        words = (
            f"{sample.x_name} explains next to nothing of {sample.y_name} (r² {_write_number(r2)}): "
            f"their plain average {_write_number(sample.y.mean())} says as much"
        )
        checks.append(_make_flag("weak_r2", False, words))
    zeros = int(np.sum(sample.y == 0))
    if zeros:
        words = f"{sample.y_name} is 0 in {zeros} of {sample.n} tasks: if that means not recorded, make it missing"
        checks.append(_make_flag("zeros", False, words))
    return checks


def _check_influence(fit: LinearFit, sample: Sample, policy: Policy) -> list[RuleCheck]:
    distance, at = float(fit.cooks_distance.max()), int(fit.cooks_distance.argmax())
    words = f"{sample.labels[at]} has Cook's distance {_write_number(distance)} (at most {policy.max_cooks_distance:g})"
    cook = _make_flag("max_cooks_distance", distance <= policy.max_cooks_distance, words)
    slopes = fit.leave_one_out_slopes[:, 0]
    if not np.all(np.isfinite(slopes)):
        lone = sample.labels[int(np.argmax(~np.isfinite(slopes)))]
        return [cook, _make_flag("max_slope_change", False, f"the slope rests on {lone} alone")]
    moved = int(np.argmax(np.abs(slopes - fit.b1)))
    change = slopes[moved] / fit.b1 - 1 if fit.b1 else np.inf
    words = (
        f"without {sample.labels[moved]} the slope changes by {change:+.0%} (at most ±{policy.max_slope_change:.0%})"
    )
    return [cook, _make_flag("max_slope_change", abs(change) <= policy.max_slope_change, words)]


def _correlate(sample: Sample) -> float:
    try:
        r = fit_line(sample.x, sample.y).r
    except EstimationRefusal:
        # A constant x correlates with nothing; the ratio itself stays usable.
        return 0.0
    return r if np.isfinite(r) else 0.0


def _make_veto(rule: str, is_met: bool, words: str) -> RuleCheck:
    return RuleCheck(rule, bool(is_met), True, words)


def _make_flag(rule: str, is_met: bool, words: str) -> RuleCheck:
    return RuleCheck(rule, bool(is_met), False, words)


def _write_number(value: float) -> str:
    return f"{value:.4g}" if np.isfinite(value) else "undefined"
