"""What the fork server of `killing` imports before it forks: the parts at work, and what they build when first used.

A process that is forked begins its work at once; else most kills would meet it at its imports.
"""

import pytest  # noqa: F401  test modules import it

from asp_analysis import capture, loading, postgres, pricing, session  # noqa: F401
from asp_analysis.receiving import receiver, settling  # noqa: F401
from asp_analysis.store import backups, database  # noqa: F401

_TOKENS = pricing.Tokens(total_in=1, out=1)
assert pricing.price_tokens("claude-sonnet-4-5-20250929", "anthropic", "2026-01-05T00:00:00.000000Z", _TOKENS)
