"""The process that loads what a receiver keeps (`python -m asp_analysis.receiving.loader_process`).

Its first line of input says which store; when its input ends, so has its receiver, and it stores what is whole, keeps
the rest for the next one and ends. After each step in which something changed it says its counts as one line of JSON.
"""

import json
import select
import signal
import sys
from dataclasses import asdict
from pathlib import Path

from asp_analysis.config import StoreUrl
from asp_analysis.receiving.pending import Patience
from asp_analysis.receiving.settling import Settler, only_settler

_STEP_S, _WAIT_AFTER_FAILURE_S = 0.3, 2.0


def main() -> None:
    """Load until the receiver ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to both; the receiver says when it is over
    with open(sys.stdin.fileno(), "rb", buffering=0, closefd=False) as stream:
        told = json.loads(stream.readline())
    url = StoreUrl(told["text"], None if told["path"] is None else Path(told["path"]))
    while not _settle(url):  # another receiver of the same store loads
        if _is_over(_WAIT_AFTER_FAILURE_S):
            return


def _settle(url: StoreUrl) -> bool:
    """Settle until the receiver ends; False at once where another process does."""
    with only_settler(url) as is_mine:
        if not is_mine:
            return False
        settler, said = Settler(url), ""
        is_over = False
        while not is_over:
            is_over = _is_over(0.0 if settler.has_more else _STEP_S)
            is_taken = settler.step()
            counts = json.dumps(asdict(settler.counts))
            if counts != said:
                said = counts
                sys.stdout.write(f"{counts}\n")
                sys.stdout.flush()
            if not is_taken and not is_over:
                is_over = _is_over(_WAIT_AFTER_FAILURE_S)
        settler.finish(Patience.FOR_ROOTS)
        return True


def _is_over(patience_s: float) -> bool:
    """Wait for a moment; return whether the receiver has ended."""
    return bool(select.select([sys.stdin], [], [], patience_s)[0])


if __name__ == "__main__":
    main()
