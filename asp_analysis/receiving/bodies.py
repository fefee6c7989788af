"""The body of a request as OTLP/JSON: its type, its packing and its size are checked before anything is kept."""

import zlib
from dataclasses import dataclass
from typing import Any

from asp_analysis.importers.json_text import read_json

MOST_BYTES = 16 * 2**20
"""Bytes of a request, packed or not; exporters send some hundred records at a time, below one megabyte."""

_MOST_UNPACKED = 64 * 2**20
_JSON, PROTOBUF = "application/json", "application/x-protobuf"
_GZIP_WINDOW = 31

RECORDS_KEY = {"traces": "resourceSpans", "logs": "resourceLogs", "metrics": "resourceMetrics"}
"""Last part of the path -> the key that holds its records."""


class BodyError(Exception):
    """A request that is refused: the status of the answer, and what is wrong."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class BodyForm:
    """What the headers of a request say about its body: its type and its packing."""

    media_type: str
    packing: str

    @property
    def is_json(self) -> bool:
        """Whether the body, and so its answer, is JSON."""
        return self.media_type == _JSON


def read_form(content_type: str, content_encoding: str) -> BodyForm:
    """Read the headers that describe a body.

    Raises:
        BodyError: 415, the type or the packing is none that is read.
    """
    media_type = content_type.partition(";")[0].strip().lower()
    packing = content_encoding.strip().lower() or "identity"
    if media_type not in (_JSON, PROTOBUF):
        raise BodyError(415, f"Content-Type {media_type or '(none)'!r} is not read. Send {_JSON} or {PROTOBUF}.")
    if packing not in ("identity", "gzip"):
        raise BodyError(415, f"Content-Encoding {packing!r} is not read. Send gzip, or leave it out.")
    return BodyForm(media_type, packing)


def read_body(signal: str, form: BodyForm, data: bytes) -> dict[str, Any]:
    """Return the request as a document of OTLP/JSON; `signal` is a key of `RECORDS_KEY`.

    Raises:
        BodyError: 400 where it is damaged or no request of that signal, 413 where it unpacks to more than 64 MB, 415
            where it is protobuf and the package that reads it is not installed.
    """
    content = _unpack(data) if form.packing == "gzip" else data
    if form.is_json:
        return _read_json(signal, content)
    try:
        from asp_analysis.receiving.protobuf import ProtobufError, read_protobuf
    except ImportError:
        raise BodyError(
            415, "Reading protobuf needs the package opentelemetry-proto: install asp-analysis[receive], or send JSON."
        ) from None
    try:
        return read_protobuf(signal, content)
    except ProtobufError as error:
        raise BodyError(400, f"The body is not a request of {signal} in protobuf: {error}.") from None


def _read_json(signal: str, content: bytes) -> dict[str, Any]:
    try:
        document = read_json(content)
    except (ValueError, RecursionError) as error:
        raise BodyError(400, f"The body is not JSON: {error}.") from None
    key = RECORDS_KEY[signal]
    if not isinstance(document, dict) or not isinstance(document.get(key, []), list):
        raise BodyError(400, f"The body is not a request of {signal}: an object with a list {key} is expected.")
    return {key: document.get(key, [])}


def _unpack(data: bytes) -> bytes:
    unpacker = zlib.decompressobj(_GZIP_WINDOW)
    try:
        content = unpacker.decompress(data, _MOST_UNPACKED)
    except zlib.error as error:
        raise BodyError(400, f"The body is not gzip, or damaged: {error}.") from None
    if unpacker.unconsumed_tail:
        raise BodyError(413, f"The body unpacks to more than {_MOST_UNPACKED >> 20} MB. Send smaller batches.")
    if not unpacker.eof or unpacker.unused_data:
        raise BodyError(400, "The body is gzip that is cut short, or goes on after its end.")
    return content
