"""Did the change help: keep it, roll it back, or wait for more tasks, and what could be seen by now."""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from asp_analysis.effects.matching import Matched, match_tasks
from asp_analysis.effects.sequences import AnytimeInterval, Measured, count_effective, find_boundary, measure_interval
from asp_analysis.errors import EstimationRefusal

KEEP, ROLL_BACK, WAIT = "keep", "roll back", "wait"
WORTH_WAITING = 1.25
"""The ratio that is worth waiting for where nobody says another one."""

MOST_FURTHER = 5_000
"""Further tasks up to which waiting is advised."""

_POWER = 0.8416
"""Normal quantile of 80 %."""

_FEWEST_EVENTS = 4
_MOST_LOOKS = 40


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What the tasks say. ratio, lower, upper: after / before, 95 % at all looks; smallest: the ratio that 80 % of
    looks at so many tasks would find; more: further tasks after the change until a ratio of `worth` is found, None
    where waiting does not help. looks: after (tasks), ratio, lower, upper: the interval as it would have been then.
    """

    verdict: str
    ratio: float
    lower: float
    upper: float
    smallest: float
    more: int | None
    interval: AnytimeInterval
    matched: Matched
    looks: pd.DataFrame


def judge_change(
    tasks: pd.DataFrame, *, is_rate: bool, is_less_better: bool, worth: float = WORTH_WAITING
) -> Judgement:
    """Compare matched tasks after a change with those before.

    tasks: task_id, is_after, first_at, value, block, task_type, place, size; value: an amount above 0, or 0 and 1 for a
    rate. Amounts are compared as logarithms, rates as they are.

    Raises:
        EstimationRefusal: too few tasks, or nothing that varies.
    """
    matched = match_tasks(tasks)
    measured = _measure(matched, is_rate)
    interval = measure_interval(measured)
    if interval is None:
        raise EstimationRefusal(
            "The tasks before and after cannot be compared: they have no type, repository and time that overlap. "
            "Wait for more, or assign tasks at random with: asp-analysis change assign CHANGE TASK"
        )
    base = float(measured.values[~measured.is_after].mean()) if is_rate else math.nan
    lower, upper = (_make_ratio(bound, base, is_rate) for bound in (interval.lower, interval.upper))
    return Judgement(
        verdict=_decide(interval, is_less_better),
        ratio=_make_ratio(interval.effect, base, is_rate),
        lower=lower,
        upper=upper,
        smallest=_make_ratio(interval.upper - interval.effect + _POWER * interval.se, base, is_rate),
        more=_count_more(interval, matched, math.log(worth) if not is_rate else (worth - 1) * base),
        interval=interval,
        matched=matched,
        looks=_list_looks(measured, base, is_rate),
    )


def _measure(matched: Matched, is_rate: bool) -> Measured:
    tasks = matched.tasks
    values = tasks["value"].to_numpy(dtype=float)
    if is_rate and not _FEWEST_EVENTS <= values.sum() <= len(values) - _FEWEST_EVENTS:
        raise EstimationRefusal(
            f"Too little varies to compare: {values.sum():.0f} of {len(values)} matched tasks have it. "
            f"At least {_FEWEST_EVENTS} must, and as many must not; wait for more."
        )
    instants = pd.to_datetime(tasks["first_at"])
    return Measured(
        values=values if is_rate else np.log(values),
        is_after=tasks["is_after"].to_numpy(dtype=bool),
        days=np.asarray((instants - instants.min()) / pd.Timedelta(days=1), dtype=np.float64),
        blocks=tasks["block"].to_numpy(dtype=str),
        covariates=matched.covariates,
        scale=max(float(values.mean()), 0.02) if is_rate else 1.0,
    )


def _make_ratio(effect: float, base: float, is_rate: bool) -> float:
    if not is_rate:
        return math.exp(effect) if effect < 700 else math.inf
    return max(1 + effect / base, 0.0) if base > 0 else math.nan


def _decide(interval: AnytimeInterval, is_less_better: bool) -> str:
    if interval.lower <= 0 <= interval.upper:
        return WAIT
    return KEEP if (interval.upper < 0) == is_less_better else ROLL_BACK


def _count_more(interval: AnytimeInterval, matched: Matched, worth: float) -> int | None:
    """Return how many more tasks after the change would find an effect that is worth it, with a chance of 80 %."""
    after = int(matched.tasks["is_after"].sum())
    before = len(matched.tasks) - after
    each = interval.spread**2 * interval.design
    rest = max(interval.se**2 - each * (1 / before + 1 / after), 0.0)  # what time and matching leave uncertain
    for more in (*range(0, 200, 5), *range(200, MOST_FURTHER + 1, 100)):
        se = math.sqrt(each * (1 / before + 1 / (after + more)) + rest)
        information = interval.spread**2 / se**2
        if (find_boundary(information, count_effective(interval.nu + more, interval.design)) + _POWER) * se <= worth:
            return more
    return None


def _list_looks(measured: Measured, base: float, is_rate: bool) -> pd.DataFrame:
    """Return the interval as it would have been after each further task, at most 40 of them."""
    places = np.flatnonzero(measured.is_after)
    chosen = places[np.unique(np.linspace(1, len(places) - 1, _MOST_LOOKS).round().astype(int))]
    rows = []
    for place in chosen:
        seen = np.arange(len(measured.values)) <= place
        found = measure_interval(
            Measured(
                values=measured.values[seen],
                is_after=measured.is_after[seen],
                days=measured.days[seen],
                blocks=measured.blocks[seen],
                covariates=measured.covariates[seen],
                scale=measured.scale,
            )
        )
        if found is not None and math.isfinite(found.upper):
            ratios = [_make_ratio(value, base, is_rate) for value in (found.effect, found.lower, found.upper)]
            rows.append((int(measured.is_after[seen].sum()), *ratios))
    return pd.DataFrame(rows, columns=["after", "ratio", "lower", "upper"])
