"""`asp-analysis completion`: the Tab key completes verbs, options and choices."""

import os
from pathlib import Path

import click
from click.shell_completion import get_completion_class

from asp_analysis.cli.printing import note, print_lines

_PLACES = {
    "bash": ("XDG_DATA_HOME", ".local/share", "bash-completion/completions/asp-analysis"),
    "zsh": ("XDG_DATA_HOME", ".local/share", "zsh/site-functions/_asp-analysis"),
    "fish": ("XDG_CONFIG_HOME", ".config", "fish/completions/asp-analysis.fish"),
}
"""Shell -> variable that names a folder, that folder in the home where it is not set, and the file in it."""


@click.command()
@click.argument("shell", required=False, type=click.Choice(list(_PLACES)))
@click.option("--print", "is_printed", is_flag=True, help="Print the script; write no file.")
def command(shell: str | None, is_printed: bool) -> None:
    """Install Tab completion.

    It is for bash, zsh or fish: the one that $SHELL names, unless SHELL is given.

    Example: asp-analysis completion
    """
    name = shell or Path(os.environ.get("SHELL", "")).name
    if name not in _PLACES:
        raise click.UsageError(f"The shell is not known. Name one: {', '.join(_PLACES)}.")
    script = _write_script(name)
    if is_printed:
        print_lines(script)
        return
    variable, folder, file = _PLACES[name]
    path = Path(os.environ.get(variable) or Path.home() / folder) / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(script, encoding="utf-8")
    note(f"Written to {path}. Open a new shell, and Tab completes.")
    if name == "zsh":
        note(f"zsh looks there if ~/.zshrc has, before compinit: fpath=({path.parent} $fpath)")
    elif name == "bash":
        note("bash looks there if the package bash-completion is installed.")


def _write_script(shell: str) -> str:
    """Return the script, whose function asks this program at every Tab."""
    kind = get_completion_class(shell)
    root = click.get_current_context().find_root()
    if kind is None:
        raise click.UsageError(f"{shell} is not supported. Name one: {', '.join(_PLACES)}.")
    # click asks bash for its version while it fills the script in; the text alone needs no bash.
    program = kind(root.command, {}, "asp-analysis", "_ASP_ANALYSIS_COMPLETE")
    return program.source_template % program.source_vars()
