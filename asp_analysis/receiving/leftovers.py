"""What receivers kept and nobody loads, because none runs any more: counted for `status`, taken by `load`."""

from asp_analysis.capture.spill import RECEIVED, Spill
from asp_analysis.capture.waiting import count_lines
from asp_analysis.config import StoreUrl
from asp_analysis.receiving.received_spill import waiting_path


def received_waiting(url: StoreUrl) -> int:
    """Count the requests, and the spans of traces that are not whole, that are not in the store yet."""
    waiting = waiting_path(url.spill_path)
    kept = max(0, count_lines(waiting) - 1)  # its first line names files
    return kept + sum(map(count_lines, Spill(url.spill_path, (RECEIVED,)).waiting()))


def load_received(url: StoreUrl) -> int:
    """Load what receivers that have ended left, as it is; return how many records it was.

    Where a receiver runs, its own process loads it.

    Raises:
        StoreError: the store does not take it; it goes on waiting.
    """
    if not received_waiting(url):
        return 0
    from asp_analysis.errors import StoreError  # what follows brings SQLAlchemy, and most often nothing waits
    from asp_analysis.receiving.pending import Patience
    from asp_analysis.receiving.settling import Settler, only_settler

    with only_settler(url) as is_mine:
        if not is_mine:
            return 0
        settler = Settler(url)
        if not settler.finish(Patience.NONE):
            raise StoreError(settler.counts.failure)
        return settler.counts.records
