"""Which changes were undone, wholly or partly, by which: what messages say, and what the lines themselves show."""

from collections import Counter
from dataclasses import dataclass

from asp_analysis.importers.git.code_changes import Change, ChangesByHash
from asp_analysis.importers.git.messages import reverted
from asp_analysis.importers.git.replay import DAY_S, ChangeTrace

WHOLE = 0.9
"""A change of whose lines this share was undone was reverted; below it, in part."""

_NOTHING_ELSE = 0.95
"""Of what a change does, the share that must undo another one before that is called a revert though nothing says so."""

_LEAST_SHARE = 0.25
"""Of the other change, the least that must be undone: whoever corrects a line of it back undoes no change."""

_SOON_DAYS = 30
_LEAST_LINES = 2


@dataclass(frozen=True, kw_only=True)
class Revert:
    """That change `of` was undone by change `by`: which share of its lines (None where it is unknown), and how that
    is known: `message` or `lines`."""

    of: int
    by: int
    share: float | None
    evidence: str


def find_reverts(changes: list[Change], traces: list[ChangeTrace]) -> list[Revert]:
    """Find what was undone, in the order in which it happened; a revert that was itself undone is left out."""
    named = _Named(changes)
    found: list[Revert] = []
    for change in changes:
        said = named.by(change)
        for other in said:
            share, _ = _undone(traces[other], traces[change.number])
            if not share and (traces[other].came or traces[other].went):
                continue  # the message speaks of it, and none of its lines was undone
            found.append(Revert(of=other, by=change.number, share=share or None, evidence="message"))
        if not said and (shown := _shown_by_lines(change, changes, traces)):
            found.append(shown)
    undone = {one.of for one in found if (one.share or 1) >= WHOLE}
    return [one for one in found if one.by not in undone]


def _undone(first: ChangeTrace, second: ChangeTrace) -> tuple[float, float]:
    """Return which share of the first change the second undid, and which share of the second did so."""
    back = Counter(first.came) & Counter(second.went)
    again = Counter(first.went) & Counter(second.came)
    matched = back.total() + again.total()
    return (
        matched / max(1, len(first.came) + len(first.went)),
        matched / max(1, len(second.came) + len(second.went)),
    )


def _may_undo(first: ChangeTrace, second: ChangeTrace) -> bool:
    """Whether the sizes of two changes allow that the second does nothing but undo enough of the first."""
    size, other = (len(trace.came) + len(trace.went) for trace in (first, second))
    return _LEAST_SHARE * size <= other <= size / _NOTHING_ELSE


def _shown_by_lines(change: Change, changes: list[Change], traces: list[ChangeTrace]) -> Revert | None:
    """Find the change that this one does nothing but undo, though its message does not say so."""
    trace = traces[change.number]
    if len(trace.came) + len(trace.went) < _LEAST_LINES or not trace.took:
        return None
    other = max(sorted(trace.took), key=lambda number: trace.took[number])
    if not _may_undo(traces[other], trace):
        return None
    of_other, of_this = _undone(traces[other], trace)
    is_soon = change.completed_at - changes[other].completed_at <= _SOON_DAYS * DAY_S
    brings_back = bool(Counter(traces[other].went) & Counter(trace.came))
    if (
        of_this < _NOTHING_ELSE
        or of_other < _LEAST_SHARE
        or not (brings_back or (is_soon and of_other >= _NOTHING_ELSE))
    ):
        return None
    return Revert(of=other, by=change.number, share=of_other, evidence="lines")


class _Named:
    """Finds the earlier changes that a message says it reverts."""

    def __init__(self, changes: list[Change]) -> None:
        self._changes = changes
        self._by_hash = ChangesByHash(changes)
        self._requests = {change.pull_request: change.number for change in changes if change.pull_request}

    def by(self, change: Change) -> list[int]:
        """Return the numbers of the earlier changes that a change says it reverts, each once."""
        hashes, numbers, subjects = reverted("\n".join(change.messages))
        own = change.hashes
        found = [self._by_hash.find(name) for name in hashes if not any(one.startswith(name.lower()) for one in own)]
        found += [self._requests.get(number) for number in numbers if number != change.pull_request]
        known = {number for number in found if number is not None and number < change.number}
        if not known:
            known = {number for subject in subjects if (number := self._of_subject(subject, change.number)) is not None}
        return sorted(known)

    def _of_subject(self, subject: str, before: int) -> int | None:
        for other in reversed(self._changes[:before]):
            titles = (other.subject, *(commit.subject for commit in other.commits))
            if any(title == subject or title.startswith(f"{subject} (#") for title in titles):
                return other.number
        return None
