"""Reads JUnit's XML as pytest, jest, surefire and Go write it, without anything that XML could do besides."""

import re
from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat

from asp_analysis.errors import InputError
from asp_analysis.importers.file import LARGEST_DOCUMENT, SourceFile

WAS_GREEN, WAS_RED = 1, 2

Test = tuple[str, str]
"""The class and the name of a test."""

_MOST_NESTED, _MOST_OF_A_NAME, _MOST_TESTS = 64, 2_000, 2_000_000
_RED_CHILDREN = ("failure", "error")
_RERUN_CHILDREN = ("flakyFailure", "flakyError", "rerunFailure", "rerunError")
_SETUP = re.compile(r"failed on (?:setup|teardown)|collection failure|error at (?:setup|teardown)", re.IGNORECASE)
_BYTES_AT_ONCE = 2**16


@dataclass(kw_only=True)
class JunitReport:
    """The tests of one report: how each ended in it, bits of WAS_GREEN and WAS_RED, 0 where nothing is known.

    places: file and line of those that are red, messages: what their failure said; time: the earliest of its suites.
    """

    ends: dict[Test, int] = field(default_factory=dict)
    places: dict[Test, tuple[str | None, str | None]] = field(default_factory=dict)
    messages: dict[Test, str] = field(default_factory=dict)
    time: str | None = None
    in_setup: int = 0
    unnamed: int = 0


class _Refused(Exception):
    """Something that a report of tests does not have; its text says what."""


def read_junit(file: SourceFile, tests: dict[Test, Test], *, keep_text: bool) -> JunitReport:
    """Read one report; tests: those of other reports of the series, whose names are kept in memory once.

    Raises:
        InputError: it is no XML, no report of tests, too large, or holds a document type, entities or endless depth.
    """
    handler = _Handler(tests, keep_text=keep_text)
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.EntityDeclHandler = _refuse_doctype
    parser.ExternalEntityRefHandler = _refuse_doctype
    parser.StartElementHandler = handler.start
    parser.EndElementHandler = handler.end
    size = 0
    try:
        with file.open_bytes() as stream:
            while content := stream.read(_BYTES_AT_ONCE):
                size += len(content)
                if size > LARGEST_DOCUMENT:
                    raise _Refused(f"it has more than {LARGEST_DOCUMENT:,} bytes")
                parser.Parse(content, False)
            parser.Parse(b"", True)
    except _Refused as error:
        raise InputError(f"{file.name} is not read: {error}. Export the report of the tests again.") from None
    except (expat.ExpatError, UnicodeError, ValueError) as error:
        raise InputError(
            f"{file.name} is not XML, or damaged: {error}. Name reports of tests (JUnit XML) only."
        ) from None
    return handler.report


def _refuse_doctype(*_about: Any) -> int:
    raise _Refused("it declares a document type or entities, which can hide harm and which no report of tests needs")


class _Handler:
    """Takes the elements of a report one after the other."""

    def __init__(self, tests: dict[Test, Test], *, keep_text: bool) -> None:
        self.report = JunitReport()
        self._keep_text = keep_text
        self._depth = 0
        self._suites: list[dict[str, str]] = []
        self._test: Test | None = None
        self._end = 0
        self._place: tuple[str | None, str | None] | None = None
        self._tests = tests

    def start(self, name: str, about: dict[str, str]) -> None:
        """Take the beginning of an element."""
        name = name.rpartition(":")[2]
        if self._depth == 0 and name not in ("testsuites", "testsuite"):
            raise _Refused(f"its first element is <{name[:40]}>, that of a report is <testsuites> or <testsuite>")
        self._depth += 1
        if self._depth > _MOST_NESTED:
            raise _Refused(f"its elements are nested more than {_MOST_NESTED} deep")
        if name in ("testsuite", "testsuites"):
            self._suites.append(about)
            self._date(about.get("timestamp", "").strip())
        elif name == "testcase":
            self._begin(about)
        elif self._test is not None:
            self._judge(name, about)

    def end(self, name: str) -> None:
        """Take the end of an element."""
        name = name.rpartition(":")[2]
        self._depth -= 1
        if name in ("testsuite", "testsuites"):
            self._suites.pop()
        elif name == "testcase" and self._test is not None:
            ends = self.report.ends
            ends[self._test] = ends.get(self._test, 0) | (WAS_GREEN if self._end == -1 else self._end)
            if ends[self._test] & WAS_RED and self._place is not None:
                self.report.places[self._test] = self._place
            self._test = None
            if len(ends) > _MOST_TESTS:
                raise _Refused(f"it has more than {_MOST_TESTS:,} tests")

    def _date(self, time: str) -> None:
        if time and (self.report.time is None or time < self.report.time):
            self.report.time = time

    def _begin(self, about: dict[str, str]) -> None:
        suite = self._suites[-1] if self._suites else {}
        classname, name = (
            text.strip()[:_MOST_OF_A_NAME] for text in (about.get("classname", ""), about.get("name", ""))
        )
        if not name and not classname:
            self.report.unnamed += 1
            return
        test = (classname or suite.get("name", "")[:_MOST_OF_A_NAME], name or classname)
        self._test = self._tests.setdefault(test, test)
        self._end = -1  # green, unless a child says more
        place = (about.get("file") or suite.get("file"), about.get("line"))
        self._place = place if place != (None, None) else None

    def _judge(self, name: str, about: dict[str, str]) -> None:
        message = about.get("message", "")
        is_setup = name == "error" and bool(_SETUP.match(message))
        if name == "skipped" or is_setup:
            self.report.in_setup += is_setup
            self._end = 0 if self._end == -1 else self._end
        elif name in _RED_CHILDREN:
            self._end = max(self._end, 0) | WAS_RED
            if self._keep_text and message and self._test is not None:
                self.report.messages[self._test] = message[:_MOST_OF_A_NAME]
        elif name in _RERUN_CHILDREN:
            was_red_at_last = name.startswith("rerun")
            self._end = max(self._end, 0) | (WAS_RED if was_red_at_last else WAS_RED | WAS_GREEN)
