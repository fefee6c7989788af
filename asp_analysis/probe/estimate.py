"""An estimate is a number with its evidence: interval, method, why that method, how many tasks, and its record so far.

It is the next row of a backtest: the same code forecasts the past tasks and the new one, so the record is its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from asp_analysis.errors import EstimationRefusal, InputError
from asp_analysis.probe.backtest import AUTO, LEVELS, Replay, level_name, replay_series
from asp_analysis.probe.choose import Choice, choice_of
from asp_analysis.probe.history import COMPONENTS, check_history, series_of
from asp_analysis.probe.scores import levels_of
from asp_analysis.probe.unit_sums import shared_error_share, sum_estimates

REVIEW_SHARE = 0.5
"""A human should look when the first interval leaves the estimate +- 50 %."""

FARTHEST_ENDS = 1000
"""Factor between the ends of an interval from which on it says nothing: between a cent and ten dollars lies every task.

Asked only of bounds that rest on a t tail, because the past errors are too few to read them off. An interval as wide
that past errors do carry is evidence: the tasks scatter so much."""

_EVIDENCE = ("n", "mdape", "mmre", "pred25", "sa", "log_bias", "log_bias_lower", "log_bias_upper")


@dataclass(frozen=True)
class Estimate:
    """One component of one task: estimate is a median, mean the figure to add up for budgets (higher if skewed).

    lower, upper: level -> bound, in the component's unit. n: past tasks used. evidence: scores of the method's past
    forecasts (`scores.score`), and past_median_mdape to compare. withheld: level -> why its bounds are NaN: too few
    tasks, ends further apart than `FARTHEST_ENDS`. needs_human_review: the first interval leaves the estimate +- 50 %.
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

    @property
    def needs_human_review(self) -> bool:
        """True when the interval of the first level is withheld, or leaves 50 to 150 % of the estimate."""
        level = next(iter(self.lower))
        low, high = (1 - REVIEW_SHARE) * self.estimate, (1 + REVIEW_SHARE) * self.estimate
        return not (self.lower[level] >= low and self.upper[level] <= high)

    def to_dict(self) -> dict:
        """Plain values, to be stored as JSON and scored later by `score_stored`; a withheld bound is None."""
        plain = {name: getattr(self, name) for name in ("component", "llm_model", "agent_role", "estimate", "mean")}
        for level in self.lower:
            is_withheld = np.isnan(self.lower[level])
            plain[f"lower_{level_name(level)}"] = None if is_withheld else self.lower[level]
            plain[f"upper_{level_name(level)}"] = None if is_withheld else self.upper[level]
        plain |= {name: getattr(self, name) for name in ("method", "why", "n", "per", "size", "needs_human_review")}
        withheld = {level_name(level): reason for level, reason in self.withheld.items()}
        return {**plain, "evidence": dict(self.evidence), "notes": list(self.notes), "withheld": withheld}

    def _repr_html_(self) -> str:
        notes = "".join(f"<li>{note}</li>" for note in (*self.withheld.values(), *self.notes))
        review = (
            "<p><b>Needs human review:</b> the interval is wider than ±50 %.</p>" if self.needs_human_review else ""
        )
        return f"{_table([self])}<p>{self.why}</p>{review}<ul>{notes}</ul>"


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
        return _stored_frame(rows).drop(columns=["evidence", "notes", "withheld"], errors="ignore")

    def to_dict(self) -> dict:
        """Component -> stored estimate."""
        return {name: one.to_dict() for name, one in self.estimates.items()}

    def _repr_html_(self) -> str:
        reasons = "".join(f"<li>{one.why}</li>" for one in self.estimates.values())
        refused = "".join(f"<li>{name}: {reason}</li>" for name, reason in self.refusals.items())
        return f"{_table(self.estimates.values())}<ul>{reasons}{refused}</ul>"


