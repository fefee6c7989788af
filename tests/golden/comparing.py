"""Tells two summaries apart, as paths: store / view / column / what: was, is."""

from collections.abc import Iterator
from typing import Any

_ABSENT = "(not there)"


def differences(was: Any, now: Any, path: tuple[str, ...] = ()) -> Iterator[str]:
    """Give one line per value that differs, views before what follows from them; a branch of one side is one line."""
    if isinstance(was, dict) and isinstance(now, dict):
        for name in sorted({*was, *now}, key=lambda name: (name != "views", name)):
            yield from differences(was.get(name, _ABSENT), now.get(name, _ABSENT), (*path, name))
    elif was != now:
        yield f"{' / '.join(path)}: was {_shown(was)}, is {_shown(now)}"


def _shown(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 200 else f"{text[:200]}..."
