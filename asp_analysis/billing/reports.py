"""Reports of Anthropic and OpenAI about an organization: buckets of time with results, of usage or of costs.

Sources of the fields: platform.claude.com docs, Get Messages Usage Report and Get Cost Report; the types of the
packages anthropic and openai. Amounts of Anthropic are decimal texts in cents; input of OpenAI holds the cached tokens.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from asp_analysis.billing.bill import OTHER, TOKEN_USE, WEB_SEARCH, Bill, BillLine, read_amount
from asp_analysis.errors import InputError
from asp_analysis.importers.json_lines import LineError
from asp_analysis.importers.transcripts.documents import objects_in
from asp_analysis.importers.transcripts.values import count, object_in, word

Document = dict[str, Any]

_ANTHROPIC, _OPENAI = ("llm_provider", "anthropic"), ("llm_provider", "openai")


def read_report(name: str, documents: list[Document]) -> Bill | None:
    """Return the pages of a report as a bill; None where they are no such report.

    Raises:
        InputError: a result cannot be read.
    """
    results = [(bucket, result) for page in documents for bucket in objects_in(page.get("data"))
               for result in objects_in(bucket.get("results"))]  # fmt: skip
    buckets = [bucket for page in documents for bucket in objects_in(page.get("data")) if "results" in bucket]
    if not buckets:
        return None
    is_openai = any("start_time" in bucket for bucket in buckets)
    has_money = any("amount" in result for _, result in results)
    read = _openai_line if is_openai else _anthropic_line
    lines = []
    for bucket, result in results:
        try:
            lines.append(read(bucket, result))
        except (LineError, ValueError, OverflowError, OSError) as error:
            raise InputError(f"{name} holds a result that cannot be read: {error}. Fetch the report again.") from None
    form = f"{'OpenAI' if is_openai else 'Anthropic'} {'costs' if has_money else 'usage'}"
    notes = [*_incomplete(name, documents)]
    return Bill(name=name, form=form, scope=_OPENAI if is_openai else _ANTHROPIC, lines=lines, notes=notes)


def _incomplete(name: str, documents: list[Document]) -> Iterator[str]:
    if documents and documents[-1].get("has_more"):
        yield f"{name} ends with has_more: pages are missing. Fetch them too, and name all files."


def _anthropic_line(bucket: Document, result: Document) -> BillLine:
    day = datetime.fromisoformat(str(bucket.get("starting_at"))[:10]).date().isoformat()
    line = BillLine(
        day=day,
        model=word(result, "model"),
        tier=_tier(result.get("service_tier")),
        person=word(result, "account_id"),
        identity=json.dumps([bucket.get("starting_at"), result], sort_keys=True),
    )
    if "amount" in result:
        kind = str(result.get("cost_type") or TOKEN_USE)
        kind = kind if kind in (TOKEN_USE, WEB_SEARCH) else OTHER
        return replace(line, kind=kind, cost_usd=_cents(result, "amount"), list_usd=_cents(result, "list_amount"))
    created = object_in(result, "cache_creation")
    written = sum(count(created, f"ephemeral_{age}_input_tokens") or 0 for age in ("5m", "1h"))
    fresh = (count(result, "uncached_input_tokens") or 0) + (count(result, "cache_read_input_tokens") or 0)
    return replace(line, tokens_in=fresh + written, tokens_out=count(result, "output_tokens") or 0)


def _openai_line(bucket: Document, result: Document) -> BillLine:
    began = count(bucket, "start_time")
    day = datetime.fromtimestamp(began or 0, UTC).date().isoformat()
    identity = json.dumps([began, result], sort_keys=True)
    if "amount" in result:
        amount = object_in(result, "amount")
        if (word(amount, "currency") or "usd").lower() != "usd":
            raise LineError(f"amounts in {amount.get('currency')!r} are not US dollars")
        item = word(result, "line_item")
        model = item.partition(",")[0] if item else None
        return BillLine(day=day, model=model, cost_usd=read_amount(amount.get("value")), identity=identity)
    return BillLine(
        day=day,
        model=word(result, "model"),
        person=word(result, "user_id"),
        tier="batch" if result.get("batch") else _tier(result.get("service_tier")),
        tokens_in=count(result, "input_tokens") or 0,
        tokens_out=count(result, "output_tokens") or 0,
        identity=identity,
    )


def _tier(value: Any) -> str | None:
    return value if isinstance(value, str) and value not in ("standard", "default", "auto") else None


def _cents(result: Document, name: str) -> float | None:
    if result.get(name) is None:
        return None
    if (word(result, "currency") or "USD") != "USD":
        raise LineError(f"amounts in {result.get('currency')!r} are not US dollars")
    return read_amount(result[name]) / 100
