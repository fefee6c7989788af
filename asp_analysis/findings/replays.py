"""Notebook 05: how good the estimates would have been, replayed task by task."""

from dataclasses import replace
from functools import partial

import pandas as pd

from asp_analysis import charts
from asp_analysis.errors import EstimationRefusal
from asp_analysis.findings.finding import Finding, lack
from asp_analysis.findings.next_task import FINISH, HISTORY_SQL, SIZES, Asked, ask
from asp_analysis.intervals import wilson
from asp_analysis.probe.answers import score_stored
from asp_analysis.probe.backtest import backtest
from asp_analysis.probe.question import EACH, Question
from asp_analysis.probe.scores import cover, relative_errors, score
from asp_analysis.session import Session
from asp_analysis.wording import write_noun, write_share

TEN_LEVELS = tuple(percent / 100 for percent in range(50, 100, 5))
TO_BEAT = ("past_median", "past_mean", "last_value", "probe_line")
"""What any model has to beat, and the published line."""

COMPARED = ("auto", "past_median", "probe_line")
LEAST_FORECASTS = 10
"""Forecasts of a series, below which its scores would be noise."""

MOST_SERIES = 8
WINDOW = 10

_FEW = "At least three finished tasks of known cost are needed before one can be forecast from the others."


def replay(history: pd.DataFrame, asked: Asked) -> pd.DataFrame | str:
    """Return the forecasts of every finished task by every model, or the reason why there are none."""
    try:
        return backtest(history, replace(asked.question, size=None, units=None))
    except EstimationRefusal as refused:
        return str(refused).replace("_", "\\_")


def take_auto(forecasts: pd.DataFrame) -> pd.DataFrame:
    """Return the forecasts of `auto` that have an interval."""
    return forecasts[forecasts.model == "auto"].dropna(subset=["lower_70"]).reset_index(drop=True)


def answer(session: Session) -> Finding:
    """Say how often the intervals would have held, and whether a model beats the past median."""
    history = session.sql(HISTORY_SQL)
    if history.empty:
        return lack("No task here has an execution yet, so that there was nothing to forecast.", FINISH)
    asked = ask(history, Question())
    forecasts = replay(history, asked)
    held = tell_held(forecasts)
    scores = tell_scores(forecasts)
    text = f"{asked.remark} {held.text}".strip()
    return Finding(text=f"{text} {scores.text}" if held.draw is not None else text, draw=held.draw)


def tell_held(forecasts: pd.DataFrame | str) -> Finding:
    """Say how many outcomes fell inside their 70 % interval."""
    if isinstance(forecasts, str):
        return lack(forecasts, FINISH if "asp-analysis" not in forecasts else "")
    auto = take_auto(forecasts)
    if auto.empty:
        return lack("No past task could be forecast with an interval.", _FEW)
    held = int(auto.actual.between(auto.lower_70, auto.upper_70).sum())
    lower, upper = wilson(held, len(auto))
    text = (
        f"**{held:,} of {len(auto):,}** outcomes fell inside their 70 % interval, which is "
        f"{write_share(held / len(auto))} "
        f"(with 95 % confidence {write_share(lower)} to {write_share(upper)})."
    )
    shown = auto.tail(60)
    title = f"{held:,} of {len(auto):,} outcomes fell inside their 70 % interval"
    table = auto[["task_id", "n_past", "size", "actual", "estimate", "lower_70", "upper_70", "method"]]
    names = {name: f"{name}_usd" for name in ("actual", "estimate", "lower_70", "upper_70")}
    return Finding(
        text=text,
        table=table.rename(columns=names).tail(8).reset_index(drop=True),
        draw=partial(charts.plot_backtest, shown, title=title),
        reading="Each forecast was made from the tasks that were completed when it started. Misses are red; the worst "
        "are named." + (f" The chart shows the last {len(shown):,}." if len(shown) < len(auto) else ""),
    )


