"""What a user may say about a load. Light: a daily load that finds nothing new imports no more than this."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from asp_analysis.importers.tables.table_options import TableOptions
from asp_analysis.importers.transcripts.calls import Reading
from asp_analysis.pricing import Assumption, OwnPrices

if TYPE_CHECKING:
    from asp_analysis.importers.presets.preset import PresetUse


@dataclass(frozen=True, kw_only=True)
class LoadOptions:
    """What a user may say about a load: what tables hold, how transcripts are read, and whose prices hold.

    kinds: keys of `records.RECORDS`, or agent_cost_vector, whose rows are executions or their metrics; a table is read
    as each of them. preset: what their columns mean, where a preset says it. max_rejects: nothing of a file is written
    where more of its records are rejected; None for any. may_count_again: a file is written even if its records count a
    second time. is_replacing: a file takes the place of its former loads. assumed: the models whose provider was
    assumed; grows as calls are priced.
    """

    kinds: tuple[str, ...] = ()
    table: TableOptions = field(default_factory=TableOptions)
    preset: "PresetUse | None" = None
    max_rejects: int | None = None
    may_count_again: bool = False
    is_replacing: bool = False
    reading: Reading = field(default_factory=Reading)
    prices: OwnPrices | None = None
    assumed: dict[str, Assumption] = field(default_factory=dict, compare=False)

    @property
    def is_of_tables(self) -> bool:
        """Whether the user said what only tables have."""
        return bool(self.kinds or self.table.columns or self.table.constants or self.preset)
