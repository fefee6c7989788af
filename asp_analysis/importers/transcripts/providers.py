"""Whose model a name means, where that is certain: an open-weight model is served by many."""

from functools import lru_cache

_OWNERS = (
    ("anthropic", ("claude",)),
    ("openai", ("gpt-3", "gpt-4", "gpt-5", "o1", "o3", "o4", "chatgpt", "codex")),
    ("google", ("gemini",)),
    ("x-ai", ("grok",)),
)


@lru_cache(maxsize=1_024)
def provider_of(model: str | None) -> str | None:
    """Return the provider of a model that only one provider makes and names so; None where others serve it too."""
    name = (model or "").lower()
    return next((provider for provider, beginnings in _OWNERS if name.startswith(beginnings)), None)
