"""The command line: one module of `verbs` per verb, each parses, calls and prints. Nothing is computed here.

Data goes to stdout, everything else to stderr. Exit codes: 0 done, 1 refused or failed with one `Error:` line, 2 wrong
usage, 3 where a `--check` found something.
"""

import os
import sys
from importlib import import_module

import click

from asp_analysis import __version__
from asp_analysis.cli.passwords import hide_in_process_title, without_passwords
from asp_analysis.cli.printing import note, visible
from asp_analysis.config import require_posix
from asp_analysis.errors import AnalysisError

GROUPS = {
    "Store": ("init", "backup", "restore"),
    "Load": ("load", "rejects"),
    "Ask": ("sql", "views", "models"),
    "Estimate": ("estimate", "backtest", "probe", "complexity"),
    "Learn": ("learning", "quality"),
    "Decide": ("status", "migrate"),
    "Share": ("dashboard", "export"),
}
"""What a verb is for -> the verbs. A verb has a module of its name in `verbs`; it is imported when the verb is used."""

VERBS = tuple(verb for verbs in GROUPS.values() for verb in verbs)


class _Verbs(click.Group):
    """Loads a verb's module when it is used: `asp-analysis sql` must not wait for scipy."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return _import(cmd_name) if cmd_name in VERBS else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the verbs in their groups, one line each; the columns of all groups have one width."""
        width = max(map(len, VERBS))
        for name, verbs in GROUPS.items():
            with formatter.section(name):
                for verb in verbs:
                    formatter.write(f"  {verb:<{width}}  {_import(verb).get_short_help_str(500)}\n")


def _import(verb: str) -> click.Command:
    command: click.Command = import_module(f"asp_analysis.cli.verbs.{verb}").command
    return command


@click.command(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="asp-analysis")
def group() -> None:
    """What AI coding agents cost, what the next task will cost, where defects come from, who may act alone."""


def main() -> None:
    """Run the command line; what a user can cause ends in one line and an exit code, never in a traceback."""
    hide_in_process_title()
    # Before NumPy is imported: on matrices as small as ours, threads cost a third of a dashboard's time and gain none.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        require_posix()
        if code := group.main(prog_name="asp-analysis", standalone_mode=False):  # what a verb exits with, else None
            sys.exit(code)
    except click.ClickException as error:
        lines = without_passwords(error.message).split("\n")  # help texts have lines of their own
        vars(error)["message"] = "\n".join(map(visible, lines))
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt) as error:
        if isinstance(error, click.Abort) and not isinstance(error.__cause__, KeyboardInterrupt):
            _fail("the question was not answered with yes. Nothing was changed; --yes answers it beforehand.")
        _fail("interrupted. Nothing of the work at hand was kept; run it again.")
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output has gone; Python would complain once more at exit
        sys.exit(1)
    except AnalysisError as error:
        _fail(str(error))


def _fail(message: str) -> None:
    note(f"Error: {without_passwords(message)}")
    sys.exit(1)
