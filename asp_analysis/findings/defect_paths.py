"""Notebook 06: where defects come from, what removes them, and what that costs."""

from dataclasses import replace
from functools import partial
from typing import Any

import pandas as pd

from asp_analysis import charts, quality
from asp_analysis.errors import EstimationRefusal
from asp_analysis.findings.finding import Finding, lack, set_height
from asp_analysis.intervals import wilson
from asp_analysis.learning import error_prone_areas
from asp_analysis.learning.prediction import predict_open_tasks, rolling_type_forecasts
from asp_analysis.quality import Work
from asp_analysis.session import Session
from asp_analysis.wording import (
    write_factor,
    write_list,
    write_name,
    write_noun,
    write_share,
    write_usd,
)

NO_DEFECTS = "No defects are recorded here."
LOAD_DEFECTS = (
    "Load them with `asp-analysis load FILE --as defect_log`; `database/README.md` lists the columns and types."
)
COMPONENTS = {"latency_ms": "time", "tokens": "tokens", "cost_usd": "dollars"}
MOST_BARS = 25


def read(session: Session) -> Work:
    """Read the four views that quality is computed from."""
    return Work.read(session.view)


def answer(session: Session) -> Finding:
    """Say how many defects there are, which share reviews found, and where they come from."""
    work = read(session)
    flow = tell_flow(session.view("defect_flow"))
    return Finding(
        text=f"{tell_amount(work).text} {flow.text}" if flow.draw else tell_amount(work).text, draw=flow.draw
    )


def tell_amount(work: Work) -> Finding:
    """Say how many findings there are, and how many of them were false alarms."""
    if not len(work.defects):
        return lack(NO_DEFECTS, LOAD_DEFECTS)
    real, alarms = len(work.real_defects), int(work.defects.is_false_positive.sum())
    text = f"**{write_noun(real, 'defect')}** {'is' if real == 1 else 'are'} recorded"
    text += f", and {write_noun(alarms, 'finding')} that a person refuted." if alarms else "."
    note = work.unfinished_note()
    return Finding(text=f"{text} They are {note}." if note else text)


def tell_flow(flow: pd.DataFrame) -> Finding:
    """Say which phases made and found the defects. flow: the view `defect_flow`."""
    if flow.empty:
        return lack(NO_DEFECTS, LOAD_DEFECTS)
    made = flow.groupby("phase_injected").defects.sum().sort_values(ascending=False)
    total, in_review = int(flow.defects.sum()), int(flow.defects[flow.removed_kind == "appraisal"].sum())
    text = (
        f"**{write_name(made.index[0])}** made most of them (**{write_share(made.iloc[0] / total)}**), and "
        f"reviews found "
    )
    text += f"**{write_share(in_review / total)}**."
    columns = ["phase_injected", "phase_removed", "defects", "median_fix_cost_usd"]
    return Finding(
        text=text,
        table=flow.sort_values("defects", ascending=False)[columns].reset_index(drop=True),
        draw=partial(charts.plot_defect_flow, flow, title=f"Reviews found {in_review:,} of {total:,} defects"),
        reading="Rows are the phases that made the defects, columns those that found them. What is far to the right in "
        "its row was found late.",
    )


def tell_yields(work: Work) -> Finding:
    """Say which share of the defects that were there each phase removed."""
    if not len(work.real_defects):
        return lack(NO_DEFECTS, LOAD_DEFECTS)
    yields = quality.phase_yields(work)
    yields["present"] = yields.entering + yields.injected
    ends = [
        wilson(removed, present) if present > 0 else (float("nan"), float("nan"))
        for removed, present in zip(yields["removed"].astype(float), yields["present"].astype(float), strict=True)
    ]
    yields = yields.assign(lower=[float(low) for low, _ in ends], upper=[float(high) for _, high in ends])
    found = yields[(yields.removed > 0) & yields.yield_share.notna()]
    if found.empty:
        return lack("No phase that has a place in the order removed a defect, so that there is no yield.", LOAD_DEFECTS)
    best = found[found.kind == "appraisal"].sort_values("present", ascending=False)
    first = best.iloc[0] if len(best) else found.sort_values("present", ascending=False).iloc[0]
    text = (
        f"{write_name(first.agent_role)} removed **{write_share(first.yield_share)}** of the "
        f"{write_noun(first.present, 'defect')} that it met (with 95 % confidence {write_share(first.lower)} to "
        f"{write_share(first.upper)})."
    )
    left_out = quality.flow_note(work)
    columns = ["agent_role", "present", "removed", "yield_share", "removed_per_hour", "drl"]
    return Finding(
        text=f"{text} Some are {left_out}." if left_out else text,
        table=found[columns].reset_index(drop=True),
        draw=partial(charts.plot_phase_yields, found, title="Share of the defects present that each phase removed"),
        reading="A long bar is a yield over few defects. The last phases look best because nothing is left that "
        "could be "
        "found later.",
    )


