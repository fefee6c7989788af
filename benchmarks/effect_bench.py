"""How often `effect` is wrong where nothing changed, and what it finds: `python -m benchmarks effect`.

Two tasks a day; 100 before a change and 100 after it, looked at every day from the eighth task after it on. Costs are
log-normal with a size effect that the comparison adjusts for; `scatter` is what is left, as standard deviation of the
logarithm. Tasks of a block (days that belong to one epic) have 30 percent of their variance in common. A verdict at any
look counts. Found: a rise of 25 percent within 60 tasks on each side.
"""

import math
import sys
from dataclasses import dataclass, replace

import numpy as np

from asp_analysis.effects.sequences import Measured, measure_interval
from asp_analysis.intervals import Floats

_PER_DAY, _FIRST_LOOK = 2, 8
_SIMULATED = 400


@dataclass(frozen=True, kw_only=True)
class Life:
    """Tasks before and after a change. drift: of the logarithm over all of them; effect: ratio; block: tasks alike.

    rate: None for amounts, else the share of tasks that have something; is_random: assigned, not before and after.
    """

    tasks: int = 200
    scatter: float = 0.3
    drift: float = 0.0
    effect: float = 1.0
    block: int = 1
    is_heavy: bool = False
    is_random: bool = False
    rate: float | None = None


def make_tasks(life: Life, rng: np.random.Generator) -> Measured:
    """Return the tasks of one life, in time order."""
    n = life.tasks
    common = 0.3 if life.block > 1 else 0.0
    own = rng.standard_t(4, n) / math.sqrt(2) if life.is_heavy else rng.normal(size=n)
    shared = np.repeat(rng.normal(size=-(-n // life.block)), life.block)[:n]
    noise = life.scatter * (math.sqrt(1 - common) * own + math.sqrt(common) * shared)
    is_after = rng.random(n) < 0.5 if life.is_random else np.arange(n) >= n // 2
    trend = life.drift * np.arange(n) / n + math.log(life.effect) * is_after
    sizes = rng.lognormal(0, 0.7, n)
    if life.rate is None:
        values: Floats = 0.8 * np.log(sizes) + trend + noise
    else:
        values = (rng.random(n) < life.rate * np.exp(trend)).astype(float)
    days = np.arange(n) / _PER_DAY
    blocks = np.arange(n) // life.block if life.block > 1 else days.astype(int)
    return Measured(
        values=values,
        is_after=is_after,
        days=days,
        blocks=blocks,
        covariates=np.log(sizes)[:, None],
        scale=1.0 if life.rate is None else life.rate,
    )


def find_verdict(life: Life, rng: np.random.Generator) -> bool:
    """Return whether any daily look said better or worse."""
    tasks = make_tasks(life, rng)
    for seen in range(_FIRST_LOOK, life.tasks + 1, _PER_DAY):
        after = int(tasks.is_after[:seen].sum())
        if min(after, seen - after) < _FIRST_LOOK:
            continue
        found = measure_interval(
            Measured(
                values=tasks.values[:seen],
                is_after=tasks.is_after[:seen],
                days=tasks.days[:seen],
                blocks=tasks.blocks[:seen],
                covariates=tasks.covariates[:seen],
                scale=tasks.scale,
            )
        )
        if found is not None and (found.lower > 0 or found.upper < 0):
            return True
    return False


def measure_share(life: Life, count: int, seed: int = 1) -> float:
    """Return in which share of lives a verdict was found."""
    return sum(find_verdict(life, np.random.default_rng([seed, place])) for place in range(count)) / count


NULLS = {
    "nothing": Life(),
    "drift +20 %": Life(drift=math.log(1.2)),
    "drift -20 %": Life(drift=math.log(0.8)),
    "blocks of 5": Life(block=5),
    "blocks of 10": Life(block=10),
    "blocks of 10, drift +20 %": Life(block=10, drift=math.log(1.2)),
    "blocks of 10, drift -20 %": Life(block=10, drift=math.log(0.8)),
    "heavy tails, drift +20 %": Life(is_heavy=True, drift=math.log(1.2)),
}
"""What goes on while nothing was changed."""


def main() -> None:
    """Print false verdicts, and what is found."""
    for scatter in (0.2, 0.3, 0.6):
        for name, life in NULLS.items():
            share = measure_share(replace(life, scatter=scatter), _SIMULATED)
            sys.stdout.write(f"no change, scatter {scatter}, {name:26} false verdicts {100 * share:4.1f} %\n")
            sys.stdout.flush()
    for rate in (0.1, 0.3):
        share = measure_share(Life(rate=rate, drift=math.log(1.2)), _SIMULATED)
        sys.stdout.write(f"no change, a rate of {rate}, drift +20 %: false verdicts {100 * share:4.1f} %\n")
    for is_random in (False, True):
        how = "assigned at random" if is_random else "before and after"
        for scatter in (0.2, 0.25, 0.3, 0.45):
            life = Life(tasks=120, scatter=scatter, effect=1.25, is_random=is_random)
            share = measure_share(life, _SIMULATED)
            sys.stdout.write(f"25 % more, scatter {scatter}, {how}: found {100 * share:.0f} % by 60 on each side\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
