"""When a capability will have shown what it is: at the pace of its cases, if they end as so far, and if it is good."""

import math

import numpy as np

from asp_analysis.learning.power import TEN_YEARS_IN_WEEKS, find_cases_needed
from asp_analysis.learning.present import Present
from asp_analysis.learning.rule import MODES, SoundRule
from asp_analysis.learning.standings import Standing
from asp_analysis.wording import write_noun, write_share

_BETTER = 0.1
_LEAST_SPAN = np.timedelta64(7, "D")


def tell_pace(standing: Standing, rule: SoundRule | None = None) -> str:
    """Say how many weeks the sound rule's evidence will take; empty where it is there, or has fixed looks.

    The criterion that takes longest decides. The second half says how long agents ten points above the target take.
    """
    rule = rule or SoundRule()
    evidence, life = standing.evidence, standing.walk
    if evidence.looks is not None or standing.sound_mode == MODES[2]:
        return ""
    columns = range(len(evidence.cases.targets))
    every = [Present.of(evidence.cases, life, rule, column) for column in columns]
    slowest = max(every, key=lambda one: one.target)
    # a case says something of each criterion, or of some only
    pace = _measure_pace(standing) * len(slowest.values) / max(len(evidence.cases.values) - life.evidence_from, 1)
    if not pace > 0:
        return "fewer than two cases, or less than a week of them: the pace is not known yet"
    weeks = [_find_weeks(one, pace) for one in every if one.log_e < one.log_needed]
    return f"{pace:,.1f} cases a week; {_say_weeks(weeks)}; {_say_power(slowest, pace)}"


def _measure_pace(standing: Standing) -> float:
    """Return cases per week since the present evidence began, of all cases where that is less than a week ago."""
    at = standing.evidence.case_at
    for part in (at[standing.walk.evidence_from :], at):
        if len(part) > 1 and part[-1] - part[0] >= _LEAST_SPAN:
            return float(len(part) / ((part[-1] - part[0]) / _LEAST_SPAN))
    return math.nan


def _find_weeks(one: Present, pace: float) -> float:
    growth = one.log_growth
    return (one.log_needed - one.log_e) / growth / pace if growth > 0 else math.inf


def _say_weeks(weeks: list[float]) -> str:
    if not weeks:
        return "the evidence is enough, other conditions are not"
    if max(weeks) == math.inf:
        return "at the rate so far, evidence never is enough"
    if max(weeks) > TEN_YEARS_IN_WEEKS:
        return "at the rate so far, evidence takes more than ten years"
    return f"at the rate so far, expect {write_noun(math.ceil(max(weeks)), 'week')} until the evidence is enough"


def _say_power(one: Present, pace: float) -> str:
    rate = min(one.target + _BETTER, (1 + one.target) / 2)
    blocks = 1 if one.blocks is None else max(len(np.unique(one.blocks)), 1)
    size = 1 if one.blocks is None else max(round(len(one.values) / blocks), 1)
    likeness = 0.0 if math.isnan(one.likeness) else one.likeness
    _, cases = find_cases_needed(one.target, rate, size, likeness, math.exp(one.log_needed))
    if math.isnan(cases):
        return f"of agents right in {write_share(rate)}, more than a fifth have not shown it after 3,000 cases"
    weeks = write_noun(math.ceil(cases / pace), "week")
    return f"of agents right in {write_share(rate)}, four of five have shown it after {cases:,.0f} cases ({weeks})"
