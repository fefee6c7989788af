"""How good budget forecasts are: rolling backtests on real daily series and on synthetic teams with planted patterns.

Each period is forecast on four of its days from the days before it, beside three rules: the run rate, the last period,
the same weekdays again. A rule's interval comes from its own past errors on the same day of a period. Then budgets are
watched daily: how often an alert at 80 % was wrong, and how many days before the crossing it came.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from asp_analysis.periods import find_period
from asp_analysis.spending.daily import LEAST_DAYS, DailySpend
from asp_analysis.spending.outlook import look_ahead
from asp_analysis.spending.rolling_past import RollingPast
from asp_analysis.spending.simple_rules import SIMPLE_RULES, apply_rules
from tests.reference import past_runs

AT_SHARES = (0.0, 0.25, 0.5, 0.75)
"""How much of a period is over when it is forecast."""

LEAST_PAST = 3
"""Past errors on the same day of a period before a rule has an interval."""

EVERY = 4
"""Of the 136 people every fourth is forecast."""

MOST_DAYS = 730
MOST_WATCHED = 18
"""Series of a set whose budgets are watched daily."""

ALERT = 0.8
PATTERNS = ("weekdays", "heavy tail", "drift", "shift", "few days", "holiday")
LIMITS = (0.8, 1.0, 1.25)
"""Budgets that are watched, as shares of the mean of the periods before."""


def say(text: str) -> None:
    """Print one line at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def score_interval(actual, lower, upper, level=0.7):
    """Interval score (Gneiting and Raftery 2007) in the unit of the values; lower is better."""
    miss = np.maximum(lower - actual, 0) + np.maximum(actual - upper, 0)
    return upper - lower + 2 / (1 - level) * miss


# --- the series ---


def make_teams(teams: int, days: int = 240, seed: int = 0) -> dict[str, pd.Series]:
    """Synthetic teams, each with one planted pattern: weekdays, neighbours alike, and one of `PATTERNS`."""
    rng, made = np.random.default_rng(seed), {}
    dates = pd.date_range("2025-01-01", periods=days)
    by_weekday = np.array([1.1, 1.2, 1.2, 1.1, 1.0, 0.15, 0.1])[dates.day_of_week]
    for number in range(teams):
        pattern = PATTERNS[number % len(PATTERNS)]
        level, spread = np.full(days, 100.0), 1.1 if pattern == "heavy tail" else 0.5
        if pattern == "drift":
            level *= np.exp(np.cumsum(rng.normal(0.004, 0.02, days)))
        if pattern == "shift":
            level *= np.where(np.arange(days) > rng.integers(80, 160), rng.choice([0.5, 2.0]), 1)
        noise = rng.normal(0, 1, days)
        for day in range(1, days):
            noise[day] = 0.4 * noise[day - 1] + np.sqrt(1 - 0.4**2) * noise[day]
        amounts = level * by_weekday * np.exp(spread * noise - spread**2 / 2)
        if pattern == "few days":
            amounts *= rng.random(days) < 0.25
        if pattern == "holiday":
            begin = rng.integers(30, days - 20)
            amounts[begin : begin + 10] *= 0.1
        made[f"{pattern} {number}"] = pd.Series(amounts, dates)
    return made


def sum_days(frame: pd.DataFrame, by: str, value: str, least: int) -> dict[str, pd.Series]:
    """Daily sums of the groups that have at least 15 days with a value within a stretch of at least `least` days."""
    found = {}
    for name, group in frame.dropna(subset=["day"]).groupby(by):
        sums = group.groupby("day")[value].sum()
        sums = sums[sums > 0]
        if len(sums) >= 15 and (sums.index.max() - sums.index.min()).days + 1 >= least:
            found[str(name)] = sums.reindex(pd.date_range(sums.index.min(), sums.index.max()), fill_value=0.0)
    return found


def read_cesaw(by: str) -> dict[str, pd.Series]:
    """Minutes of work per day of people or teams (CESAW), on the day on which a task was completed."""
    facts = past_runs.read("human_process/cesaw_time_facts.csv.gz")
    at = pd.to_datetime(facts["task_actual_complete_date"], format="%m/%d/%Y %H:%M", errors="coerce")
    return sum_days(facts.assign(day=at.dt.floor("D")), by, "task_actual_time_minutes", 120)


def read_openhands() -> dict[str, pd.Series]:
    """USD per day of the OpenHands runs, by benchmark and all, on the day of submission."""
    runs = past_runs.read("swebench/openhands_agent_costs.csv.gz")
    at = pd.to_datetime(runs["submission_time"], format="ISO8601", utc=True).dt.tz_localize(None)
    runs = runs.assign(day=at.dt.floor("D"), everything="all")
    return {**sum_days(runs, "benchmark", "cost_usd", 60), **sum_days(runs, "everything", "cost_usd", 60)}


