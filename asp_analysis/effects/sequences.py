"""Before against after with an interval that holds however often one looks: an anytime-valid linear model.

A measure of tasks, mostly the logarithm of a cost, is regressed on whether the change was there, on what tasks are
matched by, and on time. The e-value of the coefficient is a Bayes factor with a normal prior on it and right Haar
priors on everything else (level, matching, spread); it is a martingale where nothing changed, so that the chance that
it ever passes 1 / alpha is at most alpha (Ville). Inverted, it is an interval that holds at all looks at once:

    coefficient +- se * sqrt(nu (1 - k) / (k - r)),  k = (alpha^2 r)^(1 / (nu + 1)),  r = phi / (phi + z)

z is the information on the coefficient (1 / its variance in units of the spread), phi that of the prior.
Lindon, Ham, Tingley and Bojinov (2022), Anytime-valid linear models and regression adjusted causal inference in
randomized experiments, arXiv 2210.08589; Perez-Ortiz, Lardy, de Heide and Gruenwald (2024), E-statistics, group
invariance and anytime-valid testing, Annals of Statistics 52; for measures that are not normal it is asymptotic
(Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas 2024, Annals of Statistics 52).

Time is no free parameter: what tasks cost may drift, and a straight line through it would take the change's place. Its
slope has a prior instead, 8 percent in 90 days as one standard deviation, and the tasks narrow it as far as they can.
Tasks that follow each other are alike: the variance is multiplied by what blocks and neighbours have in common.
"""

import math
from dataclasses import dataclass

import numpy as np

from asp_analysis.intervals import Floats

ALPHA = 0.05
DRIFT_PER_90_DAYS = 0.08
"""Standard deviation of the prior of the slope of the logarithm: about what agents, prices and repositories drift."""

_PRIOR_INFORMATION = 4.0
"""phi: an effect of half a standard deviation of the measure is usual; narrowest at about thirty tasks a side."""

_MOST_LAGS = 10


@dataclass(frozen=True, kw_only=True)
class Measured:
    """The tasks in time order: values (n,), is_after (n,) booleans, days (n,) since any instant, blocks (n,) of tasks
    that may be alike, covariates (n, p) without a constant; scale: what one is of the drift's logarithm.
    """

    values: Floats
    is_after: np.ndarray
    days: Floats
    blocks: np.ndarray
    covariates: Floats
    scale: float = 1.0


@dataclass(frozen=True, kw_only=True)
class AnytimeInterval:
    """effect: the difference after minus before; lower, upper: at all looks at once with 95 %; se: at this look.

    nu: degrees of freedom; spread: residual standard deviation; design: by which the variance is multiplied because
    tasks are alike; slope: per 90 days, with its standard error; information: z / design.
    """

    effect: float
    lower: float
    upper: float
    se: float
    nu: int
    spread: float
    design: float
    slope: float
    slope_se: float
    information: float


def measure_interval(measured: Measured, drift: float = DRIFT_PER_90_DAYS) -> AnytimeInterval | None:
    """Return the effect with its interval; None where the tasks cannot separate it from what they are matched by.

    drift: standard deviation of the prior of the slope per 90 days, in units of `scale`.
    """
    n = len(measured.values)
    columns = [np.ones(n), measured.is_after.astype(float), (measured.days - measured.days.mean()) / 90.0]
    design = np.column_stack([*columns, measured.covariates])
    design = design[:, _find_independent(design)]
    nu = n - design.shape[1] + 1  # the slope has a prior, which counts as one more task
    if nu < 3 or design.shape[1] < 3:
        return None
    spread = float(np.std(measured.values)) or 1e-9
    for _ in range(4):  # the prior of the slope is in units of the spread
        solved, inverse = _solve(design, measured.values, spread / (drift * measured.scale))
        residuals = measured.values - design @ solved
        spread = max(math.sqrt(float(residuals @ residuals) / max(nu, 1)), 1e-9)
    factor = measure_likeness(residuals, measured.blocks)
    se = spread * math.sqrt(inverse[1, 1] * factor)
    information = 1.0 / (inverse[1, 1] * factor)
    half = se * find_boundary(information, count_effective(nu, factor))
    return AnytimeInterval(
        effect=float(solved[1]),
        lower=float(solved[1] - half),
        upper=float(solved[1] + half),
        se=se,
        nu=nu,
        spread=spread,
        design=factor,
        slope=float(solved[2]),
        slope_se=spread * math.sqrt(inverse[2, 2] * factor),
        information=information,
    )


def count_effective(nu: int, design: float) -> int:
    """Return the degrees of freedom of tasks that are alike: they say as much of the spread as fewer tasks would."""
    return max(round(nu / design), 1)


def find_boundary(information: float, nu: int, alpha: float = ALPHA) -> float:
    """Return how many standard errors the interval reaches to each side; infinite where there are too few tasks."""
    r = _PRIOR_INFORMATION / (_PRIOR_INFORMATION + information)
    k = (alpha**2 * r) ** (1.0 / (nu + 1))
    return math.sqrt(nu * (1 - k) / (k - r)) if k > r else math.inf


def _find_independent(design: Floats) -> list[int]:
    """Return the columns that earlier ones do not add up to; the change and the time come first."""
    kept: list[int] = []
    for place in range(design.shape[1]):
        trial = [*kept, place]
        if np.linalg.matrix_rank(design[:, trial], tol=1e-8 * max(len(design), 1)) == len(trial):
            kept = trial
    return kept if kept[:3] == [0, 1, 2] else []


def _solve(design: Floats, values: Floats, prior: float) -> tuple[Floats, Floats]:
    gram = design.T @ design
    gram[2, 2] += prior**2
    inverse: Floats = np.asarray(np.linalg.inv(gram), dtype=np.float64)
    return inverse @ (design.T @ values), inverse


def measure_likeness(residuals: Floats, blocks: np.ndarray) -> float:
    """Return by how much the variance of a mean grows because tasks are alike, at least 1.

    The larger of two: 1 + (m - 1) ICC over blocks (one-way analysis of variance; m the mean size of a task's block),
    and 1 + 2 sum of autocorrelations in time order with falling weights (Newey and West 1987).
    """
    n = len(residuals)
    total = float(residuals @ residuals)
    if total <= 0 or n < 6:
        return 1.0
    lags = min(_MOST_LAGS, n // 4)
    centred = residuals - residuals.mean()
    series = 1.0 + 2 * sum(
        (1 - lag / (lags + 1)) * float(centred[lag:] @ centred[:-lag]) / float(centred @ centred)
        for lag in range(1, lags + 1)
    )
    return max(1.0, series, _measure_blocks(residuals, blocks))


def _measure_blocks(residuals: Floats, blocks: np.ndarray) -> float:
    _, codes, counts = np.unique(blocks, return_inverse=True, return_counts=True)
    groups, n = len(counts), len(residuals)
    if groups in (1, n):
        return 1.0
    sums = np.bincount(codes, residuals)
    between = float(np.sum(sums**2 / counts)) / max(groups - 3, 1)  # level, change and time took three blocks' freedom
    within = float(residuals @ residuals - np.sum(sums**2 / counts)) / (n - groups)
    size = (n - float(np.sum(counts**2)) / n) / (groups - 1)
    icc = (between - within) / (between + (size - 1) * within) if within > 0 and size > 1 else 0.0
    return 1.0 + (float(np.sum(counts**2)) / n - 1.0) * max(icc, 0.0)
