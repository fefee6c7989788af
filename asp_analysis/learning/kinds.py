"""Own kinds of work: which columns of a table of outcomes say what, and the cases of each kind."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from asp_analysis.errors import InputError
from asp_analysis.learning.evidence import cut_strata, list_new_places
from asp_analysis.learning.maturity import find_lag_of
from asp_analysis.learning.outcome_columns import read_outcomes, read_sizes, read_times
from asp_analysis.learning.rule import Cases, SoundRule

MOST_KINDS = 50
"""Kinds of work that are judged together, those with most cases: each more asks more evidence of all."""

MOST_LAG_DAYS = 36_500

_WORTH_SAYING = 10
"""Cases without a single failure from which on that is said."""

ROLE_COLUMNS = {
    "time": ("known_at", "completed_at", "ended_at", "executed_at", "last_at", "time", "date"),
    "size": ("size",),
    "block": ("session_id", "epic"),
    "version": ("llm_model", "agent_version"),
    "known": (),
}
"""What a column may say -> the names by which it is found where none is given."""


@dataclass(frozen=True, kw_only=True)
class CellQuestion:
    """Which kinds of work are asked about.

    by: columns whose values together name a kind. success, critical: columns of outcomes (yes or no; success also a
    share from 0 to 1). target: the rate that autonomy needs, targets: by the kind's name. columns: role
    (`ROLE_COLUMNS`) -> column, "none" for not to be used. lag_days: after how many days an outcome is final; None: as
    `maturity` finds.
    """

    by: tuple[str, ...]
    success: str
    critical: str | None = None
    target: float = 0.8
    targets: Mapping[str, float] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)
    lag_days: float | None = None
    rule: SoundRule = field(default_factory=SoundRule)

    def __post_init__(self) -> None:
        """Refuse targets that are no shares, and columns that cannot name a kind of work."""
        for target in (self.target, *self.targets.values()):
            if not 0 < target < 1:
                raise InputError(f"The target {target:g} is not between 0 and 1. Name a share, such as 0.8.")
        unknown = [role for role in self.columns if role not in ROLE_COLUMNS]
        if unknown:
            raise InputError(f"{unknown[0]!r} is nothing that a column can say. Use one of: {', '.join(ROLE_COLUMNS)}.")
        if self.lag_days is not None and not 0 <= self.lag_days <= MOST_LAG_DAYS:
            raise InputError(
                f"A lag of {self.lag_days:g} days is not between 0 and {MOST_LAG_DAYS:,}. Name fewer days."
            )
        if len(set(self.by)) < len(self.by):
            raise InputError(f"{', '.join(self.by)} names one column twice. Leave one out.")
        for outcome in filter(None, (self.success, self.critical)):
            if outcome in self.by:
                raise InputError(f"{outcome!r} is how a case ended, and cannot name its kind. Name another column.")


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of work. values: columns of `by` -> its value; sizes: the largest of each third; per_week: its pace."""

    name: str
    values: dict[str, str]
    cases: Cases
    sizes: tuple[float, ...]
    per_week: float
    waiting: int


