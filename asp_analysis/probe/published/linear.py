"""Certified least squares: a straight line or a plane that says how many of its own digits can be trusted.

Why not a library: on the NIST StRD reference sets the default of statsmodels (pseudo-inverse) loses nine digits on
Pontius and all of them on Filip, its `qr` option inverts R'R and so loses the standard errors, and textbook sums
lose the slope as soon as x is far from zero (epoch seconds, cumulative tokens). Here the columns are centred
twice and scaled to length one, the triangular factor of the QR decomposition is inverted by itself, and data that
leave too few digits are refused. Quantiles and tail areas are scipy's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import linalg, special

from asp_analysis.errors import EstimationRefusal

# From here on columns move so closely together that their separate coefficients mean little (Belsley's rule).
COLLINEAR_ABOVE = 30.0
# From here on rounding alone leaves fewer than about eight digits of a coefficient.
DIGITS_LOST_ABOVE = 1e8
# From here on fewer than about five digits are left: no coefficient is returned.
REFUSED_ABOVE = 1e11
# A residual norm below this share of the norm of y is rounding, not scatter.
EXACT_FIT_BELOW = 1e-13
_EPSILON = float(np.finfo(float).eps)


@dataclass(frozen=True, kw_only=True)
class PredictionInterval:
    """Where one new observation falls with probability `level`: `projection` +- `half_width` (PSP: LPI, UPI, range)."""

    level: float
    projection: float
    half_width: float
    lower: float
    upper: float


@dataclass(frozen=True, eq=False, kw_only=True)
class LinearFit:
    """A fitted line or plane: y = b0 + b1 x1 + ... with everything that helps to judge it.

    `names` are the columns, `coefficients` and `standard_errors` have one number per column and `intercept` and
    `intercept_error` belong to b0 (0 and NaN without an intercept). `r2` is uncentred without an intercept.
    `significance` is the two-sided p-value that all slopes are zero (F test; for a line it equals the t test, PSP's
    "1 - 2p"). `sigma` is the residual standard deviation, `condition_number` that of the scaled columns, `warning`
    is words or None. NaN in `r`, `r2`, `significance` means that y does not vary, so that there is nothing to
    explain.
    """

    names: tuple[str, ...]
    has_intercept: bool
    intercept: float
    intercept_error: float
    coefficients: np.ndarray
    standard_errors: np.ndarray
    r: float
    r2: float
    significance: float
    n: int
    dof: int
    sigma: float
    condition_number: float
    warning: str | None
    _design: _Design = field(repr=False)
    _residuals: np.ndarray = field(repr=False)

    @property
    def b0(self) -> float:
        """Return the intercept."""
        return self.intercept

    @property
    def b1(self) -> float:
        """Return the first slope, which is the only one of a line."""
        return float(self.coefficients[0])

    @property
    def residuals(self) -> np.ndarray:
        """Return y minus fitted y, in the order of the observations, shape (n,)."""
        return self._residuals.copy()

    @property
    def leverage(self) -> np.ndarray:
        """Return the weight of every observation in its own fitted value, 0 to 1, shape (n,)."""
        own = 1 / self.n if self.has_intercept else 0.0
        return np.minimum(own + np.sum(self._design.q**2, axis=1), 1.0)

    @property
    def cooks_distance(self) -> np.ndarray:
        """Return D_i = e_i^2 h_i / (p sigma^2 (1 - h_i)^2), shape (n,); infinite where h_i is 1, 0 for an exact fit.

        Source: R. D. Cook, Technometrics 19 (1977).
        """
        h = self.leverage
        if self.sigma == 0:
            return np.where(_is_pivot(h), np.inf, 0.0)
        p = self.n - self.dof
        with np.errstate(divide="ignore", invalid="ignore"):
            distance = self._residuals**2 * h / (p * self.sigma**2 * (1 - h) ** 2)
        return np.where(_is_pivot(h), np.inf, distance)

    @property
    def leave_one_out_slopes(self) -> np.ndarray:
        """Return the slopes without each observation in turn, shape (n, columns).

        Closed form b - R^-1 q_i e_i / (1 - h_i). A row is NaN where the observation alone determines a slope.
        """
        design, h = self._design, self.leverage
        with np.errstate(divide="ignore", invalid="ignore"):
            pull = np.where(_is_pivot(h), np.nan, self._residuals / (1 - h))
        moves = (design.q * pull[:, None]) @ design.r_inverse.T / design.scales
        return self.coefficients - moves

    def predict(self, x: ArrayLike) -> float:
        """Return b0 + b1 x for one case: a number for a line, shape (columns,) for a plane.

        EstimationRefusal: several cases (`band` takes those), or a value that is missing or infinite.
        """
        return float(self._project(self._take_one(x))[0])

    def interval(self, x: ArrayLike, level: float) -> PredictionInterval:
        """Return the exact t prediction interval of one new observation at x.

        Half width = t((1 + level)/2, dof) sigma sqrt(1 + a'(A'A)^-1 a): the range of a single new value, not the
        narrower confidence interval of the mean. `level` is a share, 0.70 for PSP's 70 % range.
        """
        rows = self._take_one(x)
        half = float(_find_quantile(level, self.dof) * self.sigma * np.sqrt(1 + self._measure_distance(rows)[0]))
        projection = float(self._project(rows)[0])
        return PredictionInterval(
            level=level,
            projection=projection,
            half_width=half,
            lower=projection - half,
            upper=projection + half,
        )

    def band(self, x: ArrayLike, level: float) -> pd.DataFrame:
        """Return the prediction interval for many cases: columns projection, lower, upper, in the order of x."""
        rows, _ = self._read_rows(x)
        half = _find_quantile(level, self.dof) * self.sigma * np.sqrt(1 + self._measure_distance(rows))
        projection = self._project(rows)
        return pd.DataFrame({"projection": projection, "lower": projection - half, "upper": projection + half})

    def summary_frame(self) -> pd.DataFrame:
        """Return one row per coefficient: estimate, standard_error, t, significance (two-sided), lower_95, upper_95."""
        estimate = np.append(self.intercept, self.coefficients) if self.has_intercept else self.coefficients
        error = np.append(self.intercept_error, self.standard_errors) if self.has_intercept else self.standard_errors
        with np.errstate(divide="ignore", invalid="ignore"):
            t = estimate / error
        half = _find_quantile(0.95, self.dof) * error
        columns = {"estimate": estimate, "standard_error": error, "t": t}
        columns["significance"] = 2 * special.stdtr(self.dof, -np.abs(t))
        columns |= {"lower_95": estimate - half, "upper_95": estimate + half}
        index = (["intercept"] if self.has_intercept else []) + list(self.names)
        return pd.DataFrame(columns, index=pd.Index(index, name="coefficient"))

    def _project(self, rows: np.ndarray) -> np.ndarray:
        return self._design.y_centre + self._design.centre_rows(rows) @ self.coefficients

    def _take_one(self, x: ArrayLike) -> np.ndarray:
        rows, is_single = self._read_rows(x)
        if not is_single:
            raise EstimationRefusal(f"There are {len(rows)} cases instead of one. Use band() for many.")
        return rows

    def _read_rows(self, x: ArrayLike) -> tuple[np.ndarray, bool]:
        values, width = np.asarray(x, dtype=float), len(self.names)
        is_single = values.ndim == (0 if width == 1 else 1)
        rows = values.reshape(1, -1) if is_single else values.reshape(len(values), -1)
        if rows.shape[1] != width or not np.all(np.isfinite(rows)):
            raise EstimationRefusal(
                f"{_show(values)} is not a finite value for each of {', '.join(self.names)}. "
                "Pass one number per column."
            )
        return rows, is_single

    def _measure_distance(self, rows: np.ndarray) -> np.ndarray:
        scaled = self._design.centre_rows(rows) / self._design.scales
        own = 1 / self.n if self.has_intercept else 0.0
        return own + np.sum((scaled @ self._design.r_inverse) ** 2, axis=1)


@dataclass(frozen=True, eq=False, kw_only=True)
class _Design:
    """The decomposed columns: (x - centre - shift) / scales = q r."""

    centre: np.ndarray
    shift: np.ndarray
    scales: np.ndarray
    q: np.ndarray
    r: np.ndarray
    r_inverse: np.ndarray
    y_centre: float

    def centre_rows(self, rows: np.ndarray) -> np.ndarray:
        # Two steps: the first difference is exact near the centre, the second takes away what the mean was rounded by.
        return (rows - self.centre) - self.shift


def fit_line(x: ArrayLike, y: ArrayLike, *, intercept: bool = True) -> LinearFit:
    """Return the least-squares line y = b0 + b1 x (or b1 x), x and y of shape (n,) without missing values.

    Refused with EstimationRefusal: unequal lengths, values that are not finite, fewer than 3 points (2 without an
    intercept), x that does not vary. Source of the rules of use: Humphrey, A Discipline for Software Engineering,
    app. A.
    """
    column = np.asarray(x, dtype=float)
    if column.ndim != 1:
        raise EstimationRefusal(
            f"x has the shape {column.shape}, and a line takes one column. Use fit_plane for several."
        )
    return fit_plane(column[:, None], y, ("x",), intercept=intercept)


def fit_plane(X: ArrayLike, y: ArrayLike, names: Sequence[str], *, intercept: bool = True) -> LinearFit:  # noqa: N803
    """Return the least-squares plane y = b0 + b1 x1 + ..., X of shape (n, columns), one name per column.

    Refused with EstimationRefusal: what `fit_line` refuses, and columns so nearly dependent that the condition
    number of the scaled columns exceeds 1e11 (it is named). Dependence short of that is a `warning`, never a silent
    wrong number.
    """
    columns = tuple(names)
    table, target = _check(X, y, columns, intercept)
    design, residual_y = _decompose(table, target, columns, intercept)
    condition = float(np.linalg.cond(design.r))
    if condition > REFUSED_ABOVE:
        raise EstimationRefusal(
            f"The columns {', '.join(columns)} are dependent to rounding "
            f"(condition number {condition:.3g}, limit {REFUSED_ABOVE:.0e}). Leave one of them out."
        )
    facts = _Facts(table=table, target=target, names=columns, intercept=intercept, condition=condition)
    return _assemble(design, residual_y, facts)


@dataclass(frozen=True, eq=False, kw_only=True)
class _Facts:
    table: np.ndarray
    target: np.ndarray
    names: tuple[str, ...]
    intercept: bool
    condition: float


def _assemble(design: _Design, centred_y: np.ndarray, facts: _Facts) -> LinearFit:
    projections = design.q.T @ centred_y
    residuals = centred_y - design.q @ projections
    # A second pass removes the part of the residual that rounding left in the plane.
    correction = design.q.T @ residuals
    residuals, projections = residuals - design.q @ correction, projections + correction
    coefficients = linalg.solve_triangular(design.r, projections) / design.scales
    n, p = len(centred_y), len(coefficients) + facts.intercept
    total, explained = float(centred_y @ centred_y), float(projections @ projections)
    is_exact = total > 0 and np.linalg.norm(residuals) <= EXACT_FIT_BELOW * np.linalg.norm(facts.target)
    residuals = np.zeros(n) if is_exact else residuals
    rss = float(residuals @ residuals)
    sigma = float(np.sqrt(rss / (n - p)))
    errors = sigma * np.sqrt(np.sum(design.r_inverse**2, axis=1)) / design.scales
    r2 = min(explained / total, 1.0) if total > 0 else np.nan
    mean = design.centre + design.shift
    spread = 1 / n + np.sum(((mean / design.scales) @ design.r_inverse) ** 2)
    return LinearFit(
        names=facts.names,
        has_intercept=facts.intercept,
        intercept=float(design.y_centre - mean @ coefficients) if facts.intercept else 0.0,
        intercept_error=float(sigma * np.sqrt(spread)) if facts.intercept else np.nan,
        coefficients=coefficients,
        standard_errors=errors,
        r=float(np.sqrt(r2) * (np.sign(coefficients[0]) if len(coefficients) == 1 else 1.0)),
        r2=float(r2),
        significance=_find_significance(explained, rss, len(coefficients), n - p),
        n=n,
        dof=n - p,
        sigma=sigma,
        condition_number=facts.condition,
        warning=_write_warning(design, facts, is_exact, total),
        _design=design,
        _residuals=residuals,
    )


def _decompose(
    table: np.ndarray, target: np.ndarray, names: tuple[str, ...], intercept: bool
) -> tuple[_Design, np.ndarray]:
    zeros = np.zeros(table.shape[1])
    centre = table.mean(axis=0) if intercept else zeros
    shift = (table - centre).mean(axis=0) if intercept else zeros
    columns = (table - centre) - shift
    scales = np.linalg.norm(columns, axis=0)
    floor = 4 * _EPSILON * np.max(np.abs(table), axis=0) * np.sqrt(len(table)) if intercept else zeros
    for name, scale, limit, value in zip(names, scales, floor, table[0], strict=True):
        if not limit < scale < np.inf:
            what = f"it is {value:g} in all {len(table)} of them" if intercept or value == 0 else "it overflows"
            raise EstimationRefusal(f"The points do not differ in {name}: {what}. Add points that differ.")
    q, r = linalg.qr(columns / scales, mode="economic")
    r_inverse = _invert_triangle(r)
    y_mean = float(target.mean()) if intercept else 0.0
    y_shift = float((target - y_mean).mean()) if intercept else 0.0
    residual_y = (target - y_mean) - y_shift
    is_constant = np.max(np.abs(residual_y)) <= 4 * _EPSILON * np.max(np.abs(target))
    design = _Design(
        centre=centre, shift=shift, scales=scales, q=q, r=r, r_inverse=r_inverse, y_centre=y_mean + y_shift
    )
    return design, np.zeros(len(target)) if is_constant else residual_y


def _invert_triangle(r: np.ndarray) -> np.ndarray:
    if np.any(np.diag(r) == 0):
        return np.full_like(r, np.inf)
    return linalg.solve_triangular(r, np.eye(len(r)))


def _find_significance(explained: float, rss: float, slopes: int, dof: int) -> float:
    if explained <= 0 and rss <= 0:
        return np.nan
    with np.errstate(divide="ignore"):
        f = np.float64(explained / slopes) / np.float64(rss / dof)
    return float(special.fdtrc(slopes, dof, f))


def _write_warning(design: _Design, facts: _Facts, is_exact: bool, total: float) -> str | None:
    words = []
    if total == 0:
        words.append("y does not vary, so there is nothing for x to explain")
    if is_exact:
        words.append("the points are on the fit to rounding, so the intervals have no width")
    if facts.condition > COLLINEAR_ABOVE:
        words.append(f"the columns move together (condition number {facts.condition:.3g}): read no single coefficient")
    if facts.condition > DIGITS_LOST_ABOVE:
        words.append(f"only about {15 - np.log10(facts.condition):.0f} digits survive rounding")
    largest = np.max(np.abs(facts.table), axis=0)
    for name, size, scale in zip(facts.names, largest, design.scales, strict=True):
        if size * _EPSILON * np.sqrt(len(facts.table)) > 1e-6 * scale:
            words.append(f"{name} varies too little around {size:g} to hold more than a few digits")
    return "; ".join(words) or None


def _check(
    X: ArrayLike,  # noqa: N803
    y: ArrayLike,
    names: tuple[str, ...],
    intercept: bool,
) -> tuple[np.ndarray, np.ndarray]:
    table, target = np.asarray(X, dtype=float), np.asarray(y, dtype=float)
    if table.ndim != 2 or target.ndim != 1 or len(table) != len(target) or table.shape[1] != len(names) or not names:
        raise EstimationRefusal(
            f"x of shape {table.shape}, y of shape {target.shape} and {len(names)} names do not fit together. "
            "Pass one y per row of x, and one name per column."
        )
    bad = int(np.sum(~np.isfinite(target) | ~np.all(np.isfinite(table), axis=1)))
    if bad:
        raise EstimationRefusal(
            f"{bad} of {len(target)} rows have values that are not finite numbers. Drop those rows."
        )
    least = len(names) + bool(intercept) + 1
    if len(target) < least:
        raise EstimationRefusal(f"Too few points for this fit: {len(target)} of at least {least}. Add points.")
    return table, target


def _find_quantile(level: float, dof: int) -> float:
    if not 0 < level < 1:
        raise EstimationRefusal(f"The level {level} is not between 0 and 1. Write 0.70 for 70 %.")
    return float(special.stdtrit(dof, 0.5 + level / 2))


def _is_pivot(leverage: np.ndarray) -> np.ndarray:
    return 1 - leverage < 1e-12


def _show(values: np.ndarray) -> str:
    return str(values.tolist()) if values.size <= 8 else f"shape {values.shape}"
