"""Which tasks cost most, and which are still open, with what they may come to."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from asp_analysis.dashboard import svg, words
from asp_analysis.dashboard.facts import Facts
from asp_analysis.dashboard.parts import Figure, Note, Part, Row, Section, SortedCell, Table
from asp_analysis.errors import EstimationRefusal
from asp_analysis.membership import is_among
from asp_analysis.probe.answers import Estimate
from asp_analysis.probe.estimate import estimate_each
from asp_analysis.probe.models.nested import KnownTask, NewTask
from asp_analysis.probe.question import Question

MOST_TASK_BARS, MOST_TASK_ROWS, MOST_OPEN, MOST_ESTIMATES = 10, 40, 20, 4
"""Tasks that are drawn, listed, listed as open, and estimated again; `estimate --task` answers for the others."""


@dataclass(frozen=True)
class Chosen:
    """The tasks that the page lists, the most expensive first, the anchor of each, and what the filter knows of it."""

    listed: pd.DataFrame
    open: pd.DataFrame
    anchors: dict[str, str]
    tags: dict[str, dict[str, list[int]]]


def choose_tasks(facts: Facts) -> Chosen:
    """Choose the most expensive tasks and the open ones in which most was spent."""
    tasks = facts.tasks.astype({"spent_usd": float, "estimated_cost_usd": float, "size": float})
    tasks = tasks.sort_values(["spent_usd", "task_id"], ascending=[False, True], na_position="last")
    is_open = ~tasks["status"].isin(["completed", "failed"])
    is_begun = tasks["spent_usd"].gt(0) | tasks["estimated_cost_usd"].gt(0) | tasks["size"].gt(0)
    is_own = is_open & ~tasks["is_stub"].astype(bool)  # telemetry alone does not say that a task is open
    still_open = tasks[is_own & is_begun][:MOST_OPEN]
    listed = tasks[tasks["spent_usd"].gt(0)][:MOST_TASK_ROWS]
    anchors = {str(task): f"open-{place}" for place, task in enumerate(still_open["task_id"])}
    anchors |= {str(task): f"task-{place}" for place, task in enumerate(listed["task_id"]) if str(task) not in anchors}
    return Chosen(listed, still_open, anchors, _tag_tasks(facts, list(anchors)))


def build_task_section(facts: Facts, chosen: Chosen) -> Section:
    """Return the section on tasks."""
    question = "Which tasks were expensive, and what are the open ones heading for?"
    if not len(chosen.listed) and not len(chosen.open):
        missing = (
            "No task has a known cost, and none is open. Load tasks with: asp-analysis load FILE --as task_metadata"
        )
        return Section(anchor="tasks", title="Tasks", question=question, missing=missing)
    parts: list[Part] = []
    if len(chosen.listed):
        parts.append(_draw_most_expensive(chosen.listed, len(facts.tasks)))
    parts += _list_open(facts, chosen)
    if len(chosen.listed):
        parts.append(_list_tasks(facts, chosen))
    return Section(anchor="tasks", title="Tasks", question=question, parts=parts)


def _draw_most_expensive(listed: pd.DataFrame, count: int) -> Figure:
    largest = listed[:MOST_TASK_BARS]
    most = float(largest["spent_usd"].max())
    rows = [
        svg.Bar(
            label=words.shorten(row["task_id"], 60),
            share=row["spent_usd"] / most,
            text=words.usd(row["spent_usd"]),
            href=f"#task-{place}",
        )
        for place, row in enumerate(largest.to_dict("records"))
    ]
    desc = "; ".join(f"{row.label} {row.text}" for row in rows)
    reading = f"Known cost in USD of each; a name leads to its row. {words.count_noun(count, 'task')} in all."
    title = f"The {len(rows)} most expensive tasks" if len(rows) > 1 else "The most expensive task"
    return Figure(title=title, drawn=svg.draw_bars(title, desc, rows), words=reading)


def _list_tasks(facts: Facts, chosen: Chosen) -> Table:
    listed = chosen.listed
    has_plan = bool(listed["estimated_cost_usd"].gt(0).any())
    has_text = bool(listed["task_description"].notna().any())
    headers = (
        ["Task"] + ["What"] * has_text + ["Project", "Status", f"Last ({facts.clock})", "Executions", "Cost (USD)"]
    )
    headers += ["Planned (USD)", "Cost / planned"] * has_plan
    rows = []
    for place, row in enumerate(listed.to_dict("records")):
        cells: list[str | SortedCell] = [words.shorten(row["task_id"], 60)]
        cells += [words.shorten(row["task_description"], 60) or "no description"] * has_text
        cells += [words.shorten(row["project_id"], 40) or "none named", str(row["status"]).replace("_", " ")]
        cells += [words.day(row["known_at"]), SortedCell(words.count(row["executions"]), row["executions"])]
        cells.append(SortedCell(words.usd(row["spent_usd"]), row["spent_usd"]))
        if has_plan:
            cells += _write_plan(row)
        rows.append(Row(cells=cells, anchor=f"task-{place}", tags=chosen.tags.get(str(row["task_id"]), {})))
    cut = f" The {len(rows)} most expensive of {len(facts.tasks):,}." if len(rows) < len(facts.tasks) else ""
    reading = f"Known cost of all executions of a task, by all models.{cut}"
    return Table(
        title="Tasks by cost", headers=headers, rows=rows, words=reading, names=3 + has_text, anchor="task-list"
    )


def _write_plan(row: dict[Hashable, Any]) -> list[str | SortedCell]:
    planned = row["estimated_cost_usd"]
    ratio = row["spent_usd"] / planned if words.is_known(planned) and planned > 0 else None
    times = f"{ratio:.2f} times" if ratio is not None and words.is_known(ratio) else words.NOT_DEFINED
    return [SortedCell(words.usd(planned, "no plan"), planned), SortedCell(times, ratio)]


def _tag_tasks(facts: Facts, tasks: list[str]) -> dict[str, dict[str, list[int]]]:
    """Return the codes of each task's project, models and roles, and the periods of its last and first execution."""
    usage, found = facts.usage, {}
    if usage is None:
        return {}
    columns = {"model": "llm_model", "role": "agent_role", "project": "project_id"}
    runs = facts.work.runs
    for task, own in runs[is_among(runs["task_id"], pd.Series(tasks, dtype=str))].groupby("task_id"):
        tags = {name: usage.find_codes(name, own[column].tolist()) for name, column in columns.items()}
        found[str(task)] = tags | {"period": [usage.place(own["last_at"].max()), usage.place(own["first_at"].min())]}
    return found


