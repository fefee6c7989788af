"""A small export or report for each preset, in which everything occurs that its rules look at."""

import json
from typing import Any

from tests.test_presets_findings import eslint, message, result, sarif
from tests.test_presets_forges import check, issue, merge_request, pull, review
from tests.test_presets_trackers import JIRA, LINEAR, jira

_LINEAR_CELLS = "P-1,T,t,Done,3,Urgent,Bug,7,2026-01-02T10:00,2026-01-03T10:00,2026-01-04T10:00,,\n"
_JUNIT = """<testsuites><testsuite name="s" timestamp="2026-01-02T10:00:00">
<testcase classname="m" name="first" file="m.py" line="3" time="0.1"></testcase>
<testcase classname="m" name="second"><failure message="boom" type="E">text</failure></testcase>
<testcase classname="m" name="third"><error message="failed on setup"/></testcase>
<testcase classname="m" name="fourth"><skipped/></testcase>
<testcase classname="m" name="fifth"><flakyFailure message="boom"/></testcase>
</testsuite></testsuites>
"""


def _dumped(value: Any) -> bytes:
    return json.dumps(value).encode()


def _pulls() -> bytes:
    reviews = [review("bob", "CHANGES_REQUESTED", 11), review("bot[bot]", "COMMENTED", 12, is_bot=True)]
    reviews.append(review("bob", "APPROVED", 13))
    checks = [check("test", "FAILURE", 11), check("test", "SUCCESS", 12)]
    about = {"closingIssuesReferences": [{"number": 3}], "mergeCommit": {"oid": "abc"}}
    return _dumped([pull(reviews=reviews, statusCheckRollup=checks, **about), pull(13, state="OPEN", mergedAt=None)])


def _sarif() -> bytes:
    shown = result(suppressions=[{"kind": "inSource", "status": "accepted"}], fingerprints={"a/v1": "x"})
    return _dumped(sarif(result(), shown, time="2026-01-02T10:00:00Z", rules=[{"id": "F401"}]))


def _coverage() -> bytes:
    meta = {"format": 3, "version": "7.17.5", "timestamp": "2026-01-02T10:00:00"}
    summary = {"covered_lines": 4, "num_statements": 6, "percent_covered": 66.7}
    return _dumped({"meta": meta, "files": {"m.py": {"summary": summary}}, "totals": summary})


PRESETS = {
    "jira": lambda: (JIRA + jira() + jira(key="P-2", kind="Bug", points="0.5", parent="P-1")).encode(),
    "linear": lambda: (LINEAR + _LINEAR_CELLS).encode(),
    "gh-pr": _pulls,
    "gh-issue": lambda: _dumped([issue(), issue(4, labels=[{"name": "enhancement"}])]),
    "gitlab-mr": lambda: _dumped([merge_request()]),
    "junit": _JUNIT.encode,
    "sarif": _sarif,
    "eslint": lambda: _dumped(eslint(message(), suppressed=[message(rule="eqeqeq")], source="secret\n")),
    "coverage": _coverage,
}
"""Name of a preset -> the maker of its seed."""