def tell_process(work: Work) -> Finding:
    """Say how much the whole process removed before the first failure phase."""
    measures = quality.removal_measures(work)
    known = measures[measures["value"].notna()]
    if not len(work.real_defects) or known.empty:
        return lack(NO_DEFECTS, LOAD_DEFECTS)
    by_name = known.set_index("measure")
    parts = []
    for measure, row in by_name.iterrows():
        if row.unit == "share of 1":
            parts.append(
                f"{measure} **{write_share(row['value'])}** ({write_share(row.lower)} to {write_share(row.upper)})"
            )
        else:
            parts.append(f"**{100 * row['value']:.2g}** defects per 100 complexity units")
    names = {"value": "result", "lower": "lower", "upper": "upper"}
    table = known[["measure", "value", "lower", "upper", "part", "whole", "unit"]].rename(columns=names)
    return Finding(text=f"{'; '.join(parts)}.", table=table.reset_index(drop=True))


def tell_cost_of_quality(work: Work) -> Finding:
    """Say which part of the work goes into reviews and tests, by time, tokens and dollars."""
    costs = quality.cost_of_quality(work)
    bars = costs.assign(group=costs.component.map(COMPONENTS)).dropna(subset=["coq_share"])
    if bars.empty:
        return lack("No execution of a role with a kind has a known cost, time or tokens.", _ROLES)
    parts = [f"**{write_share(row.coq_share)}** of the {row.group}" for row in bars.itertuples()]
    text = f"Reviews and tests take {', '.join(parts)}."
    known = bars.dropna(subset=["afr"])
    if len(known):
        text += (
            f" The ratio of reviews to tests (A/FR) is "
            f"{', '.join(f'{r.afr:.1f} in {r.group}' for r in known.itertuples())}."
        )
    shares = [f"{kind}_share" for kind in ("construction", "overhead", "appraisal", "failure", "coq", "rework")]
    return Finding(
        text=text,
        table=bars[["group", *shares, "afr"]].reset_index(drop=True),
        draw=partial(_plot_cost_of_quality, bars, parts[0].replace("*", "") + " goes into quality"),
        reading="Dark blue builds the product; light blue (reviews) and red (tests) are spent to make it right. "
        "PSP's rule of thumb "
        "for A/FR, above 2, means time.",
    )


def tell_cost_by_month(work: Work, component: str = "latency_ms") -> Finding:
    """Say whether the cost of quality changes over time."""
    runs = work.runs.dropna(subset=["first_at"])
    parts = [
        quality.cost_of_quality(replace(work, runs=rows)).assign(group=str(month))
        for month, rows in runs.groupby(runs.first_at.dt.strftime("%Y-%m"))
    ]
    monthly = (
        pd.concat(parts).query("component == @component").dropna(subset=["coq_share"]) if parts else pd.DataFrame()
    )
    if len(monthly) < 2:
        return lack(
            f"Fewer than two months have a known {COMPONENTS[component]}, so that no change can be seen.", _ROLES
        )
    first, last = monthly.iloc[0], monthly.iloc[-1]
    text = (
        f"The cost of quality was **{write_share(first.coq_share)}** of the {COMPONENTS[component]} in "
        f"{first.group} and "
        f"**{write_share(last.coq_share)}** in {last.group}."
    )
    columns = ["group", "appraisal_share", "failure_share", "coq_share", "afr"]
    return Finding(
        text=text,
        table=monthly[columns].reset_index(drop=True),
        draw=partial(
            _plot_cost_of_quality, monthly.tail(12), f"The {COMPONENTS[component]} of each month by kind of work"
        ),
        reading="Less review and more test is the expensive direction. The last month may not be complete.",
    )