def read_transcripts() -> dict[str, pd.Series]:
    """USD per day of the transcripts of Claude Code, Codex and others, by project and all."""
    with tempfile.TemporaryDirectory() as folder:
        words = ("--db", f"sqlite:///{folder}/sessions.db")
        asp = [sys.executable, "-m", "asp_analysis"]
        subprocess.run([*asp, "init", *words], check=True, capture_output=True)
        subprocess.run([*asp, "load", str(past_runs.DATA / "transcripts"), *words], check=False, capture_output=True)
        done = subprocess.run([*asp, "costs", "--by", "project,day", "--json", *words], check=True, capture_output=True)
    frame = pd.DataFrame(json.loads(done.stdout))
    frame = frame[frame["day"] >= "2026-01-01"].assign(day=lambda rows: pd.to_datetime(rows["day"]), everything="all")
    return {**sum_days(frame, "project", "cost_usd", 28), **sum_days(frame, "everything", "cost_usd", 28)}


# --- forecasts of totals ---


@dataclass
class Replayed:
    """One series, its forecasts from each day, and its whole periods as (first, end) numbers of days."""

    amounts: np.ndarray
    past: RollingPast
    periods: list[tuple[int, int]]
    rule_errors: dict[tuple[str, float], list[tuple[float, int]]] = field(default_factory=dict)

    @classmethod
    def of(cls, series: pd.Series, period: str) -> "Replayed":
        """Take a series apart into periods; those at its ends that are not whole are left out."""
        spend = DailySpend(series.index[0].date(), series.to_numpy(float))
        whole, day = [], 0
        while day < len(series):
            span = find_period(period, series.index[day].date())
            first, end = (span.first - spend.first_day).days, (span.last - spend.first_day).days + 1
            if first >= 0 and end <= len(series):
                whole.append((first, end))
            day = end
        return cls(spend.amounts, RollingPast.of(spend), whole)


def forecast_totals(series: pd.Series, period: str) -> Iterator[dict[str, float]]:
    """One row per period and day of forecast: total, interval bounds and median of the forecast and of each rule."""
    one, chance = Replayed.of(series, period), np.random.default_rng(0)
    for first, end in one.periods:
        for share in AT_SHARES:
            day = first + round(share * (end - first))
            if day < 7 or day >= end:
                continue
            actual, spent = one.amounts[first:end].sum(), one.amounts[first:day].sum()
            rules = apply_rules(one.amounts, first, end, day)
            if day >= LEAST_DAYS and one.amounts[:day].sum() > 0:
                outlook = look_ahead(one.past, day, end - day)
                low90, low70, middle, high70, high90 = outlook.find_quantiles([0.05, 0.15, 0.5, 0.85, 0.95]) + spent
                row = {"day": day, "share": share, "actual": actual, "spent": spent, "estimate": middle}
                row |= {"lower_70": low70, "upper_70": high70, "lower_90": low90, "upper_90": high90}
                left = actual - spent
                below, same = outlook.values < left - 1e-9, np.abs(outlook.values - left) <= 1e-9
                row["position"] = outlook.shares[below].sum() + outlook.shares[same].sum() * chance.random()
                yield row | _bound_rules(one, rules, share, day)
            for name, total in rules.items():
                one.rule_errors.setdefault((name, share), []).append((actual - total, end))


def _bound_rules(one: Replayed, rules: dict[str, float], share: float, day: int) -> dict[str, float]:
    row = {}
    for name, total in rules.items():
        errors = [error for error, known in one.rule_errors.get((name, share), []) if known <= day]
        if len(errors) >= LEAST_PAST:
            low, high = np.quantile(errors, [0.15, 0.85])
            row |= {f"{name}_lower": max(total + low, 0.0), f"{name}_upper": max(total + high, 0.0)}
    return row


def backtest(every: dict[str, pd.Series], period: str) -> pd.DataFrame:
    """Forecast all series; one row per series, period and day of forecast."""
    rows = [{"series": name, **row} for name, series in every.items() for row in forecast_totals(series, period)]
    return pd.DataFrame(rows)


def measure(rows: pd.DataFrame) -> dict[str, float]:
    """Coverage and scores; scores on the rows where every rule has an interval.

    held_70 counts an outcome on a bound as inside: where nothing more is spent, that is the lower bound. spread_70 is
    the share of outcomes in the middle 70 % of their forecast, those without further spend spread over the probability
    of that by chance: 70 % for a forecast that is right.
    """
    actual = rows["actual"]
    row = {
        "n": len(rows),
        "held_70": (actual.ge(rows["lower_70"] - 1e-9) & actual.le(rows["upper_70"] + 1e-9)).mean(),
        "spread_70": rows["position"].between(0.15, 0.85).mean(),
        "held_90": (actual.ge(rows["lower_90"] - 1e-9) & actual.le(rows["upper_90"] + 1e-9)).mean(),
        "above": (actual > rows["estimate"]).mean(),
    }
    bounds = [f"{name}_{end}" for name in SIMPLE_RULES for end in ("lower", "upper")]
    common = rows.dropna(subset=bounds) if set(bounds) <= set(rows) else rows.iloc[:0]
    return row | _compare_scores(common) if len(common) else row