def estimate_task(
    history: pd.DataFrame,
    *,
    llm_model: str,
    agent_role: str,
    size: float | Sequence[float] | None = None,
    components: Sequence[str] | None = None,
    levels: tuple[float, ...] = LEVELS,
    method: str = AUTO,
    per: str = "finished",
    task: dict | None = None,
) -> CostVector:
    """What the next task will cost this model in this role, component by component.

    size: the total size, or the sizes of the semantic units of the task; units are estimated one by one and summed with
    correlated errors (`unit_sums`). task: task_id, project_id, task_type, as far as known, for the reference class.
    components: all that the history holds when None. per: cost per finished task or per attempt (`history.series_of`).
    Raises EstimationRefusal when no component can be estimated, InputError for arguments that cannot be.
    """
    wanted = components or [name for name in COMPONENTS if name in history.columns and history[name].gt(0).any()]
    made, refused = {}, {}
    for component in wanted:
        asked = {"key": (llm_model, agent_role), "task": task, "levels": tuple(levels), "per": per}
        try:
            made[component] = _estimate(history, component, size, method, asked)
        except EstimationRefusal as refusal:
            refused[component] = str(refusal)
    if not made:
        reason = next(iter(refused.values()), "A history with costs is needed, none found. Record some tasks.")
        raise EstimationRefusal(reason)
    return CostVector(made, refused)


def estimate_of(found: Replay, method: str = AUTO) -> Estimate:
    """The estimate for the task to come of a replayed series.

    Raises EstimationRefusal when no model can answer, or the past carries the interval of no level that was asked for.
    """
    choice = choice_of(found, method)
    series, said = found.series, found.forecasts[AUTO if method == AUTO else choice.method]
    new_size = float(f"{np.exp(found.timeline.log_size[-1]):.12g}")  # the size that was given, not exp(ln(size))
    withheld = _withheld(found, said)
    if len(withheld) == len(found.levels):
        reason = withheld[min(withheld)]
        raise EstimationRefusal(f"{reason} Finish more tasks, or take the planner's own figure.")
    return Estimate(
        series.component,
        series.llm_model,
        series.agent_role,
        float(said.estimate[-1]),
        float(said.mean[-1]),
        _bounds(found.levels, said.lower[-1], withheld),
        _bounds(found.levels, said.upper[-1], withheld),
        choice.method,
        choice.why,
        choice.n,
        series.per,
        None if np.isnan(new_size) else new_size,
        _evidence(choice),
        tuple(_notes(found, said, withheld)),
        withheld,
    )


def score_stored(stored: pd.DataFrame | Sequence[dict], history: pd.DataFrame) -> pd.DataFrame:
    """Stored forecasts joined with what came of them, one row per forecast with an outcome, for `scores.score`.

    stored: `Estimate.to_dict` entries with task_id and, if known, made_at (instant of the forecast). A forecast is
    scored by the first outcome of its task and series that became known after made_at; without made_at by the first
    one. Columns: model (the method), llm_model, agent_role, component, per, task_id, actual,
    estimate and the bounds. Forecasts without an outcome have no row. Raises InputError when task_id is
    missing.
    """
    frame = _stored_frame(stored)
    missing = {"task_id", "component", "llm_model", "agent_role", "estimate"} - set(frame.columns)
    if missing:
        raise InputError(
            f"Stored forecasts need {', '.join(sorted(missing))}, not found. Store `to_dict` with the task_id."
        )
    frame = frame.assign(per=frame.get("per", pd.Series("finished", frame.index)), forecast=range(len(frame)))
    made_at = frame["made_at"] if "made_at" in frame.columns else pd.Series(pd.NaT, frame.index)
    frame["made_at"] = pd.to_datetime(made_at, utc=True, format="ISO8601")
    joined = frame.merge(_outcomes(frame, history), on=["task_id", "component", "llm_model", "agent_role", "per"])
    joined = joined[joined["made_at"].isna() | (joined["at"] > joined["made_at"])]
    first = joined.sort_values("at", kind="stable").drop_duplicates("forecast").sort_values("forecast")
    bounds = [f"{side}_{level}" for level in levels_of(first) for side in ("lower", "upper")]
    columns = ["llm_model", "agent_role", "component", "per", "task_id", "actual", "estimate", *bounds]
    return first[columns].assign(model=first.get("method", "stored")).reset_index(drop=True)


