"""`asp-analysis unload`: take one load back."""

from typing import TYPE_CHECKING

import click

from asp_analysis.cli.options import db_option
from asp_analysis.cli.printing import counted, note

if TYPE_CHECKING:
    from asp_analysis.config import StoreUrl
    from asp_analysis.store.unload import Unloaded

_ROWS = {
    "agent_cost_vector": "execution",
    "task_metadata": "task",
    "defect_log": "defect",
    "bootstrap_metrics": "measurement",
    "agent_roles": "role",
    "capabilities": "word of capabilities",
    "defect_types": "word of defect_types",
    "people": "row of people",
    "code_change": "change",
    "change_session": "link of a session",
}


@click.command()
@click.argument("load_id", type=click.IntRange(1))
@click.option("--yes", is_flag=True, help="Do not ask.")
@db_option
def command(load_id: int, yes: bool, db: str | None) -> None:
    """Take one load back whole; what other loads brought stays.

    LOAD_ID is a number of `loads`. The command says what goes, asks, and backs the store up first.

    Example: asp-analysis unload 3
    """
    from asp_analysis.config import store_url
    from asp_analysis.store.database import open_store
    from asp_analysis.unloading import rehearse_unload, unload_load

    url = store_url(db)
    with open_store(url) as store:
        note(_described(rehearse_unload(store, load_id)))
    if not yes:
        what = "The store is backed up first" if url.path is not None else "Make a backup with pg_dump first"
        click.confirm(f"Take load {load_id} back? {what}", abort=True, err=True)
    _back_up(url)
    with open_store(url) as store:
        unload_load(store, load_id)
    note(f"Load {load_id} was taken back.")


def _back_up(url: "StoreUrl") -> None:
    from asp_analysis.store.backups import back_up_file

    if url.path is not None:
        note(f"Backed up to {back_up_file(url, before='unload')}.")


def _described(done: "Unloaded") -> str:
    """Say what goes, what stays and what becomes of tasks that others name."""
    load = done.load
    said = [
        f"Load {load['load_id']} is {load['file']}, loaded as {load['loaded_as']} "
        f"({load['finished_at'][:16].replace('T', ' ')} UTC)."
    ]
    gone = [counted(count, _ROWS[table]) for table, count in done.gone.items()]
    said.append(f"{', '.join(gone)} will be removed." if gone else "No row will be removed.")
    if done.kept:
        kept = [counted(count, _ROWS[table]) for table, count in done.kept.items()]
        said.append(f"{', '.join(kept)} that other loads brought too will stay, as those loads have them.")
    if done.only_named:
        said.append(f"{counted(done.only_named, 'task')} will lose the details: other loads still name them.")
    if done.stubs_gone:
        said.append(f"{counted(done.stubs_gone, 'task')} without details that nothing else names will be removed.")
    return " ".join(said)
