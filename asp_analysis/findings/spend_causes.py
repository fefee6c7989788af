"""Notebook 13: why one period cost more than another."""

from functools import partial

import numpy as np
import pandas as pd

from asp_analysis import charts
from asp_analysis.comparisons.spend_change import SpendChange, explain_spend
from asp_analysis.comparisons.spend_reading import SpendQuestion
from asp_analysis.cost_groups import OF_ONE_PERSON
from asp_analysis.findings.finding import Finding, lack
from asp_analysis.findings.overview import LOAD, PRICE
from asp_analysis.session import Session
from asp_analysis.wording import write_list, write_name, write_share, write_usd, write_usd_change


def answer(session: Session, before: str | None = None, after: str | None = None) -> Finding:
    """Say why the later of two periods cost more or less, and show the way from one to the other."""
    change = explain_spend(session, SpendQuestion(before=before, after=after))
    found = tell_terms(change)
    return Finding(text=change.answer if found.draw else found.text, draw=found.draw)


def tell_terms(change: SpendChange) -> Finding:
    """Say which causes there are, with the way from one period to the other."""
    if not _has_spend(change):
        return lack(change.answer, f"{' '.join(change.remarks)}")
    terms = change.terms[change.terms["change_usd"] != 0.0]
    up, down = (terms["change_usd"].clip(lower=0).sum(), terms["change_usd"].clip(upper=0).sum())
    text = (
        f"What made it cost more adds up to **{write_usd(up)}**, what made it cost less to **{write_usd(-down)}**; "
        f"together they are the change of **{write_usd_change(change.change_usd)}**."
    )
    title = f"From {change.before} to {change.after}: {write_usd_change(change.change_usd)}"
    return Finding(
        text=text,
        table=change.terms.drop(columns="meaning"),
        draw=partial(charts.plot_spend_bridge, _make_bridge(change, terms), title=title),
        reading="A bar begins where the one above it ends: the last one ends at what the later period cost. The column "
        "factor says how many times as much the cause alone would have made of the spend.",
    )


_SMALLEST_BAR = 0.0005
"""Share of the larger spend below which a cause has no bar: nobody would see it."""


def _make_bridge(change: SpendChange, terms: pd.DataFrame) -> pd.DataFrame:
    terms = terms[terms["change_usd"].abs() > _SMALLEST_BAR * max(change.before_usd, change.after_usd)]
    rows = [(str(change.before), change.before_usd, "period")]
    rows += [(row["term"], row["change_usd"], "cause") for row in terms.to_dict("records")]
    rows += [(str(change.after), change.after_usd, "period")]
    return pd.DataFrame(rows, columns=["name", "cost_usd", "kind"])


def tell_scatter(change: SpendChange) -> Finding:
    """Say whether the difference is ordinary scatter, with both periods among those before them."""
    points = change.scatter.points
    if not _has_spend(change):
        return lack("There are no periods with spend to compare.", LOAD)
    shown = points.assign(
        is_compared=points["period"].isin([str(change.before), str(change.after)]),
        centre=change.scatter.centre,
        lower=change.scatter.lower,
        upper=change.scatter.upper,
    )
    title = f"{change.before} and {change.after}: {change.scatter.verdict}"
    if change.scatter.verdict == "not known":
        title = f"{change.before} and {change.after} next to earlier periods"
    return Finding(text=change.scatter.why, draw=partial(charts.plot_period_costs, shown, title=title))


def tell_movers(change: SpendChange) -> Finding:
    """Name the tasks, people and days whose costs changed most; people by their names alone, as nobody is ranked."""
    if change.movers.empty:
        return lack("No task, person or day with a known cost is in these periods.", PRICE)
    is_person = change.movers["by"].isin(OF_ONE_PERSON)
    largest = change.movers[~is_person].groupby("by", sort=False).first().reset_index()
    parts = [
        f"{row['by']} **{write_name(row['name'])}** ({write_usd_change(row['change_usd'])})"
        for row in largest.to_dict("records")
    ]
    people = f" The work of {write_list(change.movers.loc[is_person, 'name'])} cost more or less than before."
    if not is_person.any():
        people = " No execution names a person."
    text = f"What moved most: {', '.join(parts)}." if parts else ""
    return Finding(text=f"{text}{people}".strip(), table=change.movers)


def tell_models(change: SpendChange) -> Finding:
    """Say which models took over which share of the calls."""
    if change.models.empty:
        return lack("No call with a known cost is in these periods.", PRICE)
    models = change.models
    new, gone = models[models["before_usd"] == 0], models[models["after_usd"] == 0]
    parts = [f"new: {write_list(new['llm_model'])}"] if len(new) and change.before_usd else []
    parts += [f"gone: {write_list(gone['llm_model'])}"] if len(gone) and change.after_usd else []
    shift = (models["after_calls_share"] - models["before_calls_share"]).astype(float)
    if len(shift) and np.isfinite(shift).all():
        most = models.iloc[int(shift.abs().to_numpy().argmax())]
        parts.append(
            f"{write_name(most['llm_model'])} went from {write_share(most['before_calls_share'])} to "
            f"{write_share(most['after_calls_share'])} of the calls"
        )
    text = f"Of the models, {'; '.join(parts)}." if parts else "Only one of the periods has calls."
    return Finding(text=text, table=models)


def tell_remarks(change: SpendChange) -> Finding:
    """Say what the terms leave out."""
    if not change.remarks:
        return Finding(text="Every execution of both periods has a known cost, and is in the terms.")
    return Finding(text="\n".join(f"- {remark}" for remark in change.remarks))


def _has_spend(change: SpendChange) -> bool:
    return bool(change.before_usd or change.after_usd)
