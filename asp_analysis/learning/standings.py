"""The mode of each capability by the published and by the sound rule, next to each other, and why the two differ."""

import json
import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from asp_analysis.learning.detection import gather_error_prone, gather_type_prediction
from asp_analysis.learning.evidence import Evidence, Published, walk_published
from asp_analysis.learning.present import Present
from asp_analysis.learning.rates import gather_decomposition, gather_estimates, gather_review
from asp_analysis.learning.rule import MODES, THIRDS, Cases, SoundRule
from asp_analysis.learning.signals import hold
from asp_analysis.learning.sound import Walk, walk
from asp_analysis.learning.telemetry import Telemetry

ADVICE = {
    "Learning": "A person checks everything.",
    "Shadow": "Let it work next to a person and compare; do not let it act alone.",
    "Autonomous": "It may act alone, with spot checks.",
}

CRITERION_COLUMNS = (
    *("cases", "value", "wilson_lower", "wilson_upper", "lower_bound", "target", "e_value", "is_passed"),
    *("hits_needed", "cases_counted", "blocks", "block_likeness", "e_value_needed"),
)


@dataclass(frozen=True)
class Standing:
    """One capability as of an instant: its evidence and its life under both rules."""

    evidence: Evidence
    published_modes: np.ndarray
    walk: Walk
    criteria: pd.DataFrame

    @property
    def published_mode(self) -> str:
        """Mode by the published rule."""
        return MODES[self.published_modes[-1]] if len(self.published_modes) else MODES[0]

    @property
    def sound_mode(self) -> str:
        """Mode by the sound rule."""
        if self.evidence.looks is not None:
            return MODES[self.evidence.looks.mode]
        return MODES[self.walk.modes[-1]] if len(self.walk.modes) else MODES[0]


@dataclass(frozen=True)
class LearningReport:
    """Everything about all capabilities from one pass over the evidence.

    status, criteria, history: as `status`, `criteria` and `learning_history` return them.
    """

    status: pd.DataFrame
    criteria: pd.DataFrame
    history: pd.DataFrame


def learning_report(telemetry: Telemetry, as_of: pd.Timestamp, rule: SoundRule | None = None) -> LearningReport:
    """Compute status, criteria and history together."""
    rule = rule or SoundRule()
    found = judge_capabilities(telemetry, as_of, rule)
    return LearningReport(
        pd.DataFrame([_describe(standing, rule) for standing in found]),
        pd.concat([standing.criteria for standing in found], ignore_index=True),
        pd.concat([_trace(standing, rule) for standing in found], ignore_index=True),
    )


def judge_capabilities(telemetry: Telemetry, as_of: pd.Timestamp, rule: SoundRule | None = None) -> list[Standing]:
    """Compute all six capabilities as of an instant (UTC, without zone)."""
    rule, known = rule or SoundRule(), telemetry.as_of(pd.Timestamp(as_of))
    found = [
        gather_estimates(known, rule.memory),
        gather_decomposition(known, rule.memory),
        gather_error_prone(known, rule),
        gather_review("Design", known, rule.memory),
        gather_review("Code", known, rule.memory),
        gather_type_prediction(known),
    ]
    return [_judge(evidence, rule) for evidence in found]


def status(telemetry: Telemetry, as_of: pd.Timestamp, rule: SoundRule | None = None) -> pd.DataFrame:
    """Return one row per capability as of an instant.

    capability; published_mode, sound_mode: Learning, Shadow or Autonomous; completed, needed (for the next mode, or
    for the last one reached), counted (tasks or reviews); metric_name, metric_value, metric_target (published primary
    metric; rates 0 to 1, `_pct` in percent; NaN before there is data); evidence_name, evidence_cases, evidence_value,
    evidence_lower (anytime-valid 95 % lower bound), evidence_target: the first criterion of the sound rule that is not
    passed, else its primary one; missing_published, missing_sound: what the next mode lacks, in words, empty for
    Autonomous; difference: why the rules differ, empty where they agree; recommendation; is_graduated: the published
    conditions of Autonomous hold; secondary_json: further metrics.
    """
    return describe_standings(judge_capabilities(telemetry, as_of, rule), rule)


def describe_standings(found: list[Standing], rule: SoundRule | None = None) -> pd.DataFrame:
    """Return `status` of capabilities that are judged already."""
    return pd.DataFrame([_describe(standing, rule or SoundRule()) for standing in found])


def criteria(telemetry: Telemetry, as_of: pd.Timestamp, rule: SoundRule | None = None) -> pd.DataFrame:
    """Return one row per capability and criterion of the sound rule.

    capability, criterion, cases, value (share; percent where the name ends in components), wilson_lower, wilson_upper
    (95 %, one look), lower_bound (95 %, at all looks at once), target, e_value, is_passed, hits_needed (hits in a row
    that would pass it; NaN where not within 2,000), cases_counted (those that are evidence: each third of size counts
    alike), blocks (days of a project), block_likeness (intraclass correlation within them), e_value_needed (more than
    1/alpha where former versions have used up some of alpha).
    """
    return pd.concat([standing.criteria for standing in judge_capabilities(telemetry, as_of, rule)], ignore_index=True)


