"""Does `why` name the cause that was planted, and scatter where there is none: `python -m benchmarks why`.

A team of about forty tasks a week is simulated for twelve weeks and two more: costs of tasks scatter by a factor of two
(standard deviation of the logarithm of calls per task 0.7), calls by their context and output, two models share the
work, a tenth is rework, a fifth is done by sub-agents. In the last week one cause is planted that makes the team spend
about 1.7 times as much, or none. Printed is how often the planted cause is first, and how often no cause is scatter.
"""

import sys
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from asp_analysis.comparisons.spend_history import ORDINARY, judge_scatter
from asp_analysis.effects.spend_terms import SpendTerms, divide_change
from asp_analysis.effects.token_weights import PRICED_TOKENS, PRODUCTS, find_weights
from asp_analysis.periods import Period

_PRICES = {"large": np.array([5.0, 0.5, 6.25, 25.0]) / 1e6, "small": np.array([1.0, 0.1, 1.25, 5.0]) / 1e6}
_HISTORY_WEEKS = 12
_SIMULATIONS = 100


@dataclass(frozen=True, kw_only=True)
class Week:
    """How a team works in one week: expected counts, tokens and shares."""

    tasks: float = 40.0
    calls: float = 12.0
    rework: float = 1.5
    sub_agents: float = 3.0
    large_share: float = 0.4
    context: float = 60_000.0
    cached_share: float = 0.85
    output: float = 700.0
    price: float = 1.0


CAUSES = {
    "tasks": replace(Week(), tasks=70.0),
    "calls per task": replace(Week(), calls=25.0),
    "retries and rework": replace(Week(), rework=13.0),
    "sub-agents": replace(Week(), sub_agents=15.0),
    "model mix": replace(Week(), large_share=0.95),
    "context per call": replace(Week(), context=140_000.0),
    "cache hits": replace(Week(), cached_share=0.5),
    "output per call": replace(Week(), output=4_000.0),
    "price": replace(Week(), price=1.7),
}
"""Term -> the week in which only that changed."""


def make_calls(week: Week, rng: np.random.Generator) -> pd.DataFrame:
    """Return the calls of one week: kind, llm_model, the kinds of tokens, cost_usd, task_id."""
    tasks = rng.poisson(week.tasks)
    size = rng.lognormal(-(0.7**2) / 2, 0.7, tasks)
    parts = []
    for kind, mean in (("main", week.calls), ("rework", week.rework), ("sub-agents", week.sub_agents)):
        counts = rng.poisson(mean * size) + (kind == "main")
        parts.append(pd.DataFrame({"task_id": np.repeat(np.arange(tasks), counts), "kind": kind}))
    calls = pd.concat(parts, ignore_index=True)
    count = len(calls)
    inputs = week.context * rng.lognormal(-(0.3**2) / 2, 0.3, count)
    cached = np.clip(rng.normal(week.cached_share, 0.05, count), 0, 0.99)
    written = (1 - cached) * rng.uniform(0.3, 0.7, count)
    shares = np.column_stack([1 - cached - written, cached, written])
    tokens = np.column_stack([shares * inputs[:, None], week.output * rng.lognormal(-(0.5**2) / 2, 0.5, count)]).round()
    models = np.where(rng.random(count) < week.large_share, "large", "small")
    prices = np.where((models == "large")[:, None], _PRICES["large"], _PRICES["small"]) * week.price
    calls[list(PRICED_TOKENS)] = tokens
    return calls.assign(llm_model=models, cost_usd=(tokens * prices).sum(axis=1), has_tokens=True)


def divide(before: pd.DataFrame, after: pd.DataFrame) -> SpendTerms:
    """Divide the change between the calls of two weeks, as `why` does with those of a store."""
    calls = pd.concat([before.assign(period="before"), after.assign(period="after")], ignore_index=True)
    keys = ["period", "kind", "llm_model", "has_tokens"]
    cells = calls.groupby(keys)[[*PRICED_TOKENS, "cost_usd"]].sum().reset_index()
    cells["calls"] = calls.groupby(keys).size().to_numpy()
    tasks = {"before": before["task_id"].nunique(), "after": after["task_id"].nunique()}
    return divide_change(cells, tasks, find_weights(sum_products(calls)))


def sum_products(calls: pd.DataFrame) -> pd.DataFrame:
    """Return the sums that prices are found by, as `token_products.sql` makes them."""
    ratios = calls[list(PRICED_TOKENS)].div(calls["cost_usd"], axis=0)
    columns = {name: ratios[name.split("__")[0]] * ratios[name.split("__")[1]] for name in PRODUCTS}
    frame = pd.concat([calls[["period", "llm_model"]], ratios.assign(**columns)], axis=1).assign(calls=1)
    return frame.groupby(["period", "llm_model"], as_index=False).sum()


def measure_ranks(cause: str, count: int, seed: int) -> float:
    """Return in which share of simulated weeks the planted cause is the largest term."""
    first = 0
    for place in range(count):
        rng = np.random.default_rng([seed, place])
        found = divide(make_calls(Week(), rng), make_calls(CAUSES[cause], rng))
        first += found.terms["term"][0] == cause
    return first / count


def measure_scatter(after: Week, count: int, seed: int) -> float:
    """Return in which share of simulated weeks the control chart says ordinary scatter."""
    ordinary = 0
    weeks = [Period.read("2026-W01", newest=pd.Timestamp("2026-01-01").date())]
    for _ in range(_HISTORY_WEEKS + 1):
        weeks.append(weeks[-1].after)
    for place in range(count):
        rng = np.random.default_rng([seed, place])
        made = [Week()] * (_HISTORY_WEEKS + 1) + [after]
        costs = [make_calls(week, rng)["cost_usd"].sum() for week in made]
        days = pd.DataFrame({"day": [pd.Timestamp(week.first) for week in weeks], "cost_usd": costs})
        ordinary += judge_scatter(days, weeks[-2], weeks[-1]).verdict == ORDINARY
    return ordinary / count


def main() -> None:
    """Print both tables."""
    for place, cause in enumerate(CAUSES):
        share = measure_ranks(cause, _SIMULATIONS, place)
        sys.stdout.write(f"planted {cause:20} is first in {100 * share:.0f} of 100 weeks\n")
    none = measure_scatter(Week(), 4 * _SIMULATIONS, 100)
    sys.stdout.write(f"no cause: ordinary scatter in {100 * none:.1f} of 100 weeks\n")
    for cause in ("tasks", "price"):
        missed = measure_scatter(CAUSES[cause], _SIMULATIONS, 101)
        sys.stdout.write(f"planted {cause}: more than scatter in {100 * (1 - missed):.0f} of 100 weeks\n")


if __name__ == "__main__":
    main()
