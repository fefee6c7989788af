"""`asp-analysis alias`: one name for the several that tools give a role or a model."""

import click

from asp_analysis.cli.options import db_option, format_options
from asp_analysis.cli.printing import note, print_rows

_NAMED_KINDS = ("role", "model")
_ALIAS_COLUMNS = ("kind", "alias", "name", "executions")


@click.command()
@click.argument("kind", type=click.Choice(_NAMED_KINDS), required=False)
@click.argument("names", nargs=-1, metavar="[ALIAS=NAME]...")
@click.option("--undo", is_flag=True, help="Show the ALIAS under its own name again.")
@format_options
@db_option
def command(kind: str | None, names: tuple[str, ...], undo: bool, output: str | None, db: str | None) -> None:
    """Show several names of a role or a model as one, or list them.

    KIND is role or model. Every answer then has NAME where a row of the store has ALIAS, of tables and of transcripts,
    present and future. No row changes: --undo brings the former names back.

    Example: asp-analysis alias role code=Code coder=Code
    """
    from asp_analysis.config import store_url
    from asp_analysis.store.aliases import add_alias, list_aliases, undo_alias
    from asp_analysis.store.database import open_store

    if undo and not names:
        raise click.UsageError("--undo needs the alias, as in: asp-analysis alias role code --undo")
    if kind and not names:
        raise click.UsageError(f"Name an alias, as in: asp-analysis alias {kind} code=Code")
    with open_store(store_url(db)) as store:
        for text in names:
            alias, separator, name = text.partition("=")
            if undo:
                undo_alias(store, str(kind), alias)
                note(f"The {kind} {alias} is shown as it is again.")
            elif not separator:
                raise click.UsageError(f"An alias is written ALIAS=NAME, found {text!r}.")
            else:
                add_alias(store, str(kind), alias, name)
                note(f"The {kind} {alias} is shown as {name}.")
        rows = list_aliases(store) if not names else []
    if not names:
        print_rows(rows, _ALIAS_COLUMNS, output)
