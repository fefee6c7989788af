"""Notebook 10: what became of the work, and what one outcome of it cost."""

from functools import partial

import pandas as pd

from asp_analysis import charts
from asp_analysis.findings.finding import Finding, lack
from asp_analysis.intervals import wilson
from asp_analysis.quality import count_outcomes
from asp_analysis.session import Session
from asp_analysis.wording import write_between, write_list, write_name, write_noun, write_share, write_usd

NO_CHANGES = "No changes of code are recorded here."
LOAD_CHANGES = (
    "Load a repository with `asp-analysis load --git REPOSITORY`, and the transcripts of its agents before it."
)
OUTCOMES = {"merged": "merged change", "surviving": "surviving change", "accepted": "accepted result"}


def answer(session: Session) -> Finding:
    """Say what became of the changes, and what one merged or surviving change cost."""
    changes, costs = session.view("changes"), session.view("cost_per_outcome")
    became, cost = tell_outcomes(changes), tell_cost(costs)
    if changes.empty:
        return Finding(text=f"{became.text} {cost.text}", draw=cost.draw) if cost.draw else became
    return Finding(text=f"{became.text} {cost.text}", draw=became.draw)


def tell_outcomes(changes: pd.DataFrame) -> Finding:
    """Say which share of the changes was merged, reverted, touched again, and survived."""
    found = count_outcomes(changes)
    if changes.empty:
        return lack(NO_CHANGES, LOAD_CHANGES)
    if found.empty:
        return lack(f"All {write_noun(len(changes), 'change')} are open: none has ended yet.", "")
    shares = {row.outcome: f"**{write_share(row.share)}**" for row in found.itertuples()}
    wholes = dict(zip(found["outcome"], found["whole"], strict=True))
    text = f"Of **{write_noun(wholes['merged'], 'change')}** that ended, {shares['merged']} were merged"
    text += f", and {shares['reverted']} of these were undone later." if "reverted" in shares else "."
    if "survived" in shares:
        text += (
            f" Of the {wholes['survived']:,} that are 30 days old, {shares['touched again']} lost lines within 30 "
            f"days, and {shares['survived']} kept at least half of theirs."
        )
    else:
        text += " All are less than 30 days older than the newest commit, so that nothing can be said of what survives."
    columns = ["outcome", "part", "whole", "share", "lower", "upper"]
    names = {"part": "changes", "whole": "of", "share": "seen_share", "lower": "lower_share", "upper": "upper_share"}
    return Finding(
        text=text,
        table=found[columns].rename(columns=names),
        draw=partial(charts.plot_outcome_shares, found, title="What became of the changes"),
        reading="Red is work that was done twice or undone. Touched again is no fault by itself: young code is often "
        "continued in the next change. The intervals are Wilson's, 95 %.",
    )


def tell_cost(costs: pd.DataFrame) -> Finding:
    """Say what one outcome cost, failed attempts included. costs: the view `cost_per_outcome`."""
    asked = _whole_store(costs)
    asked = asked[asked.outcome.isin(list(OUTCOMES))]
    known = asked[asked.usd_per_outcome.notna()]
    known = known.assign(outcome=known.outcome.map(OUTCOMES))
    if known.empty and asked.cost_usd.gt(0).any():
        return lack(
            "No outcome has a whole cost: executions lack theirs, or several models did the same work as alternatives.",
            "Choose one MODEL, or load the missing costs.",
        )
    if known.empty:
        return lack(
            "No outcome has a known cost.",
            "Load the transcripts of the sessions that worked on the changes: `asp-analysis load --claude-code`.",
        )
    parts = [_write_cost(row) for row in known.to_dict("records")]
    columns = ["outcome", "attempts", "outcomes", "priced_attempts", "usd_per_outcome", "lower_usd", "upper_usd"]
    names = {"usd_per_outcome": "per_outcome_usd"}
    return Finding(
        text=f"One {'; one '.join(parts)}.",
        table=known[[*columns, "median_usd"]].rename(columns=names).reset_index(drop=True),
        draw=partial(charts.plot_cost_per_outcome, known, title="What one outcome cost"),
        reading="Only attempts of which the whole cost is known count (`priced attempts`); the others may have cost "
        "more or less. The mean is far above the median where a few attempts were expensive.",
    )


def _write_cost(row: dict) -> str:
    text = f"{row['outcome']} cost **{write_usd(row['usd_per_outcome'])}**"
    counted = f"{row['priced_attempts']:,} of {row['attempts']:,} attempts with a known cost"
    if pd.isna(row["lower_usd"]):
        return f"{text} ({counted}, too few for an interval)"
    return f"{text} (with 95 % confidence {write_between(row['lower_usd'], row['upper_usd'])}; {counted})"


def _whole_store(costs: pd.DataFrame) -> pd.DataFrame:
    order = {name: place for place, name in enumerate((*OUTCOMES, "open", "unlinked"))}
    rows = costs[costs.repository.isna()]
    return rows.sort_values("outcome", key=lambda names: names.map(order))


def divide_spend(changes: pd.DataFrame, costs: pd.DataFrame) -> pd.DataFrame:
    """Return what became of the known spend: outcome, cost_usd, cost_share; the rows add up to all of it.

    changes, costs: the views `changes` and `cost_per_outcome`.
    """
    by_outcome = changes.groupby("outcome").cost_usd.sum(min_count=1)
    unlinked = _whole_store(costs).set_index("outcome").cost_usd.reindex(["unlinked"])
    names = {"partly_reverted": "partly reverted", "unlinked": "not linked"}
    order = ["merged", "partly_reverted", "reverted", "abandoned", "open", "unlinked"]
    sums = pd.concat([by_outcome, unlinked]).astype(float).reindex(order).dropna()
    frame = pd.DataFrame({"outcome": [names.get(name, name) for name in sums.index], "cost_usd": sums.to_numpy()})
    total = float(frame["cost_usd"].sum())
    return frame.assign(cost_share=frame["cost_usd"] / (total if total > 0 else float("nan")))


