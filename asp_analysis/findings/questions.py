"""Notebook 04: the sentences next to your own questions in SQL."""

from functools import partial

import pandas as pd

from asp_analysis import charts
from asp_analysis.findings.defect_paths import LOAD_DEFECTS, tell_flow
from asp_analysis.findings.finding import Finding, lack
from asp_analysis.findings.overview import LOAD, NO_EXECUTIONS, TOTALS_SQL, tell_roles, tell_totals
from asp_analysis.session import Session
from asp_analysis.wording import write_list, write_name, write_noun, write_usd


def answer(session: Session) -> Finding:
    """Say how many views there are to ask, and what they hold."""
    views = session.views()
    marts = views.view[~views.view.str.startswith("stg_")]
    totals = session.sql(TOTALS_SQL)
    text = f"**{len(marts)}** views answer one kind of question each: {write_list(marts, len(marts))}."
    if not totals.executions[0]:
        return Finding(text=f"{text} {NO_EXECUTIONS} {LOAD}")
    return Finding(text=f"{text} {tell_totals(totals).text}", draw=tell_roles(session.view("role_costs")).draw)


def pick_most_used(names: pd.Series) -> str | None:
    """Return the name that occurs most often; None where there is none."""
    counts = names.dropna().value_counts()
    return str(counts.index[0]) if len(counts) else None


def tell_months(months: pd.DataFrame) -> Finding:
    """Say which month cost the most. months: month, cost_usd."""
    known = months.dropna(subset=["cost_usd"])
    if known.empty:
        return lack("No execution has a cost and a time.", LOAD)
    best = known.iloc[int(known["cost_usd"].to_numpy().argmax())]
    return Finding(text=f"**{best.month}** cost the most, **{write_usd(best.cost_usd)}**.", table=months)


def tell_unknown(counts: pd.DataFrame) -> Finding:
    """Say how many executions know which metric. counts: one row, executions and with_... columns."""
    row = counts.iloc[0]
    if not row.executions:
        return lack(NO_EXECUTIONS, LOAD)
    text = (
        f"Of **{write_noun(row.executions, 'execution')}** **{row.with_cost:,}** know their cost. A mean over a "
        f"column is a mean over what is known."
    )
    return Finding(text=text, table=counts)


def tell_groups(groups: pd.DataFrame) -> Finding:
    """Say whether large tasks have more defects for their size. groups: size_group, tasks, size, defects, ..."""
    known = groups[groups["size"] > 0]
    if len(known) < 2:
        return lack(
            "Fewer than two groups of completed tasks have a size.",
            "Load sizes with `asp-analysis load FILE --as task_metadata`.",
        )
    density = (100 * known.defects / known["size"]).set_axis(known.size_group)
    parts = [f"**{value:.2f}** in {write_name(name)} tasks" for name, value in density.items()]
    return Finding(text=f"Defects per hundred complexity units: {' and '.join(parts)}.", table=groups)


def tell_defect_flow(flow: pd.DataFrame) -> Finding:
    """Show where defects are made and found. flow: the view `defect_flow`."""
    return tell_flow(flow)


def tell_phases(phases: pd.DataFrame) -> Finding:
    """Say what it costs to find a defect late. phases: phase_removed, removed_order, removed_kind, defects, ..."""
    if phases.empty:
        return lack("No defects are recorded here.", LOAD_DEFECTS)
    most = phases.iloc[int(phases["defects"].to_numpy().argmax())]
    text = f"**{write_name(most.phase_removed)}** found most of them, **{most.defects:,}**."
    columns = ["phase_removed", "removed_kind", "defects", "median_fix_cost_usd"]
    is_known = phases.median_fix_cost_usd.notna().any()
    plot = charts.plot_fix_cost_by_phase if is_known else charts.plot_defects_by_phase
    title = "Median cost of one correction" if is_known else f"{write_name(most.phase_removed)} found most defects"
    return Finding(text=text, table=phases[columns], draw=partial(plot, phases, title=title))
