"""What tokens cost: the prices that held on the day of the call, from `genai-prices` (offline) or from your own file.

A model without a price has none: the cost stays unknown and is counted, it is never 0.
"""

import csv
import hashlib
import io
import json
import warnings
from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from asp_analysis.errors import InputError

_PROBE_TOKENS = 1_000_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """What one call used: `total_in` holds the cached tokens, `cache_write` holds those written for one hour.

    `variant` is a kind of service with prices of its own, `NAME=VALUE` as the library knows it, such as `speed=fast`.
    """

    total_in: int
    out: int
    cache_read: int = 0
    cache_write: int = 0
    cache_write_1h: int = 0
    web_searches: int = 0
    variant: str | None = None

    @property
    def kinds(self) -> tuple[int, ...]:
        """The kinds that are priced apart: fresh, read, written for 5 minutes and for 1 hour, output, web searches."""
        write_5m = max(0, self.cache_write - self.cache_write_1h)
        fresh = max(0, self.total_in - self.cache_read - self.cache_write)
        write_1h = min(self.cache_write_1h, self.cache_write)
        return fresh, self.cache_read, write_5m, write_1h, self.out, self.web_searches


@dataclass(frozen=True, slots=True)
class Priced:
    """A cost in USD and the price behind it, such as `genai-prices 0.2.3 anthropic/claude-opus-4-5 on 2026-01-31`."""

    cost_usd: float
    price: str


def library_version() -> str:
    """Return the version of the price list; part of what makes a file worth reading again."""
    try:
        return version("genai-prices")
    except PackageNotFoundError:
        return "none"


def price_tokens(model: str | None, provider: str | None, at: str, tokens: Tokens) -> Priced | None:
    """Price a call by `genai-prices`; None where the list does not know the model.

    `at` is the instant of the call in the store's form. Where a provider does not list the model (a gateway, for one),
    the list decides whose model it is.

    Raises:
        InputError: the list prices by a kind of usage that it does not know itself.
    """
    if not model:
        return None
    rated = _rates(model, provider, at, tokens.variant)
    if rated is None:
        return None
    found, name = rated
    if found is None:  # a kind of service that the list does not know: standard prices would be wrong
        return None
    cost = _cost(tokens.kinds, found.of(tokens.total_in))
    if cost is None:
        return None
    return Priced(round(cost, 10), f"genai-prices {library_version_cached()} {name} on {at[:10]}")


def _cost(kinds: tuple[int, ...], rates: tuple[float | None, ...]) -> float | None:
    """Return the sum over the kinds that were used; None where one of them has no price."""
    used = [(count, rate) for count, rate in zip(kinds, rates, strict=True) if count]
    if any(rate is None for _, rate in used):
        return None
    return sum(count * rate for count, rate in used if rate is not None)


@cache
def library_version_cached() -> str:
    """Return `library_version`, looked up once."""
    return library_version()


# --- the library ------------------------------------------------------------------------------------------------------


_DAY, _MINUTE = 10, 16
"""Digits of an instant's text that say its day or its minute."""


@dataclass(frozen=True)
class _Rates:
    """USD per token of each kind, per step of the total input at which the price of all tokens changes."""

    steps: tuple[int, ...]
    per_token: tuple[tuple[float | None, ...], ...]

    def of(self, total_in: int) -> tuple[float | None, ...]:
        return self.per_token[bisect_right(self.steps, total_in - 1)]


def _rates(model: str, provider: str | None, at: str, variant: str | None) -> tuple[_Rates | None, str] | None:
    found = _model(model, provider)
    if found is None:
        return None
    _, name, digits = found
    return _known_rates(model, provider, at[:digits], variant), name


@cache
def _model(model: str, provider: str | None) -> tuple[Any, str, int] | None:
    """Find a model in the list: with its provider, without, and by the provider that a `provider/model` name contains.

    The last value is how much of an instant its price depends on: nothing, its day (10 digits) or its minute (16).
    """
    tries = [(model, provider), (model, None)]
    if "/" in model:
        first, _, rest = model.partition("/")
        tries += [(rest, first), (rest, None)]
    for name, whose in tries:
        found = _asked(name, whose, _usage(1, 0, 0, 0, 0), datetime.now(UTC))
        if found is not None:
            return found.model, f"{found.provider.id}/{found.model.id}", _digits_of_time(found.model.prices)
    return None


