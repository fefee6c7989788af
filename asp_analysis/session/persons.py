"""Shows a store without the names of persons: under pseudonyms, or not at all and with small groups taken together."""

import os
from dataclasses import dataclass

import duckdb

from asp_analysis.config import StoreUrl
from asp_analysis.errors import InputError
from asp_analysis.privacy import pseudonym, pseudonym_key, pseudonym_key_file

PSEUDONYMS, TEAMS = "pseudonyms", "teams"
PERSONS_VARIABLE = "ASP_PERSONS"
"""The environment variable by which a process that runs a notebook says how persons are shown."""

_PERSONS_SCHEMA = "memory.narrowed"
_LIST_PERSONS = (
    "SELECT user_id FROM {whole}.stg_executions UNION SELECT user_id FROM {whole}.stg_defects "
    "UNION SELECT user_id FROM {whole}.stg_changes UNION SELECT person FROM {whole}.stg_people "
    "UNION SELECT member FROM {whole}.stg_budgets WHERE dimension = 'person'"
)
_SMALL_GROUPS = {"machine": "machine", "repository": "repository", "branch": "branch", "project_id": "project_id"}
_TEAM_LABELS = {"team": "team", "cost_center": "cost_center"}
_GROUPS_IN_VIEW = {
    "stg_executions": ("machine", "repository", "branch", "project_id"),
    "stg_defects": ("project_id",),
    "stg_changes": ("repository", "branch", "project_id"),
    "stg_tasks": ("project_id",),
}
"""Staging view -> its columns whose names may be those of few people."""

_WITH_PERSON = ("stg_executions", "stg_defects", "stg_changes")