def tell_spend(changes: pd.DataFrame, costs: pd.DataFrame) -> Finding:
    """Say what became of the money."""
    spend = divide_spend(changes, costs)
    spend = spend[spend.cost_usd > 0].reset_index(drop=True)
    if spend.empty:
        return lack("No execution here has a known cost.", "Load transcripts, or costs with `--map cost_usd=COLUMN`.")
    shares = dict(zip(spend["outcome"], spend["cost_share"], strict=True))
    total = write_usd(spend["cost_usd"].sum())
    if set(shares) == {"not linked"}:
        return lack(f"The known spend of {total} is linked with no change.", LOAD_CHANGES)
    text = (
        f"Of the known spend of {total}, **{write_share(shares.get('merged', 0))}** went into changes that were merged"
    )
    if "not linked" in shares:
        text += f", and **{write_share(shares['not linked'])}** is of sessions that no change is known of"
    return Finding(
        text=f"{text}.",
        table=spend,
        draw=partial(charts.plot_spend_by_outcome, spend, title="What became of the known spend"),
        reading="What is not linked was spent, too: on questions, reviews, work that was given up, or changes that are "
        "in no repository of this store. It is never shared out.",
    )


def tell_rework(rework: pd.DataFrame) -> Finding:
    """Say how the share of changes that were touched again went from month to month. rework: the view `rework`."""
    months = rework.groupby("month")[["changes", "aged_30", "reworked_30", "reverted"]].sum().reset_index()
    months = months[months.aged_30 > 0].reset_index(drop=True)
    if months.empty:
        return lack("No change is 30 days older than the newest commit.", "" if len(rework) else LOAD_CHANGES)
    lower, upper = wilson(months.reworked_30.astype(float), months.aged_30.astype(float))
    months = months.assign(share=months.reworked_30 / months.aged_30, lower=lower, upper=upper)
    first, last = months.iloc[0], months.iloc[-1]
    text = f"In **{last.month}**, **{write_share(last.share)}** of {write_noun(last.aged_30, 'change')} lost lines"
    text += " within 30 days"
    text += f"; in {first.month} it was {write_share(first.share)}." if len(months) > 1 else "."
    return Finding(
        text=text,
        table=months.drop(columns=["lower", "upper"]).rename(columns={"share": "touched_again_share"}),
        draw=partial(charts.plot_rework_by_month, months, title="Changes that were touched again, by month")
        if len(months) > 1 else None,
        reading="Where intervals overlap, a difference may be chance. The newest month is often "
        "incomplete.",
    )  # fmt: skip


def tell_agents(changes: pd.DataFrame) -> Finding:
    """Say whether changes whose commits name an agent fare as the others do."""
    aged = changes[changes.is_reworked_30.notna()]
    if aged.empty:
        return lack("No change is 30 days older than the newest commit.", "" if len(changes) else LOAD_CHANGES)
    aged = aged.assign(agent=aged.agent.fillna("(not named)"))
    parts = [count_outcomes(rows).assign(agent=name) for name, rows in aged.groupby("agent")]
    frame = pd.concat(parts).query("outcome == 'survived'").sort_values("whole", ascending=False, ignore_index=True)
    named = frame[frame.agent != "(not named)"]
    if named.empty:
        return lack("No commit here names an agent. That does not mean that persons wrote them.", "")
    text = f"Commits of **{write_noun(int(named.whole.sum()), 'change')}** name {write_list(named.agent)}."
    first = named.iloc[0]
    text += (
        f" Of the {first.whole:,} of {write_name(first.agent)}, **{write_share(first.share)}** survived 30 days (with "
        f"95 % confidence {write_share(first.lower)} to {write_share(first.upper)})."
    )
    names = {
        "part": "survived",
        "whole": "of",
        "share": "survived_share",
        "lower": "lower_share",
        "upper": "upper_share",
    }
    columns = ["agent", "part", "whole", "share", "lower", "upper"]
    return Finding(
        text=text,
        table=frame[columns].rename(columns=names),
        reading="Agents do different work, so that a lower share is no judgement. A commit that names none may be an "
        "agent's, too.",
    )


def tell_links(changes: pd.DataFrame) -> Finding:
    """Say how sessions and changes were brought together."""
    linked = changes[changes.sessions > 0]
    if changes.empty:
        return lack(NO_CHANGES, LOAD_CHANGES)
    if linked.empty:
        return lack(
            f"No session of an agent is linked with any of {write_noun(len(changes), 'change')}.",
            "Load the transcripts of the sessions that worked on them, then the repository again.",
        )
    table = linked.groupby("evidence").agg(changes=("change_id", "size"), cost_usd=("cost_usd", "sum")).reset_index()
    table = table.sort_values("changes", ascending=False, ignore_index=True)
    text = (
        f"**{len(linked):,} of {write_noun(len(changes), 'change')}** are linked with sessions of agents, most of them "
        f"by **{write_name(table.evidence[0])}**."
    )
    return Finding(
        text=text,
        table=table,
        reading="`trailer` and `checkpoint` are what a message names; `branch` and `paths` are likely, not certain.",
    )
