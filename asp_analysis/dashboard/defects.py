"""Where defects come in and go out, what passes each phase, and of which types they are."""

from collections.abc import Hashable
from typing import Any

import pandas as pd

from asp_analysis.dashboard import svg, words
from asp_analysis.dashboard.facts import Facts
from asp_analysis.dashboard.parts import Figure, Note, Section, Table
from asp_analysis.intervals import wilson
from asp_analysis.quality import (
    Work,
    defect_pareto,
    flow_note,
    injection_matrix,
    phase_yields,
    removal_measures,
)

MOST_TYPES = 12
"""Defect types that are drawn."""


def build_defect_section(facts: Facts) -> Section:
    """Return the section on defects."""
    question = "Where do defects come from, where are they caught, and what passes by?"
    work = facts.work
    if not len(work.real_defects):
        missing = "No real defects are recorded. Load them with: asp-analysis load FILE --as defect_log"
        return Section(anchor="defects", title="Defects", question=question, missing=missing)
    remarks = [Note(text[0].upper() + text[1:] + ".") for text in (work.unfinished_note(), flow_note(work)) if text]
    tables = [_list_measures(work), *_list_reviews(facts.reviews)]
    parts = [*remarks, _draw_flow(work), _draw_types(work), _draw_yields(work), *tables]
    return Section(anchor="defects", title="Defects", question=question, parts=parts)


def _draw_flow(work: Work) -> Figure:
    matrix = injection_matrix(work)
    made, found = [str(name) for name in matrix.index], [str(name) for name in matrix.columns]
    is_narrow = len(made) > 4
    titles = [str(place + 1) for place in range(len(made))] if is_narrow else [words.shorten(name, 40) for name in made]
    cells = svg.Cells([words.shorten(name, 40) for name in found], titles, matrix.T.to_numpy(dtype=float).tolist())
    made_in, found_in = matrix.sum(axis=1), matrix.sum(axis=0)
    desc = (
        f"Most were made in {made_in.idxmax()} ({made_in.max()}) and found in {found_in.idxmax()} ({found_in.max()})."
    )
    drawn = svg.draw_heat_map("Defects by phase made and phase found", desc, cells)
    legend = f" Columns: {', '.join(f'{n + 1} {name}' for n, name in enumerate(made))}." if is_narrow else ""
    reading = f"Count of real defects, n = {int(matrix.to_numpy().sum())}; columns: made in, rows: found in.{legend}"
    title = "From where they were made to where they were found"
    return Figure(title=title, drawn=drawn, words=f"{reading} {desc}")


def _draw_yields(work: Work) -> Figure | Note:
    yields = phase_yields(work)
    present = yields["entering"] + yields["injected"]
    defined = yields[present > 0]
    if not len(defined):
        return Note("Yields are not defined: no phase of the order made or found a defect.")
    rows = [_build_yield_bar(row) for row in defined.to_dict("records")]
    desc = "; ".join(f"{row.label} {row.text}" for row in rows)
    title = "Share of the defects present that each phase removed"
    reading = (
        "Removed / (entering + made) with its 95 % interval (Wilson), in the order of phases; n = defects present."
    )
    keys = (("good", "appraisal"), ("bad", "failure"), ("one", "construction"), ("other", "other"))
    return Figure(title="Yield by phase", drawn=svg.draw_bars(title, desc, rows), words=reading, keys=keys)


def _build_yield_bar(row: dict[Hashable, Any]) -> svg.Bar:
    present, removed = int(row["entering"] + row["injected"]), int(row["removed"])
    lower, upper = wilson(removed, present) if 0 <= removed <= present else (0.0, 1.0)
    text = f"{words.percent(row['yield_share'])} ({words.between(lower, upper)}), n = {present}"
    color = {"appraisal": "good", "failure": "bad", "construction": "one"}.get(row["kind"], "other")
    return svg.Bar(
        label=words.shorten(row["agent_role"], 40),
        share=float(row["yield_share"]),
        text=text,
        class_=color,
        interval=(float(lower), float(upper)),
    )


def _draw_types(work: Work) -> Figure:
    pareto = defect_pareto(work)
    rows = [
        svg.Bar(
            label=words.shorten(row["defect_type"], 60),
            share=row["share"],
            text=f"{row['defects']}, {words.percent(row['share'])}" + _write_fix_cost(row["fix_cost_usd"]),
            mark=row["cumulative_share"],
        )
        for row in pareto[:MOST_TYPES].to_dict("records")
    ]
    total = int(pareto["defects"].sum())
    half = int((pareto["cumulative_share"] < 0.8).sum()) + 1
    desc = f"{words.count_noun(min(half, len(pareto)), 'type')} of {len(pareto)} make up 80 % of the {total} defects."
    drawn = svg.draw_bars("Defect types by count", desc, rows)
    cut = f" The first {MOST_TYPES} of {len(pareto)} types." if len(pareto) > MOST_TYPES else ""
    keys = (("one", "share of all"), ("target", "share of this and all above"))
    reading = f"{desc}{cut} Money is what the corrections took, as far as known."
    return Figure(title="Types (Pareto)", drawn=drawn, words=reading, keys=keys)


def _write_fix_cost(cost_usd: float) -> str:
    return f", {words.usd(cost_usd)}" if cost_usd > 0 else ""


def _list_measures(work: Work) -> Table:
    rows = []
    for row in removal_measures(work).to_dict("records"):
        write = words.percent if row["unit"] == "share of 1" else lambda value: words.number(value, 3)
        unit = "share" if row["unit"] == "share of 1" else row["unit"]
        whole = words.count(row["whole"]) if words.is_known(row["whole"]) else words.UNKNOWN
        value = write(row["value"])
        interval = words.between(row["lower"], row["upper"], write) or words.NOT_DEFINED
        rows.append(
            [row["measure"], value, interval, f"{words.count(row['part'])} of {whole}", unit, _name_state(row["note"])]
        )
    headers = ["Measure", "Value", "95 % interval", "n", "Unit", "State"]
    return Table(title="The process as PSP measures it", headers=headers, rows=rows)


def _name_state(note: str) -> str:
    return words.NOT_DEFINED if note.startswith("not defined") else "provisional" if note else "final"


def _list_reviews(reviews: pd.DataFrame) -> list[Table | Note]:
    if not len(reviews):
        return [Note("Review outcomes are not defined: no review flagged a defect and none escaped one.")]
    rows = [
        [
            words.shorten(row["agent_role"], 60),
            words.count(row["flagged"]),
            *(_write_rate(row, name) for name in ("true_positive", "false_positive")),
            words.count(row["escaped"]),
            _write_rate(row, "escape"),
        ]
        for row in reviews.to_dict("records")
    ]
    headers = ["Review", "Flagged (n)", "Confirmed", "Refuted", "Escaped (n)", "Escape rate"]
    reading = "Shares of what was flagged, and of real defects for the escape rate, with their 95 % Wilson interval."
    title = "Reviews: what they flag and what passes them"
    return [Table(title=title, headers=headers, rows=rows, words=reading, anchor="reviews")]


def _write_rate(row: dict[Hashable, Any], name: str) -> str:
    share = row[f"{name}_share"]
    if not words.is_known(share):
        return words.NOT_DEFINED
    return f"{words.percent(share)} ({words.between(row[f'{name}_lower'], row[f'{name}_upper'])})"


def find_escapes(reviews: pd.DataFrame, allowed: float = 0.05) -> pd.DataFrame:
    """Return the reviews whose escape rate is above what is allowed, by its lower 95 % Wilson limit."""
    return reviews[reviews["escape_lower"] > allowed].sort_values("escape_lower", ascending=False)
