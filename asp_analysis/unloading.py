"""Takes loads back: how each kind of load merges rows is known to its importer, what was said of them to the store."""

import json
from typing import Any

from asp_analysis.batch import Combine, Row
from asp_analysis.call_prices import make_pricer
from asp_analysis.executions import COLUMNS, EXECUTIONS
from asp_analysis.importers.format import TRANSCRIPT
from asp_analysis.importers.transcripts.activity_rows import TASK_COLUMNS, combine_activities
from asp_analysis.importers.transcripts.call_rows import CallRows, Cost, Pricer, stored_call
from asp_analysis.importers.transcripts.calls import Call, Reading
from asp_analysis.load_options import LoadOptions
from asp_analysis.store.database import Store
from asp_analysis.store.unload import Unloaded, unload
from asp_analysis.store.upsert import keep_known_cost, merge_columns, merge_metrics
from asp_analysis.store.versions import Said


def unload_load(store: Store, load_id: int) -> Unloaded:
    """Take a load back whole, or not at all.

    Raises:
        InputError: there is no such load, it is too old to be taken back, or another load depends on it.
        StoreError: the store cannot be written.
    """
    with store.transaction() as connection:
        return unload(connection, load_id, merge_of_load)


def rehearse_unload(store: Store, load_id: int) -> Unloaded:
    """Return what taking a load back changes; the store stays as it is.

    Raises:
        InputError, StoreError: as `unload_load`.
    """
    with store.rehearsal():
        return unload_load(store, load_id)


def merge_of_load(load: dict[str, Any], table: str, columns: tuple[str, ...], said: list[Said]) -> Combine:
    """Return what merges a row with one that a load brought, as the load itself did."""
    loaded_as = load.get("loaded_as")
    if loaded_as == TRANSCRIPT and table == EXECUTIONS:
        return _with_columns(columns, COLUMNS, _calls_of(load, said))
    if loaded_as == TRANSCRIPT:
        return _with_columns(columns, TASK_COLUMNS, combine_activities)
    if table != EXECUTIONS:
        return merge_columns(columns)
    return merge_metrics(columns) if loaded_as == "metrics" else keep_known_cost(columns)


def _with_columns(columns: tuple[str, ...], own: tuple[str, ...], combine: Combine) -> Combine:
    """Return a merge of whole rows that leaves the columns of others as they are."""
    places = [columns.index(name) for name in own]

    def merge(old: Row, new: Row) -> Row:
        merged = list(old)
        for place, value in zip(places, combine(*(tuple(row[at] for at in places) for row in (old, new))), strict=True):
            merged[place] = value
        return tuple(merged)

    return merge


def _calls_of(load: dict[str, Any], said: list[Said]) -> Combine:
    options = json.loads(load["options_json"])
    reading = Reading(
        task_from=options["task_from"],
        roles=tuple((agent, role) for agent, role in options["roles"]),
        keep_text=options["keep_text"],
    )

    def combine(old: Row, new: Row) -> Row:
        tool = new[COLUMNS.index("tool")]
        return CallRows(reading, tool, _priced_as(said)).combine(old, new)

    return combine


def _priced_as(said: list[Said]) -> Pricer:
    """Return what prices a call as it was priced when it was loaded; one that is new by its tokens as today."""
    known: dict[tuple[Any, ...], Cost] = {}
    for one in said:
        call, metadata = stored_call(tuple(one.get(name) for name in COLUMNS))
        if "cost_computed_usd" in metadata:
            known[_priced_by(call)] = Cost(metadata["cost_computed_usd"], metadata.get("price", ""))
    today = make_pricer(LoadOptions())

    def price(call: Call) -> Cost | None:
        return known.get(_priced_by(call)) or today(call)

    return price


def _priced_by(call: Call) -> tuple[Any, ...]:
    """Return all that the price of a call depends on."""
    return (
        call.model, call.provider, call.at, call.tokens_in, call.tokens_out, call.cache_read, call.cache_write,
        call.cache_write_1h, call.web_searches, call.variant,
    )  # fmt: skip
