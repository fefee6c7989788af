"""Which kinds of work may be done alone, up to 50 of them, with the error over all of them controlled."""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from asp_analysis.intervals import Floats
from asp_analysis.learning.betting import Flags
from asp_analysis.learning.kinds import MOST_KINDS, CellQuestion, Kind, Outcomes
from asp_analysis.learning.power import TEN_YEARS_IN_WEEKS, make_power_table
from asp_analysis.learning.present import Present
from asp_analysis.learning.rule import MODES, THIRDS, SoundRule
from asp_analysis.learning.sound import walk
from asp_analysis.wording import write_noun

__all__ = ["CellQuestion", "CellReport", "judge_cells"]


@dataclass(frozen=True, kw_only=True)
class CellReport:
    """The answer for own kinds of work.

    table: one row per kind, most cases first: the columns of `by`; mode; alone_on (empty, "all sizes" or a third);
    size_at_most (of the tasks that it may do alone; NaN: no size is known); cases, cases_counted, waiting (too young to
    count), value (share of successes), lower_bound (95 % at all looks, for one kind alone), target, e_value,
    e_value_needed (among all kinds), blocks, block_likeness, cases_worth (as so many independent cases), per_week,
    weeks_needed (at this pace and rate; NaN: not at this rate), missing (in words).
    thirds: one row per kind and third of size with cases: the columns of `by`, third, size_at_most, cases, value,
    lower_bound, target, e_value, e_value_needed (for this third alone); no row where no size is known.
    power: `make_power_table`. promise: what holds, and on which conditions.
    """

    table: pd.DataFrame
    thirds: pd.DataFrame
    power: pd.DataFrame
    promise: str
    notes: tuple[str, ...]
    as_of: pd.Timestamp


@dataclass(frozen=True, kw_only=True)
class _Judged:
    """One kind with its mode and evidence: log_e of all sizes and of each third, less what was used up of alpha."""

    kind: Kind
    mode: int
    granted: tuple[int, ...]
    present: Present
    thirds: tuple[Present, ...]
    log_e: Floats


def judge_cells(frame: pd.DataFrame, question: CellQuestion, as_of: pd.Timestamp | None = None) -> CellReport:
    """Judge every kind of work in a table of outcomes, one row per case, as of an instant (UTC; None: its last row).

    Each kind is led through its modes by the sound rule, with more evidence asked of many (`_ask_more`). Of those that
    have earned autonomy, it is granted to those whose e-value is among the discoveries: of m kinds the k with the
    largest, where the k-th is at least m / (k alpha), so that of those granted a share of at most alpha is unfit on
    average, whatever they have in common (Wang and Ramdas, False discovery rate control with e-values, JRSS B 84,
    2022). What has earned it keeps its e-value until a fall ends its evidence (`_stop`).

    Nothing is granted while no outcome of the whole table is a failure: such a column may be one that cannot say no.

    Raises:
        InputError: a column is missing, or a value cannot be read.
    """
    outcomes = Outcomes.read(frame, question, as_of)
    kinds = list(outcomes.list_kinds(question))
    judged = [_judge(kind, question, len(kinds)) for kind in kinds]
    has_thirds = max(one.kind.cases.strata_count for one in judged) > 1
    share = question.rule.thirds_share if has_thirds else 0.0
    whole = np.array([one.log_e[0] for one in judged])
    found = discover(whole, question.rule.alpha * (1 - share)) & outcomes.has_failure
    thirds = _find_thirds(judged, question.rule.alpha * share if outcomes.has_failure else 0.0)
    needed = math.log(len(judged) / (question.rule.alpha * (1 - share) * max(int(found.sum()), 1)))
    rows = [_describe(one, found[place], thirds[place], needed) for place, one in enumerate(judged)]
    if not outcomes.has_failure:
        rows = [row | {"weeks_needed": math.nan, "missing": _NO_FAILURE} for row in rows]
    return CellReport(
        table=pd.DataFrame(rows),
        thirds=_list_thirds(judged, question),
        power=_tell_power(judged, question),
        promise=_write_promise(len(judged), question, outcomes),
        notes=(*outcomes.notes, *_note_left_out(outcomes.count_left_out(question))),
        as_of=outcomes.as_of,
    )


