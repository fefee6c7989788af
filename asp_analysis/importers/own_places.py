"""Where the tools of this machine keep what they record, and why some of them cannot be read."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from asp_analysis.importers.folders import FoundFile, find_folders, list_variable

_DATA_HOME = ".local/share/"
_MOST_FILES = 200_000
"""Files that are looked at for one tool; a home that is a whole disk ends there."""


@dataclass(frozen=True, kw_only=True)
class OwnPlace:
    """Where one tool keeps its files. homes: below the user's home, `variable` names another; patterns: of files."""

    tool: str
    homes: tuple[str, ...]
    patterns: tuple[str, ...]
    variable: str | None = None
    within: str = ""

    def folders(self, environment: Mapping[str, str]) -> list[Path]:
        """Return its folders that exist; `within` is the part below what the variable names."""
        named = list_variable(environment, self.variable) if self.variable else []
        if named:
            candidates = [folder / self.within for folder in named]
        else:
            candidates = [path for home in self.homes for path in _found(home, environment)]
        return list(dict.fromkeys(folder for folder in candidates if folder.is_dir()))

    def files(self, environment: Mapping[str, str]) -> list[Path]:
        """Return its files, each once, in the order of their names."""
        found: set[Path] = set()
        for folder in self.folders(environment):
            for pattern in self.patterns:
                for path in folder.glob(pattern):
                    if path.is_file():
                        found.add(path)
                    if len(found) >= _MOST_FILES:
                        return sorted(found)
        return sorted(found)


@dataclass(frozen=True)
class Unreadable:
    """A tool whose files hold no usage that can be read, and why. homes: below the user's home."""

    tool: str
    homes: tuple[str, ...]
    why: str

    def is_here(self, environment: Mapping[str, str]) -> bool:
        """Return whether the tool left files on this machine."""
        return any(True for home in self.homes for _ in _found(home, environment))


def _found(pattern: str, environment: Mapping[str, str]) -> Iterator[Path]:
    """Yield what is below the user's home under this pattern; the folder of data may be elsewhere."""
    yield from Path(environment.get("HOME") or Path.home()).glob(pattern)
    if (data := environment.get("XDG_DATA_HOME")) and pattern.startswith(_DATA_HOME):
        yield from Path(data).expanduser().glob(pattern.removeprefix(_DATA_HOME))


def claude_code_folders(environment: Mapping[str, str]) -> list[Path]:
    """Find Claude Code's transcripts: `projects` in the folders of CLAUDE_CONFIG_DIR (a comma list), else in the homes.

    Raises:
        InputError: there are none.
    """
    homes = [Path.home() / ".config" / "claude", Path.home() / ".claude"]
    return find_folders(list_variable(environment, "CLAUDE_CONFIG_DIR") or homes, ("projects",), "CLAUDE_CONFIG_DIR")


def codex_folders(environment: Mapping[str, str]) -> list[Path]:
    """Find Codex' rollouts: `sessions` and `archived_sessions` in CODEX_HOME (a comma list), else in `~/.codex`.

    Raises:
        InputError: there are none.
    """
    homes = list_variable(environment, "CODEX_HOME") or [Path.home() / ".codex"]
    return find_folders(homes, ("sessions", "archived_sessions"), "CODEX_HOME")


_CODE = (
    ".config/Code*",
    ".config/VSCodium",
    ".config/Cursor",
    "Library/Application Support/Code*",
    ".vscode-server*/data",
)
_STORAGE = tuple(f"{home}/User/globalStorage" for home in _CODE)
_DATA = (".local/share", "Library/Application Support")


def _in_data(*names: str) -> tuple[str, ...]:
    return tuple(f"{data}/{name}" for data in _DATA for name in names)


