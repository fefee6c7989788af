"""JSON as programs write it: half a surrogate pair, which a cut emoji leaves behind, does not cost a paid call."""

import re
from typing import Any

from pydantic_core import from_json

_ESCAPE = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"  # a whole pair
    rb"|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})"  # half of one
    rb"|\\."
)


def read_json(content: str | bytes, *, allow_inf_nan: bool = True) -> Any:
    """Parse a JSON text that a tool recorded.

    JavaScript cuts texts between the two halves of an emoji and writes the half that is left; no text can hold it, so
    that it is read as U+FFFD, the character for what cannot be read (as the Encoding Standard of the WHATWG does).

    Raises:
        ValueError: it is no JSON, or holds an infinite number where none is allowed.
    """
    try:
        return from_json(content, allow_inf_nan=allow_inf_nan, cache_strings="keys")
    except ValueError:
        raw = content.encode() if isinstance(content, str) else content
        whole = _ESCAPE.sub(lambda found: rb"\ufffd" if found[1] else found[0], raw)
        if whole == raw:
            raise
        return from_json(whole, allow_inf_nan=allow_inf_nan, cache_strings="keys")
