"""Notebook 03: which kinds of work may be done alone, by how tasks ended; what that rests on, and the policy."""

from functools import partial
from typing import Any

import pandas as pd

from asp_analysis import charts
from asp_analysis.findings.finding import Finding, set_height
from asp_analysis.findings.moments import find_newest
from asp_analysis.learning.permissions import POLICY_DAYS, make_policy
from asp_analysis.learning.power import write_power
from asp_analysis.learning.usual_kinds import UsualKinds, judge_usual_kinds
from asp_analysis.session import Session
from asp_analysis.wording import write_day, write_list, write_noun, write_share

MOST_SHOWN = 15
"""Kinds of work that are shown, those with most cases."""


def judge_kinds(session: Session) -> UsualKinds | str:
    """Judge the kinds of work that the session shows, as of its newest record; a sentence where it cannot."""
    return judge_usual_kinds(session.view("tasks"), session.view("task_history"), find_newest(session))


def tell(found: UsualKinds | str) -> list[Finding]:
    """Return all that is said of kinds of work; one sentence where nothing can be judged."""
    if isinstance(found, str):
        return [Finding(text=found)]
    return [tell_kinds(found), tell_thirds(found), tell_time(found), tell_policy(found)]


def tell_kinds(found: UsualKinds) -> Finding:
    """Say which kinds of work may be done alone, and draw the evidence."""
    table = found.report.table
    alone = table[table["alone_on"] != ""]
    names = _name_kinds(alone, found)
    text = (
        f"Of {write_noun(len(table), 'kind')} of work, named by {write_list(found.by)}, "
        f"**{write_list(names) if len(names) else 'none'}** may be done alone."
    )
    shown = table[:MOST_SHOWN]
    if len(table) > MOST_SHOWN:
        text += f" The {MOST_SHOWN} with most cases are shown."
    columns = ["mode", "alone_on", "cases", "blocks", "cases_worth", "value", "lower_bound", "target", "missing"]
    names_of = {"value": "ended well_share", "lower_bound": "bound_share", "target": "target_share"}
    title = f"{write_noun(len(alone), 'kind')} of work of {len(table):,} may be done alone"
    return Finding(
        text=text,
        table=shown.set_index([*found.by])[columns].rename(columns=names_of),
        draw=partial(_plot_kinds, shown, found, title),
        reading="A kind of work is granted when its evidence is enough among all that are judged, so that a bar beyond "
        "its target may still wait. Cases of one block (a session, an epic, else a day) may be alike: `cases worth` "
        "is as many independent ones.",
    )


def tell_thirds(found: UsualKinds) -> Finding:
    """Say how each kind of work does by third of size."""
    if found.report.thirds.empty:
        return Finding(text="No size of these tasks is known, so that all sizes count as one.")
    shown = found.report.table[:MOST_SHOWN][[*found.by]]
    table = found.report.thirds.merge(shown, on=[*found.by])
    weak = table[(table["value"] < table["target"]) & (table["cases"] > 0)]
    text = f"**{len(weak):,} of {len(table):,}** thirds of size are below their target so far."
    names_of = {"value": "ended well_share", "lower_bound": "bound_share", "target": "target_share"}
    return Finding(
        text=text,
        table=table.set_index([*found.by, "third"]).rename(columns=names_of),
        reading="Each third counts alike, so that easy tasks cannot outvote hard ones. `e value` is the evidence for "
        "this third alone.",
    )


def tell_time(found: UsualKinds) -> Finding:
    """Say how long it takes until a good agent is found out to be one, at the pace and likeness of this record."""
    power = found.report.power.rename(columns={"true_rate": "true rate_share"})
    return Finding(text=" ".join(write_power(found.report.power)), table=power)


def tell_policy(found: UsualKinds) -> Finding:
    """Say what is promised on which conditions, and what the policy file would say until when."""
    policy = make_policy(found.report, found.by, found.source, POLICY_DAYS)
    rows = [
        {
            **kind["who"],
            "may": kind["may"],
            "alone on": kind["alone_on"],
            "until": write_day(kind["until"]) if kind["until"] else None,
        }
        for kind in policy["kinds"][:MOST_SHOWN]
    ]
    text = (
        f"{found.report.promise} {' '.join(found.report.notes)}\n\nA policy file of this evidence expires on "
        f"**{write_day(policy['expires_at'])}**; what it does not name is {policy['otherwise']}. It is written with "
        f"`{found.command} --policy policy.json`."
    )
    return Finding(text=text, table=pd.DataFrame(rows))


def shorten_name(name: str) -> str:
    """Return a name as a chart shows it: short, and nothing in it is taken for mathematics."""
    return " ".join(name.split())[:40].replace("$", r"\$")


def _name_kinds(rows: pd.DataFrame, found: UsualKinds) -> list[str]:
    return [" / ".join(str(value) for value in values) for values in rows[[*found.by]].to_numpy()]


def _plot_kinds(table: pd.DataFrame, found: UsualKinds, title: str) -> Any:
    scored = table[table["cases"] > 0]
    frame = pd.DataFrame(
        {
            "capability": [shorten_name(name) for name in _name_kinds(scored, found)],
            "criterion": [f"target {write_share(target)}" for target in scored["target"]],
            **{name: scored[name].to_numpy() for name in ("cases", "value", "lower_bound", "target")},
            "is_passed": (scored["alone_on"] != "").to_numpy(),
        }
    )
    return set_height(charts.plot_criteria(frame, title=title), 1.6 + 0.44 * len(frame))
