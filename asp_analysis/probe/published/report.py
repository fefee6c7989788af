"""What PROBE's methods say of one new task: each with its numbers, verdict and reasons, and the one to use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
import pandas as pd

from asp_analysis.probe.published.linear import PredictionInterval
from asp_analysis.probe.published.policy import Policy


@dataclass(frozen=True, kw_only=True)
class MethodResult:
    """What one method says: `projection`, `intervals`, and a `verdict`, valid, flagged (`reasons`) or refused.

    b0, b1, r, r2, significance and sigma are NaN where the method has none; sigma is in units of y for A and B and
    the standard deviation of ln(y / x) about the ratio for C. `n` tasks were used, `dropped` lacked a value. `x`
    was read.
    """

    method: str
    x_name: str
    x: float
    n: int
    dropped: int
    projection: float = np.nan
    b0: float = np.nan
    b1: float = np.nan
    r: float = np.nan
    r2: float = np.nan
    significance: float = np.nan
    sigma: float = np.nan
    rating: float = np.nan
    intervals: tuple[PredictionInterval, ...] = ()
    verdict: str = "refused"
    reasons: tuple[str, ...] = ()

    def to_row(self, levels: Sequence[float]) -> dict[str, object]:
        """Return the result as one flat row; lower_70, upper_70 and so on are NaN where there is no interval."""
        row = {k: v for k, v in vars(self).items() if k not in ("intervals", "reasons", "verdict")}
        known = {i.level: i for i in self.intervals}
        for level in levels:
            label, interval = f"{100 * level:g}", known.get(level)
            row[f"lower_{label}"] = interval.lower if interval else np.nan
            row[f"upper_{label}"] = interval.upper if interval else np.nan
        return row | {"verdict": self.verdict, "reasons": "; ".join(self.reasons)}


@dataclass(frozen=True, kw_only=True)
class ProbeReport:
    """Every method for one quantity, the `chosen` one and `why` in one sentence."""

    name: str
    unit: str
    methods: tuple[MethodResult, ...]
    levels: tuple[float, ...]
    chosen: str
    why: str
    policy: Policy

    def __getitem__(self, method: str) -> MethodResult:
        """Return the result of one method by its letter."""
        return {m.method: m for m in self.methods}[method]

    @property
    def best(self) -> MethodResult:
        """Return the chosen method's result."""
        return self[self.chosen]

    @property
    def projection(self) -> float:
        """Return the chosen method's estimate."""
        return self.best.projection

    def frame(self) -> pd.DataFrame:
        """Return one row per method in the order tried: MethodResult, lower_ and upper_ per level, is_chosen."""
        rows = [m.to_row(self.levels) | {"is_chosen": m.method == self.chosen} for m in self.methods]
        return pd.DataFrame(rows)

    def _repr_html_(self) -> str:
        unit = f" ({escape(self.unit)})" if self.unit else ""
        heads = ["method", "reads", "projection", *(f"{100 * v:g} % interval" for v in self.levels)]
        heads += ["b0", "b1", "r²", "p", "tasks", "verdict", "reasons"]
        head = "".join(f"<th>{escape(h)}</th>" for h in heads)
        body = "".join(_draw_row(m, self) for m in self.methods)
        title = f"<p><b>PROBE, {escape(self.name)}{unit}</b>: {escape(self.why)}</p>"
        return f"{title}<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _draw_row(result: MethodResult, report: ProbeReport) -> str:
    known = {i.level: f"{i.lower:,.4g} to {i.upper:,.4g}" for i in result.intervals}
    reads = result.x_name + ("" if np.isnan(result.x) else f" {result.x:,.4g}")
    cells = [result.method, reads, _write_number(result.projection)]
    cells += [known.get(level, "–") for level in report.levels]
    cells += [_write_number(v) for v in (result.b0, result.b1, result.r2, result.significance)]
    cells += [str(result.n), result.verdict, "; ".join(result.reasons)]
    style = ' style="font-weight: bold"' if result.method == report.chosen else ""
    return f"<tr{style}>" + "".join(f"<td>{escape(c)}</td>" for c in cells) + "</tr>"


def _write_number(value: float) -> str:
    return f"{value:,.4g}" if np.isfinite(value) else "–"
