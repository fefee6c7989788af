"""`asp-analysis change`: what was changed about the agents, recorded by people or found in the executions."""

import click

from asp_analysis.cli.options import format_options, open_session, reading_options
from asp_analysis.cli.printing import counted, note, print_frame, print_rows

_ASSIGNED_COLUMNS = ("change_id", "task_id", "state", "is_first")


@click.command()
@click.argument("action", type=click.Choice(("list", "add", "remove", "assign")))
@click.argument("names", nargs=-1, metavar="[CHANGE] [TASK]...")
@click.option("--at", "changed_at", metavar="INSTANT", help="When it came, as 2026-03-01T09:00 (UTC). [default: now]")
@click.option("--role", metavar="ROLE", help="The role that it is about. [default: all]")
@click.option("--project", metavar="PROJECT", help="The project that it is about. [default: all]")
@click.option("--version", metavar="VERSION", help="The new state is this agent_version.")
@click.option("--model", metavar="MODEL", help="The new state is this model.")
@click.option("--tool-version", metavar="VERSION", help="The new state is this version of the tool.")
@click.option("--keep-old", "old_share", type=float, default=0.5, show_default=True, metavar="SHARE",
              help="Of the tasks that are assigned, the share that keeps the old state.")  # fmt: skip
@click.option("--seed", type=int, default=1, show_default=True, help="What tasks are assigned by.")
@format_options
@reading_options
def command(
    action: str,
    names: tuple[str, ...],
    changed_at: str | None,
    role: str | None,
    project: str | None,
    version: str | None,
    model: str | None,
    tool_version: str | None,
    old_share: float,
    seed: int,
    output: str | None,
    db: str | None,
) -> None:
    """Record changes of the agents, list them, or assign tasks at random.

    list shows recorded changes, and those that executions show: a new version, model, tool version or prompt hash. add
    and remove take a CHANGE. assign says for each TASK whether it gets the new state or keeps the old one, and stores
    it: the same task always gets the same answer.

    Example: asp-analysis change add "new prompt" --at 2026-03-01 --role Code --version 1.4.0
    """
    if action == "list":
        _list(db, output)
        return
    if not names or (action == "assign") != (len(names) > 1):
        words = {"add": "'new prompt' --at 2026-03-01", "remove": "'new prompt'", "assign": "'new prompt' ABC-7 ABC-8"}
        raise click.UsageError(f"Write it as in: asp-analysis change {action} {words[action]}")
    states = {"version": version, "model": model, "tool": tool_version}
    said = [(kind, value) for kind, value in states.items() if value is not None]
    if len(said) > 1:
        raise click.UsageError("A change has one new state. Use one of --version, --model and --tool-version.")
    kind, value = said[0] if said else (None, None)

    from asp_analysis.config import store_url
    from asp_analysis.store.agent_changes import NewChange, add_change, assign_tasks, remove_change
    from asp_analysis.store.database import open_store

    with open_store(store_url(db)) as store:
        if action == "assign":
            print_rows(assign_tasks(store, names[0], names[1:]), _ASSIGNED_COLUMNS, output)
        elif action == "remove":
            gone = remove_change(store, names[0])
            note(f"The change {names[0]} is removed, with {counted(gone, 'assigned task')}.")
        else:
            change = NewChange(
                name=names[0],
                changed_at=changed_at,
                kind=kind,
                value=value,
                project_id=project,
                agent_role=role,
                old_share=old_share,
                seed=seed,
            )
            add_change(store, change)
            note(f"The change {names[0]} is recorded. Its effect: asp-analysis effect '{names[0]}'")


def _list(db: str | None, output: str | None) -> None:
    from asp_analysis.comparisons.known_changes import list_changes

    with open_session(db) as session:
        print_frame(list_changes(session), output)
