"""Notebook 07: whether cost, time or quality change without anyone having decided so."""

from functools import partial

import numpy as np
import pandas as pd

from asp_analysis import charts, quality
from asp_analysis.findings.defect_paths import LOAD_DEFECTS, read
from asp_analysis.findings.finding import Finding, lack
from asp_analysis.quality import Work
from asp_analysis.session import Session
from asp_analysis.wording import write_day, write_factor, write_measure, write_name, write_noun, write_share

SIGNALS = ["is_outside", "is_run", "is_near_limit"]
FEWEST = 8
SIZED = (
    "Load costs per task, and sizes with `asp-analysis load FILE --as task_metadata --map estimated_size=COLUMN`; "
    "without sizes the "
    "cost of the whole task is charted."
)
TARGET = 0.80
"""Share of findings that a person should confirm."""

MOST_SMALL = 12


def chart_measure(work: Work, component: str) -> tuple[pd.DataFrame, bool]:
    """Return the control charts of a component, and whether they are per complexity unit.

    Where too few tasks have a size, the whole task is charted.
    """
    found = quality.cost_charts(work, component)
    if len(found):
        return found, True
    return quality.cost_charts(work, component, is_per_unit=False), False


def answer(session: Session) -> Finding:
    """Say whether the costs drift, and show the chart that signals most."""
    charts_, is_per_unit = chart_measure(read(session), "cost_usd")
    found = tell_signals(charts_, "cost_usd", is_per_unit)
    first = tell_first(charts_, "cost_usd", is_per_unit)
    return Finding(text=found.text, draw=first.draw)


def tell_signals(points: pd.DataFrame, component: str, is_per_unit: bool) -> Finding:
    """Say how many points signal, against what chance alone would raise."""
    what = "cost" if component == "cost_usd" else "time"
    if points.empty:
        return lack(
            f"No role with one model has {FEWEST} tasks of known {what}, so that nothing can be charted.", SIZED
        )
    signals, chance = int(points.is_signal.astype(bool).sum()), measure_false_alarms()
    expected = chance * len(points)
    groups = points.groupby(["agent_role", "llm_model"], dropna=False)
    more = (
        "about what chance alone raises" if signals <= expected + 2 * np.sqrt(expected) else "more than chance raises"
    )
    text = (
        f"**{write_noun(signals, 'point')}** of {len(points):,} in {write_noun(groups.ngroups, 'chart')} of {what} "
        f"signal; "
        f"chance alone would raise about {expected:.0f}. That is **{more}**."
    )
    text += _tell_correlated(groups.correlation.first())
    table = groups[[*SIGNALS, "is_signal"]].sum().astype(int).assign(tasks=groups.size()).reset_index()
    table["correlation"] = groups.correlation.first().to_numpy(float)
    table = table.sort_values(["is_signal", "tasks"], ascending=False, ignore_index=True)
    names = {"is_signal": "signals", "is_outside": "outside", "is_run": "runs", "is_near_limit": "near a limit"}
    columns = ["agent_role", "llm_model", "tasks", "is_signal", *SIGNALS, "correlation"]
    return Finding(text=text, table=table[columns].rename(columns=names))


def _tell_correlated(correlation: pd.Series) -> str:
    """Say in how many charts tasks are like the one before, so that errors of forecasts are charted."""
    count = int((correlation > 0).sum())
    if not count:
        return ""
    word = "charts tasks are" if count > 1 else "chart tasks are"
    return (
        f" In **{count:,}** {word} like the one before, which alone would raise alarms: charted there is what a "
        "forecast from the task before missed."
    )


def measure_false_alarms(points: int = 5_000, seed: int = 7) -> float:
    """Return the share of points that signal although nothing drifts: the rules on values of one bell curve."""
    still = quality.xmr_chart(np.random.default_rng(seed).normal(size=points)).signals
    return float(still[SIGNALS].any(axis=1).mean())


def tell_first(points: pd.DataFrame, component: str, is_per_unit: bool) -> Finding:
    """Show the chart that signals most, large."""
    if points.empty:
        return lack("There is no chart to show.", SIZED)
    role, model, rows = _rank(points)[0]
    scale = 1000.0 if component == "latency_ms" else 1.0
    shown = rows.copy()
    shown[["value", "centre", "lower", "upper"]] /= scale
    unit = "USD" if component == "cost_usd" else "seconds"
    label = f"{unit} per complexity unit" if is_per_unit else f"{unit} per task"
    count = int(rows.is_signal.astype(bool).sum())
    centre = float(np.exp(np.log(rows.centre.astype(float)).mean()))
    per = " per complexity unit" if is_per_unit else " per task"
    text = (
        f"**{write_name(role)}** with {write_name(model)}: {write_noun(count, 'signal')} in "
        f"{write_noun(len(rows), 'task')}. "
        f"Its centre is {write_measure(component, centre)}{per}."
    )
    if rows.correlation.iloc[0] > 0:
        text += f" It moves, because neighbours are alike (correlation {rows.correlation.iloc[0]:.2f})."
    return Finding(
        text=text,
        draw=partial(
            charts.plot_control_chart,
            shown,
            title=f"{role}: {write_noun(count, 'signal')} in {write_noun(len(rows), 'task')}",
            label=label,
        ),
        reading="The limits come from the step between one task and the next. A drift would be a level that moves and "
        "stays; a single point is a reason to look, not a finding.",
    )


