"""How often models are wrongly called "not inferior", and what the chosen one really costs: SWE-bench and OpenHands.

python -m benchmarks.equal_quality_bench [draws]
"""

import sys

import numpy as np
import pandas as pd

from asp_analysis.probe.equal_quality import compare_accepted
from tests.reference.past_runs import read

MARGIN, TASKS = 0.05, 150


def read_sets() -> dict[str, pd.DataFrame]:
    """Outcomes by task and model of both data sets, with a size where one is known."""
    names = {"agent": "llm_model", "model": "llm_model", "instance_id": "task_id", "resolved": "is_accepted"}
    sizes = read("swebench/swebench_verified_proxies.csv")[["instance_id", "patch_lines_added"]]
    swe = read("swebench/swebench_agent_costs.csv.gz").merge(sizes, on="instance_id")
    hands = read("swebench/openhands_agent_costs.csv.gz")
    hands = hands[hands["benchmark"] == hands["benchmark"].mode()[0]]
    return {
        "SWE-bench": swe.rename(columns={**names, "patch_lines_added": "size"}),
        "OpenHands": hands.rename(columns=names).drop_duplicates(["llm_model", "task_id"]),
    }


def measure(runs: pd.DataFrame, draws: int, rng: np.random.Generator) -> tuple[float, float]:
    """Share of draws with a wrong "not inferior", and with a choice within 10 % of the best, against all tasks."""
    grouped = runs.groupby("llm_model")
    truth, cost = grouped["is_accepted"].mean(), grouped["cost_usd"].sum() / grouped["is_accepted"].sum()
    fit = truth > truth.max() - MARGIN
    ids, wrong, near = runs["task_id"].unique(), [], []
    for _ in range(draws):
        drawn = runs[runs["task_id"].isin(rng.choice(ids, min(TASKS, len(ids) // 2), replace=False))]
        frame = compare_accepted(drawn, MARGIN).frame
        good = frame.loc[frame["verdict"].isin(["not inferior"]), "llm_model"]
        chosen = frame.loc[frame["verdict"].isin(["reference", "not inferior"]), "llm_model"].iloc[0]
        wrong.append(bool((~fit[good]).any()))
        near.append(cost[chosen] <= 1.1 * cost[fit].min())
    return float(np.mean(wrong)), float(np.mean(near))


def measure_hard_to_strong(runs: pd.DataFrame, draws: int, rng: np.random.Generator) -> float:
    """Share of draws in which a clearly weaker model is "not inferior" because the best one got the larger tasks."""
    rates = runs.groupby("llm_model")["is_accepted"].mean().sort_values()
    best, weak = rates.index[-1], rates.index[rates < rates.iloc[-1] - 0.1][-1]
    both = runs[runs["llm_model"].isin([best, weak])]
    place = both["size"].rank(pct=True)
    turned = []
    for _ in range(draws):
        given = pd.Series(rng.random(both["task_id"].nunique()), index=both["task_id"].unique())
        to_best = both["task_id"].map(given) < 0.2 + 0.6 * place
        drawn = both[(both["llm_model"] == best) == to_best]
        frame = compare_accepted(drawn, MARGIN).frame.set_index("llm_model")
        turned.append(frame.loc[weak, "verdict"] in ("not inferior", "reference"))
    return float(np.mean(turned))


def main(draws: int = 100) -> None:
    """Print one line per data set."""
    rng = np.random.default_rng(1)
    for name, runs in read_sets().items():
        wrong, near = measure(runs, draws, rng)
        sys.stdout.write(f'{name}: wrong "not inferior" {wrong:.0%}, choice within 10 % of the best {near:.0%}\n')
        if "size" in runs:
            turned = measure_hard_to_strong(runs, draws, rng)
            sys.stdout.write(f"{name}: hard tasks to the strong model turn the verdict in {turned:.0%} of draws\n")


if __name__ == "__main__":
    main(*(int(one) for one in sys.argv[1:2]))
