"""Which change wrote each line: kept while a history is replayed, which gives what `git blame` would say, at once.

A line that only moved, or whose blanks alone changed, stays with who wrote it, as with `git blame -w -M`.
"""

import re
from collections import defaultdict, deque
from dataclasses import dataclass

from asp_analysis.importers.git.git_log import FilePatch, Hunk

_ALL_BLANKS, _NOT_WORDS = re.compile(rb"\s+"), re.compile(rb"\W")
_MOVED = 20
"""A line of so many letters and digits that is lost in one place of a file and comes in another has moved."""


@dataclass(frozen=True, slots=True)
class Removed:
    """A line that was lost: who wrote it, its file and place (from 1) before, its text."""

    owner: int
    path: str
    number: int
    text: bytes


class LineOwners:
    """Replays patches along one line of history; owners are numbers of changes."""

    def __init__(self) -> None:
        self._files: dict[str, list[int]] = {}

    def apply(self, patch: FilePatch, owner: int, *, is_transparent: bool = False) -> list[Removed]:
        """Take in the patch of a file; return the lines that it took away, without those that stay in other form.

        is_transparent: the patch changes no meaning (reformatting), so that its lines keep their owners.
        """
        before = self._files.pop(patch.old, []) if patch.old is not None else []
        owners, lost, shift = before, list[Removed](), 0
        for hunk in patch.hunks:
            at = (hunk.old_start - 1 if hunk.removed else hunk.old_start) + shift
            old = owners[at : at + len(hunk.removed)]
            old += [owner] * (len(hunk.removed) - len(old))  # lines of a history that is not there
            kept = _aligned(hunk, old, owner) if is_transparent else None
            new = kept or _carried(hunk, old, owner, lost, patch.old or "")
            owners[at : at + len(hunk.removed)] = new
            shift += len(hunk.added) - len(hunk.removed)
        lost = _settle_moved(lost, patch, owners, owner) if lost else lost
        if patch.new is not None and not patch.is_binary:
            self._files[patch.new] = owners
        return lost

    def of(self, path: str) -> list[int]:
        """Return the owners of a file's lines, the first line first; none where there is no such file."""
        return list(self._files.get(path, ()))


def _carried(hunk: Hunk, old: list[int], owner: int, lost: list[Removed], path: str) -> list[int]:
    """Return the owners of the added lines; those that differ in blanks alone keep theirs, in their order."""
    if not hunk.removed:
        return [owner] * len(hunk.added)
    same: dict[bytes, deque[int]] = defaultdict(deque)
    for place, text in enumerate(hunk.removed):
        same[_ALL_BLANKS.sub(b"", text)].append(place)
    new, kept = [], set()
    for text in hunk.added:
        places = same.get(_ALL_BLANKS.sub(b"", text))
        if places and text.strip():
            place = places.popleft()
            kept.add(place)
            new.append(old[place])
        else:
            new.append(owner)
    lost += [
        Removed(old[place], path, hunk.old_start + place, text)
        for place, text in enumerate(hunk.removed)
        if place not in kept
    ]
    return new


def _aligned(hunk: Hunk, old: list[int], owner: int) -> list[int]:
    """Return the owners of reformatted lines: those of the lines in the same part of the former content."""
    if not old:
        return [owner] * len(hunk.added)
    count = len(hunk.added)
    return [old[min(place * len(old) // count, len(old) - 1)] for place in range(count)]


def _settle_moved(lost: list[Removed], patch: FilePatch, owners: list[int], owner: int) -> list[Removed]:
    """Let lines that came to another place of the file belong to their owners; return what was lost indeed."""
    gone: dict[bytes, list[int]] = defaultdict(list)
    for index, one in enumerate(lost):
        if _is_long(one.text):
            gone[_ALL_BLANKS.sub(b"", one.text)].append(index)
    if not gone:
        return lost
    moved: set[int] = set()
    for hunk in patch.hunks:
        for place, text in enumerate(hunk.added, hunk.new_start - 1):
            if len(text) >= _MOVED and (found := gone.get(_ALL_BLANKS.sub(b"", text))) and owners[place] == owner:
                index = found.pop(0)
                owners[place] = lost[index].owner
                moved.add(index)
    return [one for index, one in enumerate(lost) if index not in moved]


def _is_long(text: bytes) -> bool:
    return len(text) >= _MOVED and len(_NOT_WORDS.sub(b"", text)) >= _MOVED
