"""What was used per period and dimension: the one table that the page draws, compares and filters.

Periods are 1, 7 or 28 days long and end with the newest day of the record, so that the latest one is whole. Names
beyond the most expensive ones are taken together: the page stays small, whatever the store holds. Persons are in the
order of their names.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from asp_analysis.session import Session

_SQL = Path(__file__).with_name("usage.sql").read_text(encoding="utf-8")

DIMENSIONS = {
    "model": "llm_model",
    "role": "agent_role",
    "project": "project_id",
    "person": "user_id",
    "team": "team",
    "machine": "machine",
    "repository": "repository",
}
"""A dimension of usage -> its column."""

MOST_NAMES_APART = 12
"""Names of one dimension that are kept apart."""

MOST_USAGE_ROWS = 8_000
"""Rows that the page holds at most; beyond, dimensions are dropped, the last of `DIMENSIONS` first."""

_LENGTHS = ((45, 1), (420, 7), (1_700, 28))
"""Longest record in days -> days of a period."""

_SPANS = {1: 7, 7: 4, 28: 3}
"""Days of a period -> how many periods are compared with as many before."""


@dataclass(frozen=True, kw_only=True)
class Usage:
    """rows: period (0 is the newest), one code per dimension, executions, with_cost, cost_usd, tokens; names: by code.

    days: of a period; periods: how many there are; newest: the last day.
    """

    rows: pd.DataFrame
    names: dict[str, list[str]]
    days: int
    periods: int
    newest: pd.Timestamp

    @classmethod
    def read(cls, session: Session, first_at: pd.Timestamp, last_at: pd.Timestamp) -> "Usage | None":
        """Read the executions of a store between its first and last instant; None where there are none."""
        if pd.isna(first_at):
            return None
        span = (last_at.normalize() - first_at.normalize()).days + 1
        days = next((days for longest, days in _LENGTHS if span <= longest), 28 * -(-span // 1_700))
        found = session.sql(_SQL, days=days)
        names, codes = {}, {}
        for dimension, column in DIMENSIONS.items():
            names[dimension], codes[dimension] = _number_names(found, dimension, column)
        rows = _bound(found.assign(**codes), names)
        return cls(rows=rows, names=names, days=days, periods=-(-span // days), newest=last_at.normalize())

    @property
    def compared(self) -> int:
        """How many periods are compared with as many before them; 0 where the record is too short."""
        return min(_SPANS.get(self.days, 3), self.periods // 2)

    def start(self, period: int) -> pd.Timestamp:
        """Return the first day of a period."""
        return self.newest - pd.Timedelta(days=(period + 1) * self.days - 1)

    def sum_periods(self, periods: Sequence[int]) -> pd.Series:
        """Return executions, with_cost, cost_usd and tokens of some periods; NaN where nothing is known of what ran."""
        rows = self.rows[self.rows["period"].isin(periods)]
        return rows[["executions", "with_cost", "cost_usd", "tokens"]].astype(float).sum(min_count=min(len(rows), 1))

    def spread(self, dimension: str) -> pd.DataFrame:
        """Return the known cost by period (oldest first) and code of a dimension, 0 where nothing was spent."""
        frame = self.rows.pivot_table("cost_usd", "period", dimension, "sum", fill_value=0.0)
        every = range(self.periods - 1, -1, -1)
        return frame.reindex(index=every, columns=range(len(self.names[dimension])), fill_value=0.0)

    def place(self, instant: pd.Timestamp) -> int:
        """Return the period of an instant."""
        return int((self.newest - instant.normalize()).days // self.days)

    def find_codes(self, dimension: str, values: Sequence[object]) -> list[int]:
        """Return the codes of some values; one that has no name of its own belongs to the last, the others."""
        names = self.names[dimension]
        known = {name: code for code, name in enumerate(names)}
        texts = [_name(dimension, value) for value in values]
        return sorted({known.get(text, len(names) - 1) for text in texts}) if names else []


def _name(dimension: str, value: object) -> str:
    return f"no {dimension} named" if pd.isna(value) else str(value)  # type: ignore[call-overload]


def _number_names(found: pd.DataFrame, dimension: str, column: str) -> tuple[list[str], pd.Series]:
    """Return the names of a dimension, the most expensive first, and the code of every row; nobody is ranked."""
    texts = found[column].astype(object).where(found[column].notna(), f"no {dimension} named").astype(str)
    totals = found.groupby(texts)[["cost_usd", "executions"]].sum().reset_index(names="name")
    ranked = totals.sort_values(["cost_usd", "executions", "name"], ascending=[False, False, True])["name"].to_list()
    if dimension == "person":
        ranked = sorted(ranked, key=lambda name: (name == f"no {dimension} named", name))
    kept = ranked if len(ranked) <= MOST_NAMES_APART else ranked[: MOST_NAMES_APART - 1]
    names = kept if len(kept) == len(ranked) else [*kept, f"{len(ranked) - len(kept)} others"]
    return names, texts.map({name: code for code, name in enumerate(kept)}).fillna(len(kept)).astype(int)


def _bound(rows: pd.DataFrame, names: dict[str, list[str]]) -> pd.DataFrame:
    kept = list(DIMENSIONS)
    while True:
        grouped = rows.groupby(["period", *kept], as_index=False)
        frame = grouped[["executions", "with_cost", "cost_usd", "tokens"]].sum(min_count=1)
        if len(frame) <= MOST_USAGE_ROWS or len(kept) == 1:
            return frame.assign(**{name: 0 for name in DIMENSIONS if name not in kept})
        names[kept.pop()] = []
