"""A local git repository, read through git itself: no network, no checkout, and nothing of its configuration is run."""

import os
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from asp_analysis.errors import InputError
from asp_analysis.importers.transcripts.git_folders import repository_name

_SETTINGS = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.pager=cat",
    "core.quotePath=true",
    "core.bigFileThreshold=8m",
    "log.showSignature=false",
    "log.mailmap=true",
    "diff.external=",
    "diff.noprefix=false",
    "diff.mnemonicPrefix=false",
    "diff.orderFile=/dev/null",
    "diff.interHunkContext=0",
    "diff.renameLimit=1000",
    "i18n.logOutputEncoding=UTF-8",
    "protocol.allow=never",
    "advice.graftFileDeprecated=false",
)
"""What a repository could set to run programs, to fetch, or to change the form of the answers."""

PATCH = (
    "--no-ext-diff", "--no-textconv", "--no-color", "--patch", "--unified=0", "--find-renames", "--no-notes",
    "--submodule=short", "--src-prefix=a/", "--dst-prefix=b/", "--full-index",
)  # fmt: skip
"""How changes are asked for: every line that differs, renames found, and none around them."""

MAIN_NAMES = ("main", "master", "trunk", "develop")


class Repository:
    """A repository and its main branch.

    path: the folder; name: `owner/name` of its remote, else the name of the folder; project: the name of the folder, as
    transcripts name projects; main: the full name of the main branch, or a commit where none has a name.
    """

    def __init__(self, path: Path) -> None:
        """Find the repository that holds `path`.

        Raises:
            InputError: there is no git, no repository, or one that git will not read for this user.
        """
        self.path = path.absolute()
        if not self.path.is_dir():
            raise InputError(f"{path} is no folder. Name the folder of a git repository.")
        top = self.text("rev-parse", "--path-format=absolute", "--git-common-dir").strip()
        folder = Path(top).parent if Path(top).name == ".git" else Path(top)
        self.folder = folder
        self.project = folder.name.removesuffix(".git")
        remote = self.text("config", "--get", "remote.origin.url", may_fail=True).strip()
        self.name = repository_name(remote) if remote else self.project
        self.main = self._main_branch()
        self.is_shallow = self.text("rev-parse", "--is-shallow-repository").strip() == "true"

    def refs(self, *patterns: str, fields: str = "%(objectname) %(refname)") -> list[list[str]]:
        """List references: the words of their fields."""
        text = self.text("for-each-ref", f"--format={fields}", *patterns)
        return [line.split(" ") for line in text.splitlines()]

    def text(self, *words: str, may_fail: bool = False, given: bytes | None = None) -> str:
        """Return what a git command answers; bytes that are no UTF-8 become U+FFFD."""
        return self.content(*words, may_fail=may_fail, given=given).decode("utf-8", errors="replace")

    def content(
        self,
        *words: str,
        may_fail: bool = False,
        given: bytes | None = None,
        environment: dict[str, str] | None = None,
    ) -> bytes:
        """Return the bytes that a git command answers.

        Raises:
            InputError: git is missing, or refuses; its own words are in the message.
        """
        try:
            ran = subprocess.run(
                self._command(words), input=given, stdin=None if given is not None else subprocess.DEVNULL,
                capture_output=True, check=False, env=_environment() | (environment or {}),
            )  # fmt: skip
        except FileNotFoundError:
            raise InputError("There is no program git, which reads repositories. Install it.") from None
        if ran.returncode and not may_fail:
            raise self._refusal(ran.stderr)
        return ran.stdout

    def attributes(self, paths: Iterable[bytes], *names: str) -> Iterator[tuple[str, str]]:
        """Yield paths with what the .gitattributes of the main branch say of them, where they say something.

        They are read from an index of its own: neither the repository's index nor its checkout matters.
        """
        with tempfile.TemporaryDirectory() as folder:
            index = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
            self.content("read-tree", self.main, environment=index)
            given = b"".join(path + b"\x00" for path in paths)
            words = ("check-attr", "--cached", "--stdin", "-z", *names)
            fields = (
                self.content(*words, given=given, environment=index).decode("utf-8", "backslashreplace").split("\x00")
            )
        for path, _, value in zip(fields[::3], fields[1::3], fields[2::3], strict=False):
            if value != "unspecified":
                yield path, value

    @contextmanager
    def lines(self, *words: str, given: bytes = b"") -> Iterator[Iterator[bytes]]:
        """Run a git command and give its answer line by line, as it comes.

        Raises:
            InputError: git refuses, or fails before its end.
        """
        with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as asked:
            asked.write(given)
            asked.seek(0)
            with subprocess.Popen(
                self._command(words),
                stdin=asked,
                stdout=subprocess.PIPE,
                stderr=said,
                env=_environment(),
                bufsize=2**20,
            ) as process:
                assert process.stdout is not None
                try:
                    yield iter(process.stdout)
                except BaseException:
                    process.kill()
                    raise
            if process.returncode:
                said.seek(0)
                raise self._refusal(said.read(10_000))

    def _command(self, words: tuple[str, ...]) -> list[str]:
        settings = [word for setting in _SETTINGS for word in ("-c", setting)]
        return ["git", "--no-pager", *settings, "-C", str(self.path), *words]

    def _refusal(self, said: bytes) -> InputError:
        text = said.decode("utf-8", errors="replace").strip()
        if "dubious ownership" in text:
            advice = f"If you trust it: git config --global --add safe.directory {self.path}"
            return InputError(f"{self.path} belongs to another user, and git does not read it. {advice}")
        if "not a git repository" in text:
            return InputError(f"{self.path} is in no git repository. Name the folder of one.")
        lines = sorted(text.splitlines(), key=lambda line: not line.startswith(("fatal:", "error:")))
        first = lines[0] if lines else "no reason was given"
        return InputError(f"git cannot read {self.path}: {first}. Check it with: git -C {self.path} fsck")

    def _main_branch(self) -> str:
        remote = self.text("symbolic-ref", "--quiet", "refs/remotes/origin/HEAD", may_fail=True).strip()
        there = {name for _, name in self.refs("refs/heads", "refs/remotes")}
        own = [f"refs/{kind}/{name}" for name in MAIN_NAMES for kind in ("remotes/origin", "heads")]
        head = self.text("symbolic-ref", "--quiet", "HEAD", may_fail=True).strip()
        for name in (remote, *own, head):
            if name in there:
                return name
        commit = self.text("rev-parse", "--quiet", "--verify", "HEAD^{commit}", may_fail=True).strip()
        if not commit:
            raise InputError(f"{self.path} has no commits yet. Commit something, and load it again.")
        return commit


def _environment() -> dict[str, str]:
    """Return the environment of git: without what points it elsewhere or may ask a question."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return kept | {
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_GRAFT_FILE": os.devnull,
        "GIT_ATTR_NOSYSTEM": "1",
        "LC_ALL": "C",
    }
