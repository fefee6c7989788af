"""Did a change of the agents help: its tasks before and after, compared by what the user asks about."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

import numpy as np
import pandas as pd

from asp_analysis.comparisons.known_changes import AgentChange, find_change, list_changes
from asp_analysis.effects.matching import FEWEST_ON_A_SIDE
from asp_analysis.effects.sequences import DRIFT_PER_90_DAYS
from asp_analysis.effects.verdicts import KEEP, ROLL_BACK, WORTH_WAITING, Judgement, judge_change
from asp_analysis.errors import EstimationRefusal, InputError
from asp_analysis.session import Session
from asp_analysis.wording import write_html_list, write_list, write_noun, write_share

_HERE = Path(__file__).resolve().parent
_DAYS_AROUND = 180
"""Days before and after a change whose tasks are compared: a straight drift is no assumption for years."""


@dataclass(frozen=True)
class _Aspect:
    """What can be asked about: its noun, the column, whether it is a rate (a task has it or not), what is better."""

    noun: str
    column: str
    is_rate: bool
    is_less_better: bool


ASPECTS = {
    "cost": _Aspect("cost of a task", "whole_cost_usd", False, True),
    "latency": _Aspect("latency of a task", "whole_latency_ms", False, True),
    "tokens": _Aspect("number of tokens of a task", "whole_tokens", False, True),
    "defects": _Aspect("share of tasks with a defect", "defects", True, True),
    "rework": _Aspect("share of tasks with rework", "reworked_executions", True, True),
    "success": _Aspect("share of tasks that completed", "status", True, False),
}
"""What `--on` takes."""


@dataclass(frozen=True, kw_only=True)
class ChangeEffect:
    """The answer. ratio, lower, upper: after / before, with 95 % at all looks; before, after [count]: matched tasks.

    smallest: the ratio that such a comparison would find with a chance of 80 %. more: further tasks after the change
    until a ratio of 1.25 is found, None where waiting does not help. mix: group, before, after [count]. looks: after,
    ratio, lower, upper. tasks: task_id, first_at, is_after, value. is_experiment: tasks were assigned at random.
    """

    change: AgentChange
    on: str
    is_experiment: bool
    before: int
    after: int
    judgement: Judgement
    remarks: Sequence[str] = field(default_factory=tuple)

    @property
    def verdict(self) -> str:
        """Keep, roll back, or wait for how many more tasks."""
        if self.judgement.verdict in (KEEP, ROLL_BACK):
            return self.judgement.verdict
        if self.judgement.more is None:
            return "wait; more tasks alone will not decide it"
        return f"wait for {self.judgement.more:,} more" if self.judgement.more else "no effect worth acting on is seen"

    @property
    def answer(self) -> str:
        """The answer in a few sentences."""
        said, noun = self.judgement, ASPECTS[self.on].noun
        how = (
            "an experiment: tasks were assigned at random"
            if self.is_experiment
            else "before against after, no experiment"
        )
        interval = f"95 % interval at all looks {_ratio(said.lower)} to {_ratio(said.upper)}"
        parts = [
            f"{self.change.name}: the {noun} is {_ratio(said.ratio)} times that of before ({interval}; "
            f"{self.after} tasks after, {self.before} before; {how}).",
            f"Verdict: {self.verdict}.",
        ]
        if said.verdict not in (KEEP, ROLL_BACK):
            parts.append(f"By now only a ratio of {_ratio(said.smallest)} or more would be found in 4 of 5 cases.")
            if said.more is None:
                parts.append("Assign tasks at random: asp-analysis change assign CHANGE TASK")
        return " ".join(parts)

    def to_frame(self) -> pd.DataFrame:
        """Return the answer as one row."""
        said = self.judgement
        return pd.DataFrame(
            [
                {
                    "change_id": self.change.name,
                    "on": self.on,
                    "verdict": self.verdict,
                    "ratio": said.ratio,
                    "lower_95": said.lower if math.isfinite(said.lower) else math.nan,
                    "upper_95": said.upper if math.isfinite(said.upper) else math.nan,
                    "smallest_found": said.smallest if math.isfinite(said.smallest) else math.nan,
                    "tasks_before": self.before,
                    "tasks_after": self.after,
                    "is_experiment": self.is_experiment,
                    "matched_by": ", ".join(said.matched.by) or "nothing",
                    "drift_per_90_days": said.interval.slope,
                    "drift_error": said.interval.slope_se,
                    "likeness": said.interval.design,
                }
            ]
        )

    @property
    def tasks(self) -> pd.DataFrame:
        """The tasks that were compared."""
        return self.judgement.matched.tasks[["task_id", "first_at", "is_after", "value"]]

    def _repr_html_(self) -> str:
        mix = self.judgement.matched.mix.to_html(index=False)
        return f"<p>{escape(self.answer)}</p>{mix}{write_html_list(self.remarks)}"


def measure_effect(session: Session, name: str, on: str = "cost", worth: float = WORTH_WAITING) -> ChangeEffect:
    """Compare the tasks after a change with those before, matched by type, repository and size.

    name: of a recorded or a found change. on: one of `ASPECTS`. worth: the ratio that is worth waiting for.

    Raises:
        InputError: there is no such change, or nothing of that name to compare by.
        EstimationRefusal: too few tasks, or nothing that varies; the message says what is missing.
    """
    if on not in ASPECTS:
        raise InputError(f"{on!r} cannot be compared. These can: {', '.join(ASPECTS)}.")
    if not 1 < worth < 100:
        raise InputError(f"A ratio that is worth waiting for is above 1, found {worth:g}. Write it as 1.25.")
    change = find_change(session, name)
    read = _read_tasks(session, change)
    is_experiment = _count_assigned(read) >= FEWEST_ON_A_SIDE
    tasks, remarks = _choose_sides(read, change, is_experiment)
    tasks, missing = _measure_values(tasks, on)
    try:
        judgement = judge_change(
            tasks, is_rate=ASPECTS[on].is_rate, is_less_better=ASPECTS[on].is_less_better, worth=worth
        )
    except EstimationRefusal as refusal:  # what was left out may be why
        raise EstimationRefusal(" ".join([str(refusal), *remarks, *missing])) from None
    after = int(judgement.matched.tasks["is_after"].sum())
    return ChangeEffect(
        change=change,
        on=on,
        is_experiment=is_experiment,
        before=len(judgement.matched.tasks) - after,
        after=after,
        judgement=judgement,
        remarks=[*remarks, *missing, *_describe(judgement), *_name_others(session, change)],
    )


def find_latest_effect(session: Session, on: str = "cost", most: int = 12) -> ChangeEffect | str:
    """Return the effect with the most tasks on its smaller side, of the latest changes that may have enough.

    most: how many changes are tried. A text says why none can be judged; it is empty where no change is known.
    """
    listed = list_changes(session)
    enough = listed["tasks"].isna() | (listed["tasks"].astype("Float64") >= FEWEST_ON_A_SIDE)
    found: list[ChangeEffect] = []
    reason = f"No change has {FEWEST_ON_A_SIDE} tasks yet. Wait for more." if len(listed) else ""
    for name in listed.loc[enough.fillna(True), "change_id"].iloc[::-1][:most]:
        try:
            found.append(measure_effect(session, str(name), on))
        except EstimationRefusal as refusal:
            reason = f"{name}: {refusal}"
    return max(found, key=lambda one: min(one.before, one.after)) if found else reason


def _read_tasks(session: Session, change: AgentChange) -> pd.DataFrame:
    text = (_HERE / "changed_tasks.sql").read_text(encoding="utf-8")
    conditions = change.write_conditions()
    for word, condition in conditions.items():
        text = text.replace(f"{{{word}}}", condition)
    values: dict[str, object] = {"change": change.name, "project": change.project}
    values |= {name: getattr(change, name) for name in ("part", "value") if f"${name}" in text}
    tasks = session.sql(text, **values)
    near = (tasks["first_at"] - change.changed_at).abs() <= pd.Timedelta(days=_DAYS_AROUND)
    return tasks[near | tasks["is_assigned_new"].notna()].reset_index(drop=True)


def _count_assigned(tasks: pd.DataFrame) -> int:
    """Return the tasks of the smaller arm of an experiment."""
    assigned = tasks["is_assigned_new"].dropna().astype(bool)
    return int(min(assigned.sum(), (~assigned).sum()))


def _choose_sides(tasks: pd.DataFrame, change: AgentChange, is_experiment: bool) -> tuple[pd.DataFrame, list[str]]:
    """Return the tasks with `is_after`, and what was left out."""
    if is_experiment:
        kept = tasks[tasks["is_assigned_new"].notna()]
        return kept.assign(is_after=kept["is_assigned_new"].astype(bool)), []
    is_later = tasks["first_at"] >= change.changed_at
    if change.kind is None:
        is_across = ~is_later & (tasks["last_at"] >= change.changed_at)
        kept = tasks[~is_across].assign(is_after=is_later)
        said = f"{write_noun(is_across.sum(), 'task')} began before the change and ended after it: left out."
        return kept, [said] if is_across.any() else []
    is_mixed = tasks["has_new"] & tasks["has_old"]
    is_odd = (is_later != tasks["has_new"]) & ~is_mixed
    remarks = []
    if is_mixed.any():
        remarks.append(f"{write_noun(is_mixed.sum(), 'task')} used the old and the new state: left out.")
    if is_odd.any():
        remarks.append(
            f"{write_noun(is_odd.sum(), 'task')} kept the old state after the change, and nobody assigned them at "
            "random: left out."
        )
    kept = tasks[~is_mixed & ~is_odd]
    return kept.assign(is_after=kept["has_new"].astype(bool)), remarks


def _measure_values(tasks: pd.DataFrame, on: str) -> tuple[pd.DataFrame, list[str]]:
    """Return the tasks whose value is known, and how many are not."""
    aspect = ASPECTS[on]
    column = tasks[aspect.column]
    value: pd.Series
    if on == "success":
        value = column.astype(object).eq("completed").where(column.notna())
    elif aspect.is_rate:
        value = column.fillna(0).astype(float) > 0
    else:
        value = column.astype(float).where(column.astype(float) > 0)
    if on in ("defects", "rework") and not value.any() and len(value):
        raise EstimationRefusal(
            f"No task of the comparison has {'a defect' if on == 'defects' else 'rework'} on record. "
            f"Load {'defects' if on == 'defects' else 'agent_iteration of executions'} first: asp-analysis load FILE"
        )
    is_known = value.notna()
    days = pd.to_datetime(tasks["first_at"]).dt.strftime("%Y-%m-%d")
    block = tasks["place"].astype(object).fillna("").astype(str) + " " + days
    found = tasks.assign(value=value.astype(float), block=block)[is_known]
    missing = int((~is_known).sum())
    unit = {"cost": "cost", "latency": "latency", "tokens": "number of tokens", "success": "end"}.get(on, "value")
    return found, [f"{write_noun(missing, 'task')} without a known {unit}: left out."] if missing else []


def _describe(judgement: Judgement) -> list[str]:
    matched, interval = judgement.matched, judgement.interval
    by = write_list(matched.by) if matched.by else "nothing: the store knows no type, repository or size of most tasks"
    remarks = [f"Matched by {by}."]
    if matched.without_match:
        remarks.append(
            f"{write_noun(matched.without_match, 'task')} without any like them on the other side: left out."
        )
    remarks.append(
        f"Time trend: {write_share(interval.slope)} in 90 days (standard error {write_share(interval.slope_se)}); a "
        f"drift of about {write_share(DRIFT_PER_90_DAYS)} in 90 days is allowed for."
    )
    if interval.design > 1.05:
        remarks.append(f"Tasks of a day, or close in time, are alike: the variance counts {interval.design:.1f} times.")
    return remarks


def _name_others(session: Session, change: AgentChange) -> list[str]:
    """Name what else changed within a month of the change: it cannot be kept apart from it."""
    listed = list_changes(session)
    near = (listed["changed_at"] - change.changed_at).abs() <= pd.Timedelta(days=30)
    others = listed.loc[near & (listed["change_id"] != change.name), "change_id"]
    if others.empty:
        return []
    return [f"Other changes within 30 days, whose effects are in the ratio, too: {write_list(others)}."]


def _ratio(value: float) -> str:
    if not np.isfinite(value):
        return "any" if value > 0 else "unknown"
    return f"{value:.2f}" if value < 10 else f"{value:,.0f}"
