"""The classifier of defect types: scikit-learn's logistic regression over names, words and a size.

A module of its own, because scikit-learn is slow to import: only who fits a model waits for it.
"""

import re
from functools import lru_cache

import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

_TEXTS = 100_000
"""Texts whose words are kept: each task is read again for each of its defects, and in every later fit."""


def fit(features: pd.DataFrame, types: pd.Series) -> Pipeline:
    """Fit the types (two or more) on rows of `prediction.describe_tasks`."""
    parts: list[tuple[str, object, str | list[str]]] = [
        ("known", OneHotEncoder(handle_unknown="ignore"), ["task_type", "model"]),
        ("size", StandardScaler(), ["log_size"]),
    ]
    if features["components"].str.strip().any():
        parts.append(("components", CountVectorizer(analyzer=_split_paths, binary=True), "components"))
    if features["words"].str.contains(r"\w\w", regex=True).any():
        parts.append(("words", TfidfVectorizer(analyzer=_split_words, max_features=100), "words"))
    model = LogisticRegression(C=0.3, max_iter=300, tol=1e-2)
    return Pipeline([("features", ColumnTransformer(parts)), ("model", model)]).fit(features, types)


@lru_cache(_TEXTS)
def _split_paths(text: str) -> list[str]:
    return text.split()


@lru_cache(_TEXTS)
def _split_words(text: str) -> list[str]:
    return re.findall(r"\w\w+", text.lower())