def learning_history(telemetry: Telemetry, as_of: pd.Timestamp, rule: SoundRule | None = None) -> pd.DataFrame:
    """Return one row per capability and ended task: how metric, evidence and modes came to be what they are.

    capability, known_at (UTC, when the task ended), completed, metric_name, metric_value, metric_target,
    published_mode, sound_mode, evidence_value, evidence_lower (first criterion of the sound rule, since its evidence
    began; NaN where it has none).
    """
    rule = rule or SoundRule()
    return pd.concat(
        [_trace(standing, rule) for standing in judge_capabilities(telemetry, as_of, rule)], ignore_index=True
    )


# --- rows -------------------------------------------------------------------------------------------------------------


def _judge(evidence: Evidence, rule: SoundRule) -> Standing:
    life = walk(evidence.cases, rule)
    return Standing(evidence, walk_published(evidence.published), life, _score_criteria(evidence, life, rule))


def _score_criteria(evidence: Evidence, life: Walk, rule: SoundRule) -> pd.DataFrame:
    if evidence.looks is not None:
        looks = evidence.looks
        row = dict.fromkeys(CRITERION_COLUMNS, math.nan)
        row |= {"cases": looks.count, "value": looks.value, "lower_bound": looks.lower, "target": looks.target}
        rows = [row | {"is_passed": looks.mode == 2, "cases_counted": looks.count, "blocks": looks.count}]
    else:
        columns = range(len(evidence.cases.targets))
        rows = [Present.of(evidence.cases, life, rule, column).describe() for column in columns]
    frame = pd.DataFrame(rows)
    frame.insert(0, "criterion", evidence.criteria)
    frame.insert(0, "capability", evidence.capability)
    return frame


def _describe(standing: Standing, rule: SoundRule) -> dict[str, Any]:
    evidence, seen = standing.evidence, standing.evidence.published
    published, sound = standing.published_mode, standing.sound_mode
    open_criteria = standing.criteria[~standing.criteria["is_passed"].astype(bool)]
    criterion = open_criteria.iloc[0] if len(open_criteria) else standing.criteria.iloc[0]
    ready = all(flags[-1] for flags in seen.autonomous_if.values()) if len(seen.count) else False
    return {
        "capability": evidence.capability,
        "published_mode": published,
        "sound_mode": sound,
        "completed": int(seen.count[-1]) if len(seen.count) else 0,
        "needed": seen.needed_for_shadow if published == MODES[0] else seen.needed_for_autonomous,
        "counted": seen.counted,
        "metric_name": seen.metric,
        "metric_value": float(seen.value[-1]) if len(seen.value) else math.nan,
        "metric_target": seen.target,
        "evidence_name": criterion["criterion"],
        "evidence_cases": int(criterion["cases"]),
        "evidence_value": float(criterion["value"]),
        "evidence_lower": float(criterion["lower_bound"]),
        "evidence_target": float(criterion["target"]),
        "missing_published": _list_missing_published(seen, published),
        "missing_sound": _list_missing_sound(standing, rule),
        "difference": _explain_difference(standing),
        "recommendation": _recommend(published, sound),
        "is_graduated": bool(ready),
        "secondary_json": json.dumps(evidence.secondary, ensure_ascii=False, sort_keys=True),
    }


def _list_missing_published(seen: Published, mode: str) -> str:
    conditions = {"Learning": seen.shadow_if, "Shadow": seen.autonomous_if}.get(mode, {})
    return "; ".join(words for words, flags in conditions.items() if not len(flags) or not flags[-1])


def _list_missing_sound(standing: Standing, rule: SoundRule) -> str:
    evidence, mode = standing.evidence, standing.sound_mode
    if evidence.looks is not None or mode == "Autonomous":
        return evidence.looks.words if evidence.looks is not None else ""
    present = evidence.cases.strata[standing.walk.evidence_from :]
    words = [_describe_criterion(row, rule.alpha) for row in standing.criteria.itertuples() if not row.is_passed]
    if mode == "Learning":
        few = len(present) < evidence.cases.needed
        need = f"{evidence.cases.needed} scored cases of the present model and prompt, there are {len(present)}"
        return need if few else "; ".join(["cases that are not clearly below the target", *words])
    counts = [int((present == stratum).sum()) for stratum in range(evidence.cases.strata.max(initial=-1) + 1)]
    if counts and min(counts) < rule.min_per_stratum:
        words.append(f"{rule.min_per_stratum} cases of each size (small, medium, large), there are {counts}")
    if standing.walk.granted:
        names = ", ".join(THIRDS[one] for one in standing.walk.granted)
        words.insert(0, f"it may act alone on {names} tasks only")
    return "; ".join(words) or f"{rule.dwell} looks in a row that pass"


