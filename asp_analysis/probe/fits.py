"""One fit on logs at a time, with exact intervals, also for several proxies at once.

Rolling forecasts use running sums instead (`models`); here statsmodels fits, which is right for logs of sizes and
costs: they are well conditioned unless proxies repeat each other, and that is refused.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from asp_analysis.errors import EstimationRefusal, InputError

LARGEST_CONDITION = 1e6
"""Condition number of the standardised proxies above which their shares cannot be told apart in double precision."""


@dataclass(frozen=True)
class LogFit:
    """ln y = a + Sum b_j ln x_j with normal errors: exponentiating keeps medians and quantiles exact, not the mean.

    intercept, slopes (by proxy); sigma: residual standard deviation on logs (n - p); r2 on logs; n; smearing: Duan's
    factor mean(exp(residual)), mean cost = smearing x median.
    """

    intercept: float
    slopes: dict[str, float]
    sigma: float
    r2: float
    n: int
    smearing: float
    _result: object

    def predict(self, proxies: pd.DataFrame | dict | float, level: float = 0.7) -> pd.DataFrame:
        """Columns estimate (median), mean, lower, upper (prediction interval) for each row of proxies.

        ln interval = fit +- t(0.5 + level/2, n - p) sigma sqrt(1 + a'(A'A)^-1 a), the cross terms included.
        """
        rows = (
            proxies if isinstance(proxies, pd.DataFrame) else pd.DataFrame(_as_columns(proxies, self.slopes), index=[0])
        )
        import statsmodels.api as sm

        design = sm.add_constant(np.log(rows[list(self.slopes)].astype(float)), has_constant="add")
        said = self._result.get_prediction(design).summary_frame(alpha=1 - level)
        median = np.exp(said["mean"].to_numpy())
        bounds = {"lower": np.exp(said["obs_ci_lower"].to_numpy()), "upper": np.exp(said["obs_ci_upper"].to_numpy())}
        return pd.DataFrame({"estimate": median, "mean": self.smearing * median, **bounds}, index=rows.index)


def fit_log_line(proxies: pd.DataFrame | np.ndarray, cost: np.ndarray) -> LogFit:
    """Least squares on logs of a cost on one proxy (an array, named size) or several (a frame, one column each).

    Rows with a missing, zero or negative value are left out. Raises EstimationRefusal with fewer than p + 2 rows for
    p proxies, without spread, or with proxies that repeat each other (condition number above 10^6); InputError for
    unequal lengths.
    """
    frame = (
        proxies.astype(float)
        if isinstance(proxies, pd.DataFrame)
        else pd.DataFrame({"size": np.asarray(proxies, float)})
    )
    cost = np.asarray(cost, float)
    if len(frame) != len(cost):
        raise InputError(f"As many costs as sizes are needed, {len(cost)} and {len(frame)} found. Align them by task.")
    usable = (frame > 0).all(axis=1).to_numpy() & (cost > 0)
    x, y = np.log(frame[usable].reset_index(drop=True)), np.log(cost[usable])
    needed = x.shape[1] + 2
    if len(x) < needed:
        raise EstimationRefusal(
            f"{needed} tasks with {', '.join(frame.columns)} and a cost above 0 are needed, "
            f"{len(x)} found. Finish more tasks."
        )
    _check_spread(x)
    import statsmodels.api as sm  # a second to import; only several proxies at once need it

    result = sm.OLS(y, sm.add_constant(x, has_constant="add")).fit()
    smearing = float(np.mean(np.exp(result.resid)))
    slopes = {name: float(result.params[name]) for name in x.columns}
    sigma = float(np.sqrt(result.scale))
    return LogFit(float(result.params["const"]), slopes, sigma, float(result.rsquared), len(x), smearing, result)


def _check_spread(x: pd.DataFrame) -> None:
    flat = [name for name in x.columns if np.ptp(x[name].to_numpy()) == 0]
    if flat:
        raise EstimationRefusal(
            f"Tasks of different {flat[0]} are needed, all have {np.exp(x[flat[0]].iloc[0]):g}. Leave it out."
        )
    condition = np.linalg.cond((x - x.mean()) / x.std())
    if condition > LARGEST_CONDITION:
        names = ", ".join(x.columns)
        raise EstimationRefusal(
            f"Proxies that differ from each other are needed, {names} have condition number {condition:.0e}. "
            "Leave one out."
        )


def _as_columns(proxies, slopes):
    return proxies if isinstance(proxies, dict) else {next(iter(slopes)): proxies}
