"""What an agent may ask: each tool is a verb of the command line, with the options that only read.

A tool runs its verb in this process and returns what `--json` prints, so that both say the same. `OFFERS` is the one
table of them: a new tool is a new row. Options that name files or change the store are in no row.
"""

import io
import json
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import click

from asp_analysis.errors import AnalysisError

_MOST_CHARACTERS = 1_000_000
_SCHEMA_TYPES: dict[type[click.ParamType], str] = {
    click.types.IntParamType: "integer",
    click.types.IntRange: "integer",
    click.types.FloatParamType: "number",
    click.types.FloatRange: "number",
    click.types.BoolParamType: "boolean",
}


@dataclass(frozen=True, kw_only=True)
class Offer:
    """One tool: its name, the words of the verb that answers, and the options that an agent may set."""

    name: str
    says: str
    words: tuple[str, ...]
    options: tuple[str, ...] = ()
    argument: str | None = None


OFFERS = (
    Offer(
        name="estimate",
        says="What the next task will cost, with prediction intervals and the evidence for them, or why not.",
        words=("estimate",),
        options=("--size", "--task", "--model", "--role", "--cost", "--level", "--method", "--per"),
    ),
    Offer(
        name="running",
        says="What each session that is running now will have cost at its end, and how likely it stays in a budget.",
        words=("estimate", "--running"),
        options=("--budget", "--level"),
    ),
    Offer(
        name="sql",
        says="A query of DuckDB's SQL over the views; it can only read. Ask `FROM views` style questions with LIMIT.",
        words=("sql", "--timeout=30"),
        options=("--param",),
        argument="query",
    ),
    Offer(
        name="costs",
        says="What was spent, by person, team, project, model, role, tool, day, week, month or any label.",
        words=("costs",),
        options=("--by", "--view", "--since", "--until", "--time-zone"),
    ),
    Offer(
        name="status",
        says="How the store is: its size, growth and speed, whether it is sound, and what waits to be loaded.",
        words=("status",),
        options=("--table",),
    ),
    Offer(
        name="learning",
        says="Which capability of an agent may act alone, by which evidence, and what it lacks.",
        words=("learning",),
        options=("--as-of",),
    ),
    Offer(
        name="budget",
        says="What was spent of each budget, where its period will end, and how likely it is crossed, or why not.",
        words=("budget",),
        options=("--as-of", "--time-zone"),
    ),
    Offer(
        name="why",
        says="Why one period cost more than another: terms that add up, and what moved most.",
        words=("why",),
        options=("--from", "--to", "--only", "--by", "--time-zone", "--table"),
    ),
    Offer(
        name="effect",
        says="Whether a change of the agents helped: keep it, roll it back, or wait; or why that cannot be said.",
        words=("effect",),
        options=("--on", "--worth", "--table"),
        argument="change",
    ),
)
"""The tools, in the order in which they are listed."""


@dataclass(frozen=True, kw_only=True)
class ToolAnswer:
    """What a tool answers: `content` is `{"answer", "notes"}` or `{"refusal", "notes"}`; or what was wrong to ask."""

    content: dict[str, Any]
    is_wrong: bool = False


def describe_input(offer: Offer) -> dict[str, Any]:
    """Return the JSON schema of what a tool takes, from the options of its verb."""
    found: dict[str, Any] = {}
    if offer.argument:
        found[offer.argument] = {"type": "string"}
    for name, option in _options(offer).items():
        found[name] = _describe_option(option)
    required = {"required": [offer.argument]} if offer.argument else {}
    return {"type": "object", "properties": found, "additionalProperties": False, **required}


def ask(offer: Offer, said: Mapping[str, Any], store: tuple[str, ...]) -> ToolAnswer:
    """Run a tool's verb; `store` are the options that name the store. What the data cannot answer is an answer too."""
    try:
        words = [*offer.words, "--json", *store, *_words_of(offer, said)]
        out, notes = _run(words)
    except AnalysisError as error:
        return ToolAnswer(content={"refusal": str(error), "notes": []})
    except click.ClickException as error:
        return ToolAnswer(content={"refusal": error.format_message(), "notes": []}, is_wrong=True)
    if len(out) > _MOST_CHARACTERS:
        reason = f"The answer has {len(out):,} characters, {_MOST_CHARACTERS:,} are returned at most. Ask for less."
        return ToolAnswer(content={"refusal": reason, "notes": notes})
    return ToolAnswer(content={"answer": json.loads(out), "notes": notes})


def _run(words: list[str]) -> tuple[str, list[str]]:
    """Run a verb; return what it prints, and what it notes besides."""
    out, notes = io.StringIO(), io.StringIO()
    verb, *rest = words
    with redirect_stdout(out), redirect_stderr(notes):
        _command(verb).main(rest, prog_name=f"asp-analysis {verb}", standalone_mode=False)
    return out.getvalue(), notes.getvalue().splitlines()


def _command(verb: str) -> click.Command:
    found: click.Command = import_module(f"asp_analysis.cli.verbs.{verb}").command
    return found


def _options(offer: Offer) -> dict[str, click.Option]:
    options = {
        name: one for one in _command(offer.words[0]).params if isinstance(one, click.Option) for name in one.opts
    }
    return {name[2:].replace("-", "_"): options[name] for name in offer.options}


def _describe_option(option: click.Option) -> dict[str, Any]:
    one: dict[str, Any] = {"type": "boolean" if option.is_flag else _SCHEMA_TYPES.get(type(option.type), "string")}
    if isinstance(option.type, click.Choice):
        one["enum"] = list(option.type.choices)
    said = {"description": option.help} if option.help else {}
    return {"type": "array", "items": one, **said} if option.multiple else {**one, **said}


def _words_of(offer: Offer, said: Mapping[str, Any]) -> list[str]:
    """Return what an agent said as words of a command line.

    Raises:
        click.UsageError: it says what the tool does not take, or not what it needs.
    """
    options = _options(offer)
    unknown = sorted(said.keys() - options.keys() - {offer.argument})
    if unknown:
        raise click.UsageError(
            f"{offer.name} does not take {unknown[0]!r}. It takes {', '.join(options) or 'nothing'}."
        )
    words = []
    for name, option in options.items():
        given = said.get(name)
        for value in given if isinstance(given, list) else [] if given is None else [given]:
            words += _word(option, value)
    if offer.argument:
        words += ["--", _argument(offer, said)]
    return words


def _word(option: click.Option, value: Any) -> list[str]:
    name = max(option.opts, key=len)
    if option.is_flag:
        return [name] if value else []
    if not isinstance(value, str | int | float):
        raise click.UsageError(f"{name}: {value!r} is neither a text nor a number.")
    return [f"{name}={value}"]


def _argument(offer: Offer, said: Mapping[str, Any]) -> str:
    value = said.get(offer.argument or "")
    if not isinstance(value, str) or value.strip() in ("", "-"):
        raise click.UsageError(f"{offer.name} needs a text {offer.argument!r}.")
    return value
