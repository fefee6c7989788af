"""How alike the cases of one block are, and by how much less they are worth for it than as many independent ones."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asp_analysis.intervals import Floats

_ASSUMED, _FEW_BLOCKS = 0.3, 10
"""Intraclass correlation that is assumed as long as so few blocks cannot say it."""

_ERRORS = 3.0
"""Standard errors that are added: at two, 7 % of unfit agents were promoted where 20 cases in a block were alike."""


@dataclass(frozen=True, kw_only=True)
class Sums:
    """What an analysis of variance needs, after each case: how many blocks and cases; the sums of the squared sizes of
    blocks, of outcomes, of their squares, and of (a block's successes)^2 / its size (`between`)."""

    blocks: Any
    cases: Any
    squared_sizes: Any
    total: Any
    squares: Any
    between: Any


@dataclass(frozen=True, kw_only=True)
class BlockSums:
    """Sums after each case, (n,): its block's successes, before it too, and cases; what n cases are worth less by.

    last_hits, last_count: of the whole blocks, (blocks,).
    """

    hits: Floats
    hits_before: Floats
    count: Floats
    design_effects: Floats
    last_hits: Floats
    last_count: Floats

    @cached_property
    def different(self) -> tuple[Floats, NDArray[np.int64]]:
        """Successes and cases of the blocks that differ in them, (different, 2), and how many are alike."""
        return np.unique(np.column_stack([self.last_hits, self.last_count]), axis=0, return_counts=True)


def sum_up(values: Floats, blocks: NDArray[np.int64]) -> BlockSums:
    """Add up outcomes within their blocks, in the order in which they count."""
    order = np.argsort(blocks, kind="stable")
    named = blocks[order]
    begins = np.flatnonzero(np.concatenate([[True], named[1:] != named[:-1]]))
    sizes = np.diff([*begins, len(values)])
    total = np.cumsum(values[order])
    first = np.repeat(begins, sizes)
    hits, count = np.empty(len(values)), np.empty(len(values))
    hits[order] = total - (total[first] - values[order][first])
    count[order] = np.arange(len(values)) - first + 1.0
    hits = np.where(np.abs(hits - np.round(hits)) < 1e-9, np.round(hits), hits)  # a sum of whole ones is whole
    before = np.maximum(hits - values, 0.0)
    sums = Sums(
        blocks=np.cumsum(count == 1),
        cases=np.arange(1, len(values) + 1),
        squared_sizes=np.cumsum(count**2 - (count - 1) ** 2),
        total=np.cumsum(values),
        squares=np.cumsum(values**2),
        between=np.cumsum(hits**2 / count - before**2 / np.maximum(count - 1, 1)),
    )
    last = order[begins + sizes - 1]
    return BlockSums(
        hits=hits,
        hits_before=before,
        count=count,
        design_effects=find_design_effects(sums),
        last_hits=hits[last],
        last_count=count[last],
    )


def find_design_effects(sums: Sums) -> Floats:
    """Return 1 + (m - 1) ICC after some blocks: cases alike are worth so much less (Kish 1965).

    m is the size of a case's block, on average. The intraclass correlation is that of a one-way analysis of variance
    plus three standard errors (Donner 1986), and at least 0.3 where there are few blocks.
    """
    icc, usual = _estimate(sums)
    size = sums.squared_sizes / sums.cases
    m = np.maximum(usual, 1.0001)
    error = (1 - icc) * (1 + (m - 1) * icc) * np.sqrt(2 / (m * (m - 1) * np.maximum(sums.blocks - 1, 1)))
    upper = np.minimum(icc + _ERRORS * error, 1.0)
    likeness = np.where(sums.blocks < _FEW_BLOCKS, np.maximum(upper, _ASSUMED), upper)
    return 1 + (size - 1) * np.where(size > 1, likeness, 0.0)


def estimate_icc(values: Floats, blocks: NDArray[np.int64]) -> float:
    """Return the intraclass correlation of a one-way analysis of variance, 0 to 1.

    NaN where fewer than two blocks, or no block with two cases, say nothing. Donner, A Review of Inference Procedures
    for the Intraclass Correlation Coefficient, International Statistical Review 54, 1986.
    """
    sizes = np.unique(blocks, return_counts=True)[1].astype(float)
    if len(sizes) < 2 or len(values) <= len(sizes):
        return math.nan
    values = np.asarray(values, dtype=float)
    sums = np.bincount(np.unique(blocks, return_inverse=True)[1], weights=values)
    between = float((sums**2 / sizes).sum())
    counts = {"blocks": float(len(sizes)), "cases": float(len(values)), "squared_sizes": float((sizes**2).sum())}
    squares = float(np.square(values).sum())
    return float(_estimate(Sums(**counts, total=float(values.sum()), squares=squares, between=between))[0])


def find_design_effect(values: Floats, blocks: NDArray[np.int64] | None) -> float:
    """Return the last of `find_design_effects`; 1 where cases are independent."""
    return 1.0 if blocks is None or not len(values) else float(sum_up(values, blocks).design_effects[-1])


def _estimate(sums: Sums) -> tuple[Floats, Floats]:
    """Return the correlation and the usual size of a block; the correlation is 1 where nothing can say it."""
    known = np.maximum(sums.blocks - 1.0, 1e-12)
    usual = (sums.cases - sums.squared_sizes / sums.cases) / known
    mean_between = (sums.between - sums.total**2 / sums.cases) / known
    mean_within = (sums.squares - sums.between) / np.maximum(sums.cases - sums.blocks, 1e-12)
    spread = mean_between + (usual - 1) * mean_within
    with np.errstate(invalid="ignore", divide="ignore"):
        icc = np.where(spread > 1e-12, (mean_between - mean_within) / spread, 0.0)
    is_said = (np.asarray(sums.blocks) > 1) & (np.asarray(sums.cases) > sums.blocks)
    return np.where(is_said, np.clip(icc, 0.0, 1.0), 1.0), usual
