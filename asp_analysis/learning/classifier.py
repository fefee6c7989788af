"""The classifier of defect types: multinomial logistic regression over names, words and a size.

SciPy minimises its loss. scikit-learn does all of this, and takes longer to import than everything else that a
dashboard does; the tests compare with it.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.sparse import csr_array, hstack

_Vector = np.ndarray[tuple[int], np.dtype[np.float64]]
Encoder = Callable[[pd.DataFrame], csr_array]
"""Columns of numbers of the rows of a frame; what an encoder knows of its columns comes from the rows that trained."""

PENALTY = 1 / 0.3
"""Of the sum of squared weights, halved, against the sum of the losses; the constant of a type is free."""

MOST_WORDS = 100
_TEXTS = 100_000
"""Texts whose words are kept: each task is read again for each of its defects, and in every later fit."""

_SEARCH: Any = {"maxiter": 300, "maxls": 50, "gtol": 1e-2, "ftol": 64 * np.finfo(float).eps}
"""Of L-BFGS: three types are ranked, for which a slope of a hundredth per row is flat enough."""


@dataclass(frozen=True)
class TypeModel:
    """types: the types that it knows, sorted; weights: (columns + 1, types), the last row of constants."""

    types: np.ndarray
    encoders: tuple[Encoder, ...]
    weights: np.ndarray

    def predict_odds(self, features: pd.DataFrame) -> np.ndarray:
        """Return the probability of each type for each row. Shape (rows, types)."""
        return _soften(_encode(self.encoders, features) @ self.weights)


def fit(features: pd.DataFrame, types: pd.Series) -> TypeModel:
    """Fit the types (two or more) on rows of `prediction.describe_tasks`."""
    encoders = (
        _encode_names(features, "task_type"),
        _encode_names(features, "model"),
        _encode_size(features),
        _encode_paths(features),
        _encode_words(features),
    )
    names, codes = np.unique(types.to_numpy(dtype=object).astype(str), return_inverse=True)
    place, _ = pd.factorize(features["task_id"])  # a task has as many rows as defects
    tasks = features[~features["task_id"].duplicated()]
    counts = np.zeros((len(tasks), len(names)))
    np.add.at(counts, (place, codes), 1.0)
    return TypeModel(names, encoders, _minimise(_encode(encoders, tasks), counts))


def _minimise(x: csr_array, counts: np.ndarray) -> np.ndarray:
    """Return the weights of least penalised loss, by L-BFGS; counts: defects of each type for each row of `x`."""
    shape, per_row, total = (x.shape[1], counts.shape[1]), counts.sum(axis=1, keepdims=True), counts.sum()

    def loss(flat: _Vector) -> tuple[float, _Vector]:
        weights = flat.reshape(shape)
        penalised = weights.copy()
        penalised[-1] = 0.0
        odds = _soften(x @ weights)
        value = -(counts * np.log(np.maximum(odds, 1e-300))).sum() + PENALTY / 2 * (penalised**2).sum()
        slope = x.T @ (per_row * odds - counts) + PENALTY * penalised
        return float(value / total), np.ravel(slope / total)

    start: _Vector = np.zeros(shape[0] * shape[1])
    done = minimize(loss, start, jac=True, method="L-BFGS-B", options=_SEARCH)
    weights: np.ndarray = done.x.reshape(shape)
    return weights


def _soften(scores: np.ndarray) -> np.ndarray:
    odds: np.ndarray = np.exp(scores - scores.max(axis=1, keepdims=True))
    odds /= odds.sum(axis=1, keepdims=True)
    return odds


# --- features ---------------------------------------------------------------------------------------------------------


def _encode(encoders: Iterable[Encoder], features: pd.DataFrame) -> csr_array:
    ones = csr_array(np.ones((len(features), 1)))
    return csr_array(hstack([*(encode(features) for encode in encoders), ones]))


def _encode_names(features: pd.DataFrame, column: str) -> Encoder:
    """One column for each name that was seen; a new name has none."""
    known = sorted(set(features[column]))
    return lambda rows: _count_terms([[name] for name in rows[column]], known)


def _encode_size(features: pd.DataFrame) -> Encoder:
    mean, spread = float(features["log_size"].mean()), float(features["log_size"].std(ddof=0)) or 1.0
    return lambda rows: csr_array(((rows["log_size"].to_numpy() - mean) / spread)[:, None])


def _encode_paths(features: pd.DataFrame) -> Encoder:
    """One column for each path, 1 where a task touches it."""
    known = sorted({path for text in features["components"] for path in text.split()})
    return lambda rows: _count_terms([sorted(set(text.split())) for text in rows["components"]], known)


def _encode_words(features: pd.DataFrame) -> Encoder:
    """Rows of length 1 of the most frequent words, each count times ln((1 + rows) / (1 + rows with the word)) + 1."""
    split = features["words"].map(_split_words)
    frequent = Counter(word for words in split for word in words)
    known = sorted(sorted(frequent, key=lambda word: (-frequent[word], word))[:MOST_WORDS])
    within = Counter(word for words in split for word in set(words))
    rarity = np.array([np.log((1 + len(split)) / (1 + within[word])) + 1 for word in known])

    def encode(rows: pd.DataFrame) -> csr_array:
        weighed = _count_terms([_split_words(text) for text in rows["words"]], known) * rarity
        length = np.sqrt((weighed * weighed).sum(axis=1))
        return csr_array(weighed / np.where(length > 0, length, 1.0)[:, None])

    return encode


def _count_terms(texts: Sequence[Sequence[str]], known: Sequence[str]) -> csr_array:
    """Return how often each known term is in each text."""
    place = {term: number for number, term in enumerate(known)}
    found = [(row, place[term]) for row, terms in enumerate(texts) for term in terms if term in place]
    rows, columns = np.array(found, dtype=int).reshape(-1, 2).T
    return csr_array((np.ones(len(rows)), (rows, columns)), shape=(len(texts), len(known)))


@lru_cache(_TEXTS)
def _split_words(text: str) -> list[str]:
    return re.findall(r"\w\w+", text.lower())
