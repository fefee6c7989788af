"""What an estimate says, and what came of it: a number with its evidence, kept as plain values and scored later."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from asp_analysis.errors import EstimationRefusal, InputError
from asp_analysis.probe.backtest import name_level
from asp_analysis.probe.history import check_history, split_series
from asp_analysis.probe.scores import read_levels
from asp_analysis.wording import write_html_list

REVIEW_SHARE = 0.5
"""A human should look when the first interval leaves the estimate +- 50 %."""

_PLAIN_COLUMNS = ("component", "llm_model", "agent_role", "estimate", "mean")
_ABOUT = ("method", "why", "n", "per", "size", "needs_human_review")


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """One component of one task: estimate is a median, mean the figure to add up for budgets (higher if skewed).

    lower, upper: level -> bound, in the component's unit. quantiles: share -> value, the predictive distribution; empty
    for a method that has none. n: past tasks used. evidence: scores of the method's past
    forecasts (`scores.score`), and past_median_mdape to compare. withheld: level -> why its bounds are NaN: too few
    tasks, ends too far apart. needs_human_review: the first interval leaves the estimate +- 50 %.
    """

    component: str
    llm_model: str
    agent_role: str
    estimate: float
    mean: float
    lower: dict[float, float]
    upper: dict[float, float]
    method: str
    why: str
    n: int
    per: str = "finished"
    size: float | None = None
    evidence: dict[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    withheld: dict[float, str] = field(default_factory=dict)
    quantiles: dict[float, float] = field(default_factory=dict)

    def list_quantiles(self) -> pd.DataFrame:
        """The predictive distribution as a frame: share, and the component."""
        return pd.DataFrame({"share": list(self.quantiles), self.component: list(self.quantiles.values())})

    def find_chance_below(self, value: float) -> float:
        """The probability that the task costs at most `value`; NaN for a method without a distribution.

        Linear between the quantiles on logs; below the first and above the last one the nearest share is the answer.
        """
        if not self.quantiles or value <= 0:
            return 0.0 if self.quantiles else float("nan")
        shares, values = list(self.quantiles), np.log(list(self.quantiles.values()))
        after = int(np.searchsorted(values, np.log(value), side="right"))
        if after in (0, len(values)):
            return shares[min(after, len(values) - 1)]
        part = (np.log(value) - values[after - 1]) / (values[after] - values[after - 1])
        return float(shares[after - 1] + part * (shares[after] - shares[after - 1]))

    @property
    def needs_human_review(self) -> bool:
        """True when the interval of the first level is withheld, or leaves 50 to 150 % of the estimate."""
        level = next(iter(self.lower))
        low, high = (1 - REVIEW_SHARE) * self.estimate, (1 + REVIEW_SHARE) * self.estimate
        return not (self.lower[level] >= low and self.upper[level] <= high)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, to be stored as JSON and scored later by `score_stored`; a withheld bound is None."""
        plain = {name: getattr(self, name) for name in _PLAIN_COLUMNS}
        for level in self.lower:
            is_withheld = np.isnan(self.lower[level])
            plain[f"lower_{name_level(level)}"] = None if is_withheld else self.lower[level]
            plain[f"upper_{name_level(level)}"] = None if is_withheld else self.upper[level]
        plain |= {name: getattr(self, name) for name in _ABOUT}
        withheld = {name_level(level): reason for level, reason in self.withheld.items()}
        quantiles = {name_level(share): value for share, value in self.quantiles.items()}
        about = {"evidence": dict(self.evidence), "notes": list(self.notes), "withheld": withheld}
        return {**plain, **about, "quantiles": quantiles}

    def _repr_html_(self) -> str:
        notes = write_html_list((*self.withheld.values(), *self.notes))
        review = (
            "<p><b>Needs human review:</b> the interval is wider than ±50 %.</p>" if self.needs_human_review else ""
        )
        return f"{_draw_table([self])}<p>{escape(self.why)}</p>{review}{notes}"