def _compare_scores(common: pd.DataFrame) -> dict[str, float]:
    """The score of each rule's intervals: how many times as high as that of the forecast, sums of each series compared,
    geometric mean over series. ratio: that of the forecast to the best rule."""
    scores = pd.DataFrame({"own": score_interval(common["actual"], common["lower_70"], common["upper_70"])})
    for name in SIMPLE_RULES:
        scores[name] = score_interval(common["actual"], common[f"{name}_lower"], common[f"{name}_upper"])
    sums = scores.groupby(common["series"]).sum()
    times = {name: float(np.exp(np.log(sums[name] / sums["own"]).mean())) for name in SIMPLE_RULES}
    return {"n_rules": len(common), **times, "ratio": 1 / min(times.values())}


# --- alerts ---


def watch(series: pd.Series, period: str, limits: tuple[float, ...] = LIMITS) -> Iterator[dict[str, object]]:
    """One row per period and budget: whether it was crossed and when, and when the alert came (days of the period)."""
    one = Replayed.of(series, period)
    for first, end in one.periods:
        start = max(first, LEAST_DAYS)
        usual = one.amounts[:first].mean() * (end - first) if first else 0.0
        if usual <= 0 or start >= end:
            continue
        so_far = np.cumsum(one.amounts[first:end])
        outlooks = {day: look_ahead(one.past, day, end - day) for day in range(start, end)}
        for limit in (usual * share for share in limits):
            spent = {day: so_far[day - first - 1] if day > first else 0.0 for day in outlooks}
            crossed = first + int(np.argmax(so_far > limit)) if so_far[-1] > limit else None
            alert = next(
                (
                    day
                    for day, outlook in outlooks.items()
                    if spent[day] <= limit and outlook.find_chance_over(limit - spent[day]) >= ALERT
                ),
                None,
            )
            yield {"is_crossed": crossed is not None, "crossed": crossed, "alert": alert, "days": end - first}


def measure_alerts(rows: pd.DataFrame) -> dict[str, float]:
    """False alarms among the periods that stayed within the budget and among the alerts, and the days of warning."""
    kept, crossed = rows[~rows["is_crossed"]], rows[rows["is_crossed"]]
    alerts = rows[rows["alert"].notna()]
    warning = (crossed["crossed"] - crossed["alert"] + 1).fillna(0).clip(lower=0).astype(float)
    return {
        "budgets": len(rows),
        "crossed": len(crossed),
        "false_alarm_rate": kept["alert"].notna().mean(),
        "wrong_of_alerts": (~alerts["is_crossed"]).mean(),
        "warned": crossed["alert"].notna().mean(),
        "median_days_of_warning": warning.median(),
        "mean_days_of_warning": warning.mean(),
    }


def list_sets() -> dict[str, dict[str, pd.Series]]:
    """All series by the name of their set."""
    return {
        "synthetic teams": make_teams(36),
        "CESAW people": dict(list(read_cesaw("person_key").items())[::EVERY]),
        "CESAW teams": {name: one[-MOST_DAYS:] for name, one in read_cesaw("team_key").items()},
        "OpenHands": read_openhands(),
        "transcripts": read_transcripts(),
    }


def main() -> None:
    """Print every number in one run."""
    sets = list_sets()
    totals, alerts, synthetic = [], [], None
    for name, every in sets.items():
        for period in ("week", "month"):
            rows = backtest(every, period)
            if len(rows):
                totals.append({"set": name, "period": period, "series": rows["series"].nunique(), **measure(rows)})
            if name == "synthetic teams" and period == "month":
                synthetic = rows
            watched = [row for one in list(every.values())[:MOST_WATCHED] for row in watch(one, period)]
            if watched:
                alerts.append({"set": name, "period": period, **measure_alerts(pd.DataFrame(watched))})
    say(f"Totals of periods, forecast on four days of each\n{pd.DataFrame(totals).round(3).to_string(index=False)}")
    say(f"\nAlerts at {ALERT:.0%}, looked at daily\n{pd.DataFrame(alerts).round(3).to_string(index=False)}")
    if synthetic is not None:
        pattern = synthetic["series"].str.rsplit(" ", n=1).str[0]
        table = [{"pattern": name, **measure(group)} for name, group in synthetic.groupby(pattern)]
        say(f"\nSynthetic teams by pattern, months\n{pd.DataFrame(table).round(3).to_string(index=False)}")


if __name__ == "__main__":
    main()
