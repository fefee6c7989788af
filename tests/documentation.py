"""What the README and the manual show, and the commands that run it word for word.

A comment above a block says what it is: `<!-- tested -->` runs it, `<!-- tested: with a server -->` on a PostgreSQL,
`<!-- file: NAME -->` makes a file of it, `<!-- printed by: COMMAND -->` is what that command printed. The blocks of a
page share one folder and one store, in the order of the page.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGES = ("README.md", *sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs").glob("*.md")))
_FENCED = re.compile(r"(?:^<!-- (?P<mark>[^\n]*?) -->\n)?^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.M | re.S)


@dataclass(frozen=True)
class Block:
    """One fenced block: its language, its text, and what the comment above it says."""

    language: str
    text: str
    mark: str

    @property
    def kind(self) -> str:
        return self.mark.partition(":")[0]

    @property
    def about(self) -> str:
        return self.mark.partition(":")[2].strip()


def blocks(page: str) -> list[Block]:
    """Return the fenced blocks of a page, in their order."""
    found = _FENCED.finditer((ROOT / page).read_text())
    return [Block(one["language"], one["text"], one["mark"] or "") for one in found]


def commands(text: str) -> Iterator[str]:
    """Split the text of a block into commands: a line, with the lines that a backslash joins to it."""
    yield from (line for line in text.replace("\\\n", " ").splitlines() if line.strip())


def example(page: str, about: str) -> str:
    """Return the one block of a page whose mark says what it is about, as in `tested: with a tracer`."""
    (block,) = [block for block in blocks(page) if block.mark == about]
    return block.text


@dataclass
class Reader:
    """Somebody who follows a page: a folder, a store, and what was printed so far."""

    folder: Path
    server: str | None = None
    printed: dict[str, str] = field(default_factory=dict)
    store: str = "asp.db"

    def follow(self, block: Block) -> None:
        """Do what a block says, or compare what it shows with what was printed."""
        if block.kind == "file":
            (self.folder / block.about).write_text(block.text)
        elif block.kind == "printed by":
            self._compare(block)
        elif block.kind == "tested" and block.language == "sh":
            if block.about == "in a new store":
                self.store = "new.db"
            self._run(block)
            self.store = "asp.db"
        elif block.mark == "tested" and block.language == "python":
            self._call([sys.executable, "-c", block.text], "python")

    def _run(self, block: Block) -> None:
        address = self.server if block.about == "with a server" else None
        exported: dict[str, str] = {}
        for command in commands(block.text):
            if address:
                command = command.replace("postgresql://me@host/asp", address)
            if match := re.fullmatch(r"export (\w+)=(\S+)", command):
                exported[match[1]] = match[2]
            else:
                self.printed[" ".join(command.split())] = self._call(["sh", "-c", command], command, exported)

    def _call(self, words: list[str], said: str, exported: dict[str, str] | None = None) -> str:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        url = f"sqlite:///{self.folder}/{self.store}"
        environment = {"PATH": path, "HOME": str(self.folder), "DATABASE_URL": url, **(exported or {})}
        ran = subprocess.run(words, cwd=self.folder, env=environment, capture_output=True, text=True, check=False)
        # A check may find what it looks for: a view that takes long on a busy machine is an alert.
        allowed = (0, 3) if " --check" in said else (0,)
        assert ran.returncode in allowed and "Traceback" not in ran.stderr, f"{said}\n{ran.stdout}{ran.stderr}"
        return ran.stdout

    def _compare(self, block: Block) -> None:
        printed = [line.split() for line in self.printed[block.about].splitlines()]
        for line in block.text.splitlines():
            assert line.split() in printed, f"{block.about} does not print {line!r} but\n{self.printed[block.about]}"
