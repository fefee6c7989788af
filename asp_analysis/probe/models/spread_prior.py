"""How much costs of one series scatter before the series itself shows it: a prior for the first tasks.

Three scattered tasks say so little about their spread that an interval from them alone spans a factor of thirty. Series
of agents are alike in their spread, so a new one starts from theirs: a scaled inverse chi-square prior of the variance
of ln cost, and a t predictive distribution (Gelman and others 2013, section 3.2). It is blended out by 20 tasks.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from math import isfinite
from pathlib import Path

import numpy as np

from asp_analysis.errors import InputError

FULL_UNTIL, GONE_FROM = 5, 20
"""Known tasks up to which the prior shapes the interval alone, and from which on it has no share."""

_SHIPPED = Path(__file__).with_name("spread_prior.json")


@dataclass(frozen=True)
class SpreadPrior:
    """sd_log: standard deviation of ln cost, worth as many tasks as `tasks` says. source: where the numbers are
    from."""

    sd_log: float
    tasks: float
    source: str

    def share(self, known: np.ndarray) -> np.ndarray:
        """The share of the prior's interval where so many tasks are known: 1 up to 5, 0 from 20 on."""
        return np.clip((GONE_FROM - known) / (GONE_FROM - FULL_UNTIL), 0.0, 1.0)


def read_prior(path: Path) -> SpreadPrior:
    """The prior of a JSON file with sd_log, tasks and source.

    Raises:
        InputError: the file cannot be read, or a number in it is not above 0.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        prior = SpreadPrior(float(found["sd_log"]), float(found["tasks"]), str(found["source"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path} is not a prior for the spread: {type(error).__name__}, {error}. It is a JSON object with the "
            "numbers sd_log and tasks and the text source."
        ) from None
    for name in ("sd_log", "tasks"):
        value = getattr(prior, name)
        if not (value > 0 and isfinite(value)):
            raise InputError(f"{path}: {name} is {value:g}. It is a finite number above 0. Correct the file.")
    return prior


@cache
def read_shipped_prior() -> SpreadPrior:
    """The prior that comes with the package."""
    return read_prior(_SHIPPED)
