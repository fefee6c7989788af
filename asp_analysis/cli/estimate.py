"""`asp-analysis estimate`: what the next task will cost, with its interval and its evidence."""

import json
from typing import TYPE_CHECKING, Any

import click

from asp_analysis.cli.asking import COSTS, LEVELS, question_options, read_history
from asp_analysis.cli.options import note, open_session, print_table, say

if TYPE_CHECKING:
    import pandas as pd

    from asp_analysis.probe.estimate import CostVector, Estimate


@click.command()
@click.option("--size", type=float, help="Size of the task in complexity units. [default: what is known of --task]")
@click.option("--units", "units_file", type=click.File(encoding="utf-8"), help="JSON list of semantic units to sum up.")
@click.option("--task", "task_id", metavar="ID", help="A task of the store: its size, type and project are used.")
@click.option("--cost", "components", type=click.Choice(COSTS), multiple=True, help="Repeatable. [default: cost_usd]")
@click.option(
    "--method", default="auto", show_default=True, help="A model of `backtest`, or auto: the best by backtest."
)
@click.option("--per", type=click.Choice(["finished", "attempt"]), default="finished", show_default=True)
@click.option("--compare", is_flag=True, help="Which model would be the cheapest, and how sure is that.")
@click.option("--keep", is_flag=True, help="Keep the estimate with --task, to be scored when the task is finished.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@question_options
def command(components: tuple[str, ...], compare: bool, as_json: bool, **asked: Any) -> None:
    """Estimate a task's cost with prediction intervals, or say why the data cannot carry an estimate.

    Example: asp-analysis estimate --size 18
    """
    if asked["units_file"] and (asked["size"] is not None or compare):
        raise click.UsageError("--units gives the size of each unit: leave --size and --compare out.")
    if asked["keep"] and asked["task_id"] is None:
        raise click.UsageError("--keep needs --task ID: an estimate is kept with its task.")
    history = read_history(asked["db"])
    task = _task(asked)
    if compare:
        _print_comparison(history, (components or ("cost_usd",))[0], task, asked, as_json)
        return
    vector = _estimate(history, components or ("cost_usd",), task, asked)
    if asked["keep"]:
        _keep(vector, asked)
    if as_json:
        click.echo(json.dumps({"estimates": list(vector.to_dict().values()), "refusals": vector.refusals}))
    else:
        _print(vector)


def _task(asked: dict[str, Any]) -> dict[str, Any]:
    """Give what is known of the task: what the store says, and the size that was typed."""
    from asp_analysis.errors import InputError

    size = _unit_sizes(asked) if asked["units_file"] else asked["size"]
    if asked["task_id"] is None:
        return {"size": size}
    query = (
        "SELECT task_id, project_id, task_type, COALESCE(estimated_complexity, actual_complexity) AS size "
        "FROM stg_tasks WHERE task_id = $task_id"
    )
    with open_session(asked["db"]) as session:
        found = session.sql(query, task_id=asked["task_id"]).to_dict("records")
    if not found:
        raise InputError(f"A task of the store is needed, {asked['task_id']!r} is none. Leave --task out, or load it.")
    known = {name: value for name, value in found[0].items() if value is not None and value == value}
    return known if size is None else {**known, "size": size}


def _unit_sizes(asked: dict[str, Any]) -> list[float]:
    """Read the complexities of the units of `--units`."""
    from asp_analysis.probe.complexity import parse_units, unit_complexity

    return [unit_complexity(unit) for unit in parse_units(asked["units_file"].read())]


def _estimate(
    history: "pd.DataFrame", components: tuple[str, ...], task: dict[str, Any], asked: dict[str, Any]
) -> "CostVector":
    from asp_analysis.probe.estimate import estimate_task
    from asp_analysis.probe.question import ALL_MODELS, ALL_ROLES, pose, pose_per_model

    model, role = asked["llm_model"], asked["agent_role"]
    posed = pose(history, model, role)
    if model is not None:  # the other models' costs of the same tasks serve as reference class
        others = pose_per_model(history, role)
        posed = others if (others["llm_model"] == model).any() else posed
    return estimate_task(
        posed,
        llm_model=model or ALL_MODELS,
        agent_role=role or ALL_ROLES,
        size=task.get("size"),
        task={name: value for name, value in task.items() if name != "size"} or None,
        components=components,
        levels=asked["levels"] or LEVELS,
        method=asked["method"],
        per=asked["per"],
    )


def _print(vector: "CostVector") -> None:
    estimates = list(vector.estimates.values())
    levels = list(estimates[0].lower)
    headers = ["component", "estimate", *(f"{100 * level:g} % interval" for level in levels), "mean", "tasks", "method"]
    print_table(headers, [_row(estimate, levels) for estimate in estimates])
    for estimate in estimates:
        say(f"{estimate.component}: {estimate.why}")
        for remark in (*estimate.withheld.values(), *estimate.notes):
            say(f"  {remark}")
        if estimate.needs_human_review:
            say("  Marked for human review: the interval is wider than ±50 % of the estimate.")
    for name, reason in vector.refusals.items():
        note(f"{name} cannot be estimated: {reason}")


def _row(estimate: "Estimate", levels: list[float]) -> list[str]:
    intervals = [
        "withheld"
        if level in estimate.withheld
        else f"{_number(estimate.lower[level])} to {_number(estimate.upper[level])}"
        for level in levels
    ]
    return [
        estimate.component,
        _number(estimate.estimate),
        *intervals,
        _number(estimate.mean),
        str(estimate.n),
        estimate.method,
    ]


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"


def _print_comparison(
    history: "pd.DataFrame", component: str, task: dict[str, Any], asked: dict[str, Any], as_json: bool
) -> None:
    from asp_analysis.cli.options import print_frame
    from asp_analysis.probe.compare import compare_models
    from asp_analysis.probe.question import pose_per_model

    found = compare_models(
        pose_per_model(history, asked["agent_role"]),
        component,
        size=task.get("size"),
        task={name: value for name, value in task.items() if name != "size"} or None,
        levels=asked["levels"] or LEVELS,
        per=asked["per"],
    )
    print_frame(found.frame, "json" if as_json else None)
    if not as_json:
        say(found.sentence)
    for name, reason in found.refusals.items():
        note(f"{name} is not compared: {reason}")
    for name, reason in found.withheld.items():
        note(f"{name}: {reason}")


def _keep(vector: "CostVector", asked: dict[str, Any]) -> None:
    from asp_analysis.config import store_url
    from asp_analysis.store import keep_forecasts, open_store

    with open_store(store_url(asked["db"])) as store:
        kept = keep_forecasts(store, asked["task_id"], list(vector.to_dict().values()))
    note(f"Kept with {asked['task_id']}, which now has {kept} forecasts.")
