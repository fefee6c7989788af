"""Reads the patches of many commits; a file whose content is not in this clone is left out, the others are read."""

from collections.abc import Iterator

from asp_analysis.errors import InputError
from asp_analysis.importers.git.git_log import COMMIT_FORMAT, Commit, FilePatch, parse_log
from asp_analysis.importers.git.repository import PATCH, Repository

_LOG = ("log", "--no-walk=unsorted", "--diff-merges=first-parent", *PATCH, COMMIT_FORMAT, "--stdin")
_FILES_APART = 2_000
_LACKING = ("unable to read", "missing", "could not fetch", "promisor")
"""Words of git where an object is not in the clone."""

Logged = tuple[Commit, list[FilePatch]]


class PatchLog:
    """The patches of commits against their first parents; `unread` names what could not be read: (commit, path)."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self.unread: list[tuple[str, str]] = []

    def read(self, hashes: list[str]) -> Iterator[Logged]:
        """Yield the commits in the order in which they are named.

        A clone may lack objects: one that was made with a filter, for one. Git ends there; the file is found and left
        out, and the reading goes on with the next commit.

        Raises:
            InputError: git cannot read the repository for another reason.
        """
        left = hashes
        while left:
            held: Logged | None = None
            done = 0
            try:
                with self._repository.lines(*_LOG, given="\n".join(left).encode() + b"\n") as lines:
                    for logged in parse_log(lines):
                        if held is not None:
                            yield held
                            done += 1
                        held = logged
            except InputError as error:
                if not any(word in str(error) for word in _LACKING):
                    raise
                yield from self._read_apart(left[done])
                left = left[done + 1 :]
                continue
            if held is not None:
                yield held
            return

    def _read_apart(self, commit: str) -> Iterator[Logged]:
        """Read a commit file by file."""
        words = ("diff-tree", "-r", "--root", "--no-commit-id", "--name-only", "-z", "--diff-merges=first-parent")
        listed = self._repository.content(*words, commit).decode("utf-8", "surrogateescape").split("\x00")
        paths = [path for path in listed if path]
        files: list[FilePatch] = []
        for path in paths[:_FILES_APART]:
            found = self._read_file(commit, path)
            if found is None:
                self.unread.append((commit, path))
                found = [FilePatch(path, path, is_binary=True)]
            files += found
        self.unread += [(commit, path) for path in paths[_FILES_APART:]]
        with self._repository.lines("log", "-1", COMMIT_FORMAT, commit) as lines:
            for header, _ in parse_log(lines):
                yield header, files

    def _read_file(self, commit: str, path: str) -> list[FilePatch] | None:
        """Return what a commit did to one file; None where its content is not there."""
        words = (
            "log",
            "-1",
            "--diff-merges=first-parent",
            *PATCH,
            COMMIT_FORMAT,
            commit,
            "--",
            f":(literal,top){path}",
        )
        try:
            with self._repository.lines(*words) as lines:
                return [patch for _, patches in parse_log(lines) for patch in patches]
        except InputError:
            return None
