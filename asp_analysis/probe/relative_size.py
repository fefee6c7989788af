"""PSP's relative-size table: five sizes, very small to very large, one standard deviation of ln(size per item) apart.

A person who says "a large method" is right more often than one who says "32 lines"; the table turns the word into
the size that words of that kind had in the past.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from asp_analysis.errors import EstimationRefusal

RELATIVE_SIZES = ("VS", "S", "M", "L", "VL")
_STEPS = np.array([-2.0, -1.0, 0.0, 1.0, 2.0])


@dataclass(frozen=True)
class RelativeSizes:
    """The five sizes of one kind of part, exp(m - 2s) to exp(m + 2s); m and s are mean and SD (n - 1) of ln(size)."""

    mean_log: float
    sd_log: float
    n: int

    @property
    def sizes(self) -> dict[str, float]:
        """Return the size that each word stands for."""
        return dict(zip(RELATIVE_SIZES, np.exp(self.mean_log + _STEPS * self.sd_log).tolist(), strict=True))

    def __getitem__(self, word: str) -> float:
        """Return the size of one word, VS, S, M, L or VL."""
        return self.sizes[word]

    def classify(self, size: float) -> str:
        """Return the word for a size; a boundary lies half a standard deviation (of logs) from its neighbours."""
        if not 0 < size < np.inf:
            raise EstimationRefusal(f"A positive size is needed, {size} found. Give the size of one item.")
        step = (np.log(size) - self.mean_log) / self.sd_log
        return RELATIVE_SIZES[int(np.searchsorted(_STEPS[:-1] + 0.5, step))]

    def frame(self) -> pd.DataFrame:
        """Return one row per word: size, and the half-sigma boundaries low and high (0 and infinity at the ends)."""
        edges = np.exp(self.mean_log + (_STEPS[:-1] + 0.5) * self.sd_log)
        columns = {"size": list(self.sizes.values()), "low": [0.0, *edges], "high": [*edges, np.inf]}
        return pd.DataFrame(columns, index=pd.Index(RELATIVE_SIZES, name="relative_size"))


def relative_sizes(sizes: ArrayLike, items: ArrayLike | None = None) -> RelativeSizes:
    """Return the table of one kind of part from the sizes (and numbers of items) of past parts, shape (n,) each.

    Size per item = sizes / items; items default to 1. EstimationRefusal: fewer than 2 parts, sizes or items that
    are not positive, all sizes equal. Source: Humphrey, A Discipline for Software Engineering, chapter 5.
    """
    size = np.asarray(sizes, dtype=float)
    item = np.ones_like(size) if items is None else np.asarray(items, dtype=float)
    if size.shape != item.shape or size.ndim != 1 or len(size) < 2:
        raise EstimationRefusal(
            f"Sizes and items of at least 2 parts are needed, shapes {size.shape} and {item.shape} found. Add parts."
        )
    bad = int(np.sum(~((size > 0) & (item > 0) & np.isfinite(size) & np.isfinite(item))))
    if bad:
        raise EstimationRefusal(f"Positive sizes and items are needed, {bad} of {len(size)} are not. Leave those out.")
    logs = np.log(size / item)
    spread = float(np.std(logs, ddof=1))
    if spread <= 1e-12:
        raise EstimationRefusal(
            f"Parts of different size are needed, all {len(size)} are equal. Add parts that differ."
        )
    return RelativeSizes(float(np.mean(logs)), spread, len(size))


def relative_size_table(parts: pd.DataFrame) -> pd.DataFrame:
    """Return one row per kind: VS, S, M, L, VL, n. `parts` has columns kind, size and, if wanted, items (default 1)."""
    absent = {"kind", "size"} - set(parts.columns)
    if absent:
        raise EstimationRefusal(f"The columns kind and size are needed, {', '.join(sorted(absent))} is absent. Rename.")
    tables = {}
    for kind, rows in parts.groupby("kind", sort=True):
        table = relative_sizes(rows["size"], rows.get("items"))
        tables[kind] = table.sizes | {"n": table.n}
    return pd.DataFrame.from_dict(tables, orient="index").rename_axis("kind")