def _estimate(history, component, size, method, asked) -> Estimate:
    if size is None or np.isscalar(size):
        return estimate_of(replay_series(history, component, size=size, **asked), method)
    units = [replay_series(history, component, size=float(one), **asked) for one in size]
    if not units:
        raise InputError("Sizes of semantic units are needed, 0 found. Give at least one, or one total size.")
    return sum_estimates([estimate_of(unit, method) for unit in units], shared_error_share(units[0]))


def _stored_frame(stored: pd.DataFrame | Sequence[dict]) -> pd.DataFrame:
    """The entries as a frame whose bounds are numbers, NaN where withheld."""
    frame = pd.DataFrame(stored)
    return frame.astype({f"{side}_{level}": float for level in levels_of(frame) for side in ("lower", "upper")})


def _bounds(levels, bounds, withheld) -> dict[float, float]:
    return {
        level: float("nan") if level in withheld else float(bound) for level, bound in zip(levels, bounds, strict=True)
    }


def _withheld(found: Replay, said) -> dict[float, str]:
    """Say of each level whose interval says nothing why it is withheld (`FARTHEST_ENDS`)."""
    reasons = {}
    for level, low, high in zip(found.levels, said.lower[-1], said.upper[-1], strict=True):
        needed = _points_of_two_tails(level)
        if said.n_effective[-1] < needed - 1e-9 and high > FARTHEST_ENDS * low:
            reasons[level] = (
                f"About {np.ceil(needed - 1e-9) + 1:.0f} like tasks are needed for a {level_name(level)} % interval of "
                f"{found.series.component}, {len(found.series.tasks)} found: it would reach from {_amount(low)} to "
                f"{_amount(high)}, which says nothing."
            )
    return reasons


def _amount(value: float) -> str:
    return f"{value:,.0f}" if 1e4 <= value < 1e15 else f"{value:.4g}"


def _points_of_two_tails(level: float) -> float:
    """Past errors from which on both bounds are quantiles of them: ranks below 1 and above n do not exist."""
    return 2 / (1 - level) - 1


def _evidence(choice: Choice) -> dict[str, float]:
    scores = choice.scores.set_index("model")
    if choice.method not in scores.index:
        return {}
    row = scores.loc[choice.method]
    interval = [name for name in scores.columns if name.startswith(("coverage_", "interval_score_"))]
    found = {name: float(row[name]) for name in (*_EVIDENCE, *interval) if not pd.isna(row[name])}
    if "past_median" in scores.index:
        found["past_median_mdape"] = float(scores.loc["past_median", "mdape"])
    return found


def _notes(found: Replay, said, withheld):
    series = found.series
    known = series.size[~np.isnan(series.size)]
    size = np.exp(found.timeline.log_size[-1])
    if len(known) and not np.isnan(size) and not known.min() <= size <= known.max():
        side = "above the largest" if size > known.max() else "below the smallest"
        yield f"Extrapolation: size {size:g} is {side} of {len(known)} past sizes ({known.min():g} to {known.max():g})."
    needed = _points_of_two_tails(max(level for level in found.levels if level not in withheld))
    if said.n_effective[-1] < needed - 1e-9:
        yield (
            f"Thin: {said.n_effective[-1]:.0f} like tasks, {needed:.0f} are needed to read both bounds off past "
            "errors; the widest interval rests on a t tail."
        )
    if series.left_out_text() != "none":
        yield f"Left out: {series.left_out_text()}."


def _outcomes(frame, history):
    checked = check_history(history)
    found = []
    for component, per in frame[["component", "per"]].drop_duplicates().itertuples(index=False):
        for series in series_of(checked, component, per):
            labels = {
                "component": component,
                "per": per,
                "llm_model": series.llm_model,
                "agent_role": series.agent_role,
            }
            found.append(series.tasks[["task_id", "at"]].assign(actual=series.cost, **labels))
    return pd.concat(found, ignore_index=True)


def _table(estimates) -> str:
    rows = [one.to_dict() for one in estimates]
    shown = _stored_frame(rows).drop(columns=["why", "evidence", "notes", "withheld", "per"])
    return shown.to_html(index=False, na_rep="", float_format=lambda value: f"{value:.4g}")