def tell_reviews(work: Work) -> Finding:
    """Say how good the reviews are: what they flag, what is confirmed, what escapes."""
    reviews = quality.review_effectiveness(work)
    if reviews.empty:
        return lack(
            "No finding of a reviewing agent is recorded.",
            "Load defects with `is_flagged_by_agent` and `is_validated_by_human`: "
            + LOAD_DEFECTS[0].lower()
            + LOAD_DEFECTS[1:],
        )
    flagged, confirmed = int(reviews.flagged.sum()), int(reviews.confirmed.sum())
    most = reviews.sort_values("flagged", ascending=False).iloc[0]
    text = f"Reviews flagged **{write_noun(flagged, 'finding')}**, of which **{confirmed:,}** were confirmed."
    if most.flagged:
        text += (
            f" {write_name(most.agent_role)} is right in **{write_share(most.true_positive_share)}** of its "
            f"{most.flagged:,} (with 95 % confidence {write_share(most.true_positive_lower)} to "
            f"{write_share(most.true_positive_upper)})."
        )
    columns = ["agent_role", "flagged", "confirmed", "true_positive_share", "escaped", "escape_share"]
    title = f"{confirmed:,} of {flagged:,} findings were confirmed"
    return Finding(
        text=text,
        table=reviews[columns],
        draw=partial(charts.plot_review_effectiveness, reviews, title=title),
        reading="The fractions say how little evidence there is on some. One of one is a share of 100 % and no "
        "evidence.",
    )


def tell_review_types(work: Work, least: int = 5) -> Finding:
    """Say which types the reviewers judge worst."""
    reviews = quality.review_effectiveness(work, by_type=True)
    known = reviews[reviews.flagged >= least] if len(reviews) else reviews
    if known.empty:
        return lack(f"No reviewer flagged {least} findings of one type, too few to compare types.", "")
    known = known.sort_values(["true_positive_share", "agent_role", "defect_type"])
    first = known.iloc[0]
    text = (
        f"{write_name(first.agent_role)} judges **{write_name(first.defect_type)}** worst: {first.confirmed:,} of "
        f"{first.flagged:,} confirmed."
    )
    columns = ["agent_role", "defect_type", "flagged", "confirmed", "true_positive_share"]
    return Finding(text=text, table=known[columns].reset_index(drop=True))


def tell_fixes(work: Work) -> Finding:
    """Say what one correction costs, by the phase that found the defect."""
    fixes = quality.fix_costs(work)
    known = fixes[fixes.with_cost > 0]
    if known.empty:
        return lack("No correction has a known cost.", "Load `fix_cost_usd` or `fix_latency_ms` with the defects.")
    dear = known.dropna(subset=["relative"]).sort_values("relative")
    text = f"**{write_noun(known.with_cost.sum(), 'correction')}** have a known effort."
    if len(dear) > 1:
        last, first = dear.iloc[-1], known.iloc[0]
        text += (
            f" After {write_name(last.agent_role)} one costs **{write_factor(last.relative)}** as much as after "
            f"{write_name(first.agent_role)}, in the median."
        )
    columns = ["agent_role", "kind", "defects", "with_cost", "median_fix_cost_usd", "median_fix_latency_ms", "relative"]
    named = fixes.rename(
        columns={"agent_role": "phase_removed", "phase_order": "removed_order", "kind": "removed_kind"}
    )
    is_money = named.median_fix_cost_usd.notna().any()
    return Finding(
        text=text,
        table=known[columns].reset_index(drop=True),
        draw=partial(charts.plot_fix_cost_by_phase, named, title="What one correction cost, by the phase that found it")
        if is_money else None,
        reading="Bars over one or two defects say nothing by themselves. Hard defects may be both found late and "
        "expensive to correct." if is_money else "",
    )  # fmt: skip


def tell_types(work: Work) -> Finding:
    """Say which types bring most defects."""
    pareto = quality.defect_pareto(work)
    if pareto.empty:
        return lack(NO_DEFECTS, LOAD_DEFECTS)
    enough = int((pareto.cumulative_share < 0.8).sum()) + 1
    text = (
        f"**{write_name(pareto.defect_type.iloc[0])}** comes first with {write_share(pareto.share.iloc[0])}; "
        f"**{enough:,} of {len(pareto):,}** types make up four fifths of the defects."
    )
    columns = ["defect_type", "defects", "cumulative_share", "fix_cost_usd", "fix_cost_share"]
    title = f"{enough:,} of {len(pareto):,} types make up four fifths of the defects"
    return Finding(
        text=text,
        table=pareto[columns],
        draw=partial(charts.plot_defect_pareto, pareto.head(MOST_BARS), title=title),
        reading="Begin at the top: what helps against the first type reaches most defects.",
    )


