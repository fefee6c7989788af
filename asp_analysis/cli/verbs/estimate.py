"""`asp-analysis estimate`: what the next task will cost, with its interval and its evidence."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from asp_analysis.cli.as_if_prices import OtherPrices, as_if_options, print_as_if
from asp_analysis.cli.asking import (
    asks,
    costs_option,
    method_option,
    per_option,
    prior_option,
    question_options,
    read_history,
    read_known_before,
    size_option,
    task_option,
    units_option,
)
from asp_analysis.cli.at_equal_quality import list_outcomes, print_at_equal_quality, read_outcomes_file
from asp_analysis.cli.options import format_options, open_session
from asp_analysis.cli.printing import note, print_frame, print_table, say
from asp_analysis.cli.sessions import print_running
from asp_analysis.cli.wanted import WantedTasks, batch_options, print_total, say_finish

if TYPE_CHECKING:
    import pandas as pd

    from asp_analysis.probe.answers import CostVector, Estimate
    from asp_analysis.probe.question import Question


@click.command()
@size_option
@units_option
@task_option
@costs_option
@method_option
@per_option
@prior_option
@click.option(
    "--under", type=float, help="Also the probability that the task costs at most this, in the unit of --cost."
)
@click.option(
    "--compare", "is_comparison", is_flag=True, help="Which model would be the cheapest, and how sure is that."
)
@click.option(
    "--margin",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    help="With --compare: the cheapest per accepted result, of models not worse than the best by so much (0.05).",
)
@click.option(
    "--outcomes",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="With --margin: a CSV of llm_model, task_id, is_accepted, cost_usd. [default: the store's tasks of one model]",
)
@as_if_options
@click.option(
    "--keep", "is_kept", is_flag=True, help="Keep the estimate with --task, to be scored when the task is finished."
)
@batch_options
@format_options
@question_options
@asks
def command(
    question: "Question",
    wanted: WantedTasks,
    under: float | None,
    is_comparison: bool,
    margin: float | None,
    outcomes: Path | None,
    other: OtherPrices,
    is_kept: bool,
    output: str | None,
    db: str | None,
) -> None:
    """Estimate what the next task will cost, with intervals.

    Where the data cannot support an estimate, the answer is the reason.

    Example: asp-analysis estimate --size 18
    """
    from asp_analysis.probe.estimate import estimate
    from asp_analysis.probe.question import look_up_task

    if (margin is not None and not is_comparison) or (outcomes is not None and margin is None):
        raise click.UsageError("--margin needs --compare, and --outcomes needs --margin.")
    if outcomes is not None and margin is not None:
        print_at_equal_quality(read_outcomes_file(outcomes), margin, output)
        return
    if under is not None and (is_comparison or len(question.components) > 1):
        raise click.UsageError("--under is about one cost of one task. Leave --compare out, and name one --cost.")
    if wanted.is_asked or wanted.are_sessions:
        if is_comparison or is_kept or under is not None or question.task.task_id or question.size or question.units:
            raise click.UsageError(
                "A total takes --tasks, --open or --sizes with --budget, a session --session or --running; neither "
                "takes --size, --units, --task, --under, --compare or --keep."
            )
        if wanted.are_sessions:
            with open_session(db) as session:
                print_running(session, question, wanted, output)
            return
        _print_total(question, wanted, output, db)
        return
    if other.models:
        print_as_if(other, question, output, db)
        return
    if is_kept and question.task.task_id is None:
        raise click.UsageError("--keep needs --task ID: an estimate is kept with its task.")
    with open_session(db) as session:
        history = read_history(session)
        known = None if is_comparison else read_known_before(session)
        if question.task.task_id is not None:
            query = "SELECT task_id, project_id, task_type, estimated_size AS size FROM tasks WHERE task_id = $task_id"
            question = look_up_task(question, session.sql(query, task_id=question.task.task_id))
    if margin is not None:
        print_at_equal_quality(list_outcomes(history), margin, output)
        return
    if is_comparison:
        _print_comparison(history, question, output)
        return
    vector = estimate(history, question)
    proxies = _explain(history, question, known) if known is not None else {}
    if is_kept:
        _keep(vector, question, db)
    if output == "csv":
        print_frame(vector.to_listing(), output)
    elif output == "json":
        told = {name: frame.to_dict("records") for name, frame in proxies.items()}
        made = list(vector.to_dict().values())
        click.echo(json.dumps({"estimates": made, "refusals": vector.refusals, "known_before": told}))
    else:
        _print(vector)
        for name, frame in proxies.items():
            say(_describe_proxies(name, frame))
    if under is not None:
        (note if output else say)(_describe_chance(vector, under))


def _print_total(question: "Question", wanted: WantedTasks, output: str | None, db: str | None) -> None:
    from asp_analysis.probe.totals import estimate_total

    with open_session(db) as session:
        history, new = read_history(session), wanted.find(session)
    total = estimate_total(history, question, new)
    print_total(total, question, wanted.budget, output)
    if question.component == "latency_ms" and not output:
        say_finish(total, history, question)


def _print(vector: "CostVector") -> None:
    estimates = list(vector.estimates.values())
    levels = list(estimates[0].lower)
    headers = ["component", "estimate", *(f"{100 * level:g} % interval" for level in levels), "mean", "tasks", "method"]
    print_table(headers, [_make_row(estimate, levels) for estimate in estimates])
    for estimate in estimates:
        say(f"{estimate.component}: {estimate.why}")
        for remark in (*estimate.withheld.values(), *estimate.notes):
            say(f"  {remark}")
        if estimate.needs_human_review:
            say("  Marked for human review: the interval is wider than ±50 % of the estimate.")
    for name, reason in vector.refusals.items():
        note(f"{name} cannot be estimated: {reason}")


def _explain(history: "pd.DataFrame", question: "Question", known: "pd.DataFrame") -> "dict[str, pd.DataFrame]":
    """Return for each component what is known before a task and explains it; components without any are left out."""
    from asp_analysis.probe.backtest import find_own
    from asp_analysis.probe.history import split_series
    from asp_analysis.probe.proxies import explain_costs
    from asp_analysis.probe.question import pose

    posed, found = pose(history, question), {}
    for component in question.components:
        every = split_series(posed, component, question.per)
        if every and len(frame := explain_costs(every[find_own(every, question)], known)):
            found[component] = frame
    return found


def _describe_proxies(component: str, frame: "pd.DataFrame") -> str:
    parts = [
        f"{row['proxy']} explains {_write_explained(row['explained_share'])} of it ({row['tasks']} tasks)"
        for row in frame.to_dict("records")
    ]
    return f"Known before a task, {component}: {'; '.join(parts)}."


def _write_explained(share: float) -> str:
    return f"{share:.0%}" if share > 0 else "nothing"


def _describe_chance(vector: "CostVector", under: float) -> str:
    one = next(iter(vector.estimates.values()))
    chance = one.find_chance_below(under)
    if chance != chance:
        return f"{one.method} has no distribution, so P({one.component} <= {under:g}) is unknown. Use --method auto."
    shares = list(one.quantiles)
    ends = {0.0: "", shares[0]: " or less", shares[-1]: " or more"}
    return f"P({one.component} <= {under:g}) = {chance:.0%}{ends.get(chance, '')}"


def _make_row(estimate: "Estimate", levels: list[float]) -> list[str]:
    intervals = [
        "withheld"
        if level in estimate.withheld
        else f"{_write_number(estimate.lower[level])} to {_write_number(estimate.upper[level])}"
        for level in levels
    ]
    return [
        estimate.component,
        _write_number(estimate.estimate),
        *intervals,
        _write_number(estimate.mean),
        str(estimate.n),
        estimate.method,
    ]


def _write_number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"


def _print_comparison(history: "pd.DataFrame", question: "Question", output: str | None) -> None:
    from asp_analysis.probe.compare import compare

    found = compare(history, question)
    if output:
        print_frame(found.to_listing(), output)
        note(found.sentence)
        return
    print_frame(found.frame, output)
    say(found.sentence)
    for name, reason in found.refusals.items():
        note(f"{name} is not compared: {reason}")
    for name, reason in found.withheld.items():
        note(f"{name}: {reason}")


def _keep(vector: "CostVector", question: "Question", db: str | None) -> None:
    from asp_analysis.config import store_url
    from asp_analysis.store.database import open_store
    from asp_analysis.store.forecasts import keep_forecasts

    task_id = str(question.task.task_id)
    with open_store(store_url(db)) as store:
        kept = keep_forecasts(store, task_id, list(vector.to_dict().values()))
    note(f"Kept with {task_id}, which now has {kept} forecasts.")
