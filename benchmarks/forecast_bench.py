"""How good forecasts are on the real runs beside the repository, next to those of an earlier checkout.

python -m benchmarks.forecast_bench [REFERENCE]

REFERENCE is a checkout of the package before the nested model (commit edd9a99): the same runs are forecast with its
code, in its convention, where outcomes count in the order of completion whether they were known at a start or not.
"""

import os
import pickle
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from asp_analysis.probe.backtest import backtest, make_timeline, replay
from asp_analysis.probe.history import split_series
from asp_analysis.probe.models.nested import Nested
from asp_analysis.probe.question import EACH, Question, pose
from asp_analysis.probe.scores import cover, score, weighted_interval_scores
from asp_analysis.probe.totals import draw_costs, list_batch_errors, number_batches, put_in_batches
from asp_analysis.probe.unfinished import backtest_running
from asp_analysis.running_sessions import Sessions
from asp_analysis.session import connect
from benchmarks.backtest_bench import made_runs
from tests.reference import past_runs

SETS = {
    "SWE-bench": (past_runs.swe_bench, "cost_usd"),
    "OpenHands": (past_runs.openhands, "cost_usd"),
    "Terminal-Bench": (past_runs.terminal_bench, "latency_ms"),
    "METR": (past_runs.metr, "latency_ms"),
}
TRANSCRIPTS = past_runs.DATA / "transcripts"
TOGETHER = 12
"""Tasks of a total."""

EVERY = {"SWE-bench": 1, "OpenHands": 4, "Terminal-Bench": 1, "METR": 1}
"""Every so many series of a set are added up: there are 68 of OpenHands."""

MOST_SHORT, SHORT = 24, 12
"""Stretches of a series, and tasks of each, that stand for new series: they give forecasts from 3 to 5 past tasks."""

_CHILD = """
import pickle, sys
sys.path.insert(0, sys.argv[1])
from asp_analysis.probe.backtest import backtest
from asp_analysis.probe.question import EACH, Question
with open(sys.argv[2], "rb") as stream:
    histories = pickle.load(stream)
made = {}
for name, (history, component) in histories.items():
    rows = backtest(history, Question(model=EACH, role=EACH, components=(component,), per="attempt"))
    made[name] = rows[rows["model"].isin(["auto", "past_median"])]
with open(sys.argv[3], "wb") as stream:
    pickle.dump(made, stream)
"""


def say(text: str) -> None:
    """Print one line at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def cut_short(history: pd.DataFrame) -> pd.DataFrame:
    """Stretches of every series in time order, each as a series of its own that others know nothing of."""
    frames = []
    for number, ((model, _), group) in enumerate(history.groupby(["llm_model", "agent_role"])):
        group = group.sort_values("known_at", kind="stable")
        starts = np.linspace(0, max(len(group) - SHORT, 0), MOST_SHORT).astype(int)
        for start in sorted(set(starts)):
            name = f"{model} {number} {start}"
            part = group.iloc[start : start + SHORT]
            frames.append(part.assign(llm_model=name, task_id=name + part["task_id"].astype(str)))
    short = pd.concat(frames, ignore_index=True)
    return short.drop(columns=["started_at", "project_id", "task_type"], errors="ignore")


def forecast(histories: dict, reference: Path | None) -> dict[str, pd.DataFrame]:
    """Every history's forecasts, by this code or by that of a checkout."""
    if reference is None:
        return {
            name: backtest(history, Question(model=EACH, role=EACH, components=(component,), per="attempt"))
            for name, (history, component) in histories.items()
        }
    with tempfile.TemporaryDirectory() as folder:
        given, made = Path(folder) / "given", Path(folder) / "made"
        given.write_bytes(pickle.dumps(histories))
        command = [sys.executable, "-c", _CHILD, str(reference), str(given), str(made)]
        subprocess.run(command, check=True, cwd=reference, env={**os.environ, "PYTHONPATH": str(reference)})
        return pickle.loads(made.read_bytes())