def tell_scores(forecasts: pd.DataFrame | str) -> Finding:
    """Say whether a model is better than what anyone could say without it."""
    if isinstance(forecasts, str):
        return lack("Without forecasts there is nothing to score.", FINISH)
    usable = forecasts.dropna(subset=["lower_70"])
    counts = usable.groupby("model").task_id.count()
    usable = usable[usable.model.isin(counts.index[counts >= min(LEAST_FORECASTS, counts.max())])]
    is_common = usable.groupby("task_id").model.transform("nunique") == usable.model.nunique()
    scores = score(usable[is_common], by=("model",)).sort_values("mdape", ignore_index=True)
    if scores.empty or "auto" not in set(scores.model) or "past_median" not in set(scores.model):
        return lack("Too few tasks could be forecast by all models to compare them.", FINISH)
    by_name = scores.set_index("model").mdape
    auto, base = by_name["auto"], by_name["past_median"]
    word = "better than" if auto < base else "no better than"
    text = (
        f"In the median its estimates were **{write_share(auto)}** off, {word} the median of the past, which was "
        f"**{write_share(base)}** off."
    )
    scores = scores.assign(is_baseline=scores.model.isin(TO_BEAT))
    text += _tell_skill(scores[scores.model == "auto"].iloc[0])
    columns = ["model", "n", "mdape", "coverage_70", "skill", "skill_lower", "skill_upper", "above", "mean_ratio"]
    names = {name: f"{name}_share" for name in ("mdape", "coverage_70", "above")}
    known = scores.dropna(subset=["interval_score_70"])
    label = "Mean interval score of the 70 % interval on log cost"
    title = f"auto is off by {write_share(auto)}, the past median by {write_share(base)}"
    return Finding(
        text=text,
        table=scores[[name for name in columns if name in scores]].rename(columns=names),
        draw=partial(charts.plot_scores, scores, title=title, score="interval_score_70", label=label)
        if len(known) else None,
        reading="The interval score is the width of the interval, plus a penalty where the outcome fell outside. A "
        "model whose intervals begin at zero has none on logarithms. `auto` asks the best model so far.",
    )  # fmt: skip


def _tell_skill(row: pd.Series) -> str:
    """Say by how much the forecasts of auto are better than the past median, with the interval."""
    if pd.isna(row.get("skill_lower")):
        return ""
    word = "" if row.skill_lower > 0 else ", so that chance alone may be the reason"
    return (
        f" Its skill against it is **{write_share(row.skill)}** (95 % interval {write_share(row.skill_lower)} to "
        f"{write_share(row.skill_upper)}){word}; {write_share(row.above)} of the outcomes were above the estimate, and "
        f"the means add up to {row.mean_ratio:.2f} times what the tasks cost."
    )


def tell_conditions(forecasts: pd.DataFrame | str) -> Finding:
    """Say whether intervals hold whatever was known of a task, and after a change of costs."""
    if isinstance(forecasts, str) or take_auto(forecasts).empty:
        return lack("Without forecasts there is no condition to look at.", FINISH)
    auto = take_auto(forecasts).assign(
        after_change=lambda frame: frame.is_after_change.map({True: "after a change", False: "no change"})
    )
    parts = [
        cover(auto, column).rename(columns={column: "condition"}).astype({"condition": str})
        for column in ("knowledge", "after_change")
    ]
    table = pd.concat(parts, ignore_index=True).query("level == '70'")
    known = table[table.n >= LEAST_FORECASTS]
    worst = known.iloc[int((known.coverage - 0.7).abs().to_numpy().argmax())] if len(known) else None
    text = "Coverage over all is no proof: a level that follows the misses reaches it with any model."
    if worst is not None:
        text += (
            f" Of the conditions with {LEAST_FORECASTS} forecasts or more, the 70 % intervals held furthest from their "
            f"promise for *{worst.condition}*: **{write_share(worst.coverage)}** of {write_noun(worst.n, 'task')}."
        )
    shown = {"coverage": "held_share", "lower": "lower_share", "upper": "upper_share"}
    return Finding(text=text, table=table[["condition", "n", *shown]].rename(columns=shown).reset_index(drop=True))


