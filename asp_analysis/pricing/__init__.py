"""What tokens cost: the prices that held on the day of the call, from `genai-prices` (offline) or from your own file.

A model without a price has none: the cost stays unknown and is counted, it is never 0. `price_list` asks the library
and compares providers, `own_prices` reads a user's file, `tokens` is what a call used and what it cost.
"""

from asp_analysis.pricing.own_prices import OwnPrices, read_prices
from asp_analysis.pricing.price_list import find_alike, library_version, price_tokens
from asp_analysis.pricing.tokens import Assumption, Priced, Tokens

__all__ = [
    "Assumption",
    "OwnPrices",
    "Priced",
    "Tokens",
    "find_alike",
    "library_version",
    "price_tokens",
    "read_prices",
]
