"""The change of spend between two periods as terms that add up: logarithmic mean Divisia index (LMDI-I, Ang 2005).

Spend is a sum over leaves (a kind of call, a model, a kind of token), and in each leaf a product of factors:

    tasks x calls per task x share of the model x tokens of input per call x share of the kind x price
    tasks x calls per task x share of the model x tokens of output per call x price

The change of a leaf is L(after, before) times the sum of ln(factor after / factor before), L the logarithmic mean
(x - y) / ln(x / y). Terms of one factor are added over the leaves. Shapley's values (Sun 1998) divide a change without
a rest, too, and treat both periods alike; but they depend on which leaves are taken together, and the work doubles with
every factor. LMDI is consistent in aggregation: the terms of parts add up to those of the whole.

Where a leaf is zero in one period, the change is all its own (the analytical limit; Ang and Liu 2007): it goes to the
first factor of the chain that is zero there. A new model is model mix, a kind of call that was not there is that kind.

Ang, B. W. (2005), The LMDI approach to decomposition analysis: a practical guide, Energy Policy 33, 867-871.
Ang, B. W. and Liu, N. (2007), Handling zero values in the LMDI approach, Energy Policy 35, 238-246.
Sun, J. W. (1998), Changes in energy consumption and energy intensity, Energy Economics 20, 85-100.
"""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from asp_analysis.effects.token_weights import PRICED_TOKENS, USUAL_RATIO
from asp_analysis.intervals import Floats

PERIOD_PAIR = ("before", "after")
MAIN_CALLS, REWORK, SUB_AGENTS, WITHOUT_TASK = "main", "rework", "sub-agents", "without a task"
"""Kinds of calls: in this order a call belongs to the last that it is."""

TERMS = {
    "tasks": "tasks that were worked on",
    "calls per task": "calls of the main agents, first tries, per task",
    "retries and rework": "calls that were retried, or are a second or later iteration, per task",
    "sub-agents": "calls of sub-agents per task",
    "calls without a task": "calls that belong to no task",
    "model mix": "which share of the calls went to which model",
    "context per call": "input tokens per call",
    "cache hits": "which share of the input came from a cache, or was written to one",
    "output per call": "output tokens per call",
    "price": "what a token of the same model and kind cost",
    "calls without tokens": "calls whose tokens are unknown: which share of the calls they are, and what one costs",
}
"""Term -> what it is about. In this order they are multiplied."""

_OF_KIND = {
    MAIN_CALLS: "calls per task",
    REWORK: "retries and rework",
    SUB_AGENTS: "sub-agents",
    WITHOUT_TASK: "calls without a task",
}
_PLACE_OF_TERM = {name: place for place, name in enumerate(TERMS)}


@dataclass(frozen=True)
class SpendTerms:
    """terms: term, change_usd, factor (times spend; the factors of all multiply to after / before), in order of size.

    leaves: kind, llm_model, term, change_usd: the same, by kind of call and model; they add up to the terms.
    """

    terms: pd.DataFrame
    leaves: pd.DataFrame
    before_usd: float
    after_usd: float


def divide_change(
    cells: pd.DataFrame, tasks: dict[str, int], weights: dict[tuple[object, object], Floats]
) -> SpendTerms:
    """Divide the change of spend into `TERMS`; their sum is the change, to the rounding of floats.

    cells: one row per period (before, after), kind, llm_model and has_tokens: calls, the columns of `PRICED_TOKENS`,
    and cost_usd, of executions whose cost is known. tasks: period -> tasks with such executions. weights: what tokens
    cost, as `find_weights` returns it.
    """
    leaves = _make_leaves(cells, tasks, weights)
    costs = {period: math.fsum(cells.loc[cells["period"] == period, "cost_usd"]) for period in PERIOD_PAIR}
    changes = {name: math.fsum(leaves.loc[leaves["term"] == name, "change_usd"]) for name in TERMS}
    before, after = costs["before"], costs["after"]
    largest = max(changes, key=lambda name: abs(changes[name]))
    changes[largest] += (after - before) - math.fsum(changes.values())  # what rounding left
    scale = float(_log_mean(np.array(after), np.array(before))) if before > 0 and after > 0 else math.nan
    terms = pd.DataFrame({"term": list(changes), "change_usd": list(changes.values())})
    terms["factor"] = np.exp(terms["change_usd"] / scale) if scale > 0 else math.nan
    order = terms["change_usd"].abs().sort_values(ascending=False, kind="stable").index
    return SpendTerms(terms.loc[order].reset_index(drop=True), leaves, before, after)


_AMOUNT_COLUMNS = ("calls", *PRICED_TOKENS, "cost_usd")
_Key = tuple[str, str | None, bool]


@dataclass(frozen=True, kw_only=True)
class _Amounts:
    """Of one leaf in both periods: calls at each level, and tokens and cost by kind. Shape (2,) or (2, 4)."""

    tasks: Floats
    of_kind: Floats
    of_model: Floats
    calls: Floats
    tokens: Floats
    cost: Floats


