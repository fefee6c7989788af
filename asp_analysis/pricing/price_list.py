"""The prices of `genai-prices`, offline: a model by its name and provider, and its rates on a day or in a minute."""

import warnings
from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any, NamedTuple

from asp_analysis.errors import InputError
from asp_analysis.pricing.tokens import Assumption, Priced, Rates, Tokens, sum_costs

_PROBE_TOKENS = 1_000_000_000_000
_AGREEING = 1.01
"""Prices of providers that differ by less are one price."""


def library_version() -> str:
    """Return the version of the price list; part of what makes a file worth reading again."""
    try:
        return version("genai-prices")
    except PackageNotFoundError:
        return "none"


@cache
def library_version_cached() -> str:
    """Return `library_version`, looked up once."""
    return library_version()


def price_tokens(model: str | None, provider: str | None, at: str, tokens: Tokens) -> Priced | None:
    """Price a call by `genai-prices`; None where the list does not know the model, or its kind of service.

    `at` is the instant of the call in the store's form. Where a provider does not list the model (a gateway, for one)
    or none is named, the list decides whose price it is. Where other providers ask another price for a model of this
    name, the answer holds that as an assumption.

    Raises:
        InputError: the list prices by a kind of usage that it does not know itself.
    """
    listed = _find(model, provider) if model else None
    if listed is None:
        return None
    cost = _cost_of(listed, at, tokens)
    if cost is None:
        return None
    assumption = None if listed.is_certain or not cost else _compare_providers(listed, at, tokens, cost)
    price = f"genai-prices {library_version_cached()} {listed.name} on {at[:10]}"
    if assumption is not None:
        price += f", assumed of {assumption.providers} providers"
    return Priced(round(cost, 10), price, assumption)


def find_alike(name: str, most: int = 4) -> list[str]:
    """Return names of models in the list that are like a name, the most like it first."""
    known = sorted({listed.rpartition("/")[2] for listed in _models()})
    folded = {one.lower(): one for one in known}
    wanted = name.rpartition("/")[2].lower()
    return [folded[one] for one in get_close_matches(wanted, folded, n=most)]


# --- the library ------------------------------------------------------------------------------------------------------


_DAY, _MINUTE = 10, 16
"""Digits of an instant's text that say its day or its minute."""


class _Listed(NamedTuple):
    """A model of the list: PROVIDER/ID, how much of an instant its price depends on, whether the call named both."""

    name: str
    digits: int
    is_certain: bool


@dataclass(frozen=True)
class _Steps:
    """USD per token of each kind, per step of the total input at which the price of all tokens changes."""

    steps: tuple[int, ...]
    per_token: tuple[Rates, ...]

    def of(self, total_in: int) -> Rates:
        return self.per_token[bisect_right(self.steps, total_in - 1)]


def _cost_of(listed: _Listed, at: str, tokens: Tokens) -> float | None:
    rates = _rates_at(listed.name, at[: listed.digits], tokens.variant)
    return None if rates is None else sum_costs(tokens.kinds, rates.of(tokens.total_in))


def _compare_providers(listed: _Listed, at: str, tokens: Tokens, cost: float) -> Assumption | None:
    """Return what other providers ask for the same tokens of a model of this name; None where they agree."""
    others = (_cost_of(other, at, tokens) for other in _namesakes(listed.name))
    costs = [cost, *(other for other in others if other)]  # what a plan includes is listed with 0
    if max(costs) <= min(costs) * _AGREEING:
        return None
    return Assumption(listed.name.partition("/")[0], len(costs), min(costs) / cost, max(costs) / cost)


@cache
def _find(model: str, provider: str | None) -> _Listed | None:
    """Find a model in the list: with its provider, without, and by the provider in a `provider/model` name."""
    tries = [(model, provider), (model, None)]
    if "/" in model:
        first, _, rest = model.partition("/")
        tries += [(rest, first), (rest, None)]
    for name, whose in tries:
        found = _asked(name, whose, _usage(1, 0, 0, 0, 0), datetime.now(UTC))
        if found is not None:
            listed = f"{found.provider.id}/{found.model.id}"
            return _Listed(listed, _digits_of_time(found.model.prices), whose is not None)
    return None


@cache
def _models() -> dict[str, Any]:
    """Return every model of the list by PROVIDER/ID."""
    from genai_prices.data_snapshot import get_snapshot

    return {f"{provider.id}/{model.id}": model for provider in get_snapshot().providers for model in provider.models}


@cache
def _namesakes(listed: str) -> tuple[_Listed, ...]:
    """Return the models of other providers with the name of one: the last part of an id, as in `zai-org/GLM-5`."""
    last = listed.rpartition("/")[2].lower()
    return tuple(
        _Listed(name, _digits_of_time(model.prices), False)
        for name, model in _models().items()
        if name != listed and name.rpartition("/")[2].lower() == last
    )


def _digits_of_time(prices: Any) -> int:
    """Return the part of an instant that can change a price: some prices begin on a day, some hold at night."""
    if not isinstance(prices, list):
        return 0
    by_day = {"StartDateConstraint", "NoneType"}
    return _DAY if {type(price.constraint).__name__ for price in prices} <= by_day else _MINUTE


@cache
def _rates_at(listed: str, time: str, variant: str | None) -> _Steps | None:
    """Ask the library for the rates of a model that hold on a day or in a minute; an empty `time` is now.

    None where it does not know the variant: it then answers with the standard prices.

    Between two steps a cost is linear in its tokens, so that five questions a step show the rates.
    """
    info = _models()[listed]
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
def _probed(held: _Prices) -> _Steps:
    starts = {
        tier.start for price in vars(held.prices).values() for tier in getattr(price, "tiers", ()) if tier.start > 0
    }
    steps = tuple(sorted(int(start) for start in starts))
    per_token = []
    for lower, upper in zip((0, *steps), (*steps, _PROBE_TOKENS), strict=True):
        total = upper if upper < _PROBE_TOKENS else max(lower * 2, 1_000_000)
        per_token.append(_linear(held.prices, total))
    return _Steps(steps, tuple(per_token))


def _linear(prices: Any, total: int) -> Rates:
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
