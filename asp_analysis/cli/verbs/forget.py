"""`asp-analysis forget`: take a person, a task or a period out of the store."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from asp_analysis.cli.options import db_option
from asp_analysis.cli.printing import counted, note, say

if TYPE_CHECKING:
    from asp_analysis.forgetting import Forgetting, Remains
    from asp_analysis.store.forgotten_person import Forgot

_SHOWN = 20


@click.command()
@click.option("--person", metavar="NAME", help="Take this name out of every row and text; all numbers stay.")
@click.option("--task", metavar="ID", help="Remove this task with its executions and defects.")
@click.option("--before", metavar="DAY", help="Remove what happened before this day (UTC).")
@click.option("--keep-numbers", is_flag=True, help="With --task or --before: remove the texts, keep the rows.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@db_option
def command(
    person: str | None, task: str | None, before: str | None, keep_numbers: bool, yes: bool, db: str | None
) -> None:
    """Take people, tasks or periods out.

    The command says what goes, asks, and makes no backup. A person who is forgotten stays so: later loads of the same
    files leave the name out. Backups and exports that still hold it are listed.

    Example: asp-analysis forget --person ada@example.com
    """
    from asp_analysis.config import store_url
    from asp_analysis.forgetting import Forgetting, forget, rehearse_forgetting

    if sum(one is not None for one in (person, task, before)) != 1:
        raise click.UsageError("Name one of --person, --task and --before.")
    if person is not None and keep_numbers:
        raise click.UsageError("--keep-numbers goes with --task or --before; the numbers of a person always stay.")
    url = store_url(db)
    wanted = Forgetting(person=person, task=task, before=before, keeps_numbers=keep_numbers)
    say(f"{_what(wanted)} will be forgotten: {_counts(rehearse_forgetting(url, wanted))}.")
    if not yes:
        click.confirm("Forget? There is no way back, and no backup is made", abort=True, err=True)
    forgot, remains = forget(url, wanted)
    say(f"Forgotten: {_counts(forgot)}.")
    _say_of_files(forgot, wanted)
    _say_of_remains(remains, is_server=url.path is None)


def _what(wanted: "Forgetting") -> str:
    if wanted.before is not None:
        return f"What happened before {wanted.before}"
    return str(wanted.person if wanted.person is not None else f"Task {wanted.task}")


def _counts(forgot: "Forgot") -> str:
    nouns = {"row of people": "rows of people", "alias": "aliases"}
    said = []
    for noun, count in forgot.counts.items():
        head, separator, tail = noun.partition(" without ")
        one = counted(count, head) if noun not in nouns or count == 1 else f"{count:,} {nouns[noun]}"
        said.append(f"{one}{separator}{tail}")
    return ", ".join(said)


def _say_of_files(forgot: "Forgot", wanted: "Forgetting") -> None:
    """Say which loaded files had it, what a later load of them does, and which names of records still have it."""
    if forgot.files:
        later = (
            "a later load leaves the name out"
            if wanted.person is not None
            else "a later load brings it back. Remove or cut them"
        )
        note(f"It came with these files, which are as they were; {later}:")
        _list(forgot.files)
    if forgot.left:
        note("The name is still a part of these, because rows find each other by them, or they name others:")
        _list(forgot.left)


def _say_of_remains(remains: "Remains", *, is_server: bool) -> None:
    if remains.files:
        note("These files of the data folder may still hold it. Remove those that you do not need:")
        _list(remains.files)
    if remains.packed:
        note("These files are packed and were not searched:")
        _list(remains.packed)
    if remains.waiting:
        note(
            f"{counted(remains.waiting, 'captured record')} of running agents wait next to the store. Forget again "
            "when they have ended."
        )
    if is_server:
        note("The server keeps removed rows until it cleans up: run VACUUM FULL there. Its backups are not searched.")
    elif not remains.is_rewritten:
        note("Another program has the store open, so that its file may hold traces. Close it, then forget again.")


def _list(names: list[str] | list[Path]) -> None:
    for name in names[:_SHOWN]:
        note(f"  {name}")
    if len(names) > _SHOWN:
        note(f"  and {len(names) - _SHOWN:,} more")
