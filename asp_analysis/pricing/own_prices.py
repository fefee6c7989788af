"""Prices of a user's file, by model and day; what it does not hold is priced by the library."""

import csv
import hashlib
import io
import json
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from asp_analysis.errors import InputError
from asp_analysis.pricing.price_list import price_tokens
from asp_analysis.pricing.tokens import Priced, Rates, Tokens, sum_costs

_TOKEN_KINDS = ("input", "cache_read", "cache_write", "cache_write_1h", "output")
_EXAMPLE = "model,valid_from,input,output,cache_read,cache_write,cache_write_1h"


@dataclass(frozen=True)
class OwnPrice:
    """USD per million tokens of one model from a day on; None is a kind that was not priced."""

    model: str
    valid_from: date
    usd_per_million: Rates


@dataclass(frozen=True)
class OwnPrices:
    """The prices of a user's file, by model and day; what it does not hold is priced by the library.

    `lacking` grows as calls are priced: the columns that a model's price has not and a call of it needed.
    """

    name: str
    fingerprint: str
    by_model: dict[str, tuple[OwnPrice, ...]]
    lacking: dict[str, set[str]] = field(default_factory=dict, compare=False)

    def price_tokens(self, model: str | None, provider: str | None, at: str, tokens: Tokens) -> Priced | None:
        """Price a call by the file where it holds the model on that day, else by the library.

        None where neither knows it, or where the file names no price for a kind of token that the call used.
        """
        held = [price for price in self.by_model.get(model or "", ()) if price.valid_from.isoformat() <= at[:10]]
        if not held:
            return price_tokens(model, provider, at, tokens)
        price = held[-1]
        cost = sum_costs(tokens.kinds, (*price.usd_per_million, None))
        if cost is None:
            used = zip(_TOKEN_KINDS, tokens.kinds, price.usd_per_million, strict=False)  # no column is for web searches
            self.lacking.setdefault(price.model, set()).update(
                kind for kind, count, rate in used if count and rate is None
            )
            return None
        return Priced(round(cost / 1e6, 10), f"own {self.name} {model} from {price.valid_from}")


def read_prices(path: Path) -> OwnPrices:
    """Read the prices of a user's file from CSV (with a header) or JSON (a list of objects): USD per million tokens.

    Columns: model, valid_from (a date, since ever where empty), input, output, cache_read, cache_write (5 minutes),
    cache_write_1h.

    Raises:
        InputError: the file cannot be read, or a price is not a number.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"The file of prices {path} cannot be read: {error}. Check it.") from None
    records = _price_records(path, text)
    if not records:
        raise InputError(f"The file {path} has no prices. Its columns: {_EXAMPLE}.")
    by_model: dict[str, list[OwnPrice]] = {}
    for number, record in enumerate(records, 1):
        price = _own_price(path, number, record)
        by_model.setdefault(price.model, []).append(price)
    ordered = {model: tuple(sorted(prices, key=lambda price: price.valid_from)) for model, prices in by_model.items()}
    return OwnPrices(path.name, hashlib.sha256(text.encode()).hexdigest(), ordered)


def _price_records(path: Path, text: str) -> list[dict[str, Any]]:
    if text.lstrip()[:1] not in ("[", "{"):
        delimiter = max(",;\t", key=text.partition("\n")[0].count)
        return list(csv.DictReader(io.StringIO(text), delimiter=delimiter))
    try:
        records = json.loads(text)
    except ValueError as error:
        raise InputError(f"The file of prices {path} is not valid JSON: {error}. Correct it.") from None
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise InputError(f"The file of prices {path} is not a JSON list of objects. Fields: {_EXAMPLE}.")
    return records


def _own_price(path: Path, number: int, record: dict[str, Any]) -> OwnPrice:
    unknown = sorted(str(name) for name in record if name not in ("model", "valid_from", *_TOKEN_KINDS))
    if unknown:
        raise InputError(f"The file of prices {path} has unknown columns: {', '.join(unknown)}. Columns: {_EXAMPLE}.")
    model = str(record.get("model") or "").strip()
    try:
        valid_from = date.fromisoformat(str(record.get("valid_from") or "1970-01-01").strip())
        rates = tuple(_rate(record.get(kind)) for kind in _TOKEN_KINDS)
    except ValueError as error:
        raise InputError(f"Record {number} of {path} has a wrong price: {error}. Correct it.") from None
    if not model or rates[0] is None or rates[-1] is None:
        raise InputError(f"Record {number} of {path} has no model, input or output. Fill in all three.")
    return OwnPrice(model, valid_from, rates)


def _rate(value: Any) -> float | None:
    if value is None or value == "":
        return None
    if isinstance(value, str) and "," in value:
        raise ValueError(f"{value} has a comma, write a decimal point")
    rate = float(value)
    if not 0 <= rate < 1e6:
        raise ValueError(f"{value} is not a price in USD per million tokens")
    return rate
