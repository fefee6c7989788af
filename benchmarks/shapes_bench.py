"""Whether intervals hold on series of other shapes than the real runs have: each shape made by a rule, several times.

python -m benchmarks.shapes_bench [SERIES]

One row per shape and stage (3 to 5 past tasks, 20 or more): coverage at 70 and 90 %, share of actuals above the
estimate, sum of means / sum of actuals, skill against the past median, distance of the positions from uniform, and
coverage within 20 tasks after a change of costs.
"""

import sys
from collections.abc import Callable

import numpy as np
import pandas as pd

from asp_analysis.probe.backtest import backtest
from asp_analysis.probe.question import EACH, Question
from asp_analysis.probe.scores import cover, score

START = pd.Timestamp("2025-01-01", tz="UTC")
LENGTH, AT_A_TIME = 300, 12
STAGES = {"3 to 5": (3, 5), "20 or more": (20, LENGTH)}

Draw = Callable[[np.random.Generator], np.ndarray]


def drift_from(log_step: float) -> Draw:
    """Costs whose level moves by the same factor with each task."""
    return lambda rng: np.exp(rng.normal(0, 0.5, LENGTH) + log_step * np.arange(LENGTH))


def step_every(tasks: int) -> Draw:
    """Costs whose level is drawn again every so many tasks."""
    return lambda rng: np.exp(rng.normal(0, 0.5, LENGTH) + np.repeat(rng.normal(0, 1, LENGTH // tasks), tasks))


def correlate(phi: float) -> Draw:
    """An autoregression of the first order on logs."""

    def draw(rng: np.random.Generator) -> np.ndarray:
        values = [rng.normal(0, 0.7)]
        for shock in rng.normal(0, 0.7 * np.sqrt(1 - phi**2), LENGTH - 1):
            values.append(phi * values[-1] + shock)
        return np.exp(np.array(values))

    return draw


SHAPES: dict[str, Draw] = {
    "log-normal": lambda rng: np.exp(rng.normal(0, 0.6, LENGTH)),
    "t of 2 on logs": lambda rng: np.exp(0.8 * rng.standard_t(2, LENGTH)),
    "Pareto 1.2": lambda rng: rng.pareto(1.2, LENGTH) + 1,
    "1 or 2": lambda rng: rng.choice([1.0, 2.0], LENGTH, p=[0.6, 0.4]),
    "0.01 or 1": lambda rng: rng.choice([0.01, 1.0], LENGTH),
    "counts": lambda rng: rng.poisson(4, LENGTH) + 1.0,
    "two levels": lambda rng: np.exp(rng.choice([0.0, 3.0], LENGTH) + rng.normal(0, 0.2, LENGTH)),
    "drift": drift_from(-0.01),
    "steps": step_every(50),
    "autoregression": correlate(0.8),
    "blocks at a time": step_every(AT_A_TIME),
}


def make(draw: Draw, seed: int, at_a_time: int) -> pd.DataFrame:
    """The history of one series whose tasks start every hour, so many of them at a time."""
    begun = START + pd.to_timedelta(np.arange(LENGTH), "h")
    return pd.DataFrame(
        {
            "task_id": [f"t{number}" for number in range(LENGTH)],
            "started_at": begun,
            "known_at": begun + pd.Timedelta(minutes=50 * at_a_time),
            "llm_model": f"m{seed}",
            "agent_role": "coder",
            "cost_usd": draw(np.random.default_rng(seed)),
        }
    )


def measure(rows: pd.DataFrame) -> dict[str, float]:
    """What the forecasts of `auto` are worth."""
    row = score(rows, by=("model",)).set_index("model").loc["auto"]
    names = ["coverage_70", "coverage_90", "above", "mean_ratio", "skill", "position_gap"]
    held = cover(rows[rows["model"] == "auto"], "is_after_change").query("level == '70' and is_after_change")
    return {**row[names].to_dict(), "after_change": held["coverage"].iloc[0] if len(held) else float("nan")}


def main(series: int = 4) -> None:
    """Print one table."""
    table = []
    for name, draw in SHAPES.items():
        at_a_time = AT_A_TIME if name == "blocks at a time" else 1
        asked = Question(model=EACH, role=EACH, per="attempt")
        every = pd.concat([backtest(make(draw, seed, at_a_time), asked) for seed in range(series)], ignore_index=True)
        for stage, past in STAGES.items():
            table.append({"shape": name, "past tasks": stage, **measure(every[every["n_past"].between(*past)])})
    sys.stdout.write(f"{pd.DataFrame(table).round(2).to_string(index=False)}\n")


if __name__ == "__main__":
    main(*(int(one) for one in sys.argv[1:2]))
