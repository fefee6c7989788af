"""Reports of static analysis as defects: what was found and is gone was corrected, what is suppressed was none.

A finding that is still there is no defect yet. One that went with another version of its tool was not corrected.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from asp_analysis.importers.presets.series import SeriesRun, Told, in_order

Record = dict[str, Any]


@dataclass(kw_only=True)
class _Episode:
    """The time in which a finding was there: its identity, the run that had it first, and what it says at last."""

    identity: str
    first: SeriesRun
    is_since_first: bool
    finding: Record


def tell_findings(runs: Iterable[SeriesRun]) -> Told:
    """Return the defects and false alarms of a series, tool by tool; the content of a run is a `FindingReport`."""
    told = Told()
    by_tool: dict[str, list[SeriesRun]] = defaultdict(list)
    counts: Counter[str] = Counter()
    for run in in_order(runs):
        if run.content.is_whole:
            by_tool[run.content.tool].append(run)
        else:
            counts["broken_off"] += 1
    for tool, of_tool in sorted(by_tool.items()):
        reports = _one_per_commit(of_tool)
        series = _ToolSeries(tool)
        for report in reports:
            series.take(report)
        told.records += series.finish()
        told.notes.append(series.note(len(reports)))
        counts += series.counts
    if counts["broken_off"]:
        told.notes.append(f"Left out, because the tool did not end well: {counts['broken_off']:,}.")
    if any(map(_is_absolute, (run for of_tool in by_tool.values() for run in of_tool))):
        told.notes.append(
            "Paths are those of the machine that made the report. --set root=FOLDER makes them relative to it, so that "
            "reports of several machines can be compared."
        )
    told.counts = {name: count for name, count in counts.items() if count}
    return told


def _is_absolute(run: SeriesRun) -> bool:
    return any(finding["path"].startswith("/") for finding in run.content.found.values())


def _one_per_commit(runs: list[SeriesRun]) -> list[SeriesRun]:
    """Join the reports of one commit: parts of a repository, or a second run."""
    joined: dict[str, SeriesRun] = {}
    for run in runs:
        key = run.commit or run.file
        if (known := joined.get(key)) is not None:
            run = replace(known, content=replace(known.content, found={**known.content.found, **run.content.found}))
        joined[key] = run
    return list(joined.values())


class _ToolSeries:
    """Follows the findings of one tool from report to report."""

    def __init__(self, tool: str) -> None:
        self._tool = tool
        self._open: dict[str, _Episode] = {}
        self._times: Counter[str] = Counter()
        self._last: SeriesRun | None = None
        self._records: list[Record] = []
        self.counts: Counter[str] = Counter()

    def take(self, run: SeriesRun) -> None:
        """Take in the next report."""
        found = run.content.found
        versions = {run.content.version, self._last.content.version} - {None} if self._last else set()
        for name in [name for name in self._open if name not in found]:
            self._end(self._open.pop(name), run, is_other_tool=len(versions) > 1)
        for name, finding in found.items():
            if name in self._open:
                self._open[name].finding = finding
            else:
                self._times[name] += 1
                again = "" if self._times[name] == 1 else f":{self._times[name]}"
                self._open[name] = _Episode(
                    identity=name + again, first=run, is_since_first=self._last is None, finding=finding
                )
        self._last = run

    def finish(self) -> list[Record]:
        """Return the records, now that all reports were taken in."""
        for episode in self._open.values():
            if episode.finding["is_suppressed"]:
                self._end(episode, None, is_other_tool=False)
            else:
                self.counts["open"] += 1
        return self._records

    def _end(self, episode: _Episode, run: SeriesRun | None, *, is_other_tool: bool) -> None:
        is_suppressed = episode.finding["is_suppressed"]
        if is_other_tool and not is_suppressed:
            self.counts["gone_with_version"] += 1
            return
        self.counts["suppressed" if is_suppressed else "gone"] += 1
        fixed = None if is_suppressed else run
        finding = {name: value for name, value in episode.finding.items() if name != "is_suppressed"}
        self._records.append(
            {
                **finding,
                "id": f"{self._tool.casefold()}:{episode.identity}",
                "tool": self._tool,
                "at": episode.first.at,
                "commit": episode.first.commit,
                "task": episode.first.task,
                "fixed_at": fixed.at if fixed else None,
                "fixed_commit": fixed.commit if fixed else None,
                "is_suppressed": is_suppressed or None,
                "is_since_first": episode.is_since_first or None,
            }
        )

    def note(self, reports: int) -> str:
        """Say what became of the findings."""
        counts = self.counts
        said = [f"{counts['gone']:,} gone again, which are defects", f"{counts['open']:,} open, which are none yet"]
        said += [f"{counts['suppressed']:,} suppressed, which are false alarms"] if counts["suppressed"] else []
        gone = counts["gone_with_version"]
        said += [f"{gone:,} gone with another version of the tool, which are left out"] if gone else []
        state = " One report is a state: name the folder that holds those of many commits." if reports == 1 else ""
        return f"{self._tool}: {reports:,} report{'s' if reports > 1 else ''}, findings: {'; '.join(said)}.{state}"
