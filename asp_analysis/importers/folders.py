"""Where files lie: the files of a folder, and the folders in which coding agents keep their transcripts."""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from asp_analysis.errors import InputError
from asp_analysis.importers.file import PACKED_SUFFIXES

_PASSED_OVER = {".git", "node_modules", "__pycache__"}


@dataclass(frozen=True)
class FoundFile:
    """A file to load; `is_named` where the user named it himself, so that it must be one that can be loaded."""

    path: Path
    is_named: bool


@dataclass(frozen=True)
class NotLoaded:
    """A file of a folder that was not loaded, and why."""

    file: str
    reason: str


def found_files(paths: Iterable[Path]) -> Iterator[FoundFile]:
    """Yield named files themselves, and all files of named folders."""
    for path in paths:
        if path.is_dir():
            yield from (FoundFile(file, False) for file in _files_of(path))
        else:
            yield FoundFile(path, True)


def plain_name(path: Path) -> str:
    """Return the name of a file without what says that it is packed."""
    name = path.name
    return name.removesuffix(next((suffix for suffix in PACKED_SUFFIXES if name.endswith(suffix)), ""))


def transcript_files(folders: Iterable[Path]) -> Iterator[FoundFile]:
    """Yield the transcripts in the agents' own folders; what else the agents keep there is none of ours."""
    for file in found_files(folders):
        if plain_name(file.path).endswith(".jsonl"):
            yield file


def _files_of(path: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(path):
        folders[:] = sorted(name for name in folders if name not in _PASSED_OVER)
        for name in sorted(names):
            if not name.startswith("."):
                yield Path(folder) / name


def list_variable(environment: Mapping[str, str], name: str) -> list[Path]:
    """Return the folders of a variable that holds a comma list of them; empty where it is not set."""
    return [Path(part.strip()).expanduser() for part in environment.get(name, "").split(",") if part.strip()]


def find_folders(homes: list[Path], folders: tuple[str, ...], variable: str) -> list[Path]:
    """Return the named folders that exist in any of the homes; a home may be such a folder itself.

    Raises:
        InputError: there are none; the message names `variable`, which says where they are.
    """
    found = [home / folder for home in homes for folder in folders if (home / folder).is_dir()]
    found += [home for home in homes if home.name in folders and home.is_dir()]
    if not found:
        places = ", ".join(str(home / folders[0]) for home in homes)
        raise InputError(f"There is no folder of transcripts at {places}. Set {variable}, or name the folder.")
    return found
