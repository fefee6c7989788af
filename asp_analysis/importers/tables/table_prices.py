"""Prices executions of tables as calls of transcripts are priced: where model and tokens are known and no cost is."""

import json
from collections.abc import Iterator
from typing import Any

from asp_analysis.importers.transcripts.call_rows import Pricer
from asp_analysis.importers.transcripts.calls import Call, Origin
from asp_analysis.records import LARGEST_AMOUNT, json_text
from asp_analysis.validation import Columns

_NOBODY = Origin(is_copy=False, session_id="")
_CALL = (
    "executed_at",
    "llm_model",
    "llm_provider",
    "tokens_in",
    "tokens_out",
    "tokens_cache_read",
    "tokens_cache_write",
)


def price_executions(clean: Columns, price: Pricer) -> int:
    """Fill `cost_usd` where it can be computed, and keep the price behind it in the metadata; return how many were.

    clean: validated columns of executions, without rejected rows; `cost_usd` and `metadata_json` are replaced.
    """
    costs, metadata = list(clean["cost_usd"]), list(clean["metadata_json"])
    count = 0
    for row, call in _calls_without_cost(clean):
        cost = price(call)
        if cost is None or not 0 <= cost.usd <= LARGEST_AMOUNT:
            continue
        costs[row] = cost.usd
        known = json.loads(metadata[row]) if metadata[row] else {}
        metadata[row] = json_text({**known, "cost_computed_usd": cost.usd, "price": cost.price})
        count += 1
    if count:
        clean["cost_usd"], clean["metadata_json"] = costs, metadata
    return count


def _calls_without_cost(clean: Columns) -> Iterator[tuple[int, Call]]:
    if None not in clean["cost_usd"]:
        return
    for row, (cost, *told) in enumerate(zip(clean["cost_usd"], *(clean[name] for name in _CALL), strict=True)):
        at, model, provider, tokens_in, tokens_out, cache_read, cache_write = told
        if cost is None and model and (tokens_in or tokens_out):
            yield row, _call(at, model, provider, (tokens_in, tokens_out, cache_read, cache_write))


def _call(at: str, model: str, provider: str | None, tokens: tuple[Any, ...]) -> Call:
    tokens_in, tokens_out, cache_read, cache_write = tokens
    return Call(
        call_id="",
        at=at,
        origin=_NOBODY,
        model=model,
        provider=provider,
        tokens_in=tokens_in,
        tokens_out=tokens_out,
        cache_read=cache_read,
        cache_write=cache_write,
    )
