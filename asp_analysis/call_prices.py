"""Prices the calls of transcripts and tables: importers know no prices, and the prices know no calls."""

from asp_analysis import pricing
from asp_analysis.importers.transcripts.call_rows import Cost, Pricer
from asp_analysis.importers.transcripts.calls import Call
from asp_analysis.importers.transcripts.providers import provider_of
from asp_analysis.load_options import LoadOptions
from asp_analysis.records import read_instant


def make_pricer(options: LoadOptions) -> Pricer:
    """Return what prices calls under the options of a load."""
    price_tokens = options.prices.price_tokens if options.prices else pricing.price_tokens

    def price(call: Call) -> Cost | None:
        """Price a call by its tokens."""
        if call.tokens_in is None and call.tokens_out is None:
            return None
        tokens = pricing.Tokens(
            total_in=call.tokens_in or 0,
            out=call.tokens_out or 0,
            cache_read=call.cache_read or 0,
            cache_write=call.cache_write or 0,
            cache_write_1h=call.cache_write_1h or 0,
            web_searches=call.web_searches or 0,
            variant=call.variant,
        )
        provider = call.provider or provider_of(call.model)
        priced = price_tokens(call.model, provider, read_instant(call.at), tokens)
        if priced is None:
            return None
        if priced.assumption is not None and call.reported_usd is None:
            known = options.assumed.get(call.model or "", priced.assumption)
            options.assumed[call.model or ""] = known.join(priced.assumption)
        return Cost(priced.cost_usd, priced.price)

    return price
