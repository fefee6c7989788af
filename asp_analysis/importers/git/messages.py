"""What the messages of commits say: pull request, branch, type, agents, reverts, issues. Unsaid is unknown."""

import re
from collections.abc import Iterable

from asp_analysis.importers.git.git_log import Commit

_SQUASHED = re.compile(r"\(#(\d{1,9})\)\s*$")
_MERGED_NUMBER = (
    re.compile(r"^Merge pull request #(\d{1,9})\b"),
    re.compile(r"^Merged in \S+ \(pull request #(\d{1,9})\)"),
    re.compile(r"^Merged PR (\d{1,9})\b"),
    re.compile(r"^See merge request \S*!(\d{1,9})\s*$", re.MULTILINE),
)
_MERGED_BRANCH = (
    re.compile(r"^Merge pull request #\d+ from [^/\s]+/(\S+)"),
    re.compile(r"^Merge (?:remote-tracking )?branch '([^']+)'"),
    re.compile(r"^Merged in (\S+) \(pull request"),
    re.compile(r"^Merge branch (\S+)"),
)
_CONVENTIONAL = re.compile(r"^([a-z]+)(?:\(([^)]*)\))?!?:\s", re.IGNORECASE)
_TYPES = {
    "feat": "feature", "feature": "feature", "fix": "fix", "bugfix": "fix", "hotfix": "fix", "docs": "docs",
    "doc": "docs", "test": "test", "tests": "test", "refactor": "refactor", "perf": "performance", "chore": "chore",
    "ci": "ci", "build": "build", "style": "style", "revert": "revert", "deps": "build", "security": "fix",
}  # fmt: skip
_FIX_WORDS = re.compile(r"^(?:bug ?fix|hot ?fix|fix(?:es|ed|ing)?)\b", re.IGNORECASE)
_NO_DEFECT = re.compile(
    r"\b(typos?|lint(?:er|ing)?|format(?:ting)?|ci|docs?|readme|changelog|spelling|comments?)\b", re.IGNORECASE
)
_FIXED_ISSUES = re.compile(
    r"\b(?:fix(?:es|ed)?|close[sd]?|resolve[sd]?)\b:?\s+(?:[\w.-]+/[\w.-]+)?#(\d{1,9})(?!\d)", re.IGNORECASE
)
_REVERTED_HASH = re.compile(
    r"\b(?:this )?(?:partially |partly )?reverts? (?:part of )?(?:commit )?([0-9a-f]{7,40})\b", re.IGNORECASE
)
_REVERTED_NUMBER = re.compile(
    r"\breverts? (?:pull request |PR |MR )?(?:[\w.-]+/[\w.-]+)?[#!](\d{1,9})\b", re.IGNORECASE
)
_REVERTED_SUBJECT = re.compile(r'^(?:revert|partial(?:ly)? reverts?):? "(.+)"', re.IGNORECASE | re.MULTILINE)
_PICKED = re.compile(r"\(cherry picked from commit ([0-9a-f]{7,40})\)")
_TRAILER = re.compile(r"^([A-Za-z][A-Za-z0-9-]+):\s+(\S.*?)\s*$", re.MULTILINE)
_HYPHENATED = re.compile(r"^[A-Za-z]+(?:-[A-Za-z]+)+:\s")
_CODING_AGENTS = (
    ("Claude Code", re.compile(r"\bclaude\b|noreply@anthropic\.com", re.IGNORECASE)),
    ("GitHub Copilot", re.compile(r"\bcopilot\b", re.IGNORECASE)),
    ("Cursor", re.compile(r"\bcursor ?agent\b|cursoragent@cursor\.com|^cursor\b", re.IGNORECASE)),
    ("Codex", re.compile(r"\bcodex\b", re.IGNORECASE)),
    ("Gemini CLI", re.compile(r"\bgemini\b|gemini-code-assist", re.IGNORECASE)),
    ("Devin", re.compile(r"\bdevin(?:-ai-integration)?\b", re.IGNORECASE)),
    ("Jules", re.compile(r"google-labs-jules", re.IGNORECASE)),
    ("Aider", re.compile(r"\baider\b", re.IGNORECASE)),
    ("Amp", re.compile(r"\bamp\b.*@ampcode\.com", re.IGNORECASE)),
    ("OpenCode", re.compile(r"\bopencode\b", re.IGNORECASE)),
    ("OpenHands", re.compile(r"\bopenhands\b|openhands@all-hands\.dev", re.IGNORECASE)),
    ("Factory Droid", re.compile(r"factory-droid", re.IGNORECASE)),
)  # fmt: skip
_OF_AGENTS = ("co-authored-by", "assisted-by", "generated-by", "ai-assisted-by", "co-developed-by")
_GENERATED_WITH = re.compile(r"\bgenerated (?:with|by) (?:\[([^\]]+)\]|([A-Z][\w ]{2,30}))", re.IGNORECASE)


