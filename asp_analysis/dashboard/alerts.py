"""What needs a person: each alert says what was seen, with its numbers, and what to do."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import pandas as pd

from asp_analysis.dashboard import words
from asp_analysis.dashboard.accuracy import WIDEST, Accuracy
from asp_analysis.dashboard.capabilities import find_falls, find_worsening
from asp_analysis.dashboard.defects import find_escapes
from asp_analysis.dashboard.facts import Facts
from asp_analysis.dashboard.parts import Alert
from asp_analysis.dashboard.spending import MOST_LISTED
from asp_analysis.intervals import wilson
from asp_analysis.learning import MODES
from asp_analysis.quality import cost_charts

ACT, LOOK, KNOW = "act", "look", "know"


def collect_alerts(
    facts: Facts, found: Accuracy, tasks: Mapping[str, str], of_budgets: Sequence[Alert] = ()
) -> list[Alert]:
    """Return all alerts, the most urgent first, each with a link to what it speaks of.

    tasks: the anchors of the tasks that the page lists; of_budgets: the alerts of the budgets.
    """
    capabilities = {str(name): f"#capability-{place}" for place, name in enumerate(facts.status["capability"])}
    every = [
        *of_budgets,
        *_warn_of_early_trust(facts, capabilities),
        *_warn_of_falls(facts, capabilities),
        *_warn_of_overspending(facts, tasks),
        *_warn_of_worsening(facts, capabilities),
        *_warn_of_escapes(facts),
        *_warn_of_drift(facts),
        *_warn_of_intervals(found),
        *_warn_of_unpriced(facts),
        *_warn_of_rejects(facts),
    ]
    return sorted(every, key=lambda alert: (ACT, LOOK, KNOW).index(alert.level))


def _warn_of_early_trust(facts: Facts, anchors: Mapping[str, str]) -> list[Alert]:
    table = facts.status
    is_early = (table["published_mode"] == MODES[2]) & (table["sound_mode"] != MODES[2])
    return [
        Alert(
            ACT,
            f"{row['capability']}: do not let it act alone yet",
            f"The published rule says Autonomous, the evidence supports {row['sound_mode']}. {row['difference']}",
            anchors[row["capability"]],
        )
        for row in table[is_early].to_dict("records")
    ]


def _warn_of_falls(facts: Facts, anchors: Mapping[str, str]) -> list[Alert]:
    return [
        Alert(
            ACT,
            f"{row['capability']}: fell back to {row['now']}",
            f"By the {row['rule']} rule it left {row['was']} on {words.day(row['fell_at'])} "
            "and has not earned it back.",
            anchors.get(row["capability"], ""),
        )
        for row in find_falls(facts.curve).to_dict("records")
    ]


def _warn_of_overspending(facts: Facts, anchors: Mapping[str, str]) -> list[Alert]:
    tasks, planned = facts.tasks, facts.tasks["estimated_cost_usd"]
    is_open = ~tasks["status"].isin(["completed", "failed"]) & planned.gt(0)
    over = tasks[is_open & tasks["spent_usd"].gt(1.25 * planned)]
    rows = over.nlargest(5, "spent_usd")[["task_id", "spent_usd", "estimated_cost_usd"]]
    return [
        Alert(
            ACT,
            f"Open task {words.shorten(task, 60)}: {spent / planned:.1f} times its plan so far",
            f"{words.usd(spent)} spent of {words.usd(planned)} planned. Stop it or plan it again.",
            f"#{anchors[task]}" if task in anchors else "",
        )
        for task, spent, planned in rows.itertuples(index=False)
    ]


def _warn_of_worsening(facts: Facts, anchors: Mapping[str, str]) -> list[Alert]:
    found = []
    for row in find_worsening(facts.curve).to_dict("records"):
        then, now, target = (words.metric(row["metric_name"], row[name]) for name in ("then", "now", "target"))
        said = f"{words.metric_words(row['metric_name'])}: from {then} to {now} in 10 tasks; the target is {target}."
        found.append(Alert(LOOK, f"{row['capability']}: getting worse", said, anchors.get(row["capability"], "")))
    return found


def _warn_of_escapes(facts: Facts) -> list[Alert]:
    return [
        Alert(
            LOOK,
            f"{words.shorten(row['agent_role'], 60)}: defects pass it",
            f"{row['escaped']} of {row['confirmed'] + row['escaped']} real defects escaped it "
            f"({words.percent(row['escape_share'])}; at least {words.percent(row['escape_lower'])} with 95 % "
            "confidence; 5 % is allowed). Show it the types that it misses.",
            "#reviews",
        )
        for row in find_escapes(facts.reviews).head(4).to_dict("records")
    ]


def _warn_of_drift(facts: Facts) -> list[Alert]:
    charts = cost_charts(facts.work)
    if not len(charts):
        return []
    last = charts.sort_values("first_at").groupby(["agent_role", "llm_model"], dropna=False).tail(1)
    signals = last[last["is_outside"].astype(bool) | last["is_run"].astype(bool)].nlargest(4, "value")
    models = {name: f"#model-{place}" for place, name in enumerate(facts.models["llm_model"][:MOST_LISTED])}
    return [_describe_drift(row, models) for row in signals.to_dict("records")]


def _describe_drift(row: dict[Hashable, Any], anchors: Mapping[str, str]) -> Alert:
    why = (
        "beyond the limits of its control chart" if row["is_outside"] else "8 tasks in a row on one side of the centre"
    )
    side = "high" if row["value"] > row["centre"] else "low"
    said = (
        f"{words.usd(row['value'])} per complexity unit on {words.day(row['first_at'])}, {why} "
        f"({words.usd(row['lower'])} to {words.usd(row['upper'])}, centre {words.usd(row['centre'])})."
    )
    model = "a model without a name" if pd.isna(row["llm_model"]) else words.shorten(row["llm_model"], 60)
    return Alert(
        LOOK,
        f"{words.shorten(row['agent_role'], 60)} with {model}: cost is unusually {side}",
        said,
        anchors.get(row["llm_model"], "#models"),
    )


def _warn_of_intervals(found: Accuracy) -> list[Alert]:
    if found.refusal:
        return []
    said = []
    if found.factor > WIDEST:
        words_wide = f"The last 10 intervals of 70 % span a factor of {found.factor:.1f} (median upper / lower end)."
        said.append(
            Alert(
                LOOK, "Estimates: intervals are too wide to plan with", f"{words_wide} Split large tasks.", "#estimates"
            )
        )
    inside = found.inside[~pd.isna(found.inside)]
    if len(inside) >= 10:
        lower, upper = wilson(inside.sum(), len(inside))
        if upper < 0.7 or lower > 0.7:
            which = "too seldom" if upper < 0.7 else "more often than promised"
            share = f"{words.percent(inside.mean())} ({words.between(lower, upper)}, n = {len(inside)})"
            said.append(
                Alert(
                    LOOK,
                    f"Estimates: 70 % intervals hold {which}",
                    f"They held in {share} of the forecasts.",
                    "#estimates",
                )
            )
    return said


def _warn_of_unpriced(facts: Facts) -> list[Alert]:
    unpriced = facts.unpriced
    if not len(unpriced):
        return []
    rows = unpriced[:5].to_dict("records")
    named = [f"{words.shorten(row['llm_model'], 40)} ({row['executions']})" for row in rows]
    more = f" and {len(unpriced) - 5} more models" if len(unpriced) > 5 else ""
    total = words.count_noun(unpriced["executions"].sum(), "execution")
    said = f"By model: {', '.join(named)}{more}. Every sum of money is a lower bound until they are priced."
    return [Alert(KNOW, f"Cost unknown: {total}", said, "#models")]


def _warn_of_rejects(facts: Facts) -> list[Alert]:
    if not facts.rejected:
        return []
    title = f"Not loaded: {words.count_noun(facts.rejected, 'record')}"
    return [Alert(KNOW, title, "They were rejected. See why, and repair them, with: asp-analysis rejects")]
