"""Which of what is known before a task explains its cost: each proxy alone, judged on tasks that it has not seen."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from asp_analysis.probe.history import Series

LEAST_KNOWN = 10
"""Finished tasks of which a proxy must be known before anything is said of it."""

NUMBERS = {
    "estimated_size": "the estimated size",
    "text_length": "the length of the issue's text",
    "files_named": "the files that the issue names",
}
CLASSES = {"labels": "the labels", "task_type": "the type"}
_COMPONENTS = "what the same components cost before"


def explain_costs(series: Series, known: pd.DataFrame) -> pd.DataFrame:
    """Return how much of a cost each proxy explains, the best first: proxy (in words), tasks, explained_share.

    known: the view `known_before`. explained_share = 1 - sum of squared errors / sum of squared errors of the mean, on
    ln cost, every task predicted from the others alone (Allen's PRESS 1974): a line on ln(1 + number), the mean of a
    class; for components the mean of earlier tasks of the same ones. 0 or less: it explains nothing. Proxies that are
    known of fewer than `LEAST_KNOWN` tasks, or are the same for all, have no row.
    """
    tasks = series.tasks.assign(log_cost=np.log(series.cost)).drop(columns=["task_type"])
    frame = tasks.merge(known, on="task_id", how="left", suffixes=("", "_known"))
    rows = []
    for name, words in NUMBERS.items():
        value = np.log1p(frame[name].to_numpy(dtype=float, na_value=np.nan))
        rows.append((words, *_judge_line(value, frame["log_cost"].to_numpy())))
    for name, words in CLASSES.items():
        rows.append((words, *_judge_classes(frame[name], frame["log_cost"])))
    before = _average_components(frame)
    rows.append((_COMPONENTS, *_judge_line(before, frame["log_cost"].to_numpy())))
    found = pd.DataFrame(rows, columns=["proxy", "tasks", "explained_share"])
    found = found[found["explained_share"].notna()]
    return found.sort_values(["explained_share", "proxy"], ascending=[False, True], ignore_index=True)


def _judge_line(x: np.ndarray, y: np.ndarray) -> tuple[int, float]:
    """Tasks and explained share of a line, each error without its own task: e / (1 - leverage)."""
    is_known = ~np.isnan(x)
    x, y = x[is_known], y[is_known]
    n = len(x)
    spread = float(((x - x.mean()) ** 2).sum()) if n else 0.0
    if n < LEAST_KNOWN or spread <= 1e-12 * n:
        return n, float("nan")
    slope = float(((x - x.mean()) * (y - y.mean())).sum()) / spread
    leverage = 1 / n + (x - x.mean()) ** 2 / spread
    errors = (y - y.mean() - slope * (x - x.mean())) / np.maximum(1 - leverage, 1e-9)
    return n, _compare(errors, y)


def _judge_classes(names: pd.Series, y: pd.Series) -> tuple[int, float]:
    """The same for the mean of a class; a task that is alone in its class is predicted by the mean of all others."""
    is_known = names.notna()
    names, y = names[is_known], y[is_known]
    n = len(names)
    if n < LEAST_KNOWN or names.nunique() < 2:
        return n, float("nan")
    groups = y.groupby(names)
    count = groups.transform("size")
    others = (groups.transform("sum") - y) / (count - 1).where(count > 1)
    return n, _compare((y - others.fillna((y.sum() - y) / (n - 1))).to_numpy(), y.to_numpy())


def _compare(errors: np.ndarray, y: np.ndarray) -> float:
    n = len(y)
    alone = (y - y.mean()) * n / (n - 1)
    total = float((alone**2).sum())
    return 1 - float((errors**2).sum()) / total if total > 0 else float("nan")


def _average_components(frame: pd.DataFrame) -> np.ndarray:
    """ln cost of earlier tasks of the same components, as known when each task started; NaN where there is none.

    In the order in which costs became known, those known at a start are the first ones: their sums are running sums.
    """
    known = pd.to_datetime(frame["known_at"], utc=True).to_numpy()
    began = pd.to_datetime(frame["started_at"].fillna(frame["known_at"]), utc=True).to_numpy()
    cost = frame["log_cost"].to_numpy(dtype=float)
    rows_of: dict[str, list[int]] = defaultdict(list)
    components = [_read_names(text) for text in frame["components_json"]]
    for row in np.argsort(known, kind="stable"):
        for name in components[row]:
            rows_of[name].append(int(row))
    total, count = np.zeros(len(frame)), np.zeros(len(frame))
    for rows in map(np.array, rows_of.values()):
        running = np.concatenate([[0.0], np.cumsum(cost[rows])])
        earlier = np.minimum(np.searchsorted(known[rows], began[rows], side="right"), np.arange(len(rows)))
        np.add.at(total, rows, running[earlier])
        np.add.at(count, rows, earlier)
    return np.divide(total, count, out=np.full(len(frame), np.nan), where=count > 0)


def _read_names(text: Any) -> Iterable[str]:
    try:
        names = json.loads(text) if isinstance(text, str) else []
    except ValueError:
        return ()
    return [name for name in names if isinstance(name, str)] if isinstance(names, list) else ()