def pull_request(commit: Commit) -> int | None:
    """Return the number of the pull or merge request that a commit on the main branch brought, where it says so."""
    if len(commit.parents) < 2 and (found := _SQUASHED.search(commit.subject)):
        return int(found[1])
    for pattern in _MERGED_NUMBER:
        if found := pattern.search(commit.message):
            return int(found[1])
    return int(found[1]) if (found := _SQUASHED.search(commit.subject)) else None


def merged_branch(commit: Commit) -> str | None:
    """Return the branch that a merge names."""
    found = next(filter(None, (pattern.search(commit.subject) for pattern in _MERGED_BRANCH)), None)
    return found[1].removeprefix("origin/") if found else None


def is_title(line: str) -> bool:
    """Whether a line of a merge's message may be the title of what was merged."""
    return bool(line) and not (_HYPHENATED.match(line) or line.startswith(("See merge request", "#", "* ", "- ")))


def task_type(subject: str, branch: str | None) -> str | None:
    """Return the type of work by Conventional Commits, else by the folder of the branch's name; None where unsaid."""
    if found := _CONVENTIONAL.match(subject):
        return _TYPES.get(found[1].lower())
    if subject.lower().startswith(("revert ", "revert:")):
        return "revert"
    folder = branch.partition("/")[0].lower() if branch and "/" in branch else ""
    return _TYPES.get(folder)


def is_fix(subject: str, branch: str | None, message: str) -> bool:
    """Whether a change corrects a defect: its type, its first word, or an issue that it fixes; no typos."""
    kind = task_type(subject, branch)
    found = _CONVENTIONAL.match(subject)
    text = subject[found.end() :] if found else subject
    scope = (found[2] or "") if found else ""
    if _NO_DEFECT.search(scope) or (
        kind in (None, "fix") and _NO_DEFECT.search(text) and not _FIXED_ISSUES.search(message)
    ):
        return False
    if kind is not None:
        return kind == "fix"
    return bool(_FIX_WORDS.match(text))


def fixed_issues(messages: Iterable[str]) -> list[int]:
    """Return the numbers of the issues that messages say they fix, each once."""
    return sorted({int(number) for message in messages for number in _FIXED_ISSUES.findall(message)})


def reverted(message: str) -> tuple[list[str], list[int], list[str]]:
    """Return what a message says it reverts: hashes, numbers of pull requests, subjects."""
    return (
        _REVERTED_HASH.findall(message),
        [int(number) for number in _REVERTED_NUMBER.findall(message)],
        _REVERTED_SUBJECT.findall(message),
    )


def picked_from(message: str) -> list[str]:
    """Return the hashes that a message says it was picked from."""
    return _PICKED.findall(message)


def trailers(message: str) -> list[tuple[str, str]]:
    """Return the trailers of a message, names in small letters; squashes repeat those of all their commits."""
    return [(name.lower(), value) for name, value in _TRAILER.findall(message)]


def agents_of(commit: Commit) -> set[str]:
    """Name the coding agents that a commit says took part; empty where it says nothing, which may mean anything."""
    said = [value for name, value in trailers(commit.message) if name in _OF_AGENTS]
    said += [first or second for first, second in _GENERATED_WITH.findall(commit.message)]
    is_bot = commit.author_name.endswith("[bot]") or commit.author.endswith("[bot]@users.noreply.github.com")
    if is_bot or "copilot" in commit.author_name.lower() or "(aider)" in commit.author_name:
        said.append(f"{commit.author_name} <{commit.author}>")
    found = {name for name, pattern in _CODING_AGENTS for text in said if pattern.search(text)}
    if is_bot and not found:
        found.add(commit.author_name)
    return found


def reviewers_of(commit: Commit) -> set[str]:
    """Return who reviewed a commit, as its trailers say: people other than its author."""
    names = {value for name, value in trailers(commit.message) if name in ("reviewed-by", "acked-by")}
    return {name for name in names if commit.author not in name and "[bot]" not in name}
