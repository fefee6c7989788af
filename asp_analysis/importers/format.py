"""What every format is to the loading: how a file of it is recognised, and what it gives to the store."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asp_analysis.batch import Batch
from asp_analysis.importers.file import Head, SourceFile

if TYPE_CHECKING:
    from asp_analysis.importers.presets.preset import PresetUse
    from asp_analysis.importers.tables.table_options import TableOptions
    from asp_analysis.importers.transcripts.call_batches import TranscriptRun

TRANSCRIPT = "transcript"
"""What the load log says that a transcript was loaded as; tables say a key of `records.RECORDS`."""


@dataclass(frozen=True, kw_only=True)
class ReadOptions:
    """How files are to be read: tables by what the user said of them, transcripts by what their run shares.

    kinds: keys of `records.RECORDS`, or agent_cost_vector; each is read from every table. Empty where the columns say
    what the records are. preset: what their columns mean, where the user names a preset.
    """

    kinds: tuple[str, ...]
    table: "TableOptions"
    transcripts: "TranscriptRun"
    preset: "PresetUse | None" = None

    @property
    def is_of_tables(self) -> bool:
        """Whether the user said what only tables have: then every file is read as one."""
        return bool(self.kinds or self.table.columns or self.table.constants or self.preset)


@dataclass(frozen=True, kw_only=True)
class Part:
    """The records of one kind in a file, which are one row of the load log.

    options: what the records depend on besides the file; found: what the reader counted; header: the line that names
    the columns, None where the format has no such line; notes: what the user should know, complete when the batches
    were read.
    """

    loaded_as: str
    batches: Iterable[Batch]
    options: dict[str, Any] = field(default_factory=dict)
    found: dict[str, Any] = field(default_factory=dict)
    header: str | None = None
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Format(ABC):
    """A format of files: its name in the load log, and a title for people."""

    name: str
    title: str

    @property
    @abstractmethod
    def is_table(self) -> bool:
        """Whether its files are tables, for which a user may say --as, --map and --set."""

    @abstractmethod
    def is_looked_for(self, path: Path) -> bool:
        """Whether a file of a folder with this name may be of this format; a file that the user names always may."""

    @abstractmethod
    def is_format_of(self, head: Head) -> bool:
        """Whether the beginning of a file is of this format."""

    @abstractmethod
    def read_parts(self, file: SourceFile, options: ReadOptions) -> list[Part]:
        """Read a file; the batches of a part may be read while they are written.

        Raises:
            InputError: the file cannot be read as a whole, or its kind is not clear.
        """