def tell_overview(points: pd.DataFrame, component: str, is_per_unit: bool) -> Finding:
    """Show the other charts small, those that signal first."""
    ranked = _rank(points)[1:] if len(points) else []
    if not ranked:
        return lack("There is no further chart.", "")
    shown = pd.concat([rows for _, _, rows in ranked[:MOST_SMALL]], ignore_index=True)
    if component == "latency_ms":
        shown[["value", "centre", "lower", "upper"]] /= 1000
    unit = "USD" if component == "cost_usd" else "s"
    text = f"The other {write_noun(len(ranked), 'chart')}, those with signals first."
    if len(ranked) > MOST_SMALL:
        text = f"The next {MOST_SMALL} of {len(ranked):,} other charts, those with signals first."
    label = f"{unit} per unit" if is_per_unit else f"{unit} per task"
    title = f"{write_noun(int(shown.is_signal.astype(bool).sum()), 'signal')} in {len(shown):,} points"
    return Finding(text=text, draw=partial(charts.plot_control_charts, shown, title=title, label=label))


def list_signals(points: pd.DataFrame, component: str) -> Finding:
    """List the points that signal, and by which rule."""
    found = points[points.is_signal.astype(bool)] if len(points) else points
    if found.empty:
        return Finding(text="No point signals." if len(points) else f"There is no chart to signal. {SIZED}")
    suffix = "_usd" if component == "cost_usd" else "_ms"
    table = found.assign(times_the_centre=(found.value / found.centre).astype(float))
    table = table.rename(columns={"value": f"value{suffix}", "centre": f"centre{suffix}"})
    columns = ["task_id", "agent_role", "first_at", f"value{suffix}", f"centre{suffix}", "times_the_centre", *SIGNALS]
    far = table.loc[(np.log(table.times_the_centre)).abs().idxmax()]
    text = (
        f"**{write_noun(len(found), 'point')}**. The farthest is {write_name(far.task_id)} at "
        f"{write_factor(far.times_the_centre)} "
        "the usual amount."
    )
    return Finding(text=text, table=table[columns].reset_index(drop=True))


def tell_densities(work: Work) -> Finding:
    """Say whether defects get more frequent: a u chart per role and model."""
    densities = quality.density_charts(work)
    if densities.empty:
        return lack("No role with one model made defects in three weeks of tasks with a known size.", LOAD_DEFECTS)
    groups = densities.groupby(["agent_role", "llm_model"], dropna=False)
    outside = int(densities.is_outside.sum())
    text = (
        f"**{write_noun(outside, 'week')}** of {len(densities):,} in {write_noun(groups.ngroups, 'chart')} "
        f"{'is' if outside == 1 else 'are'} outside the limits."
    )
    table = groups.agg(weeks=("tasks", "size"), defects=("defects", "sum"), outside=("is_outside", "sum"))
    table = table.reset_index().sort_values(["outside", "defects"], ascending=False, ignore_index=True)
    role, model = table.agent_role[0], table.llm_model[0]
    rows = densities[
        (densities.agent_role == role) & (densities.llm_model.eq(model) | (densities.llm_model.isna() & pd.isna(model)))
    ]
    title = f"{role}: {100 * rows.centre.iloc[0]:.2g} defects per 100 complexity units on average"
    return Finding(
        text=text,
        table=table,
        draw=partial(charts.plot_u_chart, rows.reset_index(drop=True), title=title),
        reading="The limits follow from the count itself and are wide in a week in which little was made. A lower "
        "limit "
        "of zero means that the chart could not show an improvement.",
    )


def find_findings(work: Work) -> pd.DataFrame:
    """Return the findings of the reviewing agent with the most of them, in time order."""
    flagged = work.defects[work.defects.is_flagged_by_agent.astype(bool) & work.defects.found_at.notna()]
    if flagged.empty:
        return flagged
    return flagged.sort_values(["found_at", "defect_id"], ignore_index=True)


def tell_confirmed(work: Work) -> Finding:
    """Say whether the reviewers' findings are confirmed less often over time, with a CUSUM."""
    findings = find_findings(work)
    if findings.empty:
        return lack("No finding of a reviewing agent is recorded.", LOAD_DEFECTS)
    confirmed = findings.is_validated_by_human.astype(float)
    months = findings.assign(month=findings.found_at.dt.strftime("%Y-%m"), confirmed=confirmed).groupby("month")
    table = months.confirmed.agg(["size", "sum", "mean"]).reset_index()
    table = table.set_axis(["month", "findings", "confirmed", "confirmed_share"], axis=1)
    distance = (confirmed - TARGET) / np.sqrt(TARGET * (1 - TARGET))
    sums = quality.cusum(distance).assign(case_at=findings.found_at)
    passed = sums[sums.is_low]
    text = f"**{write_share(confirmed.mean())}** of {write_noun(len(findings), 'finding')} were confirmed."
    if len(passed):
        text += (
            f" The sum of falls passes its limit at finding **{passed.index[0] + 1:,}** of {len(sums):,}, on "
            f"{write_day(passed.case_at.iloc[0])}: the share falls."
        )
        title = f"The share of confirmed findings falls: beyond the limit on {write_day(passed.case_at.iloc[0])}"
    else:
        text += " The sum of falls stays within its limit: no lasting fall below the target is seen."
        title = "No lasting fall of the share of confirmed findings"
    return Finding(
        text=text,
        table=table,
        draw=partial(charts.plot_cusum, sums, title=title),
        reading=f"The target is {write_share(TARGET)}. Each refuted finding adds to the sum of falls, each "
        f"confirmed one "
        "takes away, and what is only chance falls back to zero.",
    )


def _rank(points: pd.DataFrame) -> list[tuple[object, object, pd.DataFrame]]:
    """Return the charts, those with the most signals for their length first: role, model, points."""
    found = [
        (role, model, rows.reset_index(drop=True))
        for (role, model), rows in points.groupby(["agent_role", "llm_model"], dropna=False, sort=True)
    ]
    return sorted(found, key=lambda one: (-int(one[2].is_signal.astype(bool).sum()), -len(one[2])))
