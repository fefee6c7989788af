"""Small histories made by a rule, and the real runs that lie beside the repository, as history frames."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from asp_analysis.probe.models.candidates import Timeline
from asp_analysis.probe.models.spread_prior import read_shipped_prior

DATA = Path(__file__).resolve().parents[2] / "../shared/data"
START = pd.Timestamp("2025-01-01", tz="UTC")


def made_history(n=60, models=("one",), *, seed=1, slope=0.8, noise=0.4, shared=0.0):
    """cost = 0.01 size^slope exp(noise), the log error partly shared by all models of a task; tasks in the same
    order."""
    rng = np.random.default_rng(seed)
    size = np.exp(rng.normal(4, 1, n))
    common = rng.normal(0, noise, n)
    frames = []
    for k, model in enumerate(models):
        error = shared * common + np.sqrt(1 - shared**2) * rng.normal(0, noise, n)
        frames.append(
            pd.DataFrame(
                {
                    "task_id": [f"t{i}" for i in range(n)],
                    "known_at": START + pd.to_timedelta(np.arange(n) * 60 + k, "min"),
                    "llm_model": model,
                    "agent_role": "coder",
                    "project_id": [f"p{i % 6}" for i in range(n)],
                    "size": size,
                    "cost_usd": 0.01 * (k + 1) * size**slope * np.exp(error),
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


def table_history(size, cost):
    """One model's tasks in the order given, an hour apart."""
    n = len(size)
    return pd.DataFrame(
        {
            "task_id": [f"t{i}" for i in range(n)],
            "known_at": START + pd.to_timedelta(np.arange(n), "h"),
            "llm_model": "one",
            "agent_role": "coder",
            "size": np.asarray(size, float),
            "cost_usd": np.asarray(cost, float),
        }
    )


def make_timeline(log_cost, log_size, known=None):
    """One series on logs whose tasks ran one after another, of which the nested model says nothing."""
    rows = len(log_size)
    return Timeline(
        log_cost=np.asarray(log_cost, float),
        log_size=np.asarray(log_size, float),
        known=np.arange(rows) if known is None else known,
        knowledge=np.zeros(rows, dtype=int),
        prior=read_shipped_prior(),
        nested=np.full(rows, np.nan),
    )


def read(name):
    """A file of the real runs; the test is skipped where the folder is missing."""
    if not (DATA / name).exists():
        pytest.skip(f"real runs are not here: {DATA / name} is missing")
    return pd.read_csv(DATA / name)


def swe_bench(size="patch_lines_added", seed=0):
    """SWE-bench Verified, 13 models x 500 tasks; one date per run, so each series is shuffled."""
    runs = read("swebench/swebench_agent_costs.csv.gz")
    runs = runs.merge(read("swebench/swebench_verified_proxies.csv").drop(columns="repo"), on="instance_id")
    rng = np.random.default_rng(seed)
    frames = []
    for agent, group in runs.groupby("agent"):
        group = group.iloc[rng.permutation(len(group))]
        frames.append(
            pd.DataFrame(
                {
                    "task_id": group["instance_id"].to_numpy(),
                    "known_at": START + pd.to_timedelta(np.arange(len(group)), "min"),
                    "llm_model": agent,
                    "agent_role": "solver",
                    "project_id": group["repo"].to_numpy(),
                    "size": np.maximum(group[size].to_numpy(float), 1),
                    "cost_usd": group["cost_usd"].to_numpy(),
                    "tool_calls": group["api_calls"].to_numpy(float),
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


def openhands():
    """OpenHands, 17 models x 5 benchmarks, cost; the benchmark stands for the role."""
    runs = read("swebench/openhands_agent_costs.csv.gz").sort_values(["submission_time", "instance_id"], kind="stable")
    words = read("swebench/swebench_verified_proxies.csv")[["instance_id", "problem_words"]]
    runs = runs.merge(words, on="instance_id", how="left")
    return pd.DataFrame(
        {
            "task_id": runs["instance_id"],
            "known_at": runs["submission_time"],
            "llm_model": runs["model"],
            "agent_role": runs["benchmark"],
            "size": runs["problem_words"],
            "cost_usd": runs["cost_usd"],
        }
    )


def terminal_bench():
    """Terminal-Bench, 80 tasks x 5 repeats per agent, latency by words of the instruction."""
    runs = read("terminal_bench/terminal_bench_trials.csv.gz")
    runs = runs[runs["agent_seconds"] > 0]
    return pd.DataFrame(
        {
            "task_id": runs["task_id"],
            "known_at": pd.to_datetime(runs["agent_ended_at"], utc=True),
            "started_at": pd.to_datetime(runs["agent_started_at"], utc=True),
            "llm_model": runs["run"],
            "agent_role": "terminal",
            "size": runs["instruction_words"].astype(float),
            "latency_ms": 1000 * runs["agent_seconds"],
            "is_censored": runs["failure_mode"] == "agent_timeout",
        }
    )


def metr():
    """METR, latency by the minutes a person needs; blocks of alike tasks in time order, several at a time."""
    runs = read("metr/metr_agent_runs.csv.gz")
    runs = runs[runs["alias"] != "human"]
    return pd.DataFrame(
        {
            "task_id": runs["task_id"],
            "known_at": pd.to_datetime(runs["completed_at"], unit="ms", utc=True),
            "started_at": pd.to_datetime(runs["started_at"], unit="ms", utc=True),
            "llm_model": runs["alias"],
            "agent_role": "agent",
            "task_type": runs["task_family"],
            "size": runs["human_minutes"],
            "latency_ms": 1000 * runs["duration_seconds"],
        }
    )