def measure(rows: pd.DataFrame) -> dict[str, float]:
    """Coverage, width and score of some forecasts."""
    rows = rows.dropna(subset=["lower_90"])
    inside = {level: rows["actual"].between(rows[f"lower_{level}"], rows[f"upper_{level}"]) for level in ("70", "90")}
    by_series = inside["70"].groupby([rows["llm_model"], rows["agent_role"]]).agg(["mean", "size"])
    terciles = inside["70"].groupby(rows["size_tercile"], observed=True).mean()
    return {
        "n": len(rows),
        "wis": float(np.nanmean(weighted_interval_scores(rows))),
        "held_70": inside["70"].mean(),
        "held_90": inside["90"].mean(),
        "least_tercile": terciles.min(),
        "most_tercile": terciles.max(),
        "least_series_of_50": by_series.loc[by_series["size"] >= 50, "mean"].min(),
        "factor_70": float(np.median(rows["upper_70"] / rows["lower_70"])),
        "above": (rows["actual"] > rows["estimate"]).mean(),
    }


def tell(title: str, made: dict[str, pd.DataFrame], before: dict[str, pd.DataFrame] | None, past: tuple) -> None:
    """Print a table of `auto` over the sets, with the score as a ratio to the reference."""
    table = []
    for name, rows in made.items():
        row = {"set": name, **measure(rows[(rows["model"] == "auto") & rows["n_past"].between(*past)])}
        if before is not None:
            old = before[name]
            reference = measure(old[(old["model"] == "auto") & old["n_past"].between(*past)])
            row |= {"reference_wis": reference["wis"], "wis_ratio": row["wis"] / reference["wis"]}
            row["reference_factor_70"] = reference["factor_70"]
        table.append(row)
    frame = pd.DataFrame(table)
    say(f"\n{title}\n{frame.round(3).to_string(index=False)}")
    if before is not None:
        say(f"median ratio of WIS: {frame['wis_ratio'].median():.3f}")


def tell_evidence(made: dict[str, pd.DataFrame]) -> None:
    """Print skill with its interval, the ratio of means, and coverage under conditions."""
    skills, held = [], []
    for name, rows in made.items():
        rows = rows[rows["n_past"] >= 20]
        table = score(rows, by=("model",)).set_index("model").loc[["auto"]]
        columns = ["n_common", "skill", "skill_lower", "skill_upper", "crps", "position_gap", "above", "mean_ratio"]
        skills.append(table[columns].assign(set=name))
        for by in ("knowledge", "is_after_change"):
            one = cover(rows[rows["model"] == "auto"], by)
            held.append(one[(one["level"] == "70")].rename(columns={by: "condition"}).assign(set=name, by=by))
    say(f"\nEvidence of auto, from 20 past tasks on\n{pd.concat(skills).round(3).to_string(index=False)}")
    columns = ["set", "by", "condition", "n", "coverage"]
    say(f"\n70 % intervals under conditions\n{pd.concat(held)[columns].round(3).to_string(index=False)}")


def tell_totals(histories: dict) -> None:
    """Print how often totals of 12 tasks were held, each batch forecast from what was known before it."""
    table = []
    for name, (history, component) in histories.items():
        question = Question(model=EACH, role=EACH, components=(component,), per="attempt")
        every = split_series(pose(history, question), component, "attempt")
        found = [one for own in range(0, len(every), EVERY[name]) for one in score_batches(every, own, question)]
        inside, below, ratio = np.array(found).T
        row = {"set": name, "totals": len(found), "held_70": inside.mean(), "below_85": below.mean()}
        table.append({**row, "centre": np.exp(np.median(ratio))})
    say(f"\nTotals of {TOGETHER} tasks\n{pd.DataFrame(table).round(3).to_string(index=False)}")


