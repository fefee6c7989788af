"""Who may act alone: one card per capability with both rules, the way done, the trend, and what is missing."""

from collections.abc import Hashable
from typing import Any

import pandas as pd
from markupsafe import Markup

from asp_analysis.dashboard import svg, words
from asp_analysis.dashboard.facts import Facts
from asp_analysis.dashboard.parts import Card, Section
from asp_analysis.learning import MODES

IS_LOWER_BETTER = frozenset({"mape_pct", "correction_rate"})
"""Published metrics that are errors; all others are better when higher."""


def build_learning_section(facts: Facts) -> Section:
    """Return the section with one card per capability."""
    rows = facts.status.to_dict("records")
    question = (
        "Who may act alone? The published rule takes raw rates at face value; the sound rule wants evidence that "
        "stays valid however often one looks. Where they differ, follow the sound one."
    )
    if not facts.status["completed"].gt(0).any():
        missing = (
            f"Nothing is scored yet, so that a person checks everything. The {len(rows)} capabilities are scored from "
            "finished tasks with sizes and plans, reviews and defects. Load them with: asp-analysis load FILE"
        )
        return Section(anchor="learning", title="Learning", question=question, missing=missing)
    cards = [_build_card(row, facts.curve, f"capability-{place}") for place, row in enumerate(rows)]
    return Section(anchor="learning", title="Learning", question=question, parts=cards)


def _build_card(row: dict[Hashable, Any], curve: pd.DataFrame, anchor: str) -> Card:
    own = curve[curve["capability"] == row["capability"]]
    lines = [
        (f"Published rule, {row['published_mode']}: lacks", row["missing_published"]),
        (f"Sound rule, {row['sound_mode']}: lacks", row["missing_sound"]),
        ("Why they differ", row["difference"]),
    ]
    modes = (("published", row["published_mode"]), ("sound", row["sound_mode"]))
    figures = [_draw_way(row), _draw_evidence(row), _draw_trend(row, own)]
    lacks = [(name, text) for name, text in lines if text]
    advice = row["recommendation"]
    return Card(title=row["capability"], modes=modes, figures=figures, lines=lacks, advice=advice, anchor=anchor)


def _draw_way(row: dict[Hashable, Any]) -> tuple[str, Markup]:
    done, needed = int(row["completed"]), int(row["needed"])
    text = f"{done} of {needed} {row['counted']} needed" + (" (reached)" if done >= needed else "")
    share = min(done / needed, 1.0) if needed else 0.0
    bar = svg.Bar(share=share, class_="good" if share >= 1 else "one")
    return text, svg.draw_progress(f"{row['capability']}: {text}", f"{words.percent(share)} of the way", bar)


def _draw_evidence(row: dict[Hashable, Any]) -> tuple[str, Markup]:
    """Draw the sound rule's criterion: the rate, its lower 95 % bound, and the target."""
    scale = 100.0 if row["capability"] == "ErrorProneDetection" else 1.0
    value, lower, target = (row[f"evidence_{name}"] / scale for name in ("value", "lower", "target"))
    name, cases = row["evidence_name"], int(row["evidence_cases"])
    if not words.is_known(value) or not cases:
        text = f"{name}: no scored case yet, {words.percent(target)} needed"
        return text, svg.draw_progress(text, "no data", svg.Bar(share=0.0, mark=target))
    sure = f"at least {words.percent(lower)} with 95 % confidence" if words.is_known(lower) else "no bound yet"
    text = (
        f"{name}: {words.percent(value)} of {words.count_noun(cases, 'case')}, {sure}; {words.percent(target)} needed"
    )
    interval = (max(lower, 0.0), max(value, 0.0)) if words.is_known(lower) else None
    is_passed = words.is_known(lower) and lower >= target
    bar = svg.Bar(share=value, class_="good" if is_passed else "one", interval=interval, mark=target)
    return text, svg.draw_progress(
        f"{row['capability']}: {text}", "The tick is the target, the whisker the bound.", bar
    )


def _draw_trend(row: dict[Hashable, Any], own: pd.DataFrame) -> tuple[str, Markup]:
    name, target = row["metric_name"], row["metric_target"]
    label = words.metric_words(name)
    goal = f"{'at most' if name in IS_LOWER_BETTER else 'at least'} {words.metric(name, target)}"
    known = own["metric_value"].dropna()
    text = f"{label}: {words.metric(name, row['metric_value'])}, target {goal}"
    if len(known) < 2:
        return f"{text}; no trend yet", Markup("")
    values = own["metric_value"].astype(float).to_list()[-200:]
    x = [place / max(len(values) - 1, 1) for place in range(len(values))]
    low, high = min(known.tail(200).min(), target), max(known.tail(200).max(), target)
    margin = (high - low) * 0.08 or 0.01
    scale = svg.Scale(float(low - margin), float(high + margin))
    desc = f"From {words.metric(name, known.iloc[0])} to {words.metric(name, known.iloc[-1])}, {len(known)} looks."
    line = svg.Polyline(x=x, y=values)
    drawn = svg.draw_sparkline(f"{row['capability']}: {label} after each task", desc, line, scale, target)
    return text, drawn


def find_falls(curve: pd.DataFrame) -> pd.DataFrame:
    """Return the latest fall of each capability that it has not made up for: capability, rule, fell_at, was, now."""
    rows = []
    for capability, own in curve.groupby("capability", sort=False):
        for rule in ("published", "sound"):
            modes = own[f"{rule}_mode"].map(MODES.index)
            downs = own.index[modes.diff() < 0]
            if len(downs) and modes.iloc[-1] < modes.max():
                was, now = MODES[modes.shift(1)[downs[-1]].astype(int)], own[f"{rule}_mode"].iloc[-1]
                row = {"capability": capability, "rule": rule, "fell_at": own["known_at"][downs[-1]]}
                rows.append(row | {"was": was, "now": now})
    return pd.DataFrame(rows, columns=["capability", "rule", "fell_at", "was", "now"])


def find_worsening(curve: pd.DataFrame, window: int = 10) -> pd.DataFrame:
    """Return the capabilities that miss their target and got worse within `window` tasks.

    capability, metric_name, then, now, target. Worse is by a tenth of the target or more, so that a wobble is none.
    """
    rows = []
    for capability, own in curve.groupby("capability", sort=False):
        known = own.dropna(subset=["metric_value"])
        if len(known) <= window:
            continue
        then, last = float(known["metric_value"].iloc[-1 - window]), known.iloc[-1]
        sign = -1.0 if last["metric_name"] in IS_LOWER_BETTER else 1.0
        now, target = float(last["metric_value"]), float(last["metric_target"])
        if sign * (now - target) < 0 and sign * (then - now) >= 0.1 * abs(target):
            row = {"capability": capability, "metric_name": last["metric_name"]}
            rows.append(row | {"then": then, "now": now, "target": target})
    return pd.DataFrame(rows, columns=["capability", "metric_name", "then", "now", "target"])