@dataclass(frozen=True, kw_only=True)
class Outcomes:
    """A table of outcomes with the columns that are used: by role; notes: what is assumed, and what is left out.

    has_failure: an outcome is not a full success; a column that never says no may be one that cannot.
    """

    frame: pd.DataFrame
    columns: dict[str, str]
    lag: pd.Timedelta
    as_of: pd.Timestamp
    notes: tuple[str, ...]
    has_failure: bool = True

    @classmethod
    def read(cls, frame: pd.DataFrame, question: CellQuestion, as_of: pd.Timestamp | None) -> "Outcomes":
        """Find the columns, turn words into outcomes, and put the rows in the order of time.

        Raises:
            InputError: a column is missing, no row is left, or a value cannot be read.
        """
        columns = _find_columns(frame, question)
        table = frame.assign(_value=read_outcomes(frame[question.success], question.success))
        if question.success == "is_finished" and "is_failed" in frame.columns:  # what is open has not failed
            table.loc[~frame["is_finished"].astype(bool) & ~frame["is_failed"].astype(bool), "_value"] = np.nan
        no = pd.Series(0.0, index=frame.index)
        table["_critical"] = (
            no if question.critical is None else read_outcomes(frame[question.critical], question.critical)
        )
        for role in ("time", "known"):
            table[f"_{role}"] = read_times(frame, columns.get(role))
        table["_size"] = read_sizes(frame, columns.get("size"))
        now = as_of if as_of is not None else table["_time"].max()
        open_rows = int(table["_value"].isna().sum())
        table = table[table["_value"].notna() & ~(table["_time"] > now)]
        if table.empty:
            raise InputError(f"No row has an outcome in {question.success}. Name another column with --success.")
        has_failure = bool((table["_value"] < 1).any())
        notes = [*_note_what_is_assumed(columns, open_rows), *_note_no_failure(question.success, table, has_failure)]
        return cls(
            frame=table.sort_values("_time", kind="stable"),
            columns=columns,
            lag=_find_wait(table, columns, question, now),
            as_of=now,
            notes=tuple(notes),
            has_failure=has_failure,
        )

    def list_kinds(self, question: CellQuestion) -> Iterator[Kind]:
        """Yield the kinds of work with their cases, most cases first, at most `MOST_KINDS`."""
        grouped = self._group(question)
        for key in grouped.size().sort_values(ascending=False, kind="stable").index[:MOST_KINDS]:
            values = key if isinstance(key, tuple) else (key,)
            yield self._make_kind(dict(zip(question.by, values, strict=True)), grouped.get_group(values), question)

    def count_left_out(self, question: CellQuestion) -> int:
        """Return how many kinds of work there are beyond `MOST_KINDS`."""
        return max(self._group(question).ngroups - MOST_KINDS, 0)

    def _group(self, question: CellQuestion) -> Any:
        named = self.frame[[*question.by]].astype(object)
        names = named.where(named.notna(), "unknown").astype(str)
        return self.frame.groupby([names[one] for one in question.by], sort=False)

    def _make_kind(self, values: dict[str, str], rows: pd.DataFrame, question: CellQuestion) -> Kind:
        name = " / ".join(values.values())
        ripe = rows[~(rows["_time"] + self.lag > self.as_of)]
        strata = cut_strata(ripe["_size"])
        place = pd.Series(np.arange(len(ripe), dtype=float), index=ripe.index)
        is_changed = np.zeros(len(ripe), dtype=bool)
        for column in filter(None, self.columns.get("version", "").split(",")):
            is_changed[list_new_places(place, ripe[column].astype(object), question.rule.memory)] = True
        cases = Cases(
            values=ripe["_value"].to_numpy(dtype=float)[:, None],
            targets=(question.targets.get(name, question.target),),
            needed=10,
            strata=strata,
            is_changed=is_changed,
            is_critical=ripe["_critical"].eq(1).to_numpy(),
            blocks=self._number_blocks(ripe),
        )
        sizes = tuple(float(ripe["_size"].to_numpy()[strata == one].max()) for one in range(cases.strata_count))
        waiting = len(rows) - len(ripe)
        return Kind(name=name, values=values, cases=cases, sizes=sizes, per_week=_measure_pace(rows), waiting=waiting)

    def _number_blocks(self, rows: pd.DataFrame) -> Any:
        named = self.columns.get("block")
        if named and named != "day":
            own = pd.Series(
                [f"row {place}" for place in rows.index], index=rows.index
            )  # unknown: each a block of its own
            return pd.factorize(rows[named].astype(object).where(rows[named].notna(), own))[0]
        return pd.factorize(rows["_time"].dt.floor("D"))[0] if named == "day" else None


def _find_columns(frame: pd.DataFrame, question: CellQuestion) -> dict[str, str]:
    """Return role -> column, of what was named and else of what is found; a day is a block where no column is."""
    named = [*question.by, question.success, *([question.critical] if question.critical else [])]
    given = {role: column for role, column in question.columns.items() if column != "none"}
    used = [one for column in given.values() for one in column.split(",") if one != "day"]
    missing = [column for column in (*named, *used) if column not in frame.columns]
    if missing:
        found = ", ".join(map(str, frame.columns))
        raise InputError(f"There is no column {missing[0]!r}. Columns: {found}. Name one of these.")
    for role, names in ROLE_COLUMNS.items():
        free = [name for name in names if name in frame.columns and name not in named]
        if role not in question.columns and free:
            given[role] = ",".join(free) if role == "version" else free[0]
    if "block" not in question.columns and "block" not in given and "time" in given:
        given["block"] = "day"
    return given


def _find_wait(
    table: pd.DataFrame, columns: Mapping[str, str], question: CellQuestion, now: pd.Timestamp
) -> pd.Timedelta:
    """Return after how long an outcome counts; no time where nothing says when failures became known."""
    if question.lag_days is not None:
        return pd.Timedelta(days=question.lag_days)
    if "known" not in columns:
        return pd.Timedelta(0)
    failed = table[(table["_value"] < 1) & (table["_known"] <= now)]
    delays, ages = (after - failed["_time"] for after in (failed["_known"], now))
    return find_lag_of(table["_time"], delays.dt.total_seconds(), now, ages.dt.total_seconds())


def _note_what_is_assumed(columns: Mapping[str, str], open_rows: int) -> list[str]:
    notes = []
    if open_rows:
        notes.append(f"{open_rows:,} rows have no outcome yet and are left out.")
    if "time" not in columns:
        notes.append("No column is a time: rows are taken in their order, and how long it takes is unknown.")
    if "size" not in columns:
        notes.append(
            "No column is a size: easy tasks that come first may look like skill. Name one: --column size=NAME"
        )
    if "block" not in columns:
        notes.append("No column is a block: cases are taken to be independent. Name one: --column block=NAME")
    if "known" not in columns:
        notes.append(
            "No column says when an outcome became known: it is taken to be final. Name one: --column known=NAME"
        )
    return notes


def _note_no_failure(name: str, table: pd.DataFrame, has_failure: bool) -> list[str]:
    if has_failure or len(table) < _WORTH_SAYING:
        return []
    return [
        f"No outcome in {name} is a failure, in {len(table):,} cases. A column that cannot say no is no evidence (a "
        "session that ended is not work that was accepted): nothing is granted until one failure is on record."
    ]


def _measure_pace(rows: pd.DataFrame) -> float:
    """Return cases per week over the record of a kind of work; NaN for less than a week."""
    span = (rows["_time"].max() - rows["_time"].min()).total_seconds() / 604_800 if rows["_time"].notna().any() else 0.0
    return len(rows) / span if span >= 1 else float("nan")
