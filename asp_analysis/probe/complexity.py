"""Semantic complexity: the size of a task as the planning agent sees it, and what real costs say about its weights.

Complexity of a unit = (2 api_interactions + 5 data_transformations + 3 logical_branches + 4 code_entities_modified) x
novelty. The weights are a proposal: `calibrate` asks finished tasks for theirs and says when they cannot answer.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import optimize

from asp_analysis.errors import EstimationRefusal, InputError
from asp_analysis.probe.published.linear import COLLINEAR_ABOVE
from asp_analysis.probe.question import Question, pose

PUBLISHED_WEIGHTS: Mapping[str, float] = {
    "api_interactions": 2.0,
    "data_transformations": 5.0,
    "logical_branches": 3.0,
    "code_entities_modified": 4.0,
}
FACTORS = tuple(PUBLISHED_WEIGHTS)
NOVELTY: Mapping[str, float] = {"familiar": 1.0, "moderate": 1.5, "novel": 2.0}

_SEED = 20250101
"""Of the bootstrap: the same history has the same intervals."""


@dataclass(frozen=True, kw_only=True)
class SemanticUnit:
    """One unit of a decomposed task; `counts` holds the four factors or is None when the planner named none."""

    unit_id: str
    description: str
    est_complexity: float | None
    counts: Mapping[str, float] | None
    novelty: float = 1.0
    depends_on: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ComplexityFit:
    """What costs say about the weights. `frame()` has one row per factor, `findings` are sentences.

    `weights` is cost per counted (novelty-weighted) thing, `cost_per_point` the cost of one published complexity
    point, the two errors are mean absolute leave-one-out errors in units of cost.
    `is_decided` is False when the counts are collinear or an interval runs from 0 to twice the published weight: then
    read `findings`, not `weights`.
    """

    weights: Mapping[str, float]
    low: Mapping[str, float]
    high: Mapping[str, float]
    level: float
    n: int
    cost_per_point: float
    condition_number: float
    calibrated_error: float
    published_error: float
    is_decided: bool
    findings: tuple[str, ...] = field(default=())

    def frame(self) -> pd.DataFrame:
        """Return weight, low, high (cost per count), published, published_cost, is_published_inside; index factor."""
        table = pd.DataFrame({"weight": self.weights, "low": self.low, "high": self.high}).reindex(list(FACTORS))
        table["published"] = pd.Series(PUBLISHED_WEIGHTS)
        table["published_cost"] = table["published"] * self.cost_per_point
        table["is_published_inside"] = table["published_cost"].between(table["low"], table["high"])
        return table.rename_axis("factor")


def parse_units(units: str | Sequence[Mapping[str, object]] | None) -> tuple[SemanticUnit, ...]:
    """Return the units of one task from its semantic_units_json (text or the parsed list); None and "" are no units.

    A unit needs unit_id; description, est_complexity, the four factors (all or none), novelty (1 to 2, or familiar,
    moderate, novel) and depends_on are optional. InputError names the unit's index and the field that is wrong.
    """
    if units is None or units == "":
        return ()
    listed = _decode(units) if isinstance(units, str) else units
    if not isinstance(listed, Sequence):
        raise InputError(
            f"The semantic units are of type {type(listed).__name__}, not a list. Wrap the unit in a list."
        )
    parsed = tuple(_parse_unit(unit, index) for index, unit in enumerate(listed))
    ids = [u.unit_id for u in parsed]
    twice = sorted({i for i in ids if ids.count(i) > 1})
    if twice:
        raise InputError(f"The unit_id {', '.join(twice)} occurs more than once. Rename one.")
    return parsed


def measure_unit(unit: SemanticUnit) -> float:
    """Return the complexity of a unit, (2 api + 5 data + 3 branches + 4 entities) x novelty.

    That is est_complexity where nothing was counted. InputError: neither the four counts nor an estimate is there.
    """
    if unit.counts is not None:
        return float(sum(PUBLISHED_WEIGHTS[f] * unit.counts[f] for f in FACTORS) * unit.novelty)
    if unit.est_complexity is None:
        raise InputError(f"Unit {unit.unit_id} has neither the four factors nor est_complexity. Add one of them.")
    return unit.est_complexity


def weigh_counts(tasks: Mapping[str, Sequence[SemanticUnit]]) -> pd.DataFrame:
    """Return one row per task (index task_id), per factor the sum of count x novelty; the table that `calibrate` takes.

    NaN for a task with a unit without counts: its sum is not known.
    """
    rows = {task: _sum_weighted(units) for task, units in tasks.items()}
    return pd.DataFrame.from_dict(rows, orient="index", columns=list(FACTORS), dtype=float).rename_axis("task_id")


def calibrate_history(history: pd.DataFrame, tasks: pd.DataFrame, question: Question) -> ComplexityFit:
    """Return what the finished tasks of a history say about the weights, as `calibrate` does.

    history: the view `task_history`. tasks: columns task_id and semantic_units_json (null where a task has none), as
    the view `stg_tasks` has them. Of the question are read the model and the role, and the one component that is
    explained.

    Raises:
        EstimationRefusal: what `calibrate` and `question.pose` refuse.
        InputError: the units of a task cannot be read, or several components are asked for.
    """
    posed = pose(history, question)
    is_own = (posed["llm_model"] == question.llm_model) & (posed["agent_role"] == question.agent_role)
    costs = posed.loc[is_own & posed["is_finished"], ["task_id", question.component]]
    planned = tasks.loc[tasks["semantic_units_json"].notna(), ["task_id", "semantic_units_json"]]
    rows = planned.merge(costs, on="task_id").sort_values("task_id", ignore_index=True)
    units = {
        task_id: parse_units(text) for task_id, text in zip(rows["task_id"], rows["semantic_units_json"], strict=True)
    }
    return calibrate(weigh_counts(units), rows[question.component], np.random.default_rng(_SEED))


def calibrate(
    counts: pd.DataFrame,
    actual: ArrayLike,
    rng: np.random.Generator,
    *,
    level: float = 0.90,
    replicates: int = 1000,
) -> ComplexityFit:
    """Return the non-negative weights that explain actual costs best, with intervals and what they are worth.

    Minimises |actual - counts w| over w >= 0 (scipy nnls; no cost without content, so no intercept). `counts` has
    the four factor columns, count x novelty summed per task, as `weigh_counts` returns them; `actual` has one cost
    >= 0 per row. Rows with a missing value are left out. Intervals: percentiles of a bootstrap over tasks, `level`
    a share; on simulated log-normal costs (15 to 100 tasks, SD of logs 0.2 and 0.5) they held each true weight in
    80 to 94 % of cases at level 0.90. EstimationRefusal: fewer than 8 complete tasks (4 weights, twice), a factor
    that never occurs, negative values.
    """
    if not 0 < level < 1:
        raise EstimationRefusal(f"The level {level} is not between 0 and 1. Write 0.90 for 90 %.")
    table, cost = _take_complete(counts, actual)
    weights = optimize.nnls(table, cost)[0]
    draws = rng.integers(len(cost), size=(replicates, len(cost)))
    samples = np.array([optimize.nnls(table[rows], cost[rows])[0] for rows in draws])
    low, high = np.quantile(samples, [0.5 - level / 2, 0.5 + level / 2], axis=0)
    published = table @ np.array(list(PUBLISHED_WEIGHTS.values()))
    result = ComplexityFit(
        weights=_name_factors(weights),
        low=_name_factors(low),
        high=_name_factors(high),
        level=level,
        n=len(cost),
        cost_per_point=float(cost.sum() / published.sum()),
        condition_number=float(np.linalg.cond(table / np.linalg.norm(table, axis=0))),
        calibrated_error=_measure_left_out(table, cost),
        published_error=_measure_left_out(published[:, None], cost),
        is_decided=False,
    )
    return _add_findings(result, table)


def _add_findings(result: ComplexityFit, table: np.ndarray) -> ComplexityFit:
    rows = result.frame()
    wide = rows.index[(rows["low"] <= 0) & (rows["high"] >= 2 * rows["published_cost"])].tolist()
    outside = rows.index[~rows["is_published_inside"]].tolist()
    findings = []
    if result.condition_number > COLLINEAR_ABOVE:
        findings.append(
            f"The data cannot separate the weights: the counts rise and fall together "
            f"(condition number {result.condition_number:.0f}, {_name_closest_pair(table)})."
        )
    if wide:
        findings.append(f"Too few or too noisy tasks for {', '.join(wide)}: 0 fits as well as twice the published.")
    if outside:
        findings.append(
            f"The published weights of {', '.join(outside)} are outside their {result.level:.0%} intervals (each of "
            f"the four misses by chance in {1 - result.level:.0%} of cases)."
        )
    else:
        findings.append(f"The {result.n} tasks do not contradict the published weights 2, 5, 3, 4.")
    better = "better" if result.calibrated_error < result.published_error else "not better"
    findings.append(
        f"On tasks left out, calibrated weights are {better}: mean absolute error {result.calibrated_error:.4g} "
        f"against {result.published_error:.4g}."
    )
    is_decided = result.condition_number <= COLLINEAR_ABOVE and not wide
    return replace(result, findings=tuple(findings), is_decided=is_decided)


def _measure_left_out(table: np.ndarray, cost: np.ndarray) -> float:
    errors = []
    for i in range(len(cost)):
        rest = np.arange(len(cost)) != i
        # The published weights have one free number, the cost per point: a ratio of sums, as in PROBE's method C.
        w = (
            optimize.nnls(table[rest], cost[rest])[0]
            if table.shape[1] > 1
            else cost[rest].sum() / table[rest].sum(axis=0)
        )
        errors.append(abs(cost[i] - table[i] @ w))
    return float(np.mean(errors))


def _name_closest_pair(table: np.ndarray) -> str:
    with np.errstate(invalid="ignore", divide="ignore"):
        correlation = np.nan_to_num(np.corrcoef(table, rowvar=False))
    upper = np.triu(np.abs(correlation), 1)
    a, b = np.unravel_index(np.argmax(upper), upper.shape)
    return f"{FACTORS[a]} and {FACTORS[b]} correlate at {correlation[a, b]:.2f}"


def _take_complete(counts: pd.DataFrame, actual: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    absent = [f for f in FACTORS if f not in counts.columns]
    if absent:
        raise EstimationRefusal(f"The counts have no column {', '.join(absent)}. Columns: {', '.join(FACTORS)}.")
    table, cost = counts[list(FACTORS)].to_numpy(dtype=float), np.asarray(actual, dtype=float)
    if cost.shape != (len(table),):
        raise EstimationRefusal(
            f"The costs have the shape {cost.shape} for {len(table)} tasks. Pass one cost per task."
        )
    known = np.isfinite(cost) & np.all(np.isfinite(table), axis=1)
    table, cost = table[known], cost[known]
    if len(cost) < 2 * len(FACTORS):
        raise EstimationRefusal(
            f"Too few finished tasks with counts and a cost to calibrate 4 weights: {len(cost)} of at least "
            f"{2 * len(FACTORS)}. Keep the published weights until then."
        )
    if np.any(table < 0) or np.any(cost < 0) or not np.any(cost > 0):
        raise EstimationRefusal("Counts or costs are negative, or all costs are 0. Correct them.")
    never = [f for f, total in zip(FACTORS, table.sum(axis=0), strict=True) if total == 0]
    if never:
        raise EstimationRefusal(
            f"{', '.join(never)} is 0 in all {len(cost)} tasks, so it has no weight. Add tasks in which it occurs."
        )
    return table, cost


def _sum_weighted(units: Sequence[SemanticUnit]) -> list[float]:
    counts = [(unit.counts, unit.novelty) for unit in units]
    return [float(sum(np.nan if one is None else one[f] * novelty for one, novelty in counts)) for f in FACTORS]


def _name_factors(values: np.ndarray) -> dict[str, float]:
    return dict(zip(FACTORS, values.tolist(), strict=True))


def _decode(text: str) -> object:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(f"The units are not valid JSON: {error}. Correct the text.") from error


def _parse_unit(unit: object, index: int) -> SemanticUnit:
    if not isinstance(unit, Mapping):
        raise InputError(f"Unit {index} is of type {type(unit).__name__}, not a JSON object. Correct the list.")
    unit_id = unit.get("unit_id")
    if not isinstance(unit_id, str) or not unit_id:
        raise InputError(f"The unit_id of unit {index} is {unit_id!r}, not a text. Name every unit.")
    estimate = unit.get("est_complexity")
    return SemanticUnit(
        unit_id=unit_id,
        description=_read_text(unit, "description", index),
        est_complexity=None if estimate is None else _read_number(unit, "est_complexity", index),
        counts=_read_counts(unit, index),
        novelty=_read_novelty(unit, index),
        depends_on=_read_depends_on(unit, index),
    )


def _read_counts(unit: Mapping[str, object], index: int) -> dict[str, float] | None:
    present = [f for f in FACTORS if unit.get(f) is not None]
    if not present:
        return None
    absent = [f for f in FACTORS if f not in present]
    if absent:
        raise InputError(
            f"Unit {index} has some of the four factors, but no {', '.join(absent)}. Write 0 where there is none."
        )
    return {f: _read_number(unit, f, index) for f in FACTORS}


def _read_number(unit: Mapping[str, object], name: str, index: int) -> float:
    value = unit[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < np.inf:
        raise InputError(f"{name} of unit {index} is {value!r}, not a number of 0 or more. Correct it.")
    return float(value)


def _read_novelty(unit: Mapping[str, object], index: int) -> float:
    value = unit.get("novelty")
    if value is None:
        return 1.0
    if isinstance(value, str) and value.lower() in NOVELTY:
        return NOVELTY[value.lower()]
    if isinstance(value, bool) or not isinstance(value, int | float) or not 1 <= value <= 2:
        raise InputError(
            f"novelty of unit {index} is {value!r}. Use familiar, moderate, novel, or a number from 1.0 to 2.0."
        )
    return float(value)


def _read_text(unit: Mapping[str, object], name: str, index: int) -> str:
    value = unit.get(name)
    if value is not None and not isinstance(value, str):
        raise InputError(f"{name} of unit {index} is {value!r}, not a text. Put it in quotes.")
    return value or ""


def _read_depends_on(unit: Mapping[str, object], index: int) -> tuple[str, ...]:
    value = unit.get("depends_on")
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
        raise InputError(f"depends_on of unit {index} is {value!r}, not a list of unit_ids. Use [] for none.")
    return tuple(value)