def discover(log_e: Floats, alpha: float) -> Flags:
    """Return which e-values are discoveries at a false discovery rate of alpha (e-BH)."""
    m = len(log_e)
    order = np.argsort(-log_e, kind="stable")
    is_enough = log_e[order] >= np.log(m / (alpha * np.arange(1, m + 1)))
    found = np.zeros(m, dtype=bool)
    found[order[: int(np.flatnonzero(is_enough).max(initial=-1)) + 1]] = True
    return found


_FEW_KINDS = 10
"""Of more kinds one in so many is taken to be fit where evidence stops; a wrong guess costs power, never truth."""

_NO_FAILURE = "one failure on record, of any kind of work"
_THIRD_COLUMNS = ("third", "size_at_most", "cases", "value", "lower_bound", "target", "e_value", "e_value_needed")


def _list_thirds(judged: list[_Judged], question: CellQuestion) -> pd.DataFrame:
    """Return the evidence of each kind by third of size."""
    rows = []
    for one in judged:
        for third, (present, largest) in enumerate(zip(one.thirds, one.kind.sizes, strict=True)):
            named = {"third": THIRDS[third], "size_at_most": largest}
            told = present.describe()
            rows.append({**one.kind.values, **named, **{name: told[name] for name in _THIRD_COLUMNS[2:]}})
    return pd.DataFrame(rows, columns=[*question.by, *_THIRD_COLUMNS])


def _judge(kind: Kind, question: CellQuestion, kinds: int) -> _Judged:
    rule = question.rule
    life = walk(kind.cases, _ask_more(rule, kinds))
    present = Present.of(kind.cases, life, rule)
    thirds = tuple(Present.of(kind.cases, life, rule, 0, one) for one in range(kind.cases.strata_count))
    levels = rule.find_thresholds(kind.cases.strata_count)
    paths = [one.counted.log_e(one.target) for one in (present, *thirds)]
    stakes = np.log(np.maximum(life.stakes[0], 1e-300))
    log_e = [_stop(path + stake, level, kinds) for path, stake, level in zip(paths, stakes, levels, strict=True)]
    mode = int(life.modes[-1]) if len(life.modes) else 0
    return _Judged(kind=kind, mode=mode, granted=life.granted, present=present, thirds=thirds, log_e=np.array(log_e))


def _ask_more(rule: SoundRule, kinds: int) -> SoundRule:
    """Return the rule by which one of many kinds earns autonomy: at m / alpha, at 10 / alpha where there are more.

    Autonomy that is not granted yet must not be lost: a fall begins the evidence again.
    """
    return replace(rule, alpha=rule.alpha / min(kinds, _FEW_KINDS))


def _stop(log_e: Floats, level: float, kinds: int) -> float:
    """Return ln of the e-value of one among m kinds, from its path: half stops at 10 / alpha, half at 2m / alpha.

    Wealth that stops when it reaches a level is an e-value still, and a later dip takes nothing from it. Of up to ten
    kinds all of it stops at m / alpha, where a kind is granted by itself. level: ln(1 / alpha) of one kind.
    """
    if not len(log_e):
        return 0.0
    first = _stop_at(log_e, level + math.log(min(kinds, _FEW_KINDS)))
    if kinds <= _FEW_KINDS:
        return first
    return float(np.logaddexp(first, _stop_at(log_e, level + math.log(2 * kinds)))) - math.log(2)


def _stop_at(log_e: Floats, level: float) -> float:
    reached = np.flatnonzero(log_e >= level)
    return float(log_e[reached[0]] if len(reached) else log_e[-1])


def _find_thirds(judged: list[_Judged], alpha: float) -> list[tuple[int, ...]]:
    """Return on which thirds alone each kind may act, all thirds of all kinds judged together."""
    if not alpha:
        return [()] * len(judged)
    places = [(place, one) for place, each in enumerate(judged) for one in range(each.kind.cases.strata_count)]
    found = discover(np.array([judged[place].log_e[1 + one] for place, one in places]), alpha)
    chosen = {where for where, is_found in zip(places, found, strict=True) if is_found}
    return [tuple(one for one in each.granted if (place, one) in chosen) for place, each in enumerate(judged)]


