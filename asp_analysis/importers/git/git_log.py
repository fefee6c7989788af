"""What git prints of a history: commits with their messages, and the lines that each changed."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice

COMMIT_FORMAT = "--format=%x01%H%x00%P%x00%aN%x00%aE%x00%at%x00%cE%x00%ct%x00%B%x00"
"""Begins each commit with U+0001, which no line of a patch begins with; no message holds U+0000."""

_FIELDS = 8
_HUNK = re.compile(rb"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_QUOTED_BYTE = re.compile(rb"\\([0-7]{3}|.)")
_LETTERS = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"a": b"\a", b"b": b"\b", b"f": b"\f", b"v": b"\v"}


@dataclass(slots=True, kw_only=True)
class Commit:
    """One commit. Times are seconds since 1970; author: the e-mail address, and the name apart; parents: hashes."""

    hash: str
    parents: list[str]
    author_name: str
    author: str
    authored_at: int
    committer: str
    committed_at: int
    message: str

    @property
    def subject(self) -> str:
        """The first line of the message."""
        return self.message.lstrip().partition("\n")[0].strip()


@dataclass(slots=True)
class Hunk:
    """Lines that one place of a file lost and got; `start` counts from 1 in the file as it was before and as it is."""

    old_start: int
    new_start: int
    removed: list[bytes] = field(default_factory=list)
    added: list[bytes] = field(default_factory=list)


@dataclass(slots=True)
class FilePatch:
    """What a commit did to one file; `old` is its path before, None where it is new; `new` is None where it is gone."""

    old: str | None
    new: str | None
    hunks: list[Hunk] = field(default_factory=list)
    is_binary: bool = False

    @property
    def path(self) -> str:
        """The path that names the file: the new one where there is one."""
        return self.new or self.old or ""


def parse_commits(lines: Iterable[bytes]) -> Iterator[Commit]:
    """Yield the commits of a `git log` without patches."""
    for commit, _ in parse_log(lines):
        yield commit


def parse_log(lines: Iterable[bytes]) -> Iterator[tuple[Commit, list[FilePatch]]]:
    """Yield each commit of a `git log` with the files that it changed, in the order in which git prints them."""
    commit: Commit | None = None
    reader = _PatchReader()
    stream = iter(lines)
    for line in stream:
        if line[:1] == b"\x01":
            if commit is not None:
                yield commit, reader.files
            commit, reader = _parse_header(line, stream), _PatchReader()
        else:
            reader.take(line, stream)
    if commit is not None:
        yield commit, reader.files


def _parse_header(line: bytes, stream: Iterator[bytes]) -> Commit:
    parts = [line]
    missing = _FIELDS - line.count(b"\x00")
    while missing > 0:
        more = next(stream, None)
        if more is None:
            break
        parts.append(more)
        missing -= more.count(b"\x00")
    fields = b"".join(parts)[1:].decode("utf-8", errors="replace").split("\x00")
    fields += [""] * (_FIELDS - len(fields))
    hash_, parents, name, author, authored, committer, committed, message = fields[:_FIELDS]
    authored_at, committed_at = _seconds(authored), _seconds(committed)
    return Commit(
        hash=hash_,
        parents=parents.split(),
        author_name=name,
        author=author,
        authored_at=authored_at or committed_at,
        committer=committer,
        committed_at=committed_at or authored_at,
        message=message,
    )


def _seconds(text: str) -> int:
    """Return seconds since 1970; 0 where a clock was so wrong that no instant of ours can say it."""
    try:
        seconds = int(text)
    except ValueError:
        return 0
    return seconds if 0 < seconds < 253_402_300_800 else 0


class _PatchReader:
    """Reads the patch of one commit: each file with its hunks, which it takes from the stream at once."""

    def __init__(self) -> None:
        self.files: list[FilePatch] = []

    def take(self, line: bytes, stream: Iterator[bytes]) -> None:
        """Take the next line, and with a hunk's header all lines of the hunk."""
        if self.files and (found := _HUNK.match(line)):
            removed, added = (1 if count is None else int(count) for count in (found[2], found[4]))
            hunk = Hunk(int(found[1]), int(found[3]), _block(stream, removed), _block(stream, added))
            self.files[-1].hunks.append(hunk)
        else:
            self._take_header(line)

    def _take_header(self, line: bytes) -> None:
        if line.startswith(b"diff --git "):
            old, new = _names(line[11:].rstrip(b"\n"))
            self.files.append(FilePatch(old, new))
        elif not self.files:
            return
        elif line.startswith(b"new file mode"):
            self.files[-1].old = None
        elif line.startswith(b"deleted file mode"):
            self.files[-1].new = None
        elif line.startswith((b"rename from ", b"copy from ")):
            self.files[-1].old = _unquoted(line.split(b" from ", 1)[1].rstrip(b"\n"))
        elif line.startswith((b"rename to ", b"copy to ")):
            self.files[-1].new = _unquoted(line.split(b" to ", 1)[1].rstrip(b"\n"))
        elif line.startswith((b"Binary files ", b"GIT binary patch")):
            self.files[-1].is_binary = True


def _block(stream: Iterator[bytes], count: int) -> list[bytes]:
    """Take so many lines of a hunk, without their sign; a line before them says that a file ends without a newline."""
    if count == 0:
        return []
    first = next(stream, b"")
    if first[:1] == b"\\":
        first = next(stream, b"")
    return [line[1:-1] for line in (first, *islice(stream, count - 1))]


def _names(text: bytes) -> tuple[str, str]:
    """Return the two paths of `a/old b/new`; they are the same unless `rename` lines say otherwise."""
    if text.startswith(b'"'):
        end = re.match(rb'"(?:[^"\\]|\\.)*"', text)
        first = end[0] if end else text
        return _unquoted(first)[2:], _unquoted(text[len(first) + 1 :])[2:]
    if text.endswith(b'"') and b' "b/' in text:
        first, _, second = text.partition(b' "')
        return _unquoted(first)[2:], _unquoted(b'"' + second)[2:]
    half = len(text) // 2  # both paths are as long where they are the same
    if text[half : half + 1] == b" " and text[2:half] == text[half + 3 :]:
        return _decoded(text[2:half]), _decoded(text[half + 3 :])
    first, _, second = text.partition(b" b/")
    return _decoded(first[2:]), _decoded(second)


def _unquoted(text: bytes) -> str:
    if not (text.startswith(b'"') and text.endswith(b'"') and len(text) > 1):
        return _decoded(text)
    return _decoded(_QUOTED_BYTE.sub(_escaped, text[1:-1]))


def _escaped(found: re.Match[bytes]) -> bytes:
    code = found[1]
    return bytes([int(code, 8) & 255]) if len(code) == 3 else _LETTERS.get(code, code)


def _decoded(path: bytes) -> str:
    return path.decode("utf-8", errors="backslashreplace").replace("\x00", "\\x00")
