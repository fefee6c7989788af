"""Where the money goes: per period by every dimension, against the periods before, and by model."""

import math
from collections.abc import Hashable
from typing import Any

import pandas as pd

from asp_analysis.dashboard import svg, words
from asp_analysis.dashboard.causes import list_causes, say_effect
from asp_analysis.dashboard.facts import Facts
from asp_analysis.dashboard.parts import Figure, Note, Part, Row, Section, SortedCell, Table
from asp_analysis.dashboard.usage import DIMENSIONS, Usage

MOST_LAYERS = 6
"""Names that have a colour of their own in a column; the others share one."""

MOST_LISTED = 16
"""Models and roles that are listed, the most expensive first."""


def build_money_section(facts: Facts, budgets: Part) -> Section:
    """Return the section on money; budgets: what is said of them."""
    question = "What was spent, when, on what, and is that more than before?"
    usage = facts.usage
    if usage is None:
        missing = "No executions yet. Load telemetry with: asp-analysis load FILE"
        return Section(anchor="money", title="Money", question=question, missing=missing)
    parts: list[Part] = [budgets, _compare(usage, facts.clock)]
    if usage.compared:
        parts.append(list_causes(facts.spend_change))
    parts.append(say_effect(facts.effect))
    parts += [_draw_periods(usage, dimension) for dimension in choose_dimensions(usage)]
    if len(facts.roles) > 1:
        parts.append(_draw_roles(facts.roles))
    return Section(anchor="money", title="Money", question=question, parts=[*parts, _list_models(facts)])


def choose_dimensions(usage: Usage) -> list[str]:
    """Return the dimensions with more than one value; the model where there are none."""
    return [name for name in DIMENSIONS if len(usage.names[name]) > 1] or ["model"]


def name_period(usage: Usage, count: int = 1) -> str:
    """Return the length of some periods in words: 28 days."""
    return words.count_noun(usage.days * count, "day")


def _compare(usage: Usage, clock: str) -> Table | Note:
    count = usage.compared
    if not count:
        return Note("A comparison with the time before needs records of two days or more.")
    now, before = usage.sum_periods(range(count)), usage.sum_periods(range(count, 2 * count))
    length = name_period(usage, count)
    rows = [Row(cells=cells) for cells in list_measures(now, before)]
    last, first = usage.newest, usage.start(count - 1)
    reading = (
        f"{words.day(first)} to {words.day(last)} ({clock}), the newest day of the record, against the {length} before."
    )
    headers = ["Measure", f"Latest {length}", f"{length} before", "Change"]
    title = f"The latest {length} against the {length} before"
    return Table(title=title, headers=headers, rows=rows, words=reading, anchor="comparison", is_sortable=False)


def list_measures(now: pd.Series, before: pd.Series) -> list[list[str]]:
    """Return what is compared, in words: measure, now, before, change."""
    measures = (
        ("Cost known (USD)", lambda sums: sums["cost_usd"], words.usd),
        ("Executions", lambda sums: sums["executions"], words.count),
        ("Executions of unknown cost", lambda sums: sums["executions"] - sums["with_cost"], words.count),
        ("Cost per execution (USD)", lambda sums: sums["cost_usd"] / (sums["with_cost"] or math.nan), words.usd),
        ("Tokens", lambda sums: sums["tokens"], words.short_count),
    )
    return [
        [name, write(find(now)), write(find(before)), words.change(find(now), find(before))]
        for name, find, write in measures
    ]


def _draw_periods(usage: Usage, dimension: str) -> Figure:
    """Draw the known cost per period, one layer per name."""
    names, spread = usage.names[dimension], usage.spread(dimension)
    layers = spread.iloc[:, :MOST_LAYERS].to_numpy().tolist()
    others = spread.iloc[:, MOST_LAYERS:].sum(axis=1).to_list()
    kept = names[:MOST_LAYERS]
    classes = [f"s{place}" for place in range(len(kept))]
    if len(names) > MOST_LAYERS:
        layers = [[*values, rest] for values, rest in zip(layers, others, strict=True)]
        kept, classes = [*kept, "all others"], [*classes, "other"]
    places = [
        svg.Column(label, values, [f"{name} {words.usd(value)}" for name, value in zip(kept, values, strict=True)])
        for label, values in zip(label_periods(usage), layers, strict=True)
    ]
    most = max((sum(place.values) for place in places), default=0.0)
    scale = svg.Scale(0.0, most * 1.05 or 1.0)
    axes = svg.Axes(scale=scale, ticks=[(tick, words.usd_tick(tick)) for tick in scale.choose_ticks()], height=180)
    length = "day" if usage.days == 1 else name_period(usage)
    title = f"Cost per {length} by {dimension}"
    desc = f"Latest: {words.usd(sum(places[-1].values))} from {places[-1].label} on."
    reading = f"Known cost in USD per {length}, named by the first day; {len(places)} periods."
    total = float(spread.to_numpy().sum())
    keys = [(class_, _name_share(name, share, total)) for class_, name, share in _sum_layers(kept, classes, layers)]
    drawn = svg.draw_stacks(title, desc, places, axes, classes)
    return Figure(title=title, drawn=drawn, words=reading, keys=keys, stack=dimension)


