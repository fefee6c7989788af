"""Notebook 03: which capability may act alone, by the published and by the sound rule, and what each lacks."""

from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from asp_analysis import charts
from asp_analysis.findings.finding import Finding, lack, set_height
from asp_analysis.findings.moments import find_newest
from asp_analysis.learning import LearningReport, SoundRule, Telemetry, learning_report, simulate
from asp_analysis.session import Session
from asp_analysis.wording import write_day, write_list, write_name, write_noun, write_share

LOWER_IS_BETTER = ("mape_pct", "correction_rate")
NOTHING = "No task has ended and no finding of a review is decided, so that no capability has learned anything yet."
FILL = (
    "Load how tasks ended with `asp-analysis load FILE --as task_metadata`, and defects with `asp-analysis load FILE "
    "--as defect_log`."
)


def read(session: Session) -> Telemetry:
    """Read what learning is computed from."""
    return Telemetry.read(session.view)


def judge(session: Session) -> LearningReport:
    """Judge every capability as of the newest record that the session shows."""
    return learning_report(read(session), find_newest(session) or pd.Timestamp("1970-01-01"), SoundRule())


def answer(session: Session) -> Finding:
    """Say which capability may act alone, by which rule."""
    return tell_standing(judge(session))


def tell_data(telemetry: Telemetry, as_of: pd.Timestamp | None) -> Finding:
    """Say how much evidence there is."""
    known = telemetry.as_of(as_of or pd.Timestamp("1970-01-01"))
    counts = {
        "tasks": len(known.tasks),
        "ended": len(known.list_ended()),
        "stored forecasts": int(known.forecasts["estimate"].notna().sum()),
        "defects logged": len(known.defects),
        "false alarms": int(known.defects["is_false_positive"].sum()),
    }
    table = pd.DataFrame({"what": list(counts), "count": list(counts.values())})
    if not counts["ended"] and not counts["defects logged"]:
        return lack(NOTHING, FILL)
    text = (
        f"**{write_noun(counts['ended'], 'task')}** ended and **{write_noun(counts['defects logged'], 'defect')}** "
        f"were logged up to {write_day(as_of)}. Every rate below comes from these: keep the numbers in mind."
    )
    return Finding(text=text, table=table)


def tell_standing(report: LearningReport) -> Finding:
    """Say who may act alone by each rule."""
    now = report.status
    if not has_evidence(report):
        return lack(NOTHING, FILL)
    published = now.loc[now.published_mode == "Autonomous", "capability"]
    sound = now.loc[now.sound_mode == "Autonomous", "capability"]
    differ = int((now.published_mode != now.sound_mode).sum())
    text = (
        f"By the sound rule **{_list_or_none(sound)}** may act alone, by the published rule "
        f"**{_list_or_none(published)}**."
    )
    text += f" The two rules disagree about {differ:,} of {len(now):,} capabilities."
    columns = ["published_mode", "sound_mode", "completed", "needed", "metric_name", "metric_value", "metric_target"]
    title = f"The two rules disagree about {differ:,} of {len(now):,} capabilities"
    return Finding(
        text=text,
        table=now.set_index("capability")[columns],
        draw=partial(charts.plot_modes, now, title=title),
        reading="A long line is a disagreement. The published rule compares raw rates with targets; the sound rule "
        "asks "
        "for a lower bound above the target that stays valid however often one looks.",
    )


def has_evidence(report: LearningReport) -> bool:
    """Tell whether any capability has a case to be judged by."""
    return bool((report.status.completed > 0).any())


def tell_differences(report: LearningReport) -> Finding:
    """Say why the rules differ."""
    found = report.status.loc[report.status.difference != "", ["capability", "difference"]]
    if found.empty:
        return Finding(text="The two rules agree about every capability.")
    return Finding(text=f"They differ about {write_list(found.capability, 6)}.", table=found.set_index("capability"))