def score_batches(every: list, own: int, question: Question) -> list[tuple[float, float, float]]:
    """Of each batch of a series whether the 70 % interval held, whether the one-sided 85 % bound did, and ln(actual /
    median)."""
    series = every[own]
    if len(series.tasks) < 5 * TOGETHER:
        return []
    batched = [put_in_batches(one, TOGETHER) if place == own else one for place, one in enumerate(every)]
    timeline = make_timeline(batched[own], Nested.of(batched).look_ahead(own, ()), (), question.prior)
    found = replay(batched[own], timeline, question.levels)
    errors, batch = list_batch_errors(found, TOGETHER), number_batches(len(series.tasks), TOGETHER)
    said = found.forecasts["auto"]
    half_width = np.log(said.upper[:, 0] / said.lower[:, 0]) / 2
    scored = []
    for number in range(3, batch.max() + 1):
        past, rows = errors.take_before(number), np.flatnonzero(batch == number)
        if len(past.value) >= 20 and not np.isnan(said.estimate[rows]).any():
            drawn = draw_costs(past, said.estimate[rows], half_width[rows]).sum(1)
            low, middle, high = np.quantile(drawn, [0.15, 0.5, 0.85])
            actual = series.cost[rows].sum()
            scored.append((low <= actual <= high, actual <= high, np.log(actual / middle)))
    return scored


def tell_running() -> None:
    """Print how running sessions were forecast: transcripts of Claude Code and Codex, in a store of their own."""
    with tempfile.TemporaryDirectory() as folder:
        store = f"sqlite:///{folder}/sessions.db"
        for words in (["init"], ["load", *(str(TRANSCRIPTS / name) for name in ("claude_code", "codex"))]):
            command = [sys.executable, "-m", "asp_analysis", *words, "--db", store]
            subprocess.run(command, check=words == ["init"], capture_output=True)
        with connect(store) as session:
            past = Sessions.read(session).take_past()
    for title, is_in_order in (("each left out once", False), ("each from those that were over at its begin", True)):
        table = backtest_running(past, is_in_order=is_in_order)
        table = table.assign(ratio=table["score_70"] / table["score_70_before"])
        say(f"\nRunning sessions, {title}\n{table.round(3).to_string(index=False)}")
    spent, seconds = np.cumsum(np.full(50, 0.01)), []
    for _ in range(500):
        begun = time.perf_counter()
        past.forecast(spent).find_quantiles([0.15, 0.5, 0.85])
        seconds.append(time.perf_counter() - begun)
    say(f"One forecast of a running session: {1000 * np.quantile(seconds, 0.99):.2f} ms (99 % of 500)")


def main(reference: Path | None = None) -> None:
    """Print every number in one run."""
    histories = {name: (make(), component) for name, (make, component) in SETS.items()}
    short = {name: (cut_short(history), component) for name, (history, component) in histories.items()}
    made, made_short = forecast(histories, None), forecast(short, None)
    before = forecast(histories, reference) if reference else None
    before_short = forecast(short, reference) if reference else None
    tell("Known at start, from 20 past tasks on", made, before, (20, 10**6))
    tell_evidence(made)
    tell("First tasks, 3 to 5 past tasks", made_short, before_short, (3, 5))
    if before is not None:
        plain = {
            name: (one.drop(columns="started_at", errors="ignore"), part) for name, (one, part) in histories.items()
        }
        title = "In the convention of the reference: outcomes known in the order of completion, from 20 past tasks on"
        tell(title, forecast(plain, None), before, (20, 10**6))
    tell_totals(histories)
    tell_running()
    history = made_runs(13, 500)
    begun = time.process_time()
    backtest(history, Question(model=EACH, role=EACH))
    say(f"\nBacktest of {len(history)} runs: {time.process_time() - begun:.2f} s of CPU")


if __name__ == "__main__":
    main(*(Path(one).resolve() for one in sys.argv[1:2]))
