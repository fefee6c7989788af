"""Simulated lives of agents, to see what a rule promises and what it holds: this one, and rules of others."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from asp_analysis.intervals import Floats
from asp_analysis.learning.betting import Flags, Places
from asp_analysis.learning.rule import Cases, SoundRule
from asp_analysis.learning.sound import Walk, walk

FIRST = 10
"""Cases before a simulated capability is looked at."""


_ALL_ALIKE = 0.99
"""Intraclass correlation above which the cases of a block are all of one outcome."""


class Promotions(NamedTuple):
    """Shares of lives promoted at some look, by the sound and by the published rule."""

    sound_share: float
    published_share: float


def simulate(outcomes: Flags, target: float, rule: SoundRule | None = None) -> Promotions:
    """Lead capabilities through their lives, a row of `outcomes` each, and look after every task: who is promoted?

    outcomes: (lives, tasks), drawn at a constant true rate. The sound rule is `walk` itself; the published one promotes
    when the raw rate reaches the target, from the tenth task on. Task sizes cycle through the three strata.
    """
    rule, n = rule or SoundRule(), outcomes.shape[1]
    lives = (walk(make_life(life, target, strata=np.arange(n) % 3), rule) for life in outcomes)
    sound = np.mean([(life.modes == 2).any() for life in lives])
    rate = np.cumsum(outcomes, axis=1) / np.arange(1, n + 1)
    return Promotions(float(sound), float((rate[:, FIRST - 1 :] >= target).any(axis=1).mean()))


def make_life(
    outcomes: Flags | Floats,
    target: float,
    *,
    strata: Places | None = None,
    blocks: Places | None = None,
    version_every: int = 0,
) -> Cases:
    """Return one life as cases: outcomes (n,) in time order, none of them critical; strata None: no size is known."""
    n = len(outcomes)
    places = np.arange(n)
    return Cases(
        values=np.asarray(outcomes, dtype=float)[:, None],
        targets=(target,),
        needed=FIRST,
        strata=np.full(n, -1) if strata is None else strata,
        is_changed=(places % version_every == 0) & (places > 0) if version_every else np.zeros(n, dtype=bool),
        is_critical=np.zeros(n, dtype=bool),
        blocks=blocks,
    )


def list_promotions(life: Walk) -> set[int]:
    """Return on what a life was ever autonomous: 0 for all sizes, else the number of the third."""
    whole = {0} if 2 in life.modes else set()
    return whole | {int(cause[-1]) for _, cause in life.events if cause.startswith("earned for third")}


# --- how cases come ---------------------------------------------------------------------------------------------------


def draw_blocks(rng: np.random.Generator, rate: float, shape: tuple[int, int], size: int, likeness: float) -> Flags:
    """Draw lives of (lives, tasks) outcomes in blocks of a size, alike by an intraclass correlation (beta-binomial)."""
    lives, tasks = shape
    number = -(-tasks // size)
    rates: Floats = np.full((lives, number), rate)
    if likeness > _ALL_ALIKE and size > 1:
        rates = (rng.random((lives, number)) < rate).astype(float)
    elif likeness > 0 and size > 1:
        strength = (1 - likeness) / likeness
        rates = rng.beta(rate * strength, (1 - rate) * strength, (lives, number))
    return (rng.random((lives, number, size)) < rates[..., None]).reshape(lives, -1)[:, :tasks]


def draw_falling(rng: np.random.Generator, rates: tuple[float, float], shape: tuple[int, int]) -> Flags:
    """Draw lives whose tasks become harder: the rate falls in a line from the first to the second of `rates`."""
    return rng.random(shape) < np.linspace(*rates, shape[1])


# --- rules that others published --------------------------------------------------------------------------------------


def make_share_rule(share: float, cases: int) -> Callable[[Flags], Flags]:
    """Return the rule "at least this share of at least so many cases", looked at after every case."""

    def is_promoted(outcomes: Flags) -> Flags:
        count = np.arange(1, outcomes.shape[1] + 1)
        return np.asarray(((np.cumsum(outcomes, axis=1) / count >= share - 1e-12) & (count >= cases)).any(axis=1))

    return is_promoted


def make_row_rule(cases: int) -> Callable[[Flags], Flags]:
    """Return the rule "so many successes in a row"."""

    def is_promoted(outcomes: Flags) -> Flags:
        sums = np.cumsum(np.pad(outcomes, ((0, 0), (1, 0))), axis=1)
        is_full: Flags = np.asarray(sums[:, cases:] - sums[:, :-cases] >= cases)
        return np.asarray(is_full.any(axis=1))

    return is_promoted


def pass_likelihood_ratio(outcomes: Flags, target: float, rate: float, alpha: float) -> Flags:
    """Return after each case whether the likelihood ratio of a known rate against the target has passed 1/alpha.

    The most powerful rule there is, for somebody who knows the answer (Wald's sequential test, without giving up).
    """
    steps = np.where(outcomes, np.log(rate / target), np.log((1 - rate) / (1 - target)))
    return np.asarray(np.cumsum(steps, axis=1) >= -np.log(alpha))


PUBLISHED_RULES = {
    "95 % of 20 or more": make_share_rule(0.95, 20),
    "80 % of 5 or more": make_share_rule(0.80, 5),
    "20 in a row": make_row_rule(20),
}
"""Rules of other projects for earned autonomy, by their words; the last reads successes without a break."""
