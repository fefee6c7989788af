"""A series of test reports as defects: what was green and is red, until it is green again.

A test that is red and green on one commit is flaky there, and says nothing of it. One that never was green is new.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from asp_analysis.importers.presets.junit_xml import WAS_GREEN, WAS_RED, Test
from asp_analysis.importers.presets.series import SeriesRun, Stored, Told, in_order

Record = dict[str, Any]

_COUNTED = ("runs", "tests", "turned_red", "green_again", "flaky", "never_green", "in_setup", "unnamed")


@dataclass(frozen=True, kw_only=True)
class _Seen:
    """How a test ended in one run; is_flaky: it was red and green on the run's commit."""

    run: SeriesRun
    is_red: bool
    is_flaky: bool


def tell_tests(runs: Iterable[SeriesRun], stored: Stored) -> Told:
    """Return the defects of a series; flaky ones only where the store has them as defects: they are false alarms now.

    runs: their content is a `JunitReport`.
    """
    told = Told()
    ordered = in_order(runs)
    counts = dict.fromkeys(_COUNTED, 0)
    flaky: list[Record] = []
    for test, seen in _by_test(ordered).items():
        found, alarms = _walk(test, seen)
        told.records += found
        flaky += alarms
        counts["turned_red"] += len(found)
        counts["green_again"] += sum(record["fixed_at"] is not None for record in found)
        counts["flaky"] += any(one.is_flaky for one in seen)
        counts["never_green"] += any(one.is_red for one in seen) and not any(not one.is_red for one in seen)
    known = stored.defects([record["id"] for record in flaky]) if flaky else set()
    told.records += [record for record in flaky if record["id"] in known]
    counts["tests"] = len({test for run in ordered for test in run.content.ends})
    counts |= {"runs": len(ordered), "in_setup": sum(run.content.in_setup for run in ordered)}
    counts["unnamed"] = sum(run.content.unnamed for run in ordered)
    told.counts = {name: count for name, count in counts.items() if count or name in ("runs", "tests", "turned_red")}
    told.notes = _notes(counts)
    return told


def _by_test(ordered: list[SeriesRun]) -> dict[Test, list[_Seen]]:
    ends: dict[tuple[Test, str], int] = defaultdict(int)
    for run in ordered:
        for test, end in run.content.ends.items():
            ends[test, run.commit or run.file] |= end
    seen: dict[Test, list[_Seen]] = defaultdict(list)
    for run in ordered:
        for test, end in run.content.ends.items():
            if end:
                is_flaky = ends[test, run.commit or run.file] == WAS_GREEN | WAS_RED
                seen[test].append(_Seen(run=run, is_red=bool(end & WAS_RED), is_flaky=is_flaky))
    return seen


def _walk(test: Test, seen: list[_Seen]) -> tuple[list[Record], list[Record]]:
    """Return what became of a test: its defects, and what would be one if it were not flaky."""
    found: list[Record] = []
    alarms: list[Record] = []
    was_green, is_open = False, False
    for one in seen:
        if one.is_flaky:
            if one.is_red and was_green and not is_open:
                alarms.append({**_record(test, one.run), "is_flaky": True})
            continue
        if one.is_red and is_open:
            found[-1]["red_runs"] += 1
        elif one.is_red and was_green:
            found.append(_record(test, one.run))
            is_open = True
        elif not one.is_red:
            if is_open:
                found[-1] |= {"fixed_at": one.run.at, "fixed_commit": one.run.commit}
            was_green, is_open = True, False
    return found, alarms


def _record(test: Test, run: SeriesRun) -> Record:
    file, line = run.content.places.get(test, (None, None))
    classname, name = test
    content = repr((classname, name, run.commit or run.at))
    return {
        "id": f"junit:{hashlib.blake2b(content.encode(errors='surrogatepass'), digest_size=12).hexdigest()}",
        "classname": classname,
        "name": name,
        "file": file,
        "line": line,
        "at": run.at,
        "commit": run.commit,
        "task": run.task,
        "fixed_at": None,
        "fixed_commit": None,
        "red_runs": 1,
        "message": run.content.messages.get(test),
        "is_flaky": None,
    }


def _notes(counts: dict[str, int]) -> list[str]:
    runs = "1 report" if counts["runs"] == 1 else f"{counts['runs']:,} reports"
    said = [f"{counts['turned_red']:,} turned red", f"{counts['green_again']:,} green again"]
    said += [f"{counts['flaky']:,} flaky"] if counts["flaky"] else []
    said += [f"{counts['never_green']:,} never green"] if counts["never_green"] else []
    notes = [f"{runs} of {counts['tests']:,} tests: {', '.join(said)}."]
    if counts["runs"] == 1:
        notes.append("One report is a state, not a change: name the folder that holds the reports of many commits.")
    if counts["in_setup"]:
        errors = "1 error" if counts["in_setup"] == 1 else f"{counts['in_setup']:,} errors"
        notes.append(f"Left out, because the code did not fail: {errors} in setup or teardown.")
    if counts["unnamed"]:
        notes.append(f"Left out, because they have no name: {counts['unnamed']:,}.")
    return notes
