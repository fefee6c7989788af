"""Why one period cost more than another: the change in terms that add up, who and what moved, and if it matters."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from html import escape

import numpy as np
import pandas as pd

from asp_analysis.comparisons.spend_history import ORDINARY, Scatter, judge_scatter
from asp_analysis.comparisons.spend_reading import SpendQuestion, SpendReading
from asp_analysis.effects.spend_terms import (
    MAIN_CALLS,
    PERIOD_PAIR,
    REWORK,
    SUB_AGENTS,
    TERMS,
    WITHOUT_TASK,
    SpendTerms,
    divide_change,
)
from asp_analysis.effects.token_weights import PRICED_TOKENS, find_weights
from asp_analysis.errors import InputError
from asp_analysis.periods import Period, find_last_week
from asp_analysis.session import Session
from asp_analysis.time_zones import check_time_zone
from asp_analysis.wording import write_factor, write_html_list, write_noun, write_usd, write_usd_change


@dataclass(frozen=True, kw_only=True)
class SpendChange:
    """The answer.

    terms: term, change_usd, factor, before, after, unit, meaning, the largest first; the changes add up to
    `change_usd`. movers: by, name, before_usd, after_usd, change_usd. models: llm_model, before_usd, after_usd,
    change_usd, before_calls_share, after_calls_share. remarks: what is left out, and what to bear in mind.
    """

    before: Period
    after: Period
    before_usd: float
    after_usd: float
    terms: pd.DataFrame
    movers: pd.DataFrame
    models: pd.DataFrame
    scatter: Scatter
    remarks: Sequence[str] = field(default_factory=tuple)

    @property
    def change_usd(self) -> float:
        """How much more the later period cost [USD]."""
        return self.after_usd - self.before_usd

    @property
    def is_ordinary(self) -> bool:
        """The control chart says that the difference is ordinary scatter."""
        return self.scatter.verdict == ORDINARY

    @property
    def answer(self) -> str:
        """The answer in a sentence or three."""
        if not (self.before_usd or self.after_usd):
            return f"Neither {self.before} nor {self.after} has an execution with a known cost."
        parts = [_compare(self), self.scatter.why]
        causes = [row for row in self.terms.to_dict("records") if row["change_usd"] * self.change_usd > 0][:2]
        if causes:
            named = " and ".join(f"{row['term']} ({write_usd_change(row['change_usd'])})" for row in causes)
            parts.append(f"The largest causes: {named}." if len(causes) > 1 else f"The cause: {named}.")
        return " ".join(parts)

    def _repr_html_(self) -> str:
        tables = "".join(frame.to_html(index=False, na_rep="") for frame in (self.terms, self.movers) if len(frame))
        return f"<p>{escape(self.answer)}</p>{tables}{write_html_list(self.remarks)}"


def explain_spend(session: Session, question: SpendQuestion | None = None) -> SpendChange:
    """Divide the change of known spend between two periods into causes.

    Raises:
        InputError: a period, a name or the time zone cannot be read, or the periods overlap.
        StoreError: the store cannot be read.
    """
    question = question or SpendQuestion()
    if question.zone is not None:
        check_time_zone(question.zone)
    reading = SpendReading(session, question)
    before, after = choose_periods(question, reading.find_newest_day())
    reading.set_periods(before, after)
    counts = reading.count()
    cells = reading.read("spend_cells")
    tasks = dict(zip(PERIOD_PAIR, counts["tasks"].astype(int), strict=True))
    spend = divide_change(cells, tasks, find_weights(reading.read_products()))
    days = reading.read_days()
    return SpendChange(
        before=before,
        after=after,
        before_usd=spend.before_usd,
        after_usd=spend.after_usd,
        terms=_describe_terms(spend, cells, tasks),
        movers=reading.list_movers(),
        models=_list_model_changes(cells),
        scatter=judge_scatter(days, before, after),
        remarks=[*_list_remarks(counts, cells, before, after), *_say_record(days, cells)],
    )


def choose_periods(question: SpendQuestion, newest: date) -> tuple[Period, Period]:
    """Return the earlier and the later period; where one is not said it is the one next to the other.

    Raises:
        InputError: one cannot be read, or they overlap.
    """
    after = None if question.after is None else Period.read(question.after, newest)
    before = None if question.before is None else Period.read(question.before, newest)
    if after is None:
        after = find_last_week(newest) if before is None else before.after
    if before is None:
        before = after.before
    if before.overlaps(after):
        raise InputError(f"The periods {before} and {after} overlap. Choose two that have no day in common.")
    return before, after


# --- what is said of the terms ----------------------------------------------------------------------------------------


def _describe_terms(spend: SpendTerms, cells: pd.DataFrame, tasks: dict[str, int]) -> pd.DataFrame:
    """Add before, after and unit of the quantity that each term is about; empty where it is no single number."""
    found = {period: _measure_drivers(cells[cells["period"] == period], tasks[period]) for period in PERIOD_PAIR}
    terms = spend.terms[(spend.terms["change_usd"] != 0.0) | spend.terms["term"].isin(["tasks", "calls per task"])]
    return terms.assign(
        before=[found["before"].get(term, np.nan) for term in terms["term"]],
        after=[found["after"].get(term, np.nan) for term in terms["term"]],
        unit=[_UNIT_OF_TERM.get(term, "") for term in terms["term"]],
        meaning=[TERMS[term] for term in terms["term"]],
    ).reset_index(drop=True)


_UNIT_OF_TERM = {
    "tasks": "count",
    "calls per task": "calls",
    "retries and rework": "calls per task",
    "sub-agents": "calls per task",
    "calls without a task": "calls",
    "context per call": "tokens",
    "cache hits": "share of input read from a cache",
    "output per call": "tokens",
    "calls without tokens": "USD per such call",
}


def _measure_drivers(cells: pd.DataFrame, tasks: int) -> dict[str, float]:
    calls = cells.groupby("kind")["calls"].sum()
    known, unknown = cells[cells["has_tokens"]], cells[~cells["has_tokens"]]
    inputs = known[list(PRICED_TOKENS[:3])].to_numpy(dtype=float).sum()
    return {
        "tasks": float(tasks),
        "calls per task": _ratio(calls.get(MAIN_CALLS, 0), tasks),
        "retries and rework": _ratio(calls.get(REWORK, 0), tasks),
        "sub-agents": _ratio(calls.get(SUB_AGENTS, 0), tasks),
        "calls without a task": float(calls.get(WITHOUT_TASK, 0)),
        "context per call": _ratio(inputs, known["calls"].sum()),
        "cache hits": _ratio(known["tokens_cache_read"].sum(), inputs),
        "output per call": _ratio(known["tokens_out"].sum(), known["calls"].sum()),
        "calls without tokens": _ratio(unknown["cost_usd"].sum(), unknown["calls"].sum()),
    }


def _ratio(part: float, whole: float) -> float:
    return float(part) / float(whole) if whole else float("nan")


def _list_model_changes(cells: pd.DataFrame) -> pd.DataFrame:
    named = cells.assign(llm_model=cells["llm_model"].astype(object).fillna("(not named)"))
    sums = named.groupby(["llm_model", "period"])[["calls", "cost_usd"]].sum().astype(float).unstack(fill_value=0.0)
    frame = pd.DataFrame(index=sums.index)
    for period in PERIOD_PAIR:
        frame[f"{period}_usd"] = sums.get(("cost_usd", period), 0.0)
        calls = sums.get(("calls", period), pd.Series(0.0, sums.index))
        frame[f"{period}_calls_share"] = calls / calls.sum() if calls.sum() else np.nan
    frame["change_usd"] = frame["after_usd"] - frame["before_usd"]
    order = frame["change_usd"].abs().sort_values(ascending=False, kind="stable").index
    return frame.loc[order].rename_axis("llm_model").reset_index()


def _list_remarks(counts: pd.DataFrame, cells: pd.DataFrame, before: Period, after: Period) -> list[str]:
    remarks = []
    missing, executions = counts["executions_without_cost"], counts["executions"]
    if missing.sum():
        remarks.append(
            "Executions without a known cost are in no term: "
            f"{missing['before']:,.0f} of {executions['before']:,.0f} in {before}, "
            f"{missing['after']:,.0f} of {executions['after']:,.0f} in {after}. "
            "Their prices: asp-analysis models --unpriced"
        )
    if before.days != after.days:
        remarks.append(f"The periods have {before.days} and {after.days} days; nothing is scaled to equal lengths.")
    if len(cells) and not counts["executions_with_cache"].sum():
        remarks.append("No call says what it read from a cache, so that all input counts as fresh.")
    calls = cells.groupby("has_tokens")["calls"].sum()
    if calls.get(False, 0):
        remarks.append(
            f"{write_noun(calls[False], 'call')} of {cells['calls'].sum():,.0f} have a cost and no tokens: what one of "
            "them costs is not divided further."
        )
    return remarks


def _say_record(days: pd.DataFrame, cells: pd.DataFrame) -> list[str]:
    """Say where there is spend, where neither period has any."""
    if len(cells):
        return []
    if days.empty:
        return ["No execution here has a known cost. Load some with: asp-analysis load FILE"]
    first, last = days["day"].min(), days["day"].max()
    return [f"Known spend is from {first:%Y-%m-%d} to {last:%Y-%m-%d}. Choose two periods of that time."]


def _compare(change: SpendChange) -> str:
    if not (change.before_usd and change.after_usd):
        empty, other = (change.before, change.after) if not change.before_usd else (change.after, change.before)
        return f"{other} cost {write_usd(change.before_usd or change.after_usd)}; {empty} has no known spend."
    factor = change.after_usd / change.before_usd
    word = "more" if change.change_usd >= 0 else "less"
    return (
        f"{change.after} cost {write_usd(change.after_usd)}, {write_usd(abs(change.change_usd))} {word} than "
        f"{change.before} ({write_usd(change.before_usd)}): {write_factor(factor)} as much."
    )