@dataclass(frozen=True, kw_only=True)
class PersonView:
    """How persons are shown: kind is `pseudonyms` or `teams`; least: people of a group that has its name in `teams`."""

    kind: str
    least: int = 5

    @classmethod
    def read(cls, text: str | None) -> "PersonView | None":
        """Read `pseudonyms`, `teams` or `teams:7`; None where nothing is said.

        Raises:
            InputError: it is none of these.
        """
        if not text:
            return None
        kind, _, least = text.partition(":")
        if kind not in (PSEUDONYMS, TEAMS) or (least and not least.isdecimal()):
            raise InputError(f"{PERSONS_VARIABLE} is {text!r}. Write pseudonyms, teams, or teams:5.")
        return cls(kind=kind, least=int(least or 5))

    def __str__(self) -> str:
        return self.kind if self.kind == PSEUDONYMS else f"{self.kind}:{self.least}"

    @property
    def small(self) -> str:
        """What is shown for the names of groups of few people."""
        return f"(groups below {self.least} people)"

    def prepare(self, connection: duckdb.DuckDBPyConnection, url: StoreUrl, whole: str) -> None:
        """Make the tables that say under which name a person is shown, and which names are those of few people."""
        found = [
            row[0] for row in connection.execute(_LIST_PERSONS.format(whole=whole)).fetchall() if row[0] is not None
        ]
        key = pseudonym_key(pseudonym_key_file(url)) if self.kind == PSEUDONYMS else b""
        shown = [pseudonym(person, key) if self.kind == PSEUDONYMS else None for person in found]
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {_PERSONS_SCHEMA}")
        connection.execute(
            f"CREATE OR REPLACE TABLE {_PERSONS_SCHEMA}.asp_persons AS "
            "SELECT UNNEST($found::VARCHAR[]) AS person, UNNEST($shown::VARCHAR[]) AS shown",
            {"found": found, "shown": shown},
        )
        if self.kind == TEAMS:
            counts = " UNION ALL ".join(
                f"SELECT '{name}' AS kind, {column} AS name FROM {whole}.staffed WHERE {column} IS NOT NULL "
                f"GROUP BY {column} HAVING count(DISTINCT person) < {self.least}"
                for name, column in {**_SMALL_GROUPS, **_TEAM_LABELS}.items()
            )
            connection.execute(f"CREATE OR REPLACE TABLE {_PERSONS_SCHEMA}.asp_small AS {counts}")

    def hide(self, name: str, text: str, whole: str) -> str:
        """Return the SELECT of a staging view without the names of persons."""
        if name == "stg_people":
            if self.kind == TEAMS:
                return f"SELECT * FROM ({text}) AS rows WHERE FALSE"
            return f"SELECT rows.* REPLACE (persons.shown AS person) FROM ({text}) AS rows {_join('person')}"
        if name == "stg_budgets":
            return self._hide_budgets(text)
        replaced = {"user_id": "persons.shown"} if name in _WITH_PERSON else {}
        joins = _join("user_id") if name in _WITH_PERSON else ""
        if self.kind == TEAMS:
            replaced |= {
                column: self._name_or_small(f"rows.{column}", column) for column in _GROUPS_IN_VIEW.get(name, ())
            }
        if name == "stg_executions":
            replaced["labels"] = self._labels()
            joins += _staffing(whole) if self.kind == TEAMS else ""
        if not replaced:
            return text
        shown = ", ".join(f"{value} AS {column}" for column, value in replaced.items())
        return f"SELECT rows.* REPLACE ({shown}) FROM ({text}) AS rows {joins}"

    def _hide_budgets(self, text: str) -> str:
        """Return the budgets without those of accounts; persons' under their pseudonyms, else none of small groups."""
        rows = f"SELECT rows.* FROM ({text}) AS rows WHERE dimension IS DISTINCT FROM 'label account'"
        if self.kind == TEAMS:
            small = f"SELECT name FROM {_PERSONS_SCHEMA}.asp_small"
            return f"{rows} AND dimension IS DISTINCT FROM 'person' AND (member IS NULL OR member NOT IN ({small}))"
        shown = "CASE WHEN dimension = 'person' THEN {} ELSE {} END"
        member = shown.format("persons.shown", "member")
        name = shown.format("replace(budget_id, member, persons.shown)", "budget_id")
        replaced = f"{name} AS budget_id, {member} AS member"
        return f"SELECT rows.* REPLACE ({replaced}) FROM ({rows}) AS rows {_join('member')}"

    def _labels(self) -> str:
        """Return the labels without the account, and with the team of the day where no person says it."""
        labels = "CAST(COALESCE(rows.labels, '{}') AS JSON)"
        patch = """'{"account":null}'"""
        if self.kind == PSEUDONYMS:
            plain = f"CAST(json_merge_patch({labels}, {patch}) AS VARCHAR)"
            return f"CASE WHEN contains(rows.labels, '\"account\"') THEN {plain} ELSE rows.labels END"
        for name in _TEAM_LABELS:
            value = f"COALESCE(staffing.{name}, {labels} ->> '{name}')"
            patch += f", json_object('{name}', {self._name_or_small(value, name)})"
        return f"NULLIF(CAST(json_merge_patch({labels}, {patch}) AS VARCHAR), '{{}}')"

    def _name_or_small(self, value: str, kind: str) -> str:
        small = f"SELECT name FROM {_PERSONS_SCHEMA}.asp_small WHERE kind = '{kind}'"
        return f"CASE WHEN {value} IN ({small}) THEN '{self.small}' ELSE {value} END"


def persons_of_environment() -> PersonView | None:
    """Return how persons are shown where nobody says so: as the environment does.

    Raises:
        InputError: it says something else.
    """
    return PersonView.read(os.environ.get(PERSONS_VARIABLE))


def _join(column: str) -> str:
    return f"LEFT JOIN {_PERSONS_SCHEMA}.asp_persons AS persons ON rows.{column} = persons.person"


def _staffing(whole: str) -> str:
    return f""" LEFT JOIN {whole}.staffing AS staffing
    ON rows.user_id = staffing.person
    AND CAST(rows.executed_at AS DATE) >= staffing.from_day
    AND CAST(rows.executed_at AS DATE) <= COALESCE(staffing.until_day, DATE '9999-12-31')"""
