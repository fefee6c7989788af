"""Reads what two periods cost from the views: one common table of their executions, and sums over it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pandas as pd

from asp_analysis.cost_groups import OF_ONE_PERSON, label_executions, read_names
from asp_analysis.effects.spend_terms import PERIOD_PAIR
from asp_analysis.effects.token_weights import PRICED_TOKENS, PRODUCTS
from asp_analysis.periods import Period
from asp_analysis.session import Session

_HERE = Path(__file__).resolve().parent
USUAL_NAMES = ("task", "person", "day")
"""What is named where nobody says by what."""

MOST_NAMED = 5
"""Names of each kind whose changes are listed."""


@dataclass(frozen=True, kw_only=True)
class SpendQuestion:
    """Which periods are compared; None: the last whole week of the record, and the one before.

    zone: whose days, UTC for None. only: (name, value) pairs that an execution must have, names as costs are grouped
    by; an empty value is what is not assigned. by: the names whose largest changes are listed.
    """

    before: str | None = None
    after: str | None = None
    zone: str | None = None
    only: Sequence[tuple[str, str]] = ()
    by: Sequence[str] = USUAL_NAMES


class SpendReading:
    """The executions of the two periods, as SQL over one common table."""

    def __init__(self, session: Session, question: SpendQuestion) -> None:
        """Say which executions are asked about; `set_periods` says which two periods."""
        self._session, self._question = session, question
        only = [name for name, _ in question.only]
        self._by = read_names(",".join(question.by))
        self._names = list(dict.fromkeys([*only, *self._by, "day"]))
        self._labelled = label_executions(self._names, question.zone)
        self._values: dict[str, object] = {} if question.zone is None else {"zone": question.zone}
        conditions = ["TRUE"]
        for place, (name, value) in enumerate(question.only):
            if value:
                self._values[f"only_{place}"] = value
            conditions.append(f"{self._column(name)} {f'= $only_{place}' if value else 'IS NULL'}")
        self._chosen = " AND ".join(conditions)
        self._bounds: dict[str, object] = {}

    def _column(self, name: str) -> str:
        return f"named_{self._names.index(name)}"

    def set_periods(self, before: Period, after: Period) -> None:
        """Say which executions are compared."""
        zone = self._question.zone
        since, end = before.bounds(zone)
        self._bounds = {"before_since": since, "before_end": end}
        since, end = after.bounds(zone)
        self._bounds |= {"after_since": since, "after_end": end}

    def find_newest_day(self) -> date:
        """Return the day of the newest execution that is looked at, in the time zone; today's where there is none."""
        query = f"SELECT CAST(max({self._column('day')}) AS DATE) AS day FROM ({self._labelled}) WHERE {self._chosen}"
        day = self._session.sql(query, **self._values)["day"][0]
        return date.today() if pd.isna(day) else pd.Timestamp(day).date()

    def read(self, name: str, parts: Mapping[str, str] | None = None) -> pd.DataFrame:
        """Run the query of a file over the executions of both periods."""
        text = f"{_read_sql('compared_calls')}\n{_fill(_read_sql(name), parts or {})}"
        text = _fill(text, {"labelled": self._labelled, "chosen": self._chosen})
        return self._session.sql(text, **self._values, **self._bounds)

    def count(self) -> pd.DataFrame:
        """Return executions, executions_without_cost, tasks and executions_with_cache by period, 0 where none ran."""
        found = self.read("spend_counts").set_index("period")
        return found.reindex(list(PERIOD_PAIR)).astype(float).fillna(0.0)

    def read_products(self) -> pd.DataFrame:
        """Return what `find_weights` takes."""
        ratios = ", ".join(f"COALESCE({name}, 0) / cost_usd AS {name}" for name in PRICED_TOKENS)
        pairs = (name.split("__") for name in PRODUCTS)
        sums = [f"sum({one} * {other}) AS {one}__{other}" for one, other in pairs]
        sums += [f"sum({name}) AS {name}" for name in PRICED_TOKENS]
        return self.read("token_products", {"ratios": ratios, "sums": ", ".join(sums)})

    def list_movers(self) -> pd.DataFrame:
        """Return the names whose costs changed most, the largest change first; persons in the order of their names."""
        found = []
        for name in self._by:
            rows = self.read("spend_movers", {"named": self._column(name)}).dropna(subset=["name"])[:MOST_NAMED]
            found.append((rows.sort_values("name") if name in OF_ONE_PERSON else rows).assign(by=name))
        return pd.concat(found, ignore_index=True)[["by", "name", "before_usd", "after_usd", "change_usd"]]

    def read_days(self) -> pd.DataFrame:
        """Return day and cost_usd of all days with a known cost."""
        parts = {"labelled": self._labelled, "chosen": self._chosen, "day": self._column("day")}
        text = _fill(_read_sql("spend_days"), parts)
        return self._session.sql(text, **self._values)


def _read_sql(name: str) -> str:
    return (_HERE / f"{name}.sql").read_text(encoding="utf-8")


def _fill(text: str, parts: Mapping[str, str]) -> str:
    for name, part in parts.items():
        text = text.replace(f"{{{name}}}", part)
    return text
