"""The classifier of defect types: scikit-learn's logistic regression over names, words and a size.

A module of its own, because scikit-learn is slow to import: only who fits a model waits for it.
"""

import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

_PATHS = {"token_pattern": r"[^\s]+", "lowercase": False, "binary": True}


def fit(features: pd.DataFrame, types: pd.Series) -> Pipeline:
    """Fit the types (two or more) on rows of `prediction.type_features`."""
    parts = [
        ("known", OneHotEncoder(handle_unknown="ignore"), ["task_type", "model"]),
        ("size", StandardScaler(), ["log_size"]),
    ]
    if features["components"].str.strip().any():
        parts.append(("components", CountVectorizer(**_PATHS), "components"))
    if features["words"].str.contains(r"\w\w", regex=True).any():
        parts.append(("words", TfidfVectorizer(token_pattern=r"\w\w+", max_features=100), "words"))
    model = LogisticRegression(C=0.3, max_iter=300, tol=1e-2)
    return Pipeline([("features", ColumnTransformer(parts)), ("model", model)]).fit(features, types)
