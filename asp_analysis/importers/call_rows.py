"""Calls and activities as rows of the store and back again, so that what is stored can be merged with what is read.

The metadata of a call stands once, on the row of its cost or else of its first metric: a call has up to nine rows.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from asp_analysis.importers.calls import MAIN_AGENT, Call, Origin, Reading
from asp_analysis.records import EXECUTION_CONTEXT, LARGEST_AMOUNT, METRIC_UNITS, read_instant, storable_json

Row = tuple[Any, ...]

CALL_COLUMNS = (
    *EXECUTION_CONTEXT,
    "metadata",
    "execution_date",
    "execution_id",
    "metric_type",
    "metric_value",
    "metric_unit",
)
_PLACE = {name: place for place, name in enumerate(CALL_COLUMNS)}


@dataclass(frozen=True, slots=True)
class Cost:
    """A computed cost and the price it was computed with: source, version, model and date of the price, as one text."""

    usd: float
    price: str


Pricer = Callable[[Call], Cost | None]
"""Gives what a call cost by its tokens, or None where its model has no price."""


@dataclass(frozen=True)
class CallRows:
    """Turns calls into rows under one reading and one set of prices."""

    reading: Reading
    source: str
    price: Pricer

    def rows(self, call: Call, former: dict[str, Any] | None = None) -> list[Row]:
        """Give the rows of a call, one per known metric; a computed cost in the stored metadata `former` is kept."""
        computed, price = self._cost(call, former or {})
        cost = computed if price and price.startswith("own") else None
        for known in (call.reported_usd, computed):
            cost = known if cost is None else cost
        metrics = (
            ("API_Cost", cost),
            ("Tokens_In", call.tokens_in),
            ("Tokens_Out", call.tokens_out),
            ("Tokens_Cache_Read", call.cache_read),
            ("Tokens_Cache_Write", call.cache_write),
            ("Latency", call.latency_ms),
            ("Tool_Calls", None if call.tools is None else len(call.tools)),
            ("Retries", call.retries),
        )
        context = self._context(call)
        metadata: str | None = storable_json(self._metadata(call, computed, price))
        rows = []
        for metric, value in metrics:
            if value is not None:
                if not 0 <= value <= LARGEST_AMOUNT:
                    raise ValueError(f"{metric}: a number from 0 to 1e15 is needed, found {value}")
                own = (metric, float(value), METRIC_UNITS[metric])
                rows.append((*context, metadata, context[0][:10], call.call_id, *own))
                metadata = None
        return rows

    def combine(self, stored: Sequence[Row], read: Sequence[Row]) -> list[Row]:
        """Merge the stored rows of one call with those just read; see `Batch.combine`."""
        call, former = stored_call(stored)
        call.merge(stored_call(read)[0])
        return self.rows(call, former)

    def _cost(self, call: Call, former: dict[str, Any]) -> tuple[float | None, str | None]:
        cost = self.price(call)
        if cost is not None:
            return cost.usd, cost.price
        return former.get("cost_computed_usd"), former.get("price")

    def _context(self, call: Call) -> Row:
        origin = call.origin
        instant = read_instant(call.at)
        role = self.reading.role_of(origin.agent)
        task_id = self.reading.task_of(origin)
        person, version = None, None
        return (
            instant,
            task_id,
            origin.agent_id,
            origin.project_id,
            person,
            role,
            version,
            1,
            call.model,
            call.provider,
        )

    def _metadata(self, call: Call, computed: float | None, price: str | None) -> dict[str, Any]:
        origin = call.origin
        known = {
            "source": self.source,
            "session_id": origin.session_id,
            "branch": origin.branch,
            "agent": None if origin.agent == MAIN_AGENT else origin.agent,
            "is_copy": origin.is_copy or None,
            "tools": sorted(call.tools) if call.tools else None,
            "cache_write_1h": call.cache_write_1h or None,
            "web_searches": call.web_searches or None,
            "variant": call.variant,
            "cost_reported_usd": call.reported_usd,
            "cost_computed_usd": computed,
            "price": price,
            "texts": call.texts or None,
        }
        return {name: value for name, value in known.items() if value is not None}


def stored_call(rows: Sequence[Row]) -> tuple[Call, dict[str, Any]]:
    """Rebuild a call and its metadata from its rows."""
    metadata: dict[str, Any] = {}
    values: dict[str, float] = {}
    for row in rows:
        values[row[_PLACE["metric_type"]]] = row[_PLACE["metric_value"]]
        if row[_PLACE["metadata"]]:
            metadata = {**json.loads(row[_PLACE["metadata"]]), **metadata}
    first = dict(zip(CALL_COLUMNS, rows[0], strict=True))
    origin = Origin(
        bool(metadata.get("is_copy")),
        metadata.get("session_id", first["task_id"]),
        first["project_id"],
        metadata.get("branch"),
        metadata.get("agent", MAIN_AGENT),
        first["subtask_id"],
    )
    call = Call(
        call_id=first["execution_id"],
        at=min(row[0] for row in rows),
        origin=origin,
        model=first["llm_model"],
        provider=first["llm_provider"],
        tokens_in=_whole(values.get("Tokens_In")),
        tokens_out=_whole(values.get("Tokens_Out")),
        cache_read=_whole(values.get("Tokens_Cache_Read")),
        cache_write=_whole(values.get("Tokens_Cache_Write")),
        cache_write_1h=metadata.get("cache_write_1h", 0 if "Tokens_Cache_Write" in values else None),
        web_searches=metadata.get("web_searches"),
        variant=metadata.get("variant"),
        latency_ms=values.get("Latency"),
        retries=_whole(values.get("Retries")),
        reported_usd=metadata.get("cost_reported_usd"),
        tools=set(metadata.get("tools", ())) if "Tool_Calls" in values else None,
        texts=metadata.get("texts", {}),
    )
    return call, metadata


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)
