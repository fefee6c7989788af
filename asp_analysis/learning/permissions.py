"""Who may do what alone until when: the answer as a document that an orchestrator reads before it gives work away."""

import math
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pandas as pd

from asp_analysis.learning.discoveries import CellReport
from asp_analysis.learning.rule import RULE_VERSION

POLICY_VERSION = 1
"""Changes where a reader of the document would have to change."""

POLICY_DAYS = 30
"""After how many days a policy expires where nobody says."""

_SHOWN_EVIDENCE = (
    *("cases", "cases_counted", "value", "lower_bound", "target", "e_value", "e_value_needed"),
    *("blocks", "block_likeness"),
)


def make_policy(report: CellReport, by: Sequence[str], source: str, days: int) -> dict[str, Any]:
    """Return the document: what each kind of work may be done as, with its evidence; it expires after some days.

    `may` is "alone", "next to a person" or "checked"; `alone_on` names the thirds of size where it is not all of them,
    `size_at_most` the largest size that it holds for. What is not in `kinds` is `otherwise`. Unknown is null.
    """
    as_of = report.as_of if not pd.isna(report.as_of) else pd.Timestamp.now("UTC").tz_localize(None)
    until = _write_instant(as_of + timedelta(days=days))
    return {
        "policy_version": POLICY_VERSION,
        "rule": RULE_VERSION,
        "as_of": _write_instant(as_of),
        "expires_at": until,
        "source": source,
        "promise": report.promise,
        "otherwise": "checked",
        "kinds": [_make_kind(row, by, until) for row in report.table.to_dict("records")],
    }


def _make_kind(row: dict[Any, Any], by: Sequence[str], until: str) -> dict[str, Any]:
    is_alone = bool(row["alone_on"])
    return {
        "who": {name: row[name] for name in by},
        "may": "alone" if is_alone else "next to a person" if row["mode"] != "Learning" else "checked",
        "mode": row["mode"],
        "alone_on": row["alone_on"] or None,
        "size_at_most": _know(row["size_at_most"]),
        "until": until if is_alone else None,
        "missing": row["missing"] or None,
        "evidence": {name: _know(row[name]) for name in _SHOWN_EVIDENCE},
    }


def _know(value: Any) -> Any:
    """Return a number that JSON can hold; None where it is not known."""
    return value if not isinstance(value, float) else float(f"{value:.6g}") if math.isfinite(value) else None


def _write_instant(instant: pd.Timestamp) -> str:
    return f"{instant.isoformat(timespec='seconds')}Z"