def _make_leaves(
    cells: pd.DataFrame, tasks: dict[str, int], weights: dict[tuple[object, object], Floats]
) -> pd.DataFrame:
    found = _sum_cells(cells)
    of_tasks = np.array([float(tasks[period]) for period in PERIOD_PAIR])
    rows: list[tuple[str, str | None, str, float]] = []
    for (kind, model, has_tokens), sums in found.items():
        amounts = _Amounts(
            tasks=of_tasks,
            of_kind=sum((other[:, 0] for key, other in found.items() if key[0] == kind), np.zeros(2)),
            of_model=sum((other[:, 0] for key, other in found.items() if key[:2] == (kind, model)), np.zeros(2)),
            calls=sums[:, 0],
            tokens=sums[:, 1:5],
            cost=sums[:, 5],
        )
        own = np.array([weights.get((period, model), USUAL_RATIO) for period in PERIOD_PAIR])
        values, factors = _list_factors(kind, amounts, own) if has_tokens else _list_plain(kind, amounts)
        changes = zip(TERMS, _split(values, factors).sum(axis=0).tolist(), strict=True)
        rows += [(kind, model, term, change) for term, change in changes if change]
    return pd.DataFrame(rows, columns=["kind", "llm_model", "term", "change_usd"])


def _sum_cells(cells: pd.DataFrame) -> dict[_Key, Floats]:
    """Return what each kind, model and state of tokens adds up to, shape (periods, `_AMOUNT_COLUMNS`)."""
    found: dict[_Key, Floats] = {}
    amounts = cells[list(_AMOUNT_COLUMNS)].to_numpy(dtype=float)
    keys = zip(*(cells[name] for name in ("period", "kind", "llm_model", "has_tokens")), strict=True)
    for (period, kind, model, has_tokens), values in zip(keys, amounts, strict=True):
        key = (str(kind), None if pd.isna(model) else str(model), bool(has_tokens))
        found.setdefault(key, np.zeros((2, len(_AMOUNT_COLUMNS))))[PERIOD_PAIR.index(period)] += values
    return found


def _begin(kind: str, amounts: _Amounts, count: int) -> Floats:
    """Return the factors that all leaves have, shape (leaves, 2, terms); a factor that a leaf does not have is 1."""
    factors = np.ones((count, 2, len(TERMS)))
    if kind != WITHOUT_TASK:
        factors[:, :, _PLACE_OF_TERM["tasks"]] = amounts.tasks
    of_kind = amounts.of_kind if kind == WITHOUT_TASK else _divide(amounts.of_kind, amounts.tasks)
    factors[:, :, _PLACE_OF_TERM[_OF_KIND[kind]]] = of_kind
    factors[:, :, _PLACE_OF_TERM["model mix"]] = _divide(amounts.of_model, amounts.of_kind)
    return factors


def _list_plain(kind: str, amounts: _Amounts) -> tuple[Floats, Floats]:
    """Return value and factors of calls whose tokens are unknown: what they cost per call of the model."""
    factors = _begin(kind, amounts, 1)
    factors[0, :, _PLACE_OF_TERM["calls without tokens"]] = _divide(amounts.cost, amounts.of_model)
    return amounts.cost[None, :], factors


def _list_factors(kind: str, amounts: _Amounts, weights: Floats) -> tuple[Floats, Floats]:
    """Return values (kinds of tokens, 2) and factors (kinds of tokens, 2, terms) of calls whose tokens are known."""
    weighed = amounts.tokens * weights
    if ((weighed.sum(axis=1) <= 0) & (amounts.cost > 0)).any():  # prices of zero for all that is there
        weighed = amounts.tokens * USUAL_RATIO
    values = (_divide(weighed, weighed.sum(axis=1)[:, None]) * amounts.cost[:, None]).T
    values = np.nan_to_num(values)
    factors = _begin(kind, amounts, len(PRICED_TOKENS))
    factors[:, :, _PLACE_OF_TERM["calls without tokens"]] = _divide(amounts.calls, amounts.of_model)
    inputs = amounts.tokens[:, :3].sum(axis=1)
    for place in range(3):
        factors[place, :, _PLACE_OF_TERM["context per call"]] = _divide(inputs, amounts.calls)
        factors[place, :, _PLACE_OF_TERM["cache hits"]] = _divide(amounts.tokens[:, place], inputs)
    factors[3, :, _PLACE_OF_TERM["output per call"]] = _divide(amounts.tokens[:, 3], amounts.calls)
    factors[:, :, _PLACE_OF_TERM["price"]] = _divide(values, amounts.tokens.T)
    return values, factors


def _divide(part: Floats, whole: Floats) -> Floats:
    """Return part / whole, NaN where the whole is zero: such a ratio is not defined and takes no part."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(whole > 0, part / whole, np.nan)


def _split(values: Floats, factors: Floats) -> Floats:
    """Return the change by leaf and factor, shape (leaves, terms). values: (leaves, 2); factors: (leaves, 2, terms)."""
    before, after = values[:, 0], values[:, 1]
    both = (before > 0) & (after > 0)
    changes = np.zeros((len(values), factors.shape[2]))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.log(factors[:, 1] / factors[:, 0])
    changes[both] = _log_mean(after[both], before[both])[:, None] * ratios[both]
    for leaf in np.flatnonzero((before > 0) ^ (after > 0)):
        empty = factors[leaf, 0 if before[leaf] <= 0 else 1]
        zeros = np.flatnonzero(empty <= 0)
        place = int(zeros[0]) if len(zeros) else _PLACE_OF_TERM["price"]
        changes[leaf, place] = after[leaf] - before[leaf]
    return changes


def _log_mean(x: Floats, y: Floats) -> Floats:
    """Return (x - y) / ln(x / y), x where both are equal."""
    r = np.log(x / y)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(np.abs(r) < 1e-8, np.sqrt(x * y), (x - y) / r)