def _describe(one: _Judged, is_found: bool, thirds: tuple[int, ...], needed: float) -> dict[str, Any]:
    kind, criterion = one.kind, one.present.describe()
    is_alone = one.mode == 2 and is_found
    mode = 2 if is_alone else min(one.mode, 1)
    largest = max(kind.sizes, default=math.nan) if is_alone else kind.sizes[max(thirds)] if thirds else math.nan
    weeks = 0.0 if is_alone else _find_weeks(one, needed)
    return {
        **kind.values,
        "mode": MODES[mode],
        "alone_on": "all sizes" if is_alone else ", ".join(THIRDS[third] for third in thirds),
        "size_at_most": largest,
        "cases": criterion["cases"],
        "cases_counted": criterion["cases_counted"],
        "waiting": kind.waiting,
        "value": criterion["value"],
        "lower_bound": criterion["lower_bound"],
        "target": criterion["target"],
        "e_value": math.exp(min(one.log_e[0], 700.0)),
        "e_value_needed": math.exp(needed),
        "blocks": criterion["blocks"],
        "block_likeness": criterion["block_likeness"],
        "cases_worth": one.present.counted.worth,
        "per_week": kind.per_week,
        "weeks_needed": weeks,
        "missing": "" if is_alone else _list_missing(one, thirds, weeks),
    }


def _find_weeks(one: _Judged, needed: float) -> float:
    """Return after how many weeks the evidence is enough, if cases come as often and end as well as so far."""
    growth = one.present.log_growth
    if not growth > 0:
        return math.nan
    return max(needed - one.log_e[0], growth) / growth / one.kind.per_week


def _list_missing(one: _Judged, thirds: tuple[int, ...], weeks: float) -> str:
    kind, values = one.kind, one.present.values
    words = [f"it may act alone on {', '.join(THIRDS[third] for third in thirds)} tasks only"] if thirds else []
    few = [THIRDS[third] for third in range(kind.cases.strata_count) if (one.present.strata == third).sum() < 5]
    if len(values) < kind.cases.needed:
        words.append(f"{kind.cases.needed} counted cases of the present version, there are {len(values)}")
    elif few and kind.cases.strata_count > 1:
        words.append(f"5 cases of {', '.join(few)} tasks")
    growth = one.present.log_growth
    if len(values) and not growth > 0:
        words.append(
            f"more success: {values.mean():.0%} is not clearly above {one.present.target:.0%}".replace("%", " %")
        )
    elif weeks > TEN_YEARS_IN_WEEKS:
        words.append("evidence: more than ten years at this pace and rate")
    elif weeks == weeks:
        words.append(f"evidence: about {max(weeks, 0.1):,.1f} weeks at this pace and rate")
    elif len(values):
        words.append("evidence: more cases")
    return "; ".join(words)


def _note_left_out(kinds: int) -> list[str]:
    return [f"{kinds:,} kinds of work with fewer cases than these {MOST_KINDS} are left out."] if kinds else []


def _tell_power(judged: list[_Judged], question: CellQuestion) -> pd.DataFrame:
    """Return the power table for cases that come as those of most kinds do."""
    sizes = [
        len(one.present.values) / max(one.present.describe()["blocks"], 1) for one in judged if len(one.present.values)
    ]
    alike = [one.present.likeness for one in judged]
    known = [value for value in alike if value == value]
    pace = [one.kind.per_week for one in judged if one.kind.per_week == one.kind.per_week]
    return make_power_table(
        question.target,
        block_size=max(round(float(np.median(sizes))), 1) if sizes else 1,
        likeness=float(np.median(known)) if known else 0.0,
        per_week=float(np.median(pace)) if pace else math.nan,
        e_value=len(judged) / question.rule.alpha,
    )


def _write_promise(kinds: int, question: CellQuestion, outcomes: Outcomes) -> str:
    alpha = f"{question.rule.alpha:.0%}".replace("%", " %")
    what = (
        f"Of the kinds of work that may be done alone, at most {alpha} on average are at or below their target"
        if kinds > 1
        else f"An agent at or below its target is promoted with a probability of at most {alpha}, at whatever looks"
    )
    block = outcomes.columns.get("block")
    independent = (
        f"what happens in one {'block' if block != 'day' else 'day'} says nothing of the next"
        if block
        else ("cases are independent")
    )
    days = outcomes.lag.total_seconds() / 86_400
    final = f"an outcome is final after {write_noun(round(days, 1), 'day')}" if days else "the outcomes are final"
    sizes = (
        "tasks to come are in each third of size like those seen"
        if "size" in outcomes.columns
        else ("tasks to come are like those seen")
    )
    return f"{what}. This holds if {independent}, {final}, and {sizes}."
