"""Which formats there are, and how a file is told to be one of them: by its content, never by its name."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from asp_analysis.importers import (
    claude_code,
    codex,
    gemini_cli,
    langfuse,
    mini_swe_agent,
    otlp,
    pi,
    swe_agent,
)
from asp_analysis.importers.calls import Reading, Transcript
from asp_analysis.importers.source import LARGEST_DOCUMENT, beginning, open_utf8_lines, whole_document

_HEAD_LINES = 60

Objects = list[dict[str, Any]]


@dataclass(frozen=True)
class Format:
    """A format of transcripts: its name in the load log, what recognises its head, and its reader.

    `recognises` gets the first objects of a file of JSON lines, or the one document of a JSON file as a list of one.
    """

    name: str
    title: str
    recognises: Callable[[Objects], bool]
    read: Callable[[Path, Reading], Transcript]


FORMATS: tuple[Format, ...] = (
    Format(claude_code.SOURCE, "Claude Code transcript", claude_code.recognises, claude_code.read),
    Format(codex.SOURCE, "Codex rollout", codex.recognises, codex.read),
    Format(pi.SOURCE, "Pi session", pi.recognises, pi.read),
    Format(gemini_cli.SOURCE, "Gemini CLI session", gemini_cli.recognises, gemini_cli.read),
    Format(otlp.SOURCE, "OpenTelemetry traces and events", otlp.recognises, otlp.read),
    Format(langfuse.SOURCE, "Langfuse export", langfuse.recognises, langfuse.read),
    Format(mini_swe_agent.SOURCE, "mini-SWE-agent trajectory", mini_swe_agent.recognises, mini_swe_agent.read),
    Format(swe_agent.SOURCE, "SWE-agent trajectory", swe_agent.recognises, swe_agent.read),
)
"""In the order in which they are asked."""

TABLE_FORMATS = ("csv", "jsonl", "parquet")
"""Plain tables of records; `rows.detect_format` tells them apart."""


def detect(path: Path) -> Format | None:
    """Give the format of transcripts that a file has; None where it is a table or unknown.

    Raises:
        InputError: the file cannot be read, or is one JSON document that is too large.
    """
    objects = head_objects(path)
    return next((form for form in FORMATS if objects and form.recognises(objects)), None)


def head_objects(path: Path) -> Objects:
    """Give the first JSON objects of a file, or its one document as a list of one; empty where it holds no JSON."""
    if not beginning(path).startswith(("{", "[")):
        return []
    lines: list[bytes] = []
    with open_utf8_lines(path, LARGEST_DOCUMENT) as stream:
        for line in stream:
            if not line.isspace():
                lines.append(line)
            if len(lines) >= _HEAD_LINES or sum(map(len, lines)) > LARGEST_DOCUMENT:
                break
        objects = [value for value in map(_parsed, lines) if isinstance(value, dict)]
        if objects and (len(objects) > 1 or len(lines) == 1):
            return objects
        document = _parsed(whole_document(path, itertools.chain(lines, stream)))
    if isinstance(document, list):
        return [value for value in document if isinstance(value, dict)]
    return [document] if isinstance(document, dict) else objects


def _parsed(content: bytes) -> Any:
    try:
        return from_json(content, cache_strings="keys")
    except ValueError:
        return None