def replay_series(history: pd.DataFrame) -> pd.DataFrame:
    """Return the forecasts of the roles and models with the most finished tasks, each by itself, at ten levels."""
    known = history[history.is_finished & (history.whole_cost_usd > 0) & history.llm_model.notna()]
    tasks = known.groupby(["agent_role", "llm_model"]).task_id.nunique().sort_values(ascending=False)
    wanted = tasks[tasks >= LEAST_FORECASTS].head(MOST_SERIES)
    frames = []
    for role, rows in wanted.reset_index().groupby("agent_role", sort=False):
        found = backtest(history, Question(model=EACH, role=str(role), levels=TEN_LEVELS))
        frames.append(found[found.llm_model.isin(rows.llm_model)])
    if not frames:
        return pd.DataFrame(columns=["agent_role", "llm_model", "model", "task_id", "lower_70"])
    compared = pd.concat(frames, ignore_index=True)
    compared = compared[compared.model.isin(COMPARED)].dropna(subset=["lower_70"])
    series = ["agent_role", "llm_model", "task_id"]
    return compared[compared.groupby(series).model.transform("nunique") == compared.model.nunique()]


def tell_series(compared: pd.DataFrame) -> Finding:
    """Say in how many roles and models the choice beats the past median."""
    if compared.empty:
        return lack(f"No role with one model has {LEAST_FORECASTS} finished tasks of known cost.", FINISH)
    scores = score(compared).set_index(["agent_role", "llm_model"])
    columns = ["n", "mdape", "coverage_70", "interval_score_70"]
    chosen, base = (scores.loc[scores.model == name, columns] for name in ("auto", "past_median"))
    table = chosen.join(base[["mdape", "interval_score_70"]].add_suffix("_base"))
    better = int((table.interval_score_70 < table.interval_score_70_base).sum())
    text = f"By interval score auto beats the past median in **{better:,} of {len(table):,}** series."
    names = {"mdape": "mdape_share", "coverage_70": "coverage_70_share", "mdape_base": "base_mdape_share",
             "interval_score_70": "interval_score", "interval_score_70_base": "base_interval_score"}  # fmt: skip
    return Finding(text=text, table=table.rename(columns=names).reset_index())


def tell_calibration(compared: pd.DataFrame) -> Finding:
    """Say how many outcomes the intervals of each level held."""
    if compared.empty:
        return lack("Without forecasts of single series there is nothing to calibrate.", FINISH)
    names = [f"coverage_{100 * level:g}" for level in TEN_LEVELS]
    scored = score(compared, by=("model",)).set_index("model")
    held = scored.reindex([name for name in COMPARED if name in scored.index]).reset_index()
    long = held.melt(["model", "n"], names, "level", "coverage").rename(columns={"model": "series"})
    long["level"] = long.level.str.removeprefix("coverage_").astype(float) / 100
    table = add_interval(long)
    auto = table[table.series == "auto"]
    at = auto.set_index("level").coverage
    text = (
        f"Of **{write_noun(auto.n.iloc[0], 'forecast')}**, intervals of 70 % held **{write_share(at[0.7])}** and "
        f"those of "
        f"90 % **{write_share(at[0.9])}**."
    )
    title = f"70 % intervals held {write_share(at[0.7])}, 90 % intervals {write_share(at[0.9])}"
    shown = {"level": "level_share", "coverage": "held_share", "lower": "lower_share", "upper": "upper_share"}
    return Finding(
        text=text,
        table=auto.drop(columns="series").rename(columns=shown).reset_index(drop=True),
        draw=partial(charts.plot_calibration, table, title=title),
        reading="On the diagonal a promise is kept exactly; above it the intervals are wider than they would have "
        "to be, "
        "below it too narrow. The forecasts are not independent, because a hard task is expensive in every role at "
        "once: the true uncertainty is larger than the bars say.",
    )


