"""Which kinds of work may be done alone: evidence by kind, block and third of size, the promise, and the policy."""

from collections.abc import Hashable
from typing import Any

import pandas as pd

from asp_analysis.dashboard import svg, words
from asp_analysis.dashboard.facts import Facts
from asp_analysis.dashboard.parts import Figure, Note, Part, Row, Section, SortedCell, Table
from asp_analysis.learning.discoveries import CellReport
from asp_analysis.learning.permissions import POLICY_DAYS, make_policy
from asp_analysis.learning.usual_kinds import UsualKinds
from asp_analysis.wording import write_day

MOST_DRAWN = 12
"""Kinds of work that are drawn and listed, those with most cases."""


def build_kinds_section(facts: Facts) -> Section:
    """Return the section on kinds of work."""
    question = (
        "Which kinds of work may be done alone? Judged by how tasks ended, with evidence that stays valid however "
        "often one looks."
    )
    title, anchor, found = "Kinds of work", "kinds", facts.kinds
    if isinstance(found, str):
        return Section(anchor=anchor, title=title, question=question, missing=found)
    report = found.report
    parts: list[Part] = [_draw_evidence(report, found.by), _list_kinds(report, found.by)]
    if len(report.thirds):
        parts.append(_list_thirds(report, found.by))
    parts += [_list_power(report), Note(f"What this promises: {report.promise} {' '.join(report.notes)}".strip())]
    return Section(anchor=anchor, title=title, question=question, parts=[*parts, _tell_policy(found)])


def name_kind(row: dict[Hashable, Any], by: tuple[str, ...]) -> str:
    """Return the name of a kind of work."""
    return words.shorten(" / ".join(str(row[column]) for column in by), 60)


def _draw_evidence(report: CellReport, by: tuple[str, ...]) -> Figure:
    rows = [_draw_kind(row, name_kind(row, by)) for row in report.table[:MOST_DRAWN].to_dict("records")]
    desc = "; ".join(f"{row.label}: {row.text}" for row in rows)
    reading = (
        "Bar: share of counted cases that ended well. The whisker ends at the lower 95 % bound that holds at all "
        "looks; the tick is the target. A kind of work may be done alone when its evidence is enough among all that "
        "are judged."
    )
    return Figure(title="Success by kind of work", drawn=svg.draw_bars("Success by kind", desc, rows), words=reading)


def _draw_kind(row: dict[Hashable, Any], name: str) -> svg.Bar:
    cases, value, lower = int(row["cases"]), row["value"], row["lower_bound"]
    if not cases:
        return svg.Bar(label=name, share=0.0, text="no counted case", mark=row["target"])
    return svg.Bar(
        label=name,
        share=float(value),
        text=f"{words.percent(value)} of {words.count_noun(cases, 'case')}",
        class_="good" if row["alone_on"] else "one",
        interval=(float(lower), float(value)),
        mark=float(row["target"]),
    )


def _list_kinds(report: CellReport, by: tuple[str, ...]) -> Table:
    rows = [
        Row(cells=_write_kind(row, name_kind(row, by)), anchor=f"kind-{place}")
        for place, row in enumerate(report.table[:MOST_DRAWN].to_dict("records"))
    ]
    left = len(report.table) - len(rows)
    cut = f" {words.count_noun(left, 'kind')} of work with fewer cases are not listed." if left else ""
    reading = (
        "Evidence: what a fair bet of 1 against “at most the target” would have become, of what it must reach. Cases "
        "of one block (a session, an epic, else a day) may be alike; they are worth so many independent ones."
        f"{cut}"
    )
    return Table(
        title="Who may do what alone",
        headers=["Kind of work", "May", "Cases", "Blocks", "Worth", "At least", "Target", "Evidence", "Lacks"],
        rows=rows,
        words=reading,
        anchor="kinds-table",
    )


def _write_kind(row: dict[Hashable, Any], name: str) -> list[str | SortedCell]:
    may = f"alone: {row['alone_on']}" if row["alone_on"] else "next to a person" if row["mode"] != "Learning" else ""
    waiting = f" (+{int(row['waiting'])} waiting)" if row["waiting"] else ""
    evidence = f"{_write_e(row['e_value'])} of {_write_e(row['e_value_needed'])}"
    return [
        name,
        may or "checked",
        SortedCell(f"{words.count(row['cases'])}{waiting}", row["cases"]),
        SortedCell(words.count(row["blocks"]), row["blocks"]),
        SortedCell(words.number(row["cases_worth"], 0, "0"), row["cases_worth"]),
        SortedCell(words.percent(row["lower_bound"], "no case"), row["lower_bound"]),
        SortedCell(words.percent(row["target"]), row["target"]),
        SortedCell(evidence, row["e_value"]),
        row["missing"] or "nothing",
    ]


def _write_e(value: Any) -> str:
    return f"{value:,.1f}" if value < 100 else words.short_count(value)


def _list_thirds(report: CellReport, by: tuple[str, ...]) -> Table:
    rows: list[list[str | SortedCell]] = [
        [
            name_kind(row, by),
            f"{row['third']}, up to {row['size_at_most']:g}",
            SortedCell(words.count(row["cases"]), row["cases"]),
            SortedCell(words.percent(row["value"], "no case"), row["value"]),
            SortedCell(words.percent(row["lower_bound"], "no case"), row["lower_bound"]),
            SortedCell(f"{_write_e(row['e_value'])} of {_write_e(row['e_value_needed'])}", row["e_value"]),
        ]
        for row in _choose_thirds(report, by).to_dict("records")
    ]
    return Table(
        title="The same by size",
        headers=["Kind of work", "Third of size", "Cases", "Ended well", "At least", "Evidence for it alone"],
        rows=[Row(cells=row) for row in rows],
        words="Easy tasks cannot outvote hard ones: each third counts alike, and autonomy may be granted on one alone.",
        names=2,
    )


def _choose_thirds(report: CellReport, by: tuple[str, ...]) -> pd.DataFrame:
    listed = report.table[:MOST_DRAWN][[*by]]
    return report.thirds.merge(listed, on=[*by], how="inner")


def _list_power(report: CellReport) -> Table:
    rows: list[list[str | SortedCell]] = [
        [
            words.percent(row["true_rate"]),
            SortedCell(_write_cases(row["cases_half"]), row["cases_half"]),
            SortedCell(_write_cases(row["cases_most"]), row["cases_most"]),
            SortedCell(words.number(row["weeks_most"], 0, "unknown"), row["weeks_most"]),
        ]
        for row in report.power.to_dict("records")
    ]
    return Table(
        title="How long it takes",
        headers=["Right in", "Half have shown it after (cases)", "Four of five after (cases)", "Weeks at this pace"],
        rows=[Row(cells=row) for row in rows],
        words="Simulated agents of a kind of work whose cases come as alike and as often as here.",
    )


def _write_cases(cases: Any) -> str:
    return words.count(cases) if words.is_known(cases) else "more than 3,000"


def _tell_policy(found: UsualKinds) -> Note:
    policy = make_policy(found.report, found.by, found.source, POLICY_DAYS)
    alone = [kind for kind in policy["kinds"] if kind["may"] == "alone"]
    named = ", ".join(words.shorten(" / ".join(kind["who"].values()), 60) for kind in alone[:5])
    granted = f"grants {words.count_noun(len(alone), 'kind')} of work ({named})" if alone else "grants nothing"
    return Note(
        f"A policy of this evidence {granted} and expires on {write_day(policy['expires_at'])}; after that, and for "
        f"all that it does not name, work is {policy['otherwise']}. An orchestrator reads it from a file: "
        f"{found.command} --policy policy.json"
    )