def tell_missing(report: LearningReport) -> Finding:
    """Say what each capability lacks for its next mode."""
    columns = ["published_mode", "missing_published", "sound_mode", "missing_sound"]
    table = report.status.set_index("capability")[columns]
    done = int((report.status.missing_sound == "").sum())
    text = (
        f"**{done:,} of {write_noun(len(table), 'capability').replace('capabilitys', 'capabilities')}** lack "
        f"nothing by the sound rule."
    )
    return Finding(text=text, table=table)


def tell_curves(report: LearningReport) -> Finding:
    """Show how each published metric developed."""
    curves = report.history.rename(columns={"known_at": "measured_at", "published_mode": "mode"})
    curves = curves.assign(is_higher_better=~curves.metric_name.isin(LOWER_IS_BETTER))
    counts = curves.groupby("capability").metric_value.count() if len(curves) else pd.Series(dtype=int)
    if not counts.sum():
        return lack("No published metric has a value yet.", FILL)
    now = report.status.dropna(subset=["metric_value"])
    better = np.where(now.metric_name.isin(LOWER_IS_BETTER), -1, 1)
    met = int((better * (now.metric_value - now.metric_target) >= -1e-9).sum())
    text = f"**{met:,} of {len(now):,}** metrics meet their target at the end."
    return Finding(
        text=text,
        draw=partial(charts.plot_learning_curves, curves, title=f"{met:,} of {len(now):,} metrics meet their target"),
        reading="The dashed line is the target and says on which side it is good; the background is the mode by the "
        "published rule. Most metrics read the last cases only, so that one case moves them visibly.",
    )


def tell_evidence(report: LearningReport) -> Finding:
    """Show the same lives with the uncertainty that the sound rule reads."""
    history, checks = report.history, report.criteria
    if history.empty or not (checks.cases > 0).any():
        return lack("No criterion has a scored case yet.", FILL)
    history = history.assign(evidence_target=history.capability.map(checks.groupby("capability").target.first()))
    spans = history.groupby("capability").known_at.agg(lambda at: at.max() > at.min())
    drawn = history[history.capability.map(spans).astype(bool)]
    last = history.groupby("capability")[["evidence_value", "evidence_lower", "evidence_target"]].last()
    known = last[last.evidence_value.notna()]
    met = int((known.evidence_lower > known.evidence_target).sum())
    table = known.rename(columns={"evidence_value": "now_share", "evidence_lower": "bound_share",
                                  "evidence_target": "target_share"})  # fmt: skip
    title = f"{met:,} of {len(known):,} lower bounds are above their target"
    return Finding(
        text=f"**{met:,} of {len(known):,}** lower bounds are above their target. The bound is what you can rely on.",
        table=table,
        draw=partial(charts.plot_evidence, drawn, title=title) if len(drawn) else None,
        reading="The band reaches from the share down to its lower bound. Where it suddenly becomes long, a new "
        "model or "
        "prompt begins with few cases. The two strips on top are the modes by both rules.",
    )


def tell_criteria(report: LearningReport) -> Finding:
    """Say how close each criterion of the sound rule is."""
    scored = report.criteria[report.criteria.cases > 0].reset_index(drop=True)
    shares = scored[~scored.criterion.str.endswith("components")]
    if shares.empty:
        return lack("No criterion has a scored case yet.", FILL)
    passed = int(shares.is_passed.sum())
    text = f"**{passed:,} of {write_noun(len(shares), 'criterion').replace('criterions', 'criteria')}** are passed."
    needed = shares.loc[~shares.is_passed.astype(bool)].dropna(subset=["hits_needed"])
    if len(needed):
        best = needed.iloc[int(needed["hits_needed"].to_numpy().argmin())]
        text += (
            f" The closest is {write_name(best.capability)}, {write_name(best.criterion)}: "
            f"{write_noun(best.hits_needed, 'hit')} in a row would be enough."
        )
    columns = ["capability", "criterion", "cases", "value", "lower_bound", "target", "is_passed", "hits_needed"]
    names = {"value": "hits_share", "lower_bound": "bound_share", "target": "target_share", "is_passed": "passed"}
    height = 1.6 + 0.44 * len(shares)
    return Finding(
        text=text,
        table=shares[columns].rename(columns=names),
        draw=partial(_plot_criteria, shares.reset_index(drop=True), height,
                     f"{passed:,} of {len(shares):,} criteria are passed"),
        reading="A criterion is passed where the whole bar is to the right of its target.",
    )  # fmt: skip


