"""The sound rule: autonomy rests on evidence that stays valid however often you look at it.

A published rule that looks at a raw rate after every task promotes nearly every capability that sits exactly at its
target. Here a capability is promoted when an e-value passes 1/alpha (`betting`): that happens to one at or below its
target with a probability of at most alpha over its whole life, all its versions together, at any number of looks. It
falls back when recent cases got worse (`falls`), after one critical failure, and with a new model or prompt version.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from asp_analysis.intervals import Floats
from asp_analysis.learning.betting import Places
from asp_analysis.learning.rule import Cases, SoundRule
from asp_analysis.learning.signals import Signals, find_effect, find_signals

_AHEAD = 256
"""Cases for which signals are computed at first; evidence that lasts longer is computed again for twice as many."""


class Walk(NamedTuple):
    """How one life went.

    modes: after each case, (n,) indices into MODES. evidence_from: where the present evidence begins. events: place and
    cause of each change. granted: the strata on which it may act alone although not on all. stakes: what is left of
    alpha, as a share, per criterion for all sizes and for each stratum, (criteria, 1 + strata).
    """

    modes: Places
    evidence_from: int
    events: list[tuple[int, str]]
    granted: tuple[int, ...] = ()
    stakes: Floats = np.ones((1, 1))


def walk(cases: Cases, rule: SoundRule) -> Walk:
    """Lead a capability through its modes case by case.

    Evidence begins again after a change of model or prompt and after a fall from autonomy, never because of a look.
    What evidence that ends has lost of its stake is lost to the next: stake x min(1, e-value).
    """
    life = _Life(cases=cases, rule=rule)
    for i in range(len(cases.values)):
        life.step(i)
    return Walk(life.modes, life.start, life.events, tuple(sorted(life.granted)), life.stakes)


@dataclass(kw_only=True)
class _Life:
    """Where a walk is: mode, thirds granted and lost, beginning of the evidence, stakes."""

    cases: Cases
    rule: SoundRule
    mode: int = 0
    start: int = 0
    events: list[tuple[int, str]] = field(default_factory=list)
    granted: set[int] = field(default_factory=set)
    lost: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        columns = self.cases.values.shape[1]
        self.modes = np.zeros(len(self.cases.values), dtype=np.int64)
        self.stakes = np.ones((columns, 1 + self.cases.strata_count))
        self.effects = [find_effect(self.cases, column) for column in range(columns)]
        self.signals = self._look_ahead(0, _AHEAD)

    def step(self, i: int) -> None:
        """Take one case into account."""
        was, held = self.mode, frozenset(self.granted)
        if i - self.start >= len(self.signals.drifts):
            self.signals = self._look_ahead(self.start, 2 * len(self.signals.drifts))
        cause = self._find_fall(i)
        if cause == "changed":
            self.mode = min(self.mode, 1)
            self._begin_again(i)
        elif cause and (self.mode == 2 or self.granted):
            self.mode = 1
            self._begin_again(i + 1)
        elif cause == "drifting":
            self.mode = max(self.mode - 1, 0)
        elif not cause:
            self._earn(i - self.start)
        if self.mode != was or cause == "changed":
            self.events.append((i, cause or "earned"))
        elif self.granted != held:
            self.events += [(i, f"earned for third {one + 1}") for one in sorted(self.granted - held)]
            self.events += [(i, f"lost for third {one + 1}") for one in sorted(held - self.granted)]
        self.modes[i] = self.mode

    def _find_fall(self, i: int) -> str:
        place = i - self.start
        if self.cases.is_changed[i]:
            return "changed"
        if self.cases.is_critical[i]:
            return "critical"
        if self.mode == 2:
            return "drifting" if self.signals.falls[place] or self.signals.drifts[place] else ""
        return "drifting" if self.signals.drifts[place] and not self.granted else ""

    def _earn(self, place: int) -> None:
        signals = self.signals
        if self.mode == 1 and signals.is_ready[place, 0]:
            self.mode = 2
            self.granted = set()
        elif self.mode == 1:
            self.lost |= {one for one in self.granted if signals.thirds_fall[place, one]}
            ready = (
                {int(one) for one in np.flatnonzero(signals.is_ready[place, 1:])} if signals.has_third[place] else set()
            )
            self.granted = (self.granted | ready) - self.lost
        elif self.mode == 0 and signals.is_hopeful[place] and place + 1 >= self.cases.needed:
            self.mode = 0 if signals.drifts[place] else 1

    def _begin_again(self, start: int) -> None:
        """End the evidence: stakes keep what it has not lost, and what follows is counted from zero."""
        ended = start - self.start - 1
        if ended >= 0:
            self.stakes = self.stakes * np.exp(np.minimum(self.signals.log_e[ended], 0.0))
        self.start, self.granted, self.lost = start, set(), set()
        self.signals = self._look_ahead(start, _AHEAD)

    def _look_ahead(self, start: int, length: int) -> "Signals":
        return find_signals(self.cases, slice(start, start + length), self.rule, self.stakes, self.effects)