def tell_sizes(compared: pd.DataFrame) -> Finding:
    """Say whether the intervals hold for small and for large tasks alike."""
    auto = compared[compared.model == "auto"] if len(compared) else compared
    if auto.empty or auto.size_tercile.dropna().nunique() < 2:
        return lack("The forecast tasks have no sizes that differ.", SIZES)
    by_size = score(auto, by=("size_tercile",))
    long = by_size.melt(["size_tercile", "n"], ["coverage_70", "coverage_90"], "level", "coverage")
    long["level"] = long.level.str.removeprefix("coverage_").astype(float) / 100
    order = {"small": 0, "middle": 1, "large": 2}
    sizes = add_interval(long).sort_values(
        ["size_tercile", "level"], key=lambda column: column.map(order) if column.name == "size_tercile" else column,
        ignore_index=True,
    )  # fmt: skip
    sizes = sizes[sizes.size_tercile.isin(order)].reset_index(drop=True)
    at = sizes[sizes.level == 0.7].set_index("size_tercile").coverage
    parts = [f"**{write_share(share)}** of the {name} tasks" for name, share in at.items()]
    text = f"{', '.join(parts)} fell inside their 70 % interval."
    shown = {"level": "level_share", "coverage": "held_share", "lower": "lower_share", "upper": "upper_share"}
    title = "How often the intervals held, by the size of the task"
    return Finding(
        text=text, table=sizes.rename(columns=shown), draw=partial(charts.plot_coverage_by_size, sizes, title=title)
    )


def tell_progress(forecasts: pd.DataFrame | str) -> Finding:
    """Say whether the errors shrink with more history."""
    if isinstance(forecasts, str):
        return lack("Without forecasts there is no error to follow.", FINISH)
    errors = forecasts[forecasts.model.isin(["auto", "past_median"])].rename(columns={"model": "series"})
    errors = errors.assign(error=relative_errors(errors.actual, errors.estimate)).sort_values(["series", "n_past"])
    running = errors.groupby("series").error.rolling(WINDOW).median()
    errors["running_error"] = running.droplevel(0)
    auto = errors[errors.series == "auto"].running_error.dropna()
    if len(auto) < 2:
        return lack(f"At least {WINDOW + 1} forecasts are needed to see a trend.", FINISH)
    text = (
        f"The running median of {WINDOW} errors went from **{write_share(auto.iloc[0])}** to "
        f"**{write_share(auto.iloc[-1])}**."
    )
    title = f"The error went from {write_share(auto.iloc[0])} to {write_share(auto.iloc[-1])}"
    return Finding(
        text=text,
        draw=partial(charts.plot_error_over_time, errors, title=title),
        reading="Points at the upper edge were more than 200 % off.",
    )


def tell_planner(asked: Asked) -> Finding:
    """Say how good the planner's own figures were, written down before the work."""
    whole = asked.posed
    if whole.empty or "planned_cost_usd" not in whole or whole.planned_cost_usd.dropna().empty:
        return lack("No task has a planned cost.", "Load the planner's figures with `--map estimated_cost_usd=COLUMN`.")
    plans = whole[["task_id", "llm_model", "agent_role"]].assign(
        estimate=whole.planned_cost_usd, component="cost_usd", method="planner"
    )
    planned = score_stored(plans.dropna(subset=["estimate"]), whole)
    if planned.empty:
        return lack("No task with a planned cost has finished.", FINISH)
    scores = score(planned, by=("model",))
    row = scores.iloc[0]
    bias = "too cheap" if row.log_bias < 0 else "too expensive"
    text = (
        f"The planner wrote down **{write_noun(row.n, 'figure')}** before the work; in the median they were "
        f"**{write_share(row.mdape)}** off, and on the whole {bias}."
    )
    names = {"mdape": "mdape_share", "mmre": "mmre_share", "pred25": "pred25_share"}
    table = scores[["model", "n", "mdape", "mmre", "pred25", "log_bias"]].rename(columns=names)
    return Finding(text=text, table=table)


def tell_kept(kept: pd.DataFrame) -> Finding:
    """Say how many tasks have a forecast that was kept. kept: status, tasks, with_kept_forecasts."""
    count = int(kept.with_kept_forecasts.sum()) if len(kept) else 0
    if not count:
        return lack(
            "No task has a kept forecast.", "Keep one while the task is open: `asp-analysis estimate --task ID --keep`."
        )
    return Finding(text=f"**{write_noun(count, 'task')}** have a kept forecast.", table=kept)


def add_interval(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with the 95 % Wilson interval of its column `coverage` over `n`: lower, upper."""
    ends = [
        wilson(share * count, count) if count else (float("nan"), float("nan"))
        for share, count in zip(frame["coverage"].astype(float), frame["n"].astype(float), strict=True)
    ]
    return frame.assign(lower=[float(low) for low, _ in ends], upper=[float(high) for _, high in ends])
