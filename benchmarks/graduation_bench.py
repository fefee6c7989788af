"""What the sound rule promises and holds on simulated lives, next to rules that others published, and what it costs.

python -m benchmarks.graduation_bench [lives]
"""

import sys
import time

import numpy as np
import pandas as pd

from asp_analysis.learning.discoveries import CellQuestion, judge_cells
from asp_analysis.learning.lives import (
    PUBLISHED_RULES,
    draw_blocks,
    draw_falling,
    list_promotions,
    make_life,
    pass_likelihood_ratio,
)
from asp_analysis.learning.maturity import find_lag
from asp_analysis.learning.rule import SoundRule
from asp_analysis.learning.sound import walk

RULE = SoundRule()
BLOCKS = [(5, 0.1), (10, 0.1), (20, 0.1), (5, 0.3), (10, 0.3), (20, 0.3)]


def say(text: str) -> None:
    """Print one line at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def share_promoted(outcomes: np.ndarray, target: float, **how) -> float:
    """Share of lives that were ever autonomous, on all sizes or on a third."""
    return float(np.mean([bool(list_promotions(walk(make_life(life, target, **how), RULE))) for life in outcomes]))


def share_wrong_easy_first(outcomes: np.ndarray, target: float) -> float:
    """Share of lives autonomous on all sizes, or on the medium or large third: the small one is above the target."""
    strata = np.arange(outcomes.shape[1]) * 3 // outcomes.shape[1]
    found = [list_promotions(walk(make_life(life, target, strata=strata), RULE)) for life in outcomes]
    return float(np.mean([bool(one - {1}) for one in found]))


def share_promoted_late(outcomes: np.ndarray, target: float, rng: np.random.Generator, is_fixed: bool) -> float:
    """Share of lives promoted at some look (every 5 tasks) where failures show 20 tasks late: all, or on average."""
    found = []
    for life in outcomes:
        late = np.full(len(life), 20.0) if is_fixed else rng.exponential(20.0, len(life))
        found.append(any(_is_autonomous(life, late, look, target) for look in range(10, len(life) + 1, 5)))
    return float(np.mean(found))


def _is_autonomous(life: np.ndarray, late: np.ndarray, look: int, target: float) -> bool:
    case = np.arange(look)
    is_known = ~life[:look] & (case + late[:look] < look)
    lag = find_lag(late[:look][is_known], look, look - case[is_known])
    mature = case + lag < look
    seen = ~is_known[mature]
    return len(seen) >= 10 and bool(list_promotions(walk(make_life(seen, target), RULE)))


def print_promises(target: float, lives: int, rng: np.random.Generator) -> None:
    """Print false promotions at the target and power ten points above it, by how the cases come."""
    good, few = min(target + 0.1, (1 + target) / 2), max(lives // 3, 50)
    rows = []
    for size, likeness in [(1, 0.0), (5, 0.0), *BLOCKS]:
        blocks = {length: None if size == 1 else np.arange(length) // size for length in (200, 600, 2000)}
        at = {
            length: share_promoted(
                draw_blocks(rng, target, (number, length), size, likeness), target, blocks=blocks[length]
            )
            for length, number in ((200, lives), (2000, few))
        }
        power = {
            length: share_promoted(draw_blocks(rng, good, (few, length), size, likeness), target, blocks=blocks[length])
            for length in (200, 600)
        }
        name = "independent" if size == 1 else f"blocks of {size}, correlation {likeness:g}"
        rows.append((name, at[200], at[2000], power[200], power[600]))
    for every in (30, 50):
        at = [
            share_promoted(rng.random((number, length)) < target, target, version_every=every)
            for number, length in ((lives, 200), (few, 2000))
        ]
        power = share_promoted(rng.random((few, 600)) < good, target, version_every=every)
        rows.append((f"a version every {every}", *at, np.nan, power))
    cycle = {length: np.arange(length) % 3 for length in (200, 600, 2000)}
    at = [
        share_promoted(rng.random((number, length)) < target, target, strata=cycle[length])
        for number, length in ((lives, 200), (few, 2000))
    ]
    power = [share_promoted(rng.random((few, length)) < good, target, strata=cycle[length]) for length in (200, 600)]
    rows.append(("independent, sizes known", *at, *power))
    ends = target + 0.15, target - 0.15
    if ends[0] < 1:
        at = [
            share_wrong_easy_first(draw_falling(rng, ends, (number, length)), target)
            for number, length in ((lives, 200), (few, 2000))
        ]
        rows.append(("easy tasks first, sizes known", *at, np.nan, np.nan))
    for is_fixed in (True, False):
        at = share_promoted_late(rng.random((few, 200)) < target, target, rng, is_fixed)
        name = "failures 20 tasks late" if is_fixed else "failures late by 20 on average"
        rows.append((name, at, np.nan, np.nan, np.nan))
    ratio = pass_likelihood_ratio(rng.random((4 * lives, 200)) < good, target, good, RULE.alpha)
    rows.append(("(likelihood ratio that knows the answer)", np.nan, np.nan, ratio.any(axis=1).mean(), np.nan))
    columns = ["cases", "false by 200", "false by 2,000", f"power at {good:g} by 200", "by 600"]
    frame = pd.DataFrame(rows, columns=columns)
    say(f"\nTarget {target:g}\n{frame.round(3).to_string(index=False, na_rep='')}")


def print_falls(lives: int, rng: np.random.Generator) -> None:
    """Print after how many cases a fall of 20 points takes autonomy away, and how often a good agent loses it."""
    rows = []
    for target in (0.6, 0.7, 0.8, 0.85):
        good = target + 0.1
        delays, lost = [], 0
        for _ in range(lives):
            life = np.concatenate([rng.random(300) < good, rng.random(400) < good - 0.2])
            modes = walk(make_life(life, target), RULE).modes
            lost += bool((np.diff(modes[:300]) < 0).any() and 2 in modes[:300])
            if modes[299] == 2:
                delays.append(int(np.argmax(modes[300:] < 2)) + 1)
        rows.append((target, good, np.median(delays), np.quantile(delays, 0.9), lost / lives))
    columns = ["target", "rate before", "median delay", "90 % of falls within", "good agents that lost it in 300"]
    say(f"\nA fall of 20 points\n{pd.DataFrame(rows, columns=columns).round(2).to_string(index=False)}")


def print_published(lives: int, rng: np.random.Generator) -> None:
    """Print how many unfit agents published rules and this one promote within 200 tasks, all on the same lives."""
    rows = []
    for rate in (0.6, 0.8, 0.85, 0.9, 0.95):
        outcomes = rng.random((lives, 200)) < rate
        row = {"true rate": rate, **{name: rule(outcomes).mean() for name, rule in PUBLISHED_RULES.items()}}
        for target in (0.8, 0.9):
            row[f"sound, target {target:g}"] = share_promoted(outcomes, target)
        rows.append(row)
    say(f"\nShare of lives promoted within 200 tasks\n{pd.DataFrame(rows).round(2).to_string(index=False)}")


def make_cells(
    rng: np.random.Generator, target: float, tasks: int = 300, fit: int = 10, cells: int = 50
) -> pd.DataFrame:
    """Outcomes of cells, the first `fit` of which are ten points above the target, the others at it or below."""
    rates = np.where(np.arange(cells) < fit, target + 0.1, target - 0.1 * (np.arange(cells) % 2))
    frame = pd.DataFrame({"cell": np.repeat(np.arange(cells), tasks)})
    frame["ok"] = rng.random(len(frame)) < rates[frame["cell"]]
    frame["ended_at"] = pd.Timestamp("2026-01-01") + pd.to_timedelta(np.tile(np.arange(tasks), cells), "h")
    return frame


def print_cells(rounds: int, rng: np.random.Generator) -> None:
    """Print false discoveries and how many fit cells are found among 50."""
    rows = []
    for target in (0.7, 0.8):
        question = CellQuestion(by=("cell",), success="ok", target=target, columns={"block": "none"})
        wrong, found = [], []
        for _ in range(rounds):
            table = judge_cells(make_cells(rng, target), question).table
            alone = table.loc[table["mode"] == "Autonomous", "cell"].astype(int)
            wrong.append((alone >= 10).sum() / max(len(alone), 1))
            found.append((alone < 10).sum() / 10)
        rows.append((target, np.mean(wrong), np.mean(found)))
    columns = ["target", "false discoveries", "fit ones found"]
    say(f"\n50 cells, 10 fit, 300 tasks each\n{pd.DataFrame(rows, columns=columns).round(3).to_string(index=False)}")


def print_speed(rng: np.random.Generator) -> None:
    """Print the CPU time for 100,000 outcomes in 50 cells."""
    frame = make_cells(rng, 0.8, tasks=2000)
    frame["size"] = rng.lognormal(0, 1, len(frame))
    begun = time.process_time()
    judge_cells(frame, CellQuestion(by=("cell",), success="ok", target=0.8))
    say(f"\n{len(frame):,} outcomes in 50 cells: {time.process_time() - begun:.2f} s of CPU")


def main(lives: int = 600) -> None:
    """Print every table."""
    rng = np.random.default_rng(2026)
    for target in (0.7, 0.8):
        print_promises(target, lives, rng)
    print_falls(lives, rng)
    print_published(lives, rng)
    print_cells(max(lives // 20, 10), rng)
    print_speed(rng)


if __name__ == "__main__":
    main(*(int(one) for one in sys.argv[1:2]))
