"""Own kinds of work on the command line: where their outcomes come from, and how the answer is printed and kept."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from asp_analysis.cli.options import open_session, pairs
from asp_analysis.cli.printing import note, print_frame, say

if TYPE_CHECKING:
    import pandas as pd

    from asp_analysis.learning.discoveries import CellQuestion, CellReport

_KIND_COLUMNS = (
    *("mode", "alone_on", "cases", "cases_counted", "value", "lower_bound", "target", "e_value", "e_value_needed"),
    *("blocks", "block_likeness", "cases_worth"),
)
_TABLE_FILES = (".csv", ".csv.gz", ".tsv", ".tsv.gz")


@dataclass(frozen=True, kw_only=True)
class AskedKinds:
    """What the options say about own kinds of work; `by` is empty where the six capabilities are meant."""

    by: tuple[str, ...]
    success: str | None
    critical: str | None
    targets: tuple[str, ...]
    source: str
    columns: tuple[str, ...]
    lag: float | None
    policy: Path | None
    days: int

    def make_question(self) -> "CellQuestion":
        """Return the question.

        Raises:
            click.UsageError: an option that it needs is missing.
        """
        from asp_analysis.learning.discoveries import CellQuestion

        if not self.success:
            raise click.UsageError("--by needs --success COLUMN: the column that says how a case ended.")
        general = [_read_share(text) for text in self.targets if "=" not in text]
        if len(general) > 1:
            raise click.UsageError("--target names two rates for all. Name one, and others as KIND=RATE.")
        own = pairs([text for text in self.targets if "=" in text], "--target")
        return CellQuestion(
            by=self.by,
            success=self.success,
            critical=self.critical,
            target=general[0] if general else 0.8,
            targets={name: _read_share(text) for name, text in own.items()},
            columns=pairs(self.columns, "--column"),
            lag_days=self.lag,
        )


def kind_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options about own kinds of work; hand them over as `asked`."""

    @wraps(command)
    def gather(*words: Any, **said: Any) -> Any:
        names = ("success", "critical", "targets", "source", "columns", "lag", "policy", "days")
        by = tuple(name.strip() for name in (said.pop("by") or "").split(",") if name.strip())
        asked = AskedKinds(by=by, **{name: said.pop(name) for name in names})
        if not by and (asked.success or asked.critical or asked.targets or asked.columns or asked.policy):
            raise click.UsageError("--success, --critical, --target, --column and --policy need --by COLUMN,COLUMN.")
        return command(*words, asked=asked, **said)

    file = click.Path(dir_okay=False, path_type=Path)
    for option in (
        click.option(
            "--days", type=click.IntRange(1, 3_650), default=30, show_default=True, help="The policy expires then."
        ),
        click.option("--policy", type=file, metavar="FILE", help="Also write who may do what alone, as JSON."),
        click.option(
            "--lag", type=click.FloatRange(0), metavar="DAYS", help="An outcome is final then. [default: as observed]"
        ),
        click.option(
            "--column",
            "columns",
            multiple=True,
            metavar="ROLE=COLUMN",
            help="Which column is the time, size, block, version or known (when an outcome was known); none: no one.",
        ),
        click.option(
            "--from",
            "source",
            default="task_history",
            show_default=True,
            metavar="WHAT",
            help="A view, a CSV file or a SELECT: one row per case.",
        ),
        click.option(
            "--target",
            "targets",
            multiple=True,
            metavar="[KIND=]RATE",
            help="The rate of success that autonomy needs. [default: 0.8]",
        ),
        click.option("--critical", metavar="COLUMN", help="A failure that takes autonomy away at once."),
        click.option("--success", metavar="COLUMN", help="How a case ended: yes or no, or a share."),
        click.option("--by", metavar="COLUMN,COLUMN", help="Judge own kinds of work, which these columns name."),
    ):
        gather = option(gather)
    return gather


def judge_kinds(asked: AskedKinds, as_of: datetime | None, db: str | None, output: str | None) -> None:
    """Print which kinds of work may be done alone, and write the policy where one is wanted."""
    import pandas as pd

    from asp_analysis.learning.discoveries import judge_cells

    question = asked.make_question()
    report = judge_cells(_read_source(asked.source, db), question, pd.Timestamp(as_of) if as_of else None)
    if output:
        print_frame(report.table, output)
        note(report.promise)
    else:
        _explain(report, asked.by)
    for line in report.notes:
        note(line)
    if asked.policy is not None:
        _write_policy(report, asked)


def _read_source(source: str, db: str | None) -> "pd.DataFrame":
    """Read the rows of a CSV file, a SELECT or a view.

    Raises:
        InputError: the file cannot be read.
    """
    if source.lower().endswith(_TABLE_FILES):
        return _read_csv(Path(source))
    with open_session(db) as session:
        is_query = source.lstrip("( \n").lower().startswith(("select", "with"))
        return session.sql(source) if is_query else session.view(source)


def _read_csv(path: Path) -> "pd.DataFrame":
    import pandas as pd

    from asp_analysis.errors import InputError

    try:
        separator = "\t" if ".tsv" in path.name.lower() else ","
        frame = pd.read_csv(path, sep=separator, low_memory=False)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}. Name a CSV file, a view or a SELECT.") from None
    except ValueError as error:
        raise InputError(f"{path} cannot be read as a CSV: {error}. Its first line names the columns.") from None
    if frame.empty:
        raise InputError(f"{path} holds no row. It needs one row per case, and a first line that names the columns.")
    return frame


def _read_share(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise click.UsageError(f"--target {text!r} is no number. Write a share such as 0.8.") from None


def _explain(report: "CellReport", by: tuple[str, ...]) -> None:
    from asp_analysis.learning.power import write_power

    for row in report.table.to_dict("records"):
        name = " / ".join(str(row[column]) for column in by)
        size = f", size up to {row['size_at_most']:g}" if row["size_at_most"] == row["size_at_most"] else ""
        alone = f"may act alone on {row['alone_on']}{' tasks' if row['mode'] != 'Autonomous' else ''}{size}"
        lacks = f"; lacks: {row['missing']}" if row["missing"] else ""
        say(f"{name}: {alone if row['alone_on'] else row['mode']}{lacks}")
    print_frame(report.table[[*by, *_KIND_COLUMNS]].round(4), None)
    if len(report.thirds):
        say("Evidence by third of size:")
        print_frame(report.thirds.round(4), None)
    say(report.promise)
    for line in write_power(report.power):
        say(line)


def _write_policy(report: "CellReport", asked: AskedKinds) -> None:
    from asp_analysis.errors import InputError
    from asp_analysis.learning.permissions import make_policy

    policy = make_policy(report, asked.by, asked.source, asked.days)
    try:
        Path(str(asked.policy)).write_text(json.dumps(policy, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise InputError(f"{asked.policy} cannot be written: {error.strerror}. Name a file in a folder.") from None
    alone = sum(kind["may"] == "alone" for kind in policy["kinds"])
    count, until = len(policy["kinds"]), policy["expires_at"]
    note(f"{asked.policy}: {alone} of {count} kinds of work may be done alone until {until}.")
