"""Hides what groups of few people cost, so that no two answers differ by what one person cost.

A group is looked at month by month. It is hidden in a month where it has too few people, where it is all that another
group has beyond a smaller one that is shown, or where the hidden groups next to it would be too few people together:
what is hidden would else be the difference of two answers. This is cell suppression with complementary suppression
(Hundepool et al., Statistical Disclosure Control, 2012, chapter 4). The decisions for a month do not depend on the
period that is asked for, so that a narrowed question shows the same groups.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations

import pandas as pd

Group = tuple[object, ...]
_SUMMED_COLUMNS = ("executions", "executions_without_cost", "tokens_in", "tokens_out")
_MONTH_NAME, _WHO = "month", "person"


@dataclass(frozen=True, kw_only=True)
class TeamView:
    """names: what is asked for; others: names that other answers may be grouped by; least: people of a shown group."""

    names: tuple[str, ...]
    others: tuple[str, ...]
    least: int

    @property
    def apart(self) -> tuple[str, ...]:
        """The names that divide a month."""
        return tuple(name for name in self.names if name != _MONTH_NAME)


def hide_small_groups(cells: pd.DataFrame, view: TeamView) -> pd.DataFrame:
    """Return the groups that may be shown, one row for all others, and one without numbers for months of few people.

    cells: month, person, the names and the others; executions, executions_without_cost, tokens_in, tokens_out and
    cost_usd. An unknown person counts as nobody. Columns: the names; executions, executions_without_cost, people
    [count], cost_usd [USD], tokens_in, tokens_out [tokens].
    """
    known = cells.astype(dict.fromkeys([*view.names, *view.others, _MONTH_NAME], object))
    known = known.fillna(dict.fromkeys([*view.names, *view.others], "")).reset_index(drop=True)
    state = pd.Series("hidden", index=known.index)
    for _, rows in known.groupby(_MONTH_NAME, sort=True):
        if rows[_WHO].nunique() < view.least:
            state[rows.index] = "left out"
            continue
        shown = _Month(rows, view).choose_shown()
        state[rows.index[[group in shown for group in _groups_of(rows, view.apart)]]] = "shown"
    parts = [_sum_groups(cells, state == "shown", view.names)]
    parts += _sum_others(cells, state, view)
    return pd.concat(parts, ignore_index=True)


class _Month:
    """The cells of one month, and which groups of them may be shown."""

    def __init__(self, rows: pd.DataFrame, view: TeamView) -> None:
        self._rows, self._view = rows, view

    def choose_shown(self) -> set[Group]:
        """Return the groups by the names that are asked for which may be shown."""
        apart = self._view.apart
        shown = self._choose_by(apart)
        groups = pd.Series(list(_groups_of(self._rows, apart)), index=self._rows.index)
        for other in self._view.others:
            if other not in apart:
                shown -= set(self._find_differences(groups, shown, other))
            if apart != (other,):
                shown -= set(self._find_parts_of_hidden(groups, shown, other))
        return self._complete(apart, shown)

    def _choose_by(self, names: tuple[str, ...]) -> set[Group]:
        people = self._people_by(names)
        return self._complete(names, {group for group, found in people.items() if len(found) >= self._view.least})

    def _complete(self, names: tuple[str, ...], shown: set[Group]) -> set[Group]:
        """Hide more, the smallest first, until the hidden groups within every larger one are enough people together."""
        people = self._people_by(names)
        ordered = sorted(people, key=lambda group: (len(people[group]), tuple(map(str, group))))
        parents = [kept for count in range(len(names)) for kept in combinations(range(len(names)), count)]
        is_stable = False
        while not is_stable:
            is_stable = True
            for kept in parents:
                for within in _group_by_places(ordered, kept):
                    hidden = [group for group in within if group not in shown]
                    together = set().union(*(people[group] for group in hidden))
                    visible = [group for group in within if group in shown]
                    if hidden and visible and len(together) < self._view.least:
                        shown = shown - {visible[0]}
                        is_stable = False
        return shown

    def _find_differences(self, groups: pd.Series, shown: set[Group], other: str) -> Iterator[Group]:
        """Yield the groups that differ by few people from what an answer by another name shows."""
        by_other = pd.Series(list(_groups_of(self._rows, (other,))), index=self._rows.index)
        visible = by_other.isin(list(self._choose_by((other,))))
        inside = groups.groupby(by_other).transform("nunique") == 1  # the other group is a part of this one
        for group in shown:
            mine = groups == group
            if self._is_few(mine & ~(visible & inside)) and (mine & visible & inside).any():
                yield group
            within = by_other[mine].unique()
            if len(self._view.apart) > 1 and len(within) == 1 and visible[mine].all():
                rest = (by_other == within[0]) & ~mine
                if self._is_few(rest):
                    yield group

    def _find_parts_of_hidden(self, groups: pd.Series, shown: set[Group], other: str) -> Iterator[Group]:
        """Yield the groups that an answer by another name hides together with few people: one row has their sum."""
        by_other = pd.Series(list(_groups_of(self._rows, (other,))), index=self._rows.index)
        hidden = ~by_other.isin(list(self._choose_by((other,))))
        for group in shown:
            mine = groups == group
            if hidden[mine].all() and self._is_few(hidden & ~mine):
                yield group

    def _is_few(self, chosen: pd.Series) -> bool:
        return bool(chosen.any()) and self._rows.loc[chosen, _WHO].nunique() < self._view.least

    def _people_by(self, names: tuple[str, ...]) -> dict[Group, set[object]]:
        found: dict[Group, set[object]] = {}
        for group, person in zip(_groups_of(self._rows, names), self._rows[_WHO], strict=True):
            found.setdefault(group, set())
            if not pd.isna(person):
                found[group].add(person)
        return found


def _groups_of(rows: pd.DataFrame, names: tuple[str, ...]) -> Iterable[Group]:
    if not names:
        return [()] * len(rows)
    return rows[list(names)].itertuples(index=False, name=None)


def _group_by_places(groups: list[Group], kept: tuple[int, ...]) -> Iterable[list[Group]]:
    found: dict[Group, list[Group]] = {}
    for group in groups:
        found.setdefault(tuple(group[place] for place in kept), []).append(group)
    return found.values()


def _sum_groups(cells: pd.DataFrame, chosen: pd.Series, names: tuple[str, ...]) -> pd.DataFrame:
    grouped = cells[chosen.to_numpy()].groupby(list(names), dropna=False, sort=True)
    found = [_sum(rows, names, key) for key, rows in grouped]
    return pd.DataFrame(found, columns=[*names, *_GROUP_COLUMNS], dtype=object)


_GROUP_COLUMNS = ("executions", "executions_without_cost", "people", "cost_usd", "tokens_in", "tokens_out")


def _sum(rows: pd.DataFrame, names: tuple[str, ...], key: object) -> dict[str, object]:
    values = key if isinstance(key, tuple) else (key,)
    sums = {name: rows[name].sum(min_count=1) for name in _SUMMED_COLUMNS}
    cost = rows["cost_usd"].dropna()
    return {
        **{name: None if pd.isna(value) else value for name, value in zip(names, values, strict=True)},
        **{name: None if pd.isna(value) else int(value) for name, value in sums.items()},
        "people": rows[_WHO].nunique() or None,
        "cost_usd": math.fsum(cost) if len(cost) else None,
    }


def _sum_others(cells: pd.DataFrame, state: pd.Series, view: TeamView) -> Iterator[pd.DataFrame]:
    """Yield the row of what is hidden, and the one that says without numbers that months are left out."""
    blank = (None,) * (len(view.names) - 1)
    hidden = cells[(state == "hidden").to_numpy()]
    if len(hidden):
        row = _sum(hidden, view.names, (f"(groups below {view.least} people)", *blank))
        yield pd.DataFrame([{**row, "people": None}], columns=[*view.names, *_GROUP_COLUMNS], dtype=object)
    if (state == "left out").any():
        row = dict.fromkeys((*view.names, *_GROUP_COLUMNS)) | {view.names[0]: f"(months below {view.least} people)"}
        yield pd.DataFrame([row], dtype=object)
