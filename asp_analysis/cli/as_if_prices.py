"""`estimate --compare --as-if`: what past work would have cost at another model's prices."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from asp_analysis.cli.options import open_session
from asp_analysis.cli.printing import note, print_frame, say

if TYPE_CHECKING:
    from asp_analysis.probe.question import Question


@dataclass(frozen=True)
class OtherPrices:
    """Which models' prices are asked for, and the user's file of prices; no model: not asked."""

    models: tuple[str, ...]
    prices: Path | None


def as_if_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--as-if` and `--prices`, and hand them over as `other`."""

    @wraps(command)
    def gather(*words: Any, **said: Any) -> Any:
        other = OtherPrices(said.pop("as_if"), said.pop("prices"))
        if (other.models and not said["is_comparison"]) or (other.prices is not None and not other.models):
            raise click.UsageError("--as-if needs --compare, and --prices needs --as-if.")
        if other.models and said.get("margin") is not None:
            raise click.UsageError("--as-if is about prices, --margin about accepted results. Leave one out.")
        return command(*words, other=other, **said)

    file = click.Path(dir_okay=False, path_type=Path)
    for option in (
        click.option("--prices", type=file, help="With --as-if: your prices, CSV or JSON, USD per million tokens."),
        click.option(
            "--as-if",
            metavar="MODEL",
            multiple=True,
            help="With --compare: past tokens at this model's prices; it would behave differently. Repeatable.",
        ),
    ):
        gather = option(gather)
    return gather


def print_as_if(other: OtherPrices, question: "Question", output: str | None, db: str | None) -> None:
    """Print what past executions would have cost at other models' prices."""
    from asp_analysis.comparisons.model_prices import PriceQuestion, price_as_if
    from asp_analysis.pricing import read_prices

    if question.size or question.units or question.components != ("cost_usd",):
        raise click.UsageError("--as-if is about past tokens. It takes --model, --role, --task and --prices only.")
    asked = PriceQuestion(
        as_if=other.models,
        model=question.model,
        role=question.role,
        task=question.task.task_id,
        prices=read_prices(other.prices) if other.prices is not None else None,
    )
    with open_session(db) as session:
        found = price_as_if(session, asked)
    print_frame(found.frame if output else found.frame.drop(columns="basis").round(6), output)
    for sentence in found.sentences:
        (note if output else say)(sentence)
    for remark in found.remarks:
        note(remark)