@dataclass(frozen=True)
class CostVector:
    """The estimates of one task by component, and for the components that could not be estimated why not."""

    estimates: dict[str, Estimate]
    refusals: dict[str, str]

    def __getitem__(self, component: str) -> Estimate:
        """The estimate of a component. Raises EstimationRefusal with the reason where there is none."""
        if component not in self.estimates:
            reason = self.refusals.get(component, f"An estimate of {component} was not asked for. Ask for it.")
            raise EstimationRefusal(reason)
        return self.estimates[component]

    def to_frame(self) -> pd.DataFrame:
        """One row per estimated component, the columns of `Estimate.to_dict` that hold one value."""
        rows = [one.to_dict() for one in self.estimates.values()]
        return _make_frame(rows).drop(columns=["evidence", "notes", "withheld", "quantiles"], errors="ignore")

    def to_listing(self) -> pd.DataFrame:
        """One row per component with all that is said of it: notes, withheld, and refusal where there is none."""
        rows = [one.to_dict() for one in self.estimates.values()]
        frame = _make_frame(rows).drop(columns=["evidence", "quantiles"], errors="ignore")
        frame["notes"] = ["; ".join(row["notes"]) for row in rows]
        frame["withheld"] = ["; ".join(f"{level} %: {why}" for level, why in row["withheld"].items()) for row in rows]
        refused = pd.DataFrame({"component": list(self.refusals), "refusal": list(self.refusals.values())})
        return (
            pd.concat([frame.assign(refusal=""), refused], ignore_index=True)
            if len(refused)
            else frame.assign(refusal="")
        )

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """Component -> stored estimate."""
        return {name: one.to_dict() for name, one in self.estimates.items()}

    def _repr_html_(self) -> str:
        refused = [f"{name}: {reason}" for name, reason in self.refusals.items()]
        reasons = write_html_list([*(one.why for one in self.estimates.values()), *refused])
        return f"{_draw_table(self.estimates.values())}{reasons}"


def score_stored(stored: pd.DataFrame | Sequence[Mapping[str, Any]], history: pd.DataFrame) -> pd.DataFrame:
    """Stored forecasts joined with what came of them, one row per forecast with an outcome, for `scores.score`.

    stored: `Estimate.to_dict` entries with task_id and, if known, made_at (instant of the forecast). A forecast is
    scored by the first outcome of its task and series that became known after made_at; without made_at by the first
    one. history: the rows of the question that was asked (`question.pose`). Columns: model (the method), llm_model,
    agent_role, component, per, task_id, actual, estimate and the bounds. Forecasts without an outcome have no row.

    Raises:
        InputError: task_id or another column is missing, or the history cannot be read.
    """
    frame = _make_frame(stored)
    missing = {"task_id", "component", "llm_model", "agent_role", "estimate"} - set(frame.columns)
    if missing:
        raise InputError(
            f"Stored forecasts need {', '.join(sorted(missing))}, not found. Store `to_dict` with the task_id."
        )
    frame = frame.assign(per=frame.get("per", pd.Series("finished", frame.index)), forecast=range(len(frame)))
    made_at = frame["made_at"] if "made_at" in frame.columns else pd.Series(pd.NaT, frame.index)
    frame["made_at"] = pd.to_datetime(made_at, utc=True, format="ISO8601")
    joined = frame.merge(_list_outcomes(frame, history), on=["task_id", "component", "llm_model", "agent_role", "per"])
    joined = joined[joined["made_at"].isna() | (joined["known_at"] > joined["made_at"])]
    first = joined.sort_values("known_at", kind="stable").drop_duplicates("forecast").sort_values("forecast")
    bounds = [f"{side}_{level}" for level in read_levels(first) for side in ("lower", "upper")]
    columns = ["llm_model", "agent_role", "component", "per", "task_id", "actual", "estimate", *bounds]
    return first[columns].assign(model=first.get("method", "stored")).reset_index(drop=True)


def _make_frame(stored: pd.DataFrame | Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """The entries as a frame whose bounds are numbers, NaN where withheld."""
    frame = pd.DataFrame(stored)
    return frame.astype({f"{side}_{level}": float for level in read_levels(frame) for side in ("lower", "upper")})


def _list_outcomes(frame: pd.DataFrame, history: pd.DataFrame) -> pd.DataFrame:
    checked = check_history(history)
    found = []
    for component, per in frame[["component", "per"]].drop_duplicates().itertuples(index=False):
        for series in split_series(checked, component, per):
            labels = {
                "component": component,
                "per": per,
                "llm_model": series.llm_model,
                "agent_role": series.agent_role,
            }
            found.append(series.tasks[["task_id", "known_at"]].assign(actual=series.recorded_cost, **labels))
    return pd.concat(found, ignore_index=True)


def _draw_table(estimates: Iterable[Estimate]) -> str:
    rows = [one.to_dict() for one in estimates]
    shown = _make_frame(rows).drop(columns=["why", "evidence", "notes", "withheld", "per", "quantiles"])
    return shown.to_html(index=False, na_rep="", float_format=lambda value: f"{value:.4g}")
