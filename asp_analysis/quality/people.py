"""What people's part in quality costs: counts that transcripts and forges know, minutes and a rate that users state.

Nothing says how long a person read or thought. So there is no default: without stated minutes only counts are shown,
and without a rate no money.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from asp_analysis.errors import InputError
from asp_analysis.quality.phases import PHASE_KINDS, Work

EFFORTS = {
    "prompt": ("prompts", "construction"),
    "review": ("reviews_by_persons", "appraisal"),
    "interruption": ("interruptions", "failure"),
}
"""What a person does -> its count in the view `human_effort`, and its kind in PSP's terms: to ask for work is part of
making it, to stop an agent is to correct it."""


@dataclass(frozen=True, kw_only=True)
class PeopleRates:
    """What the user states: minutes of one prompt, review or interruption, and USD of an hour; None: not stated.

    Raises:
        InputError: minutes are stated of something else, or a number is negative or not finite.
    """

    minutes: Mapping[str, float] = field(default_factory=dict)
    usd_per_hour: float | None = None

    def __post_init__(self) -> None:
        """Refuse what says nothing."""
        unknown = [name for name in self.minutes if name not in EFFORTS]
        if unknown:
            raise InputError(f"Minutes of {unknown[0]!r} are not known. Choose one of {', '.join(EFFORTS)}.")
        numbers = [*self.minutes.values(), *([] if self.usd_per_hour is None else [self.usd_per_hour])]
        wrong = [number for number in numbers if not 0 <= number < float("inf")]
        if wrong:
            raise InputError(f"{wrong[0]:g} is not a finite number from 0 on. Correct the minutes or the rate.")


def people_costs(effort: pd.DataFrame, rates: PeopleRates) -> pd.DataFrame:
    """Return one row for each thing that people do: what is known of it, and what it costs at the stated rates.

    effort: the view `human_effort`. effort, kind, tasks (of which the count is known), times, minutes_each (stated),
    minutes, cost_usd, note. NaN where the count is unknown, or minutes or rate are not stated.
    """
    rows = []
    for name, (column, kind) in EFFORTS.items():
        known = effort[column].dropna()
        each, hour = rates.minutes.get(name, float("nan")), rates.usd_per_hour
        times = float(known.sum()) if len(known) else float("nan")
        notes = [] if len(known) else ["not recorded in this store"]
        notes += [f"state its minutes: --minutes {name}=NUMBER"] if each != each else []
        notes += ["state a rate: --usd-per-hour NUMBER"] if hour is None else []
        row: dict[str, Any] = {"effort": name, "kind": kind, "tasks": len(known), "times": times, "minutes_each": each}
        cost = times * each * (float("nan") if hour is None else hour) / 60
        rows.append(row | {"minutes": times * each, "cost_usd": cost, "note": "; ".join(notes)})
    return pd.DataFrame(rows)


def costs_with_people(work: Work, people: pd.DataFrame) -> pd.DataFrame:
    """Return the cost of quality in USD of agents, of people, and of both.

    who, total_usd, one share per kind, coq_share, note. people: `people_costs`. All are sums of what is known; the note
    says which effort of people is not in them, and both is that of the agents where nothing of people is known.
    """
    kind = work.runs["agent_role"].map(work.phases.set_index("agent_role")["kind"]).fillna("unlisted")
    agents = work.runs["cost_usd"].astype(float).groupby(kind).sum(min_count=1)
    own = people.dropna(subset=["cost_usd"]).groupby("kind")["cost_usd"].sum()
    lacking = ", ".join(people.loc[people["cost_usd"].isna(), "effort"])
    note = f"without people's: {lacking}" if lacking else ""
    both = agents.add(own, fill_value=0)
    return pd.DataFrame([_share("agents", agents, ""), _share("people", own, note), _share("both", both, note)])


def _share(who: str, costs: pd.Series, note: str) -> dict[str, Any]:
    known = costs.dropna()
    total = float(known.sum()) if len(known) else float("nan")
    base = total if total > 0 else float("nan")
    shares = {name: float(known.get(name, 0.0)) / base for name in (*PHASE_KINDS, "unlisted")}
    row = {"who": who, "total_usd": total} | {f"{name}_share": share for name, share in shares.items()}
    return row | {"coq_share": shares["appraisal"] + shares["failure"], "note": note}
