"""How long a backtest of 6,500 runs takes: 13 series of 500 tasks, every model and baseline, two levels.

python -m benchmarks.backtest_bench [series] [tasks]
"""

import sys
import time

import numpy as np
import pandas as pd

from asp_analysis.probe.backtest import backtest
from asp_analysis.probe.question import EACH, Question


def made_runs(series: int, tasks: int) -> pd.DataFrame:
    """Log-normal costs of the same tasks for every series, sizes known, as a history frame."""
    rng = np.random.default_rng(1)
    size = np.exp(rng.normal(4, 1, tasks))
    hardness = rng.normal(0, 0.5, tasks)
    frames = []
    for k in range(series):
        order = rng.permutation(tasks)
        cost = 0.01 * np.exp(hardness + rng.normal(0, 0.5, tasks)) * size**0.3
        known_at = pd.Timestamp("2025-01-01", tz="UTC") + pd.to_timedelta(np.arange(tasks), "min")
        columns = {"known_at": known_at, "llm_model": f"model {k}", "agent_role": "coder"}
        frames.append(
            pd.DataFrame({"task_id": order.astype(str), "size": size[order], "cost_usd": cost[order], **columns})
        )
    return pd.concat(frames, ignore_index=True)


def main(series: int = 13, tasks: int = 500) -> None:
    """Print the seconds of the best of three runs, and the rows of the frame."""
    history = made_runs(series, tasks)
    seconds = []
    for _ in range(3):
        begun = time.perf_counter()
        rows = backtest(history, Question(model=EACH, role=EACH))
        seconds.append(time.perf_counter() - begun)
    models = rows["model"].nunique()
    sys.stdout.write(f"{len(history)} runs, {models} models, {len(rows)} forecasts: {min(seconds):.2f} s\n")


if __name__ == "__main__":
    main(*(int(value) for value in sys.argv[1:3]))
