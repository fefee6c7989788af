"""Makes git repositories whose history is known: what came how, what was undone, mended, and by which change."""

import os
import random
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

OF_CHANGES = ("stg_changes", "stg_change_sessions", "changes", "rework", "human_effort")
"""Views that are empty where no repository, transcript or pull request was loaded, as in the sample."""

START = 1_700_000_000
DAY = 86_400
SETTINGS = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
}


@dataclass
class Truth:
    """What was planted, by the titles of the changes: reverted wholly or in part -> by whom; fix -> what it mends."""

    flows: dict[str, str] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    reverted: dict[str, str] = field(default_factory=dict)
    partly: dict[str, str] = field(default_factory=dict)
    mends: dict[str, str] = field(default_factory=dict)
    reworked: set[str] = field(default_factory=set)
    picked: set[str] = field(default_factory=set)


class Planted:
    """A repository that grows by one change at a time; the clock goes on by some hours with each."""

    def __init__(self, path: Path, seed: int = 1) -> None:
        """Begin a repository with some files."""
        self.path, self.truth, self.now = path, Truth(), START
        self.chance = random.Random(seed)
        self.count = 0
        path.mkdir(parents=True)
        self.git("init", "-q", "-b", "main")
        for name in ("api", "store", "web", "jobs"):
            self.write(f"src/{name}.py", [f"def {name}_{number}(): return '{name} {number}'" for number in range(60)])
        self.write("README.md", ["A planted repository"])
        self.write("package-lock.json", ["{}"])
        self.commit("chore: begin")

    # --- small things ---

    def git(self, *words: str, at: int | None = None, authored: int | None = None, **more: str) -> str:
        """Run git at an instant of the repository's clock."""
        committed = f"@{self.now if at is None else at} +0000"
        dates = {
            "GIT_COMMITTER_DATE": committed,
            "GIT_AUTHOR_DATE": committed if authored is None else f"@{authored} +0000",
        }
        ran = subprocess.run(
            ["git", *words], cwd=self.path, env=os.environ | SETTINGS | dates | more, capture_output=True, text=True
        )
        assert ran.returncode == 0, (words, ran.stderr, ran.stdout)
        return ran.stdout.strip()

    def lines(self, path: str) -> list[str]:
        """Return the lines of a file."""
        return (self.path / path).read_text().splitlines()

    def write(self, path: str, lines: list[str]) -> None:
        """Write a file."""
        target = self.path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text("".join(f"{line}\n" for line in lines))

    def commit(self, message: str, **more: int) -> str:
        """Commit all there is; return the hash."""
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message, **more)
        return self.git("rev-parse", "HEAD")

    def pass_time(self, days: float) -> None:
        """Let time go by."""
        self.now += int(days * DAY)

    # --- changes ---

    def edit(self, lines: int = 6) -> tuple[str, int]:
        """Add lines of a new function to a file; return its path and how many."""
        self.count += 1
        path = f"src/{self.chance.choice(('api', 'store', 'web', 'jobs'))}.py"
        held = self.lines(path)
        place = self.chance.randrange(len(held) + 1)
        new = [
            f"def change_{self.count}_{number}(x): return x + {self.count * 100 + number}" for number in range(lines)
        ]
        self.write(path, held[:place] + new + held[place:])
        return path, lines

    def deliver(self, title: str, work: Callable[[], int], flow: str | None = None, message: str = "") -> None:
        """Bring a change to the main branch in one of the flows; work: edits files, returns the lines it changed."""
        flow = flow or self.chance.choice(("merge", "squash", "rebase", "commit"))
        self.pass_time(0.3)
        number = 100 + self.count
        body = f"\n\n{message}" if message else ""
        branch = f"work/{self.count}"
        self.truth.flows[title] = flow
        if flow == "commit":
            self.truth.sizes[title] = work()
            self.commit(f"{title}{body}")
            return
        self.git("checkout", "-q", "-b", branch)
        size = work()
        self.commit(f"{title}{body}")
        self.pass_time(0.2)
        self.write(f"notes/{self.count}.txt", [f"of {branch} {line}" for line in range(3)])
        self.commit(f"more of {title.partition(': ')[2] or title}")
        self.truth.sizes[title] = size + 3
        begun = self.now
        self.pass_time(0.2)
        self.git("checkout", "-q", "main")
        if flow == "merge":
            self.git(
                "merge",
                "-q",
                "--no-ff",
                "-m",
                f"Merge pull request #{number} from ada/{branch}\n\n{title}{body}",
                branch,
            )
        elif flow == "squash":
            self.git("merge", "-q", "--squash", branch)
            self.commit(f"{title} (#{number}){body}")
        else:
            self.pass_time(0.01)
            self.git("checkout", "-q", branch)
            self.git("rebase", "-q", "--force-rebase", "main", authored=begun)
            self.git("checkout", "-q", "main")
            self.git("merge", "-q", "--ff-only", branch)
        self.git("branch", "-q", "-D", branch)

    def feature(self, flow: str | None = None) -> str:
        """Deliver a new function; return the title."""
        title = f"feat: part {self.count + 1} of the planted work"
        self.deliver(title, lambda: self.edit()[1], flow)
        return title

    def tip(self) -> str:
        """Return the hash of the newest commit of the main branch."""
        return self.git("rev-parse", "main")

    def revert(self, title: str, first: str, last: str) -> None:
        """Undo what came between two commits of the main branch, by a commit that says so."""
        self.pass_time(0.5)
        for name in self.git("rev-list", "--first-parent", f"{first}..{last}").split():
            parents = self.git("rev-list", "--parents", "-n", "1", name).split()
            self.git("revert", "--no-commit", *(("-m", "1") if len(parents) > 2 else ()), name)
        new = f'Revert "{title}"'
        self.commit(f"{new}\n\nThis reverts commit {last}.")
        self.truth.reverted[title] = new

    def undo_half(self, title: str, marker: str) -> None:
        """Take half of a change's lines away again, and say so."""
        self.pass_time(0.5)
        changed = 0
        for path in self.git("ls-files", "src").split():
            held = self.lines(path)
            of_change = [line for line in held if marker in line]
            if of_change:
                gone = set(of_change[: len(of_change) // 2])
                self.write(path, [line for line in held if line not in gone])
                changed += len(gone)
        new = f"Partially revert {title.partition(': ')[2]}"
        self.commit(f"{new}\n\nThis partially reverts commit {self.tip()}, its first half.")
        self.truth.partly[title] = new

    def mend(self, title: str, marker: str) -> None:
        """Correct a line of an earlier change by another one."""
        self.count += 1
        new = f"fix: wrong sum in {marker.strip()} {self.count}"

        def work() -> int:
            for path in self.git("ls-files", "src").split():
                held = self.lines(path)
                for place, line in enumerate(held):
                    if marker in line:
                        held[place] = line.replace("x + ", "x - ")
                        self.write(path, held)
                        return 2
            raise AssertionError(marker)

        self.deliver(new, work)
        self.truth.mends[new] = title
        self.truth.reworked.add(title)

    def reformat(self) -> None:
        """Indent a whole file, which changes no meaning."""
        path = "src/web.py"
        self.pass_time(0.3)
        self.write(path, [f"    {line.strip()}" for line in self.lines(path)])
        self.commit("style: indent the web")

    def rename(self) -> None:
        """Rename a file and change nothing."""
        self.pass_time(0.3)
        self.git("mv", "src/jobs.py", "src/tasks.py")
        self.commit("refactor: jobs are tasks")
        self.git("mv", "src/tasks.py", "src/jobs.py")
        self.commit("refactor: tasks are jobs again")

    def lock(self) -> None:
        """Change a lock file alone."""
        self.pass_time(0.3)
        self.write("package-lock.json", [f'"{number}": {self.count}' for number in range(400)])
        self.commit("build: newer packages")
        self.truth.sizes["build: newer packages"] = 0


def plant(path: Path, changes: int = 200, seed: int = 1) -> Planted:
    """Make a repository of about so many changes of all kinds."""
    planted = Planted(path, seed)
    for number in range(changes * 6 // 10):
        before = planted.tip()
        title = planted.feature()
        marker = f"change_{planted.count}_"
        kind = number % 8
        if kind == 1:
            planted.revert(title, before, planted.tip())
        elif kind == 3:
            planted.undo_half(title, marker)
        elif kind in (5, 7):
            planted.pass_time(planted.chance.choice((1, 5, 40)))
            planted.mend(title, f"{marker}2(")
        if number % 30 == 11:
            planted.reformat()
        if number % 30 == 17:
            planted.rename()
        if number % 30 == 23:
            planted.lock()
    planted.pass_time(120)
    planted.write("README.md", ["The end"])
    planted.commit("docs: the end")
    return planted
