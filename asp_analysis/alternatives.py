"""Did models do the same work as alternatives? Then a sum over them is not the cost of a task, whoever asks for it."""

import pandas as pd

SHARE = 0.5
"""Share of tasks in which one role was done by two or more models, from which on they count as alternatives."""

MANY_MODELS = 3
"""Models for one role of one task, from which on they are taken for alternatives: a session of one agent mixes two."""


def find_alternatives(history: pd.DataFrame) -> list[str]:
    """Return the models that did the same work as alternatives, the busiest first; none where models worked together.

    history: task_id, agent_role, llm_model and known_at, the instant at which the work's cost became known.
    Alternatives are many for one piece of work (three or more), or their outcomes are more than a day apart.
    """
    work = history.groupby(["task_id", "agent_role"]).agg(
        models=("llm_model", "nunique"), first=("known_at", "min"), last=("known_at", "max")
    )
    shared = work[work["models"] > 1]
    if len(shared) <= SHARE * len(work):
        return []
    is_apart = (shared["last"] - shared["first"]) > pd.Timedelta(days=1)
    if shared["models"].median() < MANY_MODELS and is_apart.mean() <= SHARE:
        return []
    counts = history.groupby("llm_model")["task_id"].nunique().sort_values(ascending=False)
    return [str(name) for name in counts.index]