def tell_turns(report: LearningReport) -> Finding:
    """List the moments at which the published rule changed a mode, and who lost autonomy."""
    history = report.history.sort_values(["capability", "known_at"], kind="stable")
    if history.empty:
        return lack("No task has ended yet, so that no mode has changed.", FILL)
    former = history.groupby("capability").published_mode.shift()
    turns = history[(history.published_mode != former) & former.notna()].assign(from_mode=former)
    if turns.empty:
        return Finding(text="The published rule never changed a mode.")
    lost = turns.loc[turns.from_mode == "Autonomous", "capability"].unique()
    text = f"The published rule changed a mode **{write_often(len(turns))}**."
    text += (
        f" **{write_list(lost)}** lost autonomy again." if len(lost) else " No capability lost autonomy that it had."
    )
    columns = ["capability", "known_at", "completed", "from_mode", "published_mode", "sound_mode", "metric_value",
               "evidence_lower"]  # fmt: skip
    return Finding(text=text, table=turns[columns].reset_index(drop=True))


def tell_recorded(curve: pd.DataFrame, report: LearningReport) -> Finding:
    """Compare with the modes that the platform recorded itself. curve: the view `learning_curve`."""
    if curve.empty:
        return lack(
            "The store holds no measurements of learning, so that there is nothing to compare with.",
            "`asp-analysis learning --record` keeps one a day; the platform's own load with `--as bootstrap_metrics`.",
        )
    last = curve.groupby("capability").tail(1).set_index("capability")
    recorded = last[["mode", "tasks_completed", "metric_value"]]
    computed = report.status.set_index("capability")[["published_mode", "completed", "metric_value"]]
    both = recorded.join(computed, lsuffix="_recorded", how="left")
    differ = both[both["mode"] != both.published_mode]
    text = (
        f"The recorded mode and the computed one agree for **{len(both) - len(differ):,} of {len(both):,}** "
        f"capabilities"
    )
    text += f"; they differ for {write_list(differ.index)}." if len(differ) else "."
    names = {"mode": "recorded_mode", "tasks_completed": "recorded_tasks", "metric_value_recorded": "recorded_metric",
             "published_mode": "computed_mode", "completed": "computed_tasks",
             "metric_value": "computed_metric"}  # fmt: skip
    return Finding(
        text=text,
        table=both.rename(columns=names),
        reading="A metric that cannot be computed again from its data is a claim.",
    )


def tell_simulation(lives: int = 300, tasks: int = 200, seed: int = 7) -> Finding:
    """Say what checking after every task does to a raw rate: both rules on simulated capabilities."""
    rng = np.random.default_rng(seed)
    at, above = (simulate(rng.random((lives, tasks)) < rate, 0.80) for rate in (0.80, 0.90))
    table = pd.DataFrame(
        {"rule": ["sound", "published"],
         "promoted at the target_share": [at.sound_share, at.published_share],
         "promoted above it_share": [above.sound_share, above.published_share]}
    )  # fmt: skip
    text = (
        f"Of simulated capabilities that sit exactly at the target, the published rule promotes "
        f"**{write_share(at.published_share)}**, each of them falsely, and the sound rule "
        f"**{write_share(at.sound_share)}**. Of truly good ones the sound rule still promotes "
        f"**{write_share(above.sound_share)}**. The price of the bound is patience."
    )
    return Finding(text=text, table=table)


def _plot_criteria(frame: pd.DataFrame, height: float, title: str) -> Any:
    return set_height(charts.plot_criteria(frame, title=title), height)


def _list_or_none(names: pd.Series) -> str:
    return write_list(names, 6) if len(names) else "no capability"


def write_often(count: int) -> str:
    """Return how often: once, twice, 3 times."""
    return {1: "once", 2: "twice"}.get(count, f"{count:,} times")