def _digits_of_time(prices: Any) -> int:
    """Return the part of an instant that can change a price: some prices begin on a day, some hold at night."""
    if not isinstance(prices, list):
        return 0
    by_day = {"StartDateConstraint", "NoneType"}
    return _DAY if {type(price.constraint).__name__ for price in prices} <= by_day else _MINUTE


@cache
def _known_rates(model: str, provider: str | None, time: str, variant: str | None) -> _Rates | None:
    """Ask the library for the rates that hold on a day or in a minute; an empty `time` is now.

    None where it does not know the variant: it then answers with the standard prices.

    Between two steps a cost is linear in its tokens, so that five questions a step show the rates.
    """
    info, _, _ = _model(model, provider)  # type: ignore[misc]
    at = datetime.fromisoformat(time).replace(tzinfo=UTC) if time else datetime.now(UTC)
    if variant is None:
        return _probed(_Prices(info.get_prices(at)))
    name, _, value = variant.partition("=")
    standard, rates = (_probed(_Prices(info.get_prices(at, *said))) for said in ((), ({name: value},)))
    return None if rates == standard else rates


class _Prices:
    """A price of the library that hashes by identity: many minutes share one."""

    def __init__(self, prices: Any) -> None:
        self.prices = prices

    def __hash__(self) -> int:
        return id(self.prices)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Prices) and other.prices is self.prices


@cache
def _probed(held: _Prices) -> _Rates:
    starts = {
        tier.start for price in vars(held.prices).values() for tier in getattr(price, "tiers", ()) if tier.start > 0
    }
    steps = tuple(sorted(int(start) for start in starts))
    per_token = []
    for lower, upper in zip((0, *steps), (*steps, _PROBE_TOKENS), strict=True):
        total = upper if upper < _PROBE_TOKENS else max(lower * 2, 1_000_000)
        per_token.append(_linear(held.prices, total))
    return _Rates(steps, tuple(per_token))


def _linear(prices: Any, total: int) -> tuple[float | None, ...]:
    """Return the cost of one token of each kind, and of a search, where the input of the call is `total` tokens."""

    def cost(*kinds: int) -> Any:
        return prices.calc_price(_usage(*kinds))["total_price"]

    fresh = cost(total, 0, 0, 0, 0)
    read, write = cost(total, total, 0, 0, 0), cost(total, 0, total, 0, 0)
    write_1h, output = cost(total, 0, total, total, 0), cost(total, 0, 0, 0, total) - fresh
    searches = prices.web_searches_kcount
    per_search = float(searches) / 1000 if searches is not None else None
    return *(float(usd / total) for usd in (fresh, read, write, write_1h, output)), per_search


def _usage(total_in: int, read: int, write: int, write_1h: int, out: int) -> Any:
    """Build the library's usage; a kind that it does not know would only be warned about and priced 0."""
    from genai_prices import Usage

    given = {
        "input_tokens": total_in,
        "output_tokens": out,
        "cache_read_tokens": read,
        "cache_write_tokens": write,
        "cache_write_1h_tokens": write_1h,
    }
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            return Usage(**{name: value for name, value in given.items() if value})
        except UserWarning as error:
            raise InputError(
                f"genai-prices {library_version()} cannot price every kind of token: {error}. "
                "Use the version of requirements.lock."
            ) from None


def _asked(model: str, provider: str | None, usage: Any, at: datetime) -> Any:
    from genai_prices import calc_price

    try:
        return calc_price(usage, model, provider_id=provider, genai_request_timestamp=at)
    except LookupError:
        return None


# --- prices of a user's file ------------------------------------------------------------------------------------------

_TOKEN_KINDS = ("input", "cache_read", "cache_write", "cache_write_1h", "output")
_EXAMPLE = "model,valid_from,input,output,cache_read,cache_write,cache_write_1h"


@dataclass(frozen=True)
class OwnPrice:
    """USD per million tokens of one model from a day on; None is a kind that was not priced."""

    model: str
    valid_from: date
    usd_per_million: tuple[float | None, ...]


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
        cost = _cost(tokens.kinds, (*price.usd_per_million, None))
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
