"""Usage as LiteLLM writes it for every provider, and many tools after it: cached tokens are inside the prompt."""

from typing import Any

from asp_analysis.importers.transcripts.calls import Call, Transcript
from asp_analysis.importers.transcripts.values import count, note_unknown, object_in

_KNOWN_OF_LITELLM = frozenset(
    {"prompt_tokens", "completion_tokens", "total_tokens", "prompt_tokens_details", "completion_tokens_details"}
    | {"cache_read_input_tokens", "cache_creation_input_tokens", "cost", "cost_details", "is_byok"}
    | {"prompt_cache_hit_tokens", "prompt_cache_miss_tokens"}  # DeepSeek's words for cached and fresh input
)
_READ_NAMES = ("cache_read_input_tokens", "prompt_cache_hit_tokens")


def note_unknown_usage(transcript: Transcript, usage: dict[str, Any]) -> None:
    """Count what is in a usage that is not known and not zero."""
    note_unknown(transcript, usage, _KNOWN_OF_LITELLM, "usage.")


def fill_usage(call: Call, usage: dict[str, Any]) -> None:
    """Fill the sizes of a call from a usage."""
    cached = count(object_in(usage, "prompt_tokens_details"), "cached_tokens")
    call.tokens_in, call.tokens_out = count(usage, "prompt_tokens"), count(usage, "completion_tokens")
    call.cache_read = (
        cached if cached is not None else next((count(usage, name) for name in _READ_NAMES if name in usage), None)
    )
    call.cache_write = count(usage, "cache_creation_input_tokens")