def _sum_layers(names: list[str], classes: list[str], layers: list[list[float]]) -> list[tuple[str, str, float]]:
    sums = [sum(column) for column in zip(*layers, strict=True)]
    return list(zip(classes, names, sums, strict=True))


def _name_share(name: str, cost: float, total: float) -> str:
    share = f", {words.percent(cost / total)}" if total > 0 else ""
    return f"{words.shorten(name, 40)} {words.usd(cost)}{share}"


def label_periods(usage: Usage) -> list[str]:
    """Return the first day of every period, the oldest first; with the year where the record is long."""
    form = (
        "%d %b" if usage.days < 28 and usage.periods * usage.days < 360 else "%b %Y" if usage.days >= 28 else "%d %b %y"
    )
    return [f"{usage.start(period):{form}}" for period in range(usage.periods - 1, -1, -1)]


# --- by model and role ------------------------------------------------------------------------------------------------


def _list_models(facts: Facts) -> Table:
    """List the models with what one execution and one task of each costs and takes."""
    models, total = facts.models[:MOST_LISTED], float(facts.models["cost_usd"].sum())
    has_latency, has_cache = bool(models["with_latency"].gt(0).any()), bool(models["cache_share"].notna().any())
    headers = ["Model", "Executions", "Tasks", "Cost (USD)", "Share", "Per execution", "Per task"]
    headers += ["p50 latency", "p95 latency"] * has_latency + ["From cache"] * has_cache + ["Cost unknown"]
    rows = [
        Row(cells=_write_model(row, total, has_latency, has_cache), anchor=f"model-{place}", tags=tag_model(facts, row))
        for place, row in enumerate(models.to_dict("records"))
    ]
    cut = f" The {MOST_LISTED} most expensive of {len(facts.models)}." if len(models) < len(facts.models) else ""
    lacks = "" if has_latency else " No execution has a latency: load it with --map latency_ms=COLUMN."
    lacks += "" if has_cache else " No execution says what it read from a cache (tokens_cache_read)."
    reading = f"Latency of one execution; from cache: share of the input tokens. All of the record.{cut}{lacks}"
    return Table(title="By model", headers=headers, rows=rows, words=reading, anchor="models")


def tag_model(facts: Facts, row: dict[Hashable, Any]) -> dict[str, list[int]]:
    """Return what the filter knows of a row about one model."""
    return {} if facts.usage is None else {"model": facts.usage.find_codes("model", [row["llm_model"]])}


def _write_model(row: dict[Hashable, Any], total: float, has_latency: bool, has_cache: bool) -> list[str | SortedCell]:
    cost, unknown = row["cost_usd"], int(row["executions_without_cost"])
    known = int(row["executions"]) - unknown
    each, per_task = cost / (known or math.nan), cost / (row["tasks"] or math.nan)
    cells: list[str | SortedCell] = [
        words.shorten(row["llm_model"], 60),
        SortedCell(words.count(row["executions"]), row["executions"]),
        SortedCell(words.count(row["tasks"]), row["tasks"]),
        SortedCell(words.usd(cost), cost),
        SortedCell(words.percent(cost / total if total > 0 else None, words.UNKNOWN), cost),
        SortedCell(words.usd(each), each),
        SortedCell(words.usd(per_task), per_task),
    ]
    if has_latency:
        cells += [SortedCell(words.duration(row[name]), row[name]) for name in ("p50_latency_ms", "p95_latency_ms")]
    if has_cache:
        cells.append(SortedCell(words.percent(row["cache_share"], words.UNKNOWN), row["cache_share"]))
    return [*cells, SortedCell(words.count(unknown), unknown)]


def _draw_roles(roles: pd.DataFrame) -> Figure:
    total = float(roles["cost_usd"].sum())
    most = float(roles["cost_usd"].max()) if roles["cost_usd"].notna().any() else 0.0
    largest = roles.sort_values("cost_usd", ascending=False, kind="stable")[:MOST_LISTED]
    rows = [_build_bar(row, total, most) for row in largest.to_dict("records")]
    desc = "; ".join(f"{row.label} {row.text}" for row in rows)
    cut = f" The {MOST_LISTED} most expensive of {len(roles)}." if len(largest) < len(roles) else ""
    reading = f"USD and share of the {words.usd(total)} that are known; n = executions with a known cost.{cut}"
    return Figure(title="Cost by role", drawn=svg.draw_bars("Cost by role", desc, rows), words=reading)


def _build_bar(row: dict[Hashable, Any], total: float, most: float) -> svg.Bar:
    cost, unknown = row["cost_usd"], int(row["executions_without_cost"])
    text = words.usd(cost) + (f", {words.percent(cost / total)}" if words.is_known(cost) and total > 0 else "")
    known = f"{row['executions'] - unknown} of {row['executions']}" if unknown else row["executions"]
    share = cost / most if words.is_known(cost) and most > 0 else 0.0
    return svg.Bar(label=words.shorten(row["agent_role"], 60), share=share, text=f"{text}, n = {known}")
