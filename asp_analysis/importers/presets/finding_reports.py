"""Reads reports of static analysis, SARIF 2.1.0 and ESLint's JSON: the findings of each tool by their identity."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from asp_analysis.errors import InputError
from asp_analysis.importers.file import SourceFile, whole_document
from asp_analysis.importers.json_text import read_json

Found = dict[str, Any]

_NO_FINDINGS = {"pass", "notApplicable", "informational"}
_NOT_SUPPRESSED = {"rejected", "underReview"}
_LONGEST_TEXT = 2_000


@dataclass(kw_only=True)
class FindingReport:
    """The findings of one tool in one report, by what stays of each: fingerprint, else rule, file and text.

    said: time and commit, as the report says them. is_whole: the tool ended well.
    """

    tool: str
    version: str | None = None
    found: dict[str, Found] = field(default_factory=dict)
    said: dict[str, str | None] = field(default_factory=dict)
    is_whole: bool = True


def read_findings(file: SourceFile, reader: str, root: str | None) -> list[FindingReport]:
    """Read one report; reader: sarif or eslint; root: the folder that paths are relative to.

    Raises:
        InputError: it is no such report, damaged or too large.
    """
    with file.open_lines() as lines:
        content = whole_document(file.name, lines)
    try:
        document = read_json(content)
    except ValueError as error:
        raise InputError(f"{file.name} is not JSON, or damaged: {error}. Export the report again.") from None
    places = _Places(root)
    if reader == "sarif":
        return _read_sarif(file.name, document, places)
    return [_read_eslint(file.name, document, places)]


class _Places:
    """Makes paths of addresses, relative to a folder where it is known."""

    def __init__(self, root: str | None) -> None:
        self._root = root.rstrip("/") + "/" if root else None

    def path(self, uri: Any) -> str:
        path = unquote(uri) if isinstance(uri, str) else ""
        if path.startswith("file://"):
            path = "/" + path.removeprefix("file://").partition("/")[2]
        path = path.replace("\\", "/").removeprefix("./")
        return path.removeprefix(self._root) if self._root else path


def _read_sarif(name: str, document: Any, places: _Places) -> list[FindingReport]:
    runs = document.get("runs") if isinstance(document, dict) else None
    if not isinstance(runs, list):
        raise InputError(f"{name} is not SARIF: it has no list of runs. Name reports of static analysis only.")
    return [_sarif_run(run, places) for run in _objects(runs)]


def _sarif_run(run: Found, places: _Places) -> FindingReport:
    driver = _object(_object(run.get("tool")).get("driver"))
    invocations = _objects(run.get("invocations"))
    provenance = _objects(run.get("versionControlProvenance"))
    times = [_word(one.get("endTimeUtc")) or _word(one.get("startTimeUtc")) for one in invocations]
    report = FindingReport(
        tool=_word(driver.get("name")) or "static analysis",
        version=_word(driver.get("semanticVersion")) or _word(driver.get("version")),
        is_whole=all(one.get("executionSuccessful") is not False for one in invocations),
    )
    report.said = {
        "time": max(filter(None, times), default=None),
        "commit": next(filter(None, (_word(one.get("revisionId")) for one in provenance)), None),
    }
    rules = _objects(driver.get("rules"))
    by_id = {one.get("id"): one for one in rules if isinstance(one.get("id"), str)}
    there = filter(_is_there, _objects(run.get("results")))
    _identify(report, (_sarif_result(result, rules, by_id, places) for result in there))
    return report


def _is_there(result: Found) -> bool:
    return result.get("baselineState") != "absent" and result.get("kind") not in _NO_FINDINGS


def _sarif_result(result: Found, rules: list[Found], by_id: dict[Any, Found], places: _Places) -> Found:
    index = result.get("ruleIndex")
    rule_id = _word(result.get("ruleId")) or _word(_object(result.get("rule")).get("id"))
    rule = by_id.get(rule_id) or {}
    if not rule and isinstance(index, int) and 0 <= index < len(rules):
        rule = rules[index]
    place = _object(next(iter(_objects(result.get("locations"))), {}).get("physicalLocation"))
    region, about = _object(place.get("region")), _object(rule.get("properties"))
    default = _object(rule.get("defaultConfiguration"))
    message = _word(_object(result.get("message")).get("text"))
    snippet = _word(_object(region.get("snippet")).get("text"))
    prints = _object(result.get("partialFingerprints")) or _object(result.get("fingerprints"))
    tags = (
        [tag for tag in about.get("tags") or () if isinstance(tag, str)] if isinstance(about.get("tags"), list) else []
    )
    suppressions = _objects(result.get("suppressions"))
    return {
        "rule": rule_id or _word(rule.get("id")),
        "path": places.path(_object(place.get("artifactLocation")).get("uri")),
        "line": region.get("startLine"),
        "level": _word(result.get("level")) or _word(default.get("level")) or "warning",
        "message": message[:_LONGEST_TEXT] if message else None,
        "security_severity": about.get("security-severity"),
        "issue_severity": _word(_object(result.get("properties")).get("issue_severity")),
        "tags": [tag for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else [],
        "is_suppressed": any(one.get("status") not in _NOT_SUPPRESSED for one in suppressions),
        "mark": json.dumps(prints, sort_keys=True) if prints else (snippet or message or "").strip(),
    }


def _read_eslint(name: str, document: Any, places: _Places) -> FindingReport:
    if not isinstance(document, list) or any(not isinstance(one, dict) or "filePath" not in one for one in document):
        raise InputError(
            f"{name} is not ESLint's JSON: a list of objects with filePath. Export it with: eslint -f json."
        )
    report = FindingReport(tool="ESLint")
    found = []
    for file in document:
        path = places.path(file["filePath"])
        found += [_eslint_message(one, path, is_suppressed=False) for one in _objects(file.get("messages"))]
        found += [_eslint_message(one, path, is_suppressed=True) for one in _objects(file.get("suppressedMessages"))]
    _identify(report, found)
    return report


def _eslint_message(message: Found, path: str, *, is_suppressed: bool) -> Found:
    """Return a finding; its identity is made of its message: the lines are in a report only where a file has errors."""
    said = _word(message.get("message"))
    return {
        "rule": _word(message.get("ruleId")) or "parse error",
        "path": path,
        "line": message.get("line"),
        "level": "error" if message.get("severity") == 2 or message.get("fatal") is True else "warning",
        "message": said[:_LONGEST_TEXT] if said else None,
        "security_severity": None,
        "issue_severity": None,
        "tags": [],
        "is_suppressed": is_suppressed,
        "mark": said or "",
    }


def _identify(report: FindingReport, findings: Iterable[Found]) -> None:
    """Let each finding have an identity that does not hold its line: equal ones are counted from the top."""
    times: Counter[str] = Counter()
    for finding in sorted(findings, key=_place):
        parts = (report.tool, finding["rule"], finding["path"], finding.pop("mark"))
        digest = hashlib.blake2b(repr(parts).encode(errors="surrogatepass"), digest_size=12).hexdigest()
        times[digest] += 1
        report.found[digest if times[digest] == 1 else f"{digest}-{times[digest]}"] = finding


def _place(finding: Found) -> tuple[str, int]:
    line = finding["line"]
    if not isinstance(line, int) or isinstance(line, bool) or not 0 <= line < 2**63:
        finding["line"] = None
    return finding["path"], finding["line"] or 0


def _object(value: Any) -> Found:
    return value if isinstance(value, dict) else {}


def _objects(value: Any) -> list[Found]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _word(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
