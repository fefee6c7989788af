"""Calls as rows of executions and back again, so that what is stored can be merged with what is read."""

import json
import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from asp_analysis.executions import COLUMNS, PLACE
from asp_analysis.importers.transcripts.calls import MAIN_AGENT, Call, Origin, Reading
from asp_analysis.records import LARGEST_AMOUNT, read_instant, storable_json

Row = tuple[Any, ...]


COLUMN_STAMPS = ("person", "machine", "repository")
"""Names of stamps that have a column of their own; the others are labels."""

_UNKNOWN = dict.fromkeys(COLUMNS)
_in_order = operator.itemgetter(*COLUMNS)

_OF_OTHERS = [PLACE["memory_mb"]]
"""Places of what no transcript says: somebody who loaded it knows it."""

_SAID_BY_CALLS = {
    "source", "session_id", "branch", "agent", "is_copy", "tools", "cache_write_1h", "web_searches", "variant",
    "covers", "billing", "cost_reported_usd", "cost_computed_usd", "price", "texts",
}  # fmt: skip
"""Keys of the metadata that calls set, and `source` and `branch`, which are columns by now; other keys stay."""


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
    tool: str
    price: Pricer

    def row(self, call: Call, former: dict[str, Any] | None = None) -> Row:
        """Return the row of a call, in the order of `COLUMNS`; a computed cost in the stored metadata `former` is kept.

        Raises:
            ValueError: a measured value is out of range.
        """
        fields = self.fields(call, former)
        fields["metadata_json"] = storable_json(fields["metadata_json"])
        return _in_order(fields)

    def fields(self, call: Call, former: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return a call as an execution, column by column; unknown values are None, the metadata is a dictionary."""
        computed, price = self._cost(call, former or {})
        cost = computed if price and price.startswith("own") else None
        for known in (call.reported_usd, computed):
            cost = known if cost is None else cost
        measured = {
            "latency_ms": call.latency_ms,
            "tokens_in": call.tokens_in,
            "tokens_out": call.tokens_out,
            "tokens_cache_read": call.cache_read,
            "tokens_cache_write": call.cache_write,
            "cost_usd": cost,
            "tool_calls": None if call.tools is None else len(call.tools),
            "retries": call.retries,
        }
        for name, value in measured.items():
            if value is not None and not 0 <= value <= LARGEST_AMOUNT:
                raise ValueError(f"{name}: {value} is not a number from 0 to 1e15")
        others = {name: value for name, value in (former or {}).items() if name not in _SAID_BY_CALLS}
        metadata = {**others, **self._metadata(call, computed, price)}
        return {**_UNKNOWN, **self._context(call), **measured, "metadata_json": metadata}

    def combine(self, stored: Row, read: Row) -> Row:
        """Merge the stored row of a call with the one just read; see `Batch.combine`."""
        call, former = stored_call(stored)
        call.merge(stored_call(read)[0])
        row = list(self.row(call, former))
        for place in _OF_OTHERS:
            row[place] = stored[place]
        return tuple(row)

    def _cost(self, call: Call, former: dict[str, Any]) -> tuple[float | None, str | None]:
        cost = self.price(call)
        if cost is not None:
            return cost.usd, cost.price
        return former.get("cost_computed_usd"), former.get("price")

    def _context(self, call: Call) -> dict[str, Any]:
        origin, said = call.origin, dict(self.reading.stamps)
        person, machine, repository = (said.pop(name, None) for name in COLUMN_STAMPS)
        labels = {**said, **call.labels}
        return {
            "executed_at": read_instant(call.at),
            "task_id": self.reading.task_of(origin),
            "subtask_id": origin.agent_id,
            "project_id": origin.project_id,
            "agent_role": self.reading.role_of(origin.agent),
            "agent_iteration": 1,
            "llm_model": call.model,
            "llm_provider": call.provider,
            "tool": self.tool,
            "tool_version": call.tool_version,
            "agent_version": call.agent_version,
            "user_id": call.user_id or person,
            "machine": call.machine or machine,
            "repository": call.repository or repository,
            "branch": origin.branch,
            "labels": storable_json(labels) if labels else None,
            "execution_id": call.call_id,
        }

    def _metadata(self, call: Call, computed: float | None, price: str | None) -> dict[str, Any]:
        origin = call.origin
        known = {
            "session_id": origin.session_id,
            "agent": None if origin.agent == MAIN_AGENT else origin.agent,
            "is_copy": origin.is_copy or None,
            "tools": sorted(call.tools) if call.tools else None,
            "cache_write_1h": call.cache_write_1h or None,
            "web_searches": call.web_searches or None,
            "variant": call.variant,
            "covers": call.covers,
            "billing": call.billing,
            "cost_reported_usd": call.reported_usd,
            "cost_computed_usd": computed,
            "price": price,
            "texts": call.texts or None,
        }
        return {name: value for name, value in known.items() if value is not None}


def stored_call(row: Row) -> tuple[Call, dict[str, Any]]:
    """Rebuild a call and its metadata from its row."""
    known = dict(zip(COLUMNS, row, strict=True))
    metadata: dict[str, Any] = json.loads(known["metadata_json"] or "{}")
    origin = Origin(
        is_copy=bool(metadata.get("is_copy")),
        session_id=metadata.get("session_id", known["task_id"]),
        project_id=known["project_id"],
        branch=known["branch"] or metadata.get("branch"),
        agent=metadata.get("agent", MAIN_AGENT),
        agent_id=known["subtask_id"],
    )
    call = Call(
        call_id=known["execution_id"],
        at=known["executed_at"],
        origin=origin,
        model=known["llm_model"],
        provider=known["llm_provider"],
        tokens_in=known["tokens_in"],
        tokens_out=known["tokens_out"],
        cache_read=known["tokens_cache_read"],
        cache_write=known["tokens_cache_write"],
        cache_write_1h=metadata.get("cache_write_1h", None if known["tokens_cache_write"] is None else 0),
        web_searches=metadata.get("web_searches"),
        variant=metadata.get("variant"),
        covers=metadata.get("covers"),
        billing=metadata.get("billing"),
        tool_version=known["tool_version"],
        agent_version=known["agent_version"],
        user_id=known["user_id"],
        machine=known["machine"],
        repository=known["repository"],
        labels=json.loads(known["labels"] or "{}"),
        latency_ms=known["latency_ms"],
        retries=known["retries"],
        reported_usd=metadata.get("cost_reported_usd"),
        tools=None if known["tool_calls"] is None else set(metadata.get("tools", ())),
        texts=metadata.get("texts", {}),
    )
    return call, metadata
