"""The values of OpenTelemetry's JSON: attributes unwrapped, ids in hex, nanoseconds as instants."""

import base64
import binascii
from typing import Any

from asp_analysis.importers.json_lines import LineError
from asp_analysis.importers.transcripts.documents import objects_in
from asp_analysis.importers.transcripts.values import count
from asp_analysis.records import read_instant

Attributes = dict[str, Any]


def attributes_in(listed: Any) -> Attributes:
    """Return a list of keys and wrapped values as a dictionary."""
    return {str(pair.get("key")): attribute_value(pair.get("value")) for pair in objects_in(listed)}


def attribute_value(wrapped: Any) -> Any:
    """Unwrap `{"intValue": "10"}`: integers of 64 bits are texts in JSON."""
    if not isinstance(wrapped, dict):
        return wrapped
    for name in ("stringValue", "boolValue", "doubleValue"):
        if name in wrapped:
            return wrapped[name]
    if "intValue" in wrapped:
        return count(wrapped, "intValue") if not str(wrapped["intValue"]).startswith("-") else None
    return None


def resource_attributes(resource: Any) -> Attributes:
    """Return the attributes of a resource; anything else has none."""
    return attributes_in(resource.get("attributes")) if isinstance(resource, dict) else {}


def hex_id(given: Any) -> str:
    """Return an id in hex, as OTLP/JSON writes it; Tempo writes base64."""
    text = str(given or "")
    if len(text) in (12, 24) and not all(letter in "0123456789abcdefABCDEF" for letter in text):
        try:
            return base64.b64decode(text, validate=True).hex()
        except binascii.Error:
            return text
    return text.lower()


def nanoseconds(record: Attributes, name: str) -> int:
    """Return a time in nanoseconds.

    Raises:
        LineError: it is missing or no count.
    """
    value = count(record, name)
    if value is None:
        raise LineError(f"{name}: is needed and is missing")
    return value


def instant_of(time_ns: int) -> str:
    """Return an instant in the store's form.

    Raises:
        LineError: it is too far away for a date.
    """
    try:
        return str(read_instant(time_ns // 1000))
    except ValueError as error:
        raise LineError(str(error)) from None


def text_in(attributes: Attributes, names: tuple[str, ...]) -> str | None:
    """Return the first attribute of several names that says something, as text."""
    return next((str(attributes[name]) for name in names if attributes.get(name)), None)
