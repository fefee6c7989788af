"""A session: one open store, read only, with the views and nothing else."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

import duckdb

from asp_analysis import occupancy
from asp_analysis.config import StoreUrl, store_url
from asp_analysis.errors import QueryError, StoreError
from asp_analysis.session.attaching import lock, unreadable
from asp_analysis.session.catalog import describe_view, list_view, view_key, view_names
from asp_analysis.session.guard import check_reads_only, said
from asp_analysis.session.lake_reader import LakeReader, is_of_files
from asp_analysis.session.local_clock import make_local_views
from asp_analysis.session.parameters import check_whole, make_bindable
from asp_analysis.session.persons import PersonView, persons_of_environment
from asp_analysis.session.readers import Reader, open_reader
from asp_analysis.session.rows import FoundRows, fetch_rows
from asp_analysis.session.running import run_interruptible
from asp_analysis.session.scope import NARROWED, Scope, copy_part, narrow_views
from asp_analysis.time_zones import check_time_zone

if TYPE_CHECKING:
    import pandas as pd

Found = TypeVar("Found")


class Session:
    """A read-only look at one store. Close it (or use `with`) before this process writes to the store."""

    def __init__(
        self,
        url: StoreUrl,
        *,
        is_live: bool = False,
        is_repeatable: bool = False,
        persons: PersonView | None = None,
        zone: str | None = None,
    ) -> None:
        """Open the store; use `connect` instead."""
        self.url, self._is_open, self._is_repeatable = url, True, is_repeatable
        self._persons, self._zone = persons, zone
        self.timeout_s: float | None = None
        self._reader = self._lock(open_reader(url, is_live=is_live))
        self._scope, self._whole = Scope(), ""
        self._frames: dict[str, pd.DataFrame] = {}
        if self._is_part:
            self._enter_part()

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        name = self.url.path.name if self.url.path else self.url.shown
        return f"<Session on {name}, read only, {self.source}>"

    @property
    def source(self) -> str:
        """What is read: `live`, `from memory`, or `from a snapshot ...` with its age."""
        return self._reader.shown()

    @property
    def clock(self) -> str:
        """Whose days and instants the views show: UTC, or the time zone that `connect` takes."""
        return self._zone or "UTC"

    def close(self) -> None:
        """Detach the store; a second call does nothing."""
        if self._is_open:
            self._is_open = False
            self._reader.connection.close()
            if self.url.path is not None:
                occupancy.release(self.url.path, "reader")

    @property
    def scope(self) -> Scope:
        """What part of the store the views show; `narrow` sets it."""
        return self._scope

    def narrow(self, scope: Scope | None = None, /, **values: Any) -> Scope:
        """Let every view show only a part of the store from here on, and return it; without values, the whole again.

        values: project, model, role, since, until, as_of, as `Scope.read` takes them; None narrows nothing. A task
        that reaches beyond the period counts as open. Vocabularies, loads and forecasts of its tasks stay whole.

        Raises:
            InputError: a value cannot be read, or the period ends before it begins.
        """
        self._leave_part()
        self._scope = scope or Scope.read(**values)
        self._enter_part()
        return self._scope

    def begin_newest(self, executions: int) -> datetime | None:
        """Return since when about the newest so many executions of a lake came; None for all of them, or no lake."""
        return self._reader.begin_newest(executions) if isinstance(self._reader, LakeReader) else None

    def sql(self, query: str, /, **parameters: Any) -> "pd.DataFrame":
        """Run one SELECT and return its rows; `$name` in the query is bound to the parameter `name`.

        Values of NumPy and pandas can be bound too; a list, an array or a Series is a list of SQL.

        Raises:
            QueryError: the SQL is wrong, holds more than one statement, or asks for more than reading the views.
            StoreError: the store cannot be read any more.
        """
        from asp_analysis.session.frames import framed

        values = {name: make_bindable(value) for name, value in parameters.items()}
        return self._run(query, lambda connection: framed(connection.execute(query, values or None)))

    def rows(self, query: str, /, **parameters: Any) -> "FoundRows | pd.DataFrame":
        """Run one SELECT as `sql` does, without a frame where values of Python hold all that it found.

        Raises:
            QueryError, StoreError: as `sql`.
        """
        values = {name: make_bindable(value) for name, value in parameters.items()}
        return self._run(query, lambda connection: fetch_rows(connection, query, values or None))

    def _run(self, query: str, read: Callable[[duckdb.DuckDBPyConnection], Found]) -> Found:
        if not self._is_open:
            raise QueryError("This session is closed. Open another with asp.connect().")
        check_whole(query)
        check_reads_only(self._reader.connection, query)
        self._renew()
        former = self._reader
        try:
            return self._read(read)
        except duckdb.Error as error:
            if not is_of_files(self.url, error):
                raise QueryError(said(error)) from None
            self._renew()  # a new build may have come, and the files of the former may be gone
            if self._reader is former:
                raise unreadable(self.url, error) from None
        try:
            return self._read(read)
        except duckdb.Error as error:
            raise unreadable(self.url, error) if is_of_files(self.url, error) else QueryError(said(error)) from None

    def _read(self, read: Callable[[duckdb.DuckDBPyConnection], Found]) -> Found:
        connection = self._reader.connection
        with self._handed_over(connection):
            return run_interruptible(connection, lambda: read(connection), self.timeout_s)

    def view(self, name: str) -> "pd.DataFrame":
        """Return all rows of one view in the order of its key.

        Raises:
            QueryError: there is no such view; the message lists those that are there.
        """
        _check_view(name)
        return self.sql(f"SELECT * FROM {name} ORDER BY {', '.join(view_key(name))}")

    def views(self, name: str | None = None) -> "pd.DataFrame":
        """List the views, or the columns of one view; a notebook shows every row and every word.

        Of the views: view, one_row_is, key (the columns that identify rows), columns with their units. Of the columns
        of one: name, unit, meaning, is_key.

        Raises:
            QueryError: there is no such view; the message lists those that are there.
        """
        from asp_analysis.session.frames import Listing

        if name is None:
            return Listing([list_view(view) for view in view_names()])
        key = view_key(_check_view(name))
        return Listing([{**asdict(column), "is_key": column.name in key} for column in describe_view(name)[1]])

    @contextmanager
    def frames(self, **frames: "pd.DataFrame") -> Iterator[None]:
        """Let the queries of a `with` block read these frames by name; the session keeps none of them.

        Raises:
            QueryError: a value is not a frame, or a view has its name.
        """
        import pandas as pd

        for name, frame in frames.items():
            if not isinstance(frame, pd.DataFrame):
                raise QueryError(f"{name!r} is a {type(frame).__name__}, not a DataFrame. Hand over a DataFrame.")
            if name in view_names():
                raise QueryError(f"{name!r} is the name of a view. Hand the frame over under another name.")
        former, self._frames = self._frames, self._frames | frames
        try:
            yield
        finally:
            self._frames = former

    @contextmanager
    def _handed_over(self, connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
        names = list(self._frames)
        try:
            for name in names:
                connection.register(name, self._frames[name])
            yield
        finally:
            for name in names:
                connection.unregister(name)

    def _renew(self) -> None:
        if not self._is_part:
            self._take_renewed()
            return
        self._leave_part()
        former = self._reader.connection
        self._take_renewed()
        if self._reader.connection is former:
            former.execute(f"USE {NARROWED}")
        else:
            self._enter_part()

    def _take_renewed(self) -> None:
        try:
            reader = self._reader.renewed()
            self._reader = reader if reader is self._reader else self._lock(reader)
        except duckdb.Error as error:
            raise unreadable(self.url, error) from None

    def _lock(self, reader: Reader) -> Reader:
        """Forbid files, extensions and settings on the connection of a new reader."""
        if self._is_repeatable:  # with more threads, numbers are added up in another order each time
            reader.connection.execute("SET threads = 1")
        lock(reader.connection)
        return reader

    def _enter_part(self) -> None:
        """Let a bare name mean the view of the part."""
        connection = self._reader.connection
        whole = connection.execute("SELECT current_database() || '.' || current_schema()").fetchall()[0][0]
        self._whole = str(whole)
        if self._is_part:
            whole = self._whole if self._zone is None else make_local_views(connection, self._whole, self._zone)
            if self._persons is not None:
                self._persons.prepare(connection, self.url, whole)
            narrow_views(connection, self._scope, whole, None if self._persons is None else self._persons.hide)
            if self.url.is_lake:
                copy_part(connection)
            connection.execute(f"USE {NARROWED}")

    @property
    def _is_part(self) -> bool:
        """Whether the views are others than those of the whole store with the names of persons and in UTC."""
        return not self._scope.is_whole or self._persons is not None or self._zone is not None

    def _leave_part(self) -> None:
        """Let a bare name mean the view of the whole store again: only there may a copy be made again."""
        if self._whole:
            self._reader.connection.execute(f"USE {self._whole}")


def _check_view(name: str) -> str:
    if name not in view_names():
        raise QueryError(f"There is no view {name!r}. Views: {', '.join(view_names())}.")
    return name


def connect(
    url: str | StoreUrl | None = None,
    *,
    is_live: bool = False,
    is_repeatable: bool = False,
    persons: PersonView | None = None,
    zone: str | None = None,
) -> Session:
    """Open a store for reading: `url` as for `--db`, else DATABASE_URL, else the default store.

    A small store is copied into memory and a large one into a snapshot under `data/cache/`, both as new as the store at
    each query; `is_live` reads the store itself. Sums of numbers that are not whole may differ in their last digit from
    run to run on a large store; with `is_repeatable` they do not, and a query has one processor. `persons` says how
    persons are shown, else the environment (ASP_PERSONS), else by their names. With `zone`, an IANA name, views have
    the instants and days of a clock there; the store keeps UTC.

    Raises:
        InputError: the environment says something else, or the time zone is none.
        StoreError: there is no such store, it is damaged, its server refuses, or this process is writing to it.
    """
    address = url if isinstance(url, StoreUrl) else store_url(url)
    persons = persons or persons_of_environment()
    if zone is not None:
        check_time_zone(zone)
    if address.path is None:
        return Session(address, is_live=is_live, is_repeatable=is_repeatable, persons=persons, zone=zone)
    if address.is_missing() or not address.path.is_file():
        raise StoreError(f"The store {address.path} does not exist. Create it with: asp-analysis init")
    occupancy.claim(address.path, "reader")
    try:
        return Session(address, is_live=is_live, is_repeatable=is_repeatable, persons=persons, zone=zone)
    except BaseException:
        occupancy.release(address.path, "reader")
        raise