def _describe_criterion(row: Any, alpha: float) -> str:
    if not row.cases:
        return f"{row.criterion}: no scored case yet, needs {_percent(row.target)}"
    more = "" if math.isnan(row.hits_needed) else f": {row.hits_needed:.0f} more in a row would be enough"
    sure = f"at least {_percent(row.lower_bound)} with {_percent(1 - alpha)} confidence"
    return f"{row.criterion}: {_percent(row.value)} of {row.cases} cases ({sure}), needs {_percent(row.target)}{more}"


def _percent(share: float) -> str:
    return f"{share:.0%}".replace("%", " %")


def _explain_difference(standing: Standing) -> str:
    published, sound = standing.published_mode, standing.sound_mode
    if published == sound:
        return ""
    if MODES.index(published) < MODES.index(sound):
        lacks = _list_missing_published(standing.evidence.published, published)
        return f"The scored cases support {sound}; the published rule still lacks: {lacks}."
    reason = _describe_last_fall(standing)
    return f"The published rule takes raw rates at face value; {reason}the evidence does not support {published} yet."


def _describe_last_fall(standing: Standing) -> str:
    """Say when the evidence was last put in question, and by what."""
    causes = {
        "changed": "a new model or prompt version came, which has to earn its mode again",
        "critical": "a critical failure got through",
        "drifting": "recent cases were clearly below the target",
    }
    falls = [event for event in standing.walk.events if event[1] in causes]
    if not falls or standing.evidence.looks is not None:
        return ""
    place, cause = falls[-1]
    return f"since {str(standing.evidence.case_at[place])[:10]} {causes[cause]}; "


def _recommend(published: str, sound: str) -> str:
    if MODES.index(published) > MODES.index(sound):
        return f"{ADVICE[sound]} The published rule would say {published}: wait for the evidence."
    return ADVICE[sound]


def _trace(standing: Standing, rule: SoundRule) -> pd.DataFrame:
    evidence, seen = standing.evidence, standing.evidence.published
    frame = pd.DataFrame({"known_at": seen.known_at, "completed": seen.count, "metric_value": seen.value})
    frame["published_mode"] = [MODES[mode] for mode in standing.published_modes]
    cases = _trace_cases(standing, rule)
    if len(cases):
        frame = pd.merge_asof(frame, cases, on="known_at")
        frame["sound_mode"] = frame["sound_mode"].fillna(MODES[0])
    else:
        frame = frame.assign(sound_mode=standing.sound_mode, evidence_value=math.nan, evidence_lower=math.nan)
    frame.insert(0, "capability", evidence.capability)
    return frame.assign(metric_name=seen.metric, metric_target=seen.target)


def _trace_cases(standing: Standing, rule: SoundRule) -> pd.DataFrame:
    """Return value and bound of the first criterion after each case."""
    evidence, life = standing.evidence, standing.walk
    frame = pd.DataFrame({"known_at": evidence.case_at, "sound_mode": [MODES[mode] for mode in life.modes]})
    starts = sorted({0, life.evidence_from, *(place for place, cause in life.events if cause == "changed")})
    usual, now = float(rule.find_thresholds(evidence.cases.strata_count)[0]), Present.of(evidence.cases, life, rule)
    parts = [
        _trace_part(evidence.cases, slice(*ends), rule, now.log_needed if ends[0] == starts[-1] else usual)
        for ends in pairwise([*starts, len(frame)])
    ]
    frame[["evidence_value", "evidence_lower"]] = np.concatenate(parts) if parts else np.zeros((0, 2))
    return frame.sort_values("known_at").drop_duplicates("known_at", keep="last")


def _trace_part(cases: Cases, part: slice, rule: SoundRule, log_needed: float) -> np.ndarray:
    """Return share and lower bound of the first criterion after each case of one stretch of evidence, (cases, 2)."""
    values = cases.values[part, 0]
    seen = np.flatnonzero(~np.isnan(values))
    spread = np.searchsorted(seen, np.arange(len(values)), side="right") - 1
    one = Present(
        values=values[seen],
        strata=cases.strata[part][seen],
        blocks=None if cases.blocks is None else cases.blocks[part][seen],
        target=cases.targets[0],
        log_needed=log_needed,
        shares=cases.strata_shares,
        surplus=rule.surplus,
    )
    share = np.cumsum(values[seen]) / np.arange(1, len(seen) + 1)
    known = np.column_stack([share, one.bound_path()])
    return np.where((spread >= 0)[:, None], hold(known, spread), math.nan)