def tell_areas(work: Work) -> Finding:
    """Say which components are error-prone, by the published rule and after shrinking."""
    try:
        areas = error_prone_areas(work.ended_tasks, work.defects, work.runs, "component")
    except EstimationRefusal as refused:
        return lack(
            str(refused).replace("_", "\\_"),
            "`asp-analysis load FILE --as task_metadata` takes `components_json` and sizes.",
        )
    if not areas.defects.sum():
        return lack("No defect belongs to a task with a size and a component.", LOAD_DEFECTS)
    risky = areas.area[areas.is_high_risk]
    published = int(areas.is_high_risk_published.sum())
    text = (
        f"**{write_noun(len(risky), 'component')}** of {len(areas):,} "
        f"{'stands out' if len(risky) == 1 else 'stand out'} after shrinking"
    )
    text += f": {write_list(risky)}" if len(risky) else ""
    text += f". The published rule flags {published:,}."
    columns = ["area", "defects", "size", "density", "shrunken_density", "lower", "upper", "is_high_risk"]
    shown = areas.head(MOST_BARS)
    title = f"{write_noun(len(risky), 'component')} of {len(areas):,} stand out after shrinking"
    return Finding(
        text=text,
        table=shown[columns].rename(columns={"is_high_risk": "high risk"}),
        draw=partial(_plot_areas, shown, title),
        reading="One defect in one small file passes the published rule easily, so small counts are pulled towards the "
        "rest. Where intervals overlap, the order is chance.",
    )


def tell_predictions(work: Work) -> Finding:
    """Say whether the types of a task's defects can be predicted, against the base rate."""
    if not len(work.real_defects):
        return lack(NO_DEFECTS, LOAD_DEFECTS)
    ended = work.tasks[work.tasks.status.isin(["completed", "failed"])].sort_values(["completed_at", "task_id"])
    found = rolling_type_forecasts(ended, work.defects.sort_values(["found_at", "defect_id"]), work.runs)
    text = f"The classifier is **{found.verdict.replace('%', ' %')}**." if len(found.cases) else (
        "There are **not enough defects to say** whether their types can be predicted: that takes twenty ended tasks."
    )  # fmt: skip
    if len(ended) == len(work.tasks) or work.real_defects.defect_type.nunique() < 2:
        return Finding(text=text)
    try:
        open_types = predict_open_tasks(work.tasks, work.defects, work.runs)
    except EstimationRefusal:
        return Finding(text=text)
    text += " For the open tasks it says:"
    return Finding(text=text, table=open_types.rename(columns={"probability": "probability_share"}))


def tell_accepted(work: Work) -> Finding:
    """Say what an accepted result costs, failed attempts included."""
    parts = [quality.accepted_costs(work)]
    if work.tasks.task_type.notna().any():
        parts.append(quality.accepted_costs(work, "task_type"))
    accepted = pd.concat(parts, ignore_index=True)
    whole = accepted.iloc[0]
    if pd.isna(whole.usd_per_accepted):
        return lack(
            "No completed task has a known cost together with what failed.",
            "`asp-analysis load FILE --as task_metadata --set status=completed` says how tasks ended.",
        )
    text = (
        f"**{write_usd(whole.usd_per_accepted)}** per accepted task, with "
        f"{write_noun(whole.failed, 'failed task')} paid for."
    )
    columns = ["group", "accepted", "failed", "usd_per_completed", "usd_per_accepted"]
    names = {"usd_per_completed": "per_completed_usd", "usd_per_accepted": "per_accepted_usd"}
    return Finding(text=text, table=accepted[columns].rename(columns=names))


_ROLES = (
    "Executions need a role that is listed (`asp-analysis load FILE --as agent_roles`), and a cost, a time or tokens."
)


def _plot_cost_of_quality(bars: pd.DataFrame, title: str) -> Any:
    return set_height(charts.plot_cost_of_quality(bars, title=title), 1.4 + 0.42 * len(bars))


def _plot_areas(areas: pd.DataFrame, title: str) -> Any:
    return set_height(charts.plot_error_prone_areas(areas, title=title), 1.6 + 0.3 * len(areas))
