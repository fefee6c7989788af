"""What part of a store a session shows: one project, model or role, a period, or the state of knowledge of a day."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import duckdb

from asp_analysis import sql
from asp_analysis.errors import InputError
from asp_analysis.session.catalog import marts, staging_views

_PART = "narrowed"
NARROWED = f"{_PART}.main"
"""Where the views of a part are; those of the whole store stay where they are. It is a database in memory of its own:
SHOW TABLES lists the views of every schema of a database."""


MOST_COPIED = 300_000
"""Executions of a part of a lake up to which it is copied: some hundred MB."""

_COPIED = f"SELECT table_name FROM duckdb_tables() WHERE database_name = '{_PART}' AND schema_name = 'main'"

_READ_FIRST = ("stg_executions", "stg_tasks")
"""Parts that others are made of: copied first."""

Hide = Callable[[str, str, str], str]


@dataclass(frozen=True, kw_only=True)
class Scope:
    """What is looked at; None narrows nothing.

    project, model, role: the values of `project_id`, `llm_model` and `agent_role`. since: the first instant (UTC).
    until, as_of: the last one; a date without a time of day is the whole day. `until` ends the period, `as_of` says
    when one looks: what happened later is unknown, so that the earlier of the two counts.
    """

    project: str | None = None
    model: str | None = None
    role: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    as_of: datetime | None = None

    @classmethod
    def read(cls, **values: Any) -> "Scope":
        """Read what a person wrote: texts, and instants as texts, dates or datetimes.

        Raises:
            InputError: a name is not one of a part's, or a value cannot be read; the message says how to write it.
        """
        known = cls.__dataclass_fields__
        unknown = [name for name in values if name not in known]
        if unknown:
            raise InputError(f"{unknown[0]!r} does not narrow a store. These do: {', '.join(known)}.")
        scope = cls(
            project=_read_text("project", values.get("project")),
            model=_read_text("model", values.get("model")),
            role=_read_text("role", values.get("role")),
            since=_read_instant("since", values.get("since"), is_end=False),
            until=_read_instant("until", values.get("until"), is_end=True),
            as_of=_read_instant("as_of", values.get("as_of"), is_end=True),
        )
        if scope.since is not None and scope.before is not None and scope.before <= scope.since:
            raise InputError(
                f"The period ends before it begins: since {scope.since:%Y-%m-%d}, until {scope.before:%Y-%m-%d}. "
                "Set an earlier SINCE, or a later UNTIL or AS_OF."
            )
        return scope

    @property
    def before(self) -> datetime | None:
        """The instant from which on nothing is looked at."""
        return min((end for end in (self.until, self.as_of) if end is not None), default=None)

    @property
    def is_whole(self) -> bool:
        """Nothing is narrowed."""
        return self == Scope()

    def describe(self) -> str:
        """Return the part in words, empty for the whole store: "project garden, since 2026-01-01"."""
        parts = [f"{name} {value}" for name in ("project", "model", "role") if (value := getattr(self, name))]
        if self.since is not None:
            parts.append(f"since {_write_instant(self.since)}")
        for name in ("until", "as_of"):
            if (end := getattr(self, name)) is not None:
                parts.append(f"{name.replace('_', ' ')} {_write_instant(end - timedelta(microseconds=1))}")
        return ", ".join(parts)


def narrow_views(connection: duckdb.DuckDBPyConnection, scope: Scope, whole: str, hide: Hide | None = None) -> None:
    """Make views of a part of the store next to those of the whole, with the same names; `NARROWED` holds them.

    whole: where the views of the whole store are. hide: changes the SELECT of a staging view (its name, its text, where
    the whole is).
    """
    values = {"project": scope.project, "model": scope.model, "role": scope.role}
    for name, value in {**values, "since": scope.since, "before": scope.before}.items():
        connection.execute(f"SET VARIABLE asp_{name} = $value", {"value": value})
    connection.execute(f"ATTACH IF NOT EXISTS ':memory:' AS {_PART}")
    for (name,) in connection.execute(_COPIED).fetchall():  # of the former part
        connection.execute(f"DROP TABLE {NARROWED}.{name}")
    own = sql.view_names("narrowed")
    for name in [*own, *(name for name in staging_views() if name not in own)]:
        text = sql.view_text("narrowed", name) if name in own else "SELECT * FROM {whole}." + name
        text = text.replace("{whole}", whole)
        text = text if hide is None else hide(name, text, whole)
        connection.execute(f"CREATE OR REPLACE VIEW {NARROWED}.{name} AS {text}")
    for name in marts():
        connection.execute(f"CREATE OR REPLACE VIEW {NARROWED}.{name} AS {sql.view_text('marts', name)}")


def copy_part(connection: duckdb.DuckDBPyConnection) -> None:
    """Copy the rows of a part into memory, unless they are many: a lake is not scanned again by each query of it."""
    rows = f"SELECT count(*) FROM (SELECT 1 FROM {NARROWED}.stg_executions LIMIT {MOST_COPIED + 1})"
    if connection.execute(rows).fetchall()[0][0] > MOST_COPIED:
        return
    for name in [*_READ_FIRST, *(name for name in staging_views() if name not in _READ_FIRST)]:
        connection.execute(f"CREATE TABLE {NARROWED}.asp_copy AS FROM {NARROWED}.{name}")
        connection.execute(f"DROP VIEW {NARROWED}.{name}")
        connection.execute(f"ALTER TABLE {NARROWED}.asp_copy RENAME TO {name}")


def _read_text(name: str, value: Any) -> str | None:
    if value is None or (isinstance(value, str) and value):
        return value
    raise InputError(f"{name} is a name or None, found {value!r}. Write it in quotes.")


def _read_instant(name: str, value: Any, *, is_end: bool) -> datetime | None:
    """Return the instant from which on (`is_end`: from which on no more) rows count."""
    if value is None:
        return None
    from asp_analysis.records import read_instant  # it brings pydantic

    try:
        found = datetime.fromisoformat(read_instant(value)).replace(tzinfo=None)
    except ValueError:
        raise InputError(f"{name} is a date such as '2026-01-31', an instant, or None; found {value!r}.") from None
    is_day = found == datetime(found.year, found.month, found.day) and not (isinstance(value, str) and ":" in value)
    if not is_end:
        return found
    return found + (timedelta(days=1) if is_day else timedelta(microseconds=1))


def _write_instant(instant: datetime) -> str:
    is_day = instant.hour in (0, 23) and instant.minute in (0, 59) and instant.second in (0, 59)
    return f"{instant:%Y-%m-%d}" if is_day else f"{instant:%Y-%m-%d %H:%M}"
