"""The command line: one module of `verbs` per verb, each parses, calls and prints. Nothing is computed here.

Data goes to stdout, everything else to stderr. Exit codes: 0 done, 1 refused or failed with one `Error:` line, 2 wrong
usage, 3 where a `--check` found something, 130 interrupted.
"""

import errno
import os
import sys
from contextlib import suppress
from importlib import import_module

import click

from asp_analysis import __version__
from asp_analysis.cli import streams
from asp_analysis.cli.passwords import hide_in_process_title, without_passwords
from asp_analysis.cli.printing import note, visible
from asp_analysis.config import check_utf8, require_posix
from asp_analysis.errors import AnalysisError, ConfigError

GROUPS = {
    "Store": ("init", "backup", "restore"),
    "Load": ("load", "receive", "loads", "unload", "forget", "rejects", "alias"),
    "Ask": ("costs", "reconcile", "lab", "sql", "views", "models"),
    "Estimate": ("estimate", "backtest", "probe", "complexity"),
    "Learn": ("learning", "quality"),
    "Decide": ("budget", "why", "change", "effect", "status", "migrate"),
    "Share": ("dashboard", "report", "export", "publish", "build", "mcp"),
    "Shell": ("completion",),
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
    streams.prepare()
    hide_in_process_title()
    # Before NumPy is imported: on matrices as small as ours, threads cost a third of a dashboard's time and gain none.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    code = _run()
    streams.drop_lost_answer()
    if code:
        sys.exit(code)


def _run() -> int:
    """Run the verb and return the exit code."""
    try:
        require_posix()
        _check_words()
        code = group.main(prog_name="asp-analysis", standalone_mode=False)  # what a verb exits with, else None
        sys.stdout.flush()
        return code or 0
    except click.ClickException as error:
        lines = without_passwords(error.message).split("\n")  # help texts have lines of their own
        vars(error)["message"] = "\n".join(map(visible, lines))
        with suppress(OSError):  # stderr takes nothing
            error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt) as error:
        if isinstance(error, click.Abort) and not isinstance(error.__cause__, KeyboardInterrupt):
            return _fail("the question was not answered with yes. Nothing was changed; --yes answers it beforehand.")
        return _end_interrupted()
    except RuntimeError as error:
        if str(error) != "Query interrupted":  # this is how DuckDB ends where it reads a store
            raise
        return _end_interrupted()
    except BrokenPipeError:
        return 1  # the reader of our output has gone
    except OSError as error:
        return _fail(_explain(error))
    except AnalysisError as error:
        return _fail(str(error))


def _check_words() -> None:
    """Check at the door what everything behind it takes for text.

    Raises:
        ConfigError: an argument, the current folder or DATABASE_URL is not UTF-8, or the folder is gone.
    """
    for word in sys.argv[1:]:
        check_utf8(word, "An argument")
    check_utf8(os.environ.get("DATABASE_URL", ""), "DATABASE_URL")
    try:
        folder = os.getcwd()  # noqa: PTH109 - a path of pathlib says the same
    except FileNotFoundError:
        raise ConfigError("The current folder does not exist any more. Change to another one.") from None
    check_utf8(folder, "The path of the current folder")


INTERRUPTED = 130
"""128 and the number of SIGINT, as shells count."""


def _end_interrupted() -> int:
    _fail("interrupted. Nothing of the work at hand was kept; run it again.")
    return INTERRUPTED


def _explain(error: OSError) -> str:
    reason = "it is closed" if error.errno == errno.EBADF else error.strerror or str(error)
    if error.filename == streams.ANSWER:
        return (
            f"The answer could not be written to {streams.ANSWER}: {reason}. "
            "What the command stored is kept. Send the answer to a terminal, a pipe or a file with room."
        )
    name = error.filename or "A file"
    return f"{name} cannot be used: {reason}. Check its permissions and the free space, or name another."


def _fail(message: str) -> int:
    note(f"Error: {without_passwords(message)}")
    return 1
