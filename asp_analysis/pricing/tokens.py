"""What a call used, and what it cost."""

from dataclasses import dataclass


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
class Assumption:
    """The provider whose price was taken, as a call names none and several ask different prices for its model.

    lowest, highest: what the same tokens cost with the cheapest and the most expensive provider, as a multiple of the
    cost that was taken.
    """

    provider: str
    providers: int
    lowest: float
    highest: float

    def join(self, other: "Assumption") -> "Assumption":
        """Return what holds for the calls of both."""
        most = max(self.providers, other.providers)
        return Assumption(self.provider, most, min(self.lowest, other.lowest), max(self.highest, other.highest))


@dataclass(frozen=True, slots=True)
class Priced:
    """A cost in USD and the price behind it, such as `genai-prices 0.2.3 anthropic/claude-opus-4-5 on 2026-01-31`."""

    cost_usd: float
    price: str
    assumption: Assumption | None = None


Rates = tuple[float | None, ...]
"""The price of one of each kind of `Tokens.kinds`; None where a kind has no price."""


def sum_costs(kinds: tuple[int, ...], rates: Rates) -> float | None:
    """Return the cost of all kinds that were used, in the unit of the rates; None where one of them has no price."""
    used = [(count, rate) for count, rate in zip(kinds, rates, strict=True) if count]
    if any(rate is None for _, rate in used):
        return None
    return sum(count * rate for count, rate in used if rate is not None)
