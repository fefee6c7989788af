"""Work in a process of its own that is killed at a random moment: it says when it begins, and a delay later it is gone.

A fork server has imported the package (`warm`), so that a process begins its work some milliseconds after it was asked.
"""

import multiprocessing
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any

_DEADLINE_S = 120
_THIRDS = ("first", "second", "last")
FORKS = multiprocessing.get_context("forkserver")


def started(work: Callable[..., None], *words: Any) -> multiprocessing.Process:
    """Start `work(begin, *words)`, a function of a module; give its process when it has called `begin()`."""
    receiver, sender = FORKS.Pipe(duplex=False)
    process = FORKS.Process(target=_run, args=(work, sender, *words))
    process.start()
    sender.close()
    assert receiver.poll(_DEADLINE_S) and receiver.recv() == "begin"
    receiver.close()
    return process


def seconds_of(work: Callable[..., None], *words: Any) -> float:
    """Give how long the work takes where nobody disturbs it."""
    process, began = started(work, *words), time.monotonic()
    process.join(_DEADLINE_S)
    assert process.exitcode == 0
    return time.monotonic() - began


@dataclass
class Moments:
    """Random moments of a piece of work, spread over all of it however busy the machine is at the time.

    What an undisturbed run takes is only where they begin: a kill that met the process at work makes the span longer,
    one that came too late shorter, until about one in six comes too late.
    """

    seconds: float
    randomness: random.Random
    missed: int = 0
    met: Counter[str] = field(default_factory=Counter)

    def kill(self, process: multiprocessing.Process) -> bool:
        """Kill a process at one of them; tell whether it was still at work."""
        share = self.randomness.random()
        was_at_work = _kill_after(process, share * self.seconds)
        if was_at_work:
            self.met[_THIRDS[int(share * 3)]] += 1
        else:
            self.missed += 1
        self.seconds *= 1.1 if was_at_work else 0.65
        return was_at_work

    def tell(self, record_property: Callable[[str, object], None]) -> None:
        """Say where the kills met the work, and fail where fewer than half of them did."""
        met = self.met.total()
        where = ", ".join(f"{self.met[third]} in its {third} third" for third in _THIRDS)
        record_property("kills that met the work", f"{met} of {met + self.missed}: {where}")
        assert met >= self.missed, f"only {met} of {met + self.missed} kills met the work"


def kill(process: multiprocessing.Process, seconds: float, randomness: random.Random) -> bool:
    """Kill a process at a random moment of so many seconds; tell whether it was still at work."""
    return _kill_after(process, randomness.uniform(0, seconds))


def _kill_after(process: multiprocessing.Process, seconds: float) -> bool:
    time.sleep(seconds)
    was_at_work = process.is_alive()
    process.kill()
    process.join(_DEADLINE_S)
    return was_at_work


def _run(work: Callable[..., None], sender: Connection, *words: Any) -> None:
    work(lambda: sender.send("begin"), *words)


FORKS.set_forkserver_preload(["tests.warm"])