PLACES = (
    OwnPlace(
        tool="Claude Code",
        homes=(".claude/projects", ".config/claude/projects"),
        patterns=("**/*.jsonl", "**/*.jsonl.gz"),
        variable="CLAUDE_CONFIG_DIR",
        within="projects",
    ),
    OwnPlace(
        tool="Codex",
        homes=(".codex",),
        patterns=("sessions/**/*.jsonl*", "archived_sessions/**/*.jsonl*"),
        variable="CODEX_HOME",
    ),
    OwnPlace(tool="OpenCode", homes=_in_data("opencode"), patterns=("opencode*.db", "storage/message/**/*.json")),
    OwnPlace(
        tool="GitHub Copilot CLI",
        homes=(".copilot",),
        patterns=("session-store.db", "session-state/*/events.jsonl", "session-state/*.jsonl"),
        variable="COPILOT_HOME",
    ),
    OwnPlace(tool="Gemini CLI", homes=(".gemini/tmp",), patterns=("*/chats/*.json", "*/chats/*.jsonl")),
    OwnPlace(
        tool="Cline, Roo Code, Kilo Code",
        homes=_STORAGE,
        patterns=tuple(
            f"{name}/tasks/*/ui_messages.json"
            for name in ("saoudrizwan.claude-dev", "rooveterinaryinc.roo-cline", "kilocode.kilo-code")
        ),
    ),
    OwnPlace(
        tool="Cline CLI",
        homes=(".cline/data/sessions",),
        patterns=("*/*.messages.json",),
        variable="CLINE_SESSION_DATA_DIR",
    ),
    OwnPlace(tool="Qwen Code", homes=(".qwen",), patterns=("projects/*/chats/*.jsonl", "tmp/*/chats/*.json")),
    OwnPlace(tool="Kimi", homes=(".kimi/sessions", ".kimi-code/sessions"), patterns=("**/wire.jsonl",)),
    OwnPlace(tool="Amp", homes=_in_data("amp"), patterns=("threads/*.json",), variable="AMP_DATA_DIR"),
    OwnPlace(tool="Goose", homes=_in_data("goose/sessions"), patterns=("sessions.db",)),
    OwnPlace(
        tool="Droid",
        homes=(".factory/sessions",),
        patterns=("**/*.settings.json", "**/*.jsonl"),
        variable="FACTORY_DIR",
        within="sessions",
    ),
    OwnPlace(tool="Zed", homes=_in_data("zed/threads", "Zed/threads"), patterns=("threads.db",)),
    OwnPlace(tool="Pi", homes=(".pi/agent/sessions",), patterns=("**/*.jsonl",)),
    OwnPlace(
        tool="OpenClaw",
        homes=(".openclaw/agents",),
        patterns=("*/sessions/*.jsonl", "*/sessions/*.jsonl.reset.*", "*/sessions/*.jsonl.deleted.*"),
    ),
    OwnPlace(tool="OpenHands", homes=(".openhands/conversations",), patterns=("*/base_state.json",)),
)

UNREADABLE = (
    Unreadable(
        "Cursor",
        (".cursor", ".config/Cursor", "Library/Application Support/Cursor"),
        "its own database holds no counts on current versions. Export the usage CSV of its dashboard, and load that",
    ),
    Unreadable("Antigravity", (".gemini/antigravity*", ".antigravity"), "its conversations are encrypted"),
    Unreadable(
        "Windsurf",
        (".codeium/windsurf", ".config/Windsurf", "Library/Application Support/Windsurf"),
        "its conversations are encrypted, and it writes no counts of tokens to the disk",
    ),
)


def own_files(environment: Mapping[str, str] | None = None) -> Iterator[tuple[str, list[FoundFile]]]:
    """Yield each tool of `PLACES` that left files on this machine, with these."""
    known = os.environ if environment is None else environment
    for place in PLACES:
        if files := place.files(known):
            yield place.tool, [FoundFile(path, False) for path in files]


def unreadable_tools(environment: Mapping[str, str] | None = None) -> list[Unreadable]:
    """List the tools that left files on this machine of which none can be read."""
    known = os.environ if environment is None else environment
    return [tool for tool in UNREADABLE if tool.is_here(known)]