# --- open tasks -------------------------------------------------------------------------------------------------------


def _list_open(facts: Facts, chosen: Chosen) -> list[Part]:
    if not len(chosen.open):
        return [Note("No open task with a plan, a size or a cost is recorded.")]
    estimates = _estimate_some(facts, chosen.open)
    rows = []
    for row in chosen.open.to_dict("records"):
        task = str(row["task_id"])
        cells: list[str | SortedCell] = [
            words.shorten(task, 60),
            words.shorten(row["task_description"], 60) or "no description",
            str(row["status"]).replace("_", " "),
            SortedCell(words.number(row["size"], 0, "no size"), row["size"]),
            SortedCell(words.usd(row["spent_usd"], "nothing yet"), row["spent_usd"]),
            SortedCell(words.usd(row["estimated_cost_usd"], "no plan"), row["estimated_cost_usd"]),
            estimates.get(task, SortedCell("not asked", None)),
        ]
        rows.append(Row(cells=cells, anchor=chosen.anchors[task], tags=chosen.tags.get(task, {})))
    headers = ["Task", "What", "Status", "Size", "Spent (USD)", "Planned (USD)", "Estimate (70 % interval)"]
    reading = (
        "The estimate is for the whole task: the one that was kept with it, else a new one for the first "
        f"{MOST_ESTIMATES} tasks with a size. For another: asp-analysis estimate --task ID"
    )
    return [Table(title="Open tasks", headers=headers, rows=rows, words=reading, names=3, anchor="open-list")]


def _estimate_some(facts: Facts, tasks: pd.DataFrame) -> dict[str, SortedCell]:
    """Return the kept estimates of open tasks, and new ones for a few that have a size but none kept."""
    found = _read_kept(facts.forecasts, tasks["task_id"].tolist())
    asked = tasks[tasks["estimated_size"].gt(0) & ~tasks["task_id"].isin(list(found))][:MOST_ESTIMATES]
    if not len(asked):
        return found
    new = [_know_task(row) for row in asked.to_dict("records")]
    try:
        answers = estimate_each(facts.history, Question(levels=(0.7,)), new)
    except EstimationRefusal as refusal:
        answers = [refusal] * len(new)
    return found | {str(one.task.task_id): _write_answer(answer) for one, answer in zip(new, answers, strict=True)}


def _know_task(row: dict[Hashable, Any]) -> NewTask:
    known = {name: row[name] for name in ("project_id", "task_type") if not pd.isna(row[name])}
    return NewTask(task=KnownTask(task_id=str(row["task_id"]), **known), log_size=float(np.log(row["estimated_size"])))


def _write_answer(answer: Estimate | EstimationRefusal) -> SortedCell:
    if isinstance(answer, EstimationRefusal):
        return SortedCell("refused: see Estimates", None)
    return _write_estimate(answer.estimate, answer.lower[0.7], answer.upper[0.7])


def _read_kept(forecasts: pd.DataFrame, tasks: Sequence[object]) -> dict[str, SortedCell]:
    own = forecasts[
        forecasts["task_id"].isin(list(tasks))
        & (forecasts["component"] == "cost_usd")
        & (forecasts["source"] != "planner")
    ]
    newest = own.sort_values("made_at").groupby("task_id").tail(1)
    return {
        str(row["task_id"]): _write_estimate(row["estimate"], row["lower_70"], row["upper_70"])
        for row in newest.to_dict("records")
    }


def _write_estimate(value: float, lower: float, upper: float) -> SortedCell:
    interval = words.between(lower, upper, words.usd)
    return SortedCell(f"{words.usd(value)} ({interval})" if interval else words.usd(value), value)
