"""A preset: which columns, values and rules make our records of one tool's export. It is data, read from JSON."""

import json
import re
from collections.abc import Collection
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from asp_analysis.errors import InputError
from asp_analysis.platform_form import our_name
from asp_analysis.records import RECORDS
from asp_analysis.validation import reasons

Word = str | bool | int | float | None
Conditions = dict[str, list[str]]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PresetRule(_Strict):
    """How one value is found in a row of the export; a rule that finds nothing leaves it to the next one.

    from: columns of the export, the first that is not empty is taken; `author.login` is a key within a JSON cell,
    `files[].path` that key of each item. A column whose name the header repeats means all of them.
    value: a value that holds for every row. words: their word -> ours, in any case; null leaves it to the next rule.
    others: "note" names words that are not listed. when, unless: column -> words, one of which it must have, or must
    not have; "*" is any, and a cell may hold several with commas. search: a regular expression, whose first group, or
    which itself, is the value. text: a text with {columns} in it. all: every value, as a list; split: at which sign
    texts are parted before. sum: of all columns, empty unless each is known. length: of all texts together. number: a
    text as a number. whole: a number with a fraction is left out, and said. at_least: smallest number -> word. assumed:
    the export does not say it; the record's metadata does. keep_text: only with --keep-text.
    """

    from_: tuple[str, ...] = Field(default=(), alias="from")
    value: Word = None
    words: dict[str, Word] | None = None
    others: Literal["next", "note"] = "next"
    when: Conditions = {}
    unless: Conditions = {}
    search: str | None = None
    text: str | None = None
    all: bool = False
    split: str | None = None
    sum: bool = False
    length: bool = False
    number: bool = False
    whole: bool = False
    at_least: dict[str, str] | None = None
    assumed: bool = False
    keep_text: bool = False

    @model_validator(mode="before")
    @classmethod
    def _from_short(cls, value: Any) -> Any:
        """A text alone is the name of a column."""
        value = {"from": value} if isinstance(value, str) else value
        if isinstance(value, dict) and isinstance(value.get("from"), str):
            return {**value, "from": [value["from"]]}
        return value

    @field_validator("search")
    @classmethod
    def _compiles(cls, value: str | None) -> str | None:
        try:
            re.compile(value or "")
        except re.error as error:
            raise ValueError(f"{value!r} is not a regular expression ({error})") from None
        return value

    @field_validator("at_least")
    @classmethod
    def _has_numbers(cls, value: dict[str, str] | None) -> dict[str, str] | None:
        if odd := [bound for bound in value or () if not re.fullmatch(r"-?\d+(\.\d+)?", bound)]:
            raise ValueError(f"{odd[0]!r} is not a number")
        return value


Rules = tuple[PresetRule, ...]


def _as_rules(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


class PresetRecords(_Strict):
    """The records of one kind that are made of each row.

    kind: a key of `records.RECORDS`. each: a column with a list, of which every item makes a record; its keys are the
    columns `item.KEY`. when, unless: which rows make one. columns: ours -> rules, tried in order. metadata: key ->
    rules; all else of the row is left out.
    """

    kind: str
    about: str = ""
    each: str | None = None
    when: Conditions = {}
    unless: Conditions = {}
    columns: dict[str, Rules]
    metadata: dict[str, Rules] = {}

    @field_validator("columns", "metadata", mode="before")
    @classmethod
    def _many(cls, value: Any) -> Any:
        return {name: _as_rules(rules) for name, rules in value.items()} if isinstance(value, dict) else value

    @model_validator(mode="after")
    def _names_columns(self) -> "PresetRecords":
        if self.kind not in RECORDS:
            raise ValueError(f"{self.kind!r} is not a kind of record: {', '.join(RECORDS)}")
        fields = RECORDS[self.kind].model_fields
        if odd := [name for name in self.columns if our_name(self.kind, name) not in fields]:
            raise ValueError(f"{odd[0]!r} is not a column of {self.kind}, which has: {', '.join(fields)}")
        return self


class Preset(_Strict):
    """What the export of one tool means.

    title, export, about: for people. marks: columns, keys or XML elements that only such a file has; one of the lists
    must be there whole. reader: what reads the file: "table" any table, the others are named after the tool's file.
    needs: columns without which nothing can be read; wants: columns that are worth asking for. asks: our columns that
    the export never has, so that --set must say them. inputs: what --set may say besides our columns. time_formats: of
    its times, unless the user names others; is_local: they are those of a place, without its zone. cut_at: counts of
    rows at which the tool cuts its list. bots: logins of programs.
    """

    name: str
    title: str
    export: str = ""
    about: list[str] = []
    marks: list[list[str]] = []
    reader: Literal["table", "github", "gitlab", "junit", "sarif", "eslint"] = "table"
    needs: list[str] = []
    wants: list[str] = []
    asks: list[str] = []
    inputs: list[str] = []
    time_formats: list[str] = []
    is_local: bool = False
    cut_at: list[int] = []
    bots: list[str] = []
    records: list[PresetRecords]

    @field_validator("export", mode="before")
    @classmethod
    def _in_one(cls, value: Any) -> Any:
        """A long command is written in parts."""
        return "".join(value) if isinstance(value, list) and all(isinstance(part, str) for part in value) else value

    def check_said(self, name: str, said: Collection[str]) -> None:
        """Refuse an export without what only its user can say.

        Raises:
            InputError: he did not.
        """
        if missing := [column for column in self.asks if column not in said]:
            raise InputError(f"{name} is {self.title}, which has no {missing[0]}. Say it: --set {missing[0]}=VALUE.")

    def tell_cut(self, name: str, count: int) -> list[str]:
        """Say that a list has just as many rows as its tool gives at most; empty where it has not."""
        if count not in self.cut_at:
            return []
        return [f"{name} has exactly {count:,} rows: the list was probably cut there. Export all: {self.export}"]

    @property
    def is_series(self) -> bool:
        """Whether its files say something together only, in the order of their times."""
        return self.reader in ("junit", "sarif", "eslint")

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of records that it makes."""
        return tuple(dict.fromkeys(records.kind for records in self.records))


@dataclass(frozen=True, kw_only=True)
class PresetUse:
    """A preset as it is used in one load.

    inputs: what --set said of its inputs; commit_from: a regular expression for the commit in the path of a run;
    task_from: one for the task; keep_text: whether free texts are kept.
    """

    preset: Preset
    said_as: str
    inputs: dict[str, str] = field(default_factory=dict)
    commit_from: str | None = None
    task_from: str | None = None
    keep_text: bool = False

    @property
    def said(self) -> dict[str, Any]:
        """What differs from saying nothing, under the names of the load log."""
        said = {
            "from": self.said_as,
            "set": self.inputs,
            "commit_from": self.commit_from,
            "task_from": self.task_from,
            "keep_text": self.keep_text,
        }
        return {name: value for name, value in said.items() if value}


def preset_names() -> list[str]:
    """List the presets of the package by name."""
    return sorted(file.name.removesuffix(".json") for file in _folder().iterdir() if file.name.endswith(".json"))


def preset_text(name: str) -> str:
    """Return the text of a preset of the package, or of a file.

    Raises:
        InputError: there is no such preset, or the file cannot be read.
    """
    if name in preset_names():
        return (_folder() / f"{name}.json").read_text(encoding="utf-8")
    if not name.endswith(".json") and "/" not in name:
        raise InputError(
            f"There is no preset {name!r}. There are: {', '.join(preset_names())}. "
            f"Name one of them, or a file of your own such as --from ./{name}.json."
        )
    try:
        return Path(name).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        found = getattr(error, "strerror", None) or error
        raise InputError(
            f"The preset {name} cannot be read: {found}. Copy one: load --from jira --explain > FILE.json."
        ) from None


def read_preset(name: str) -> Preset:
    """Return a preset of the package, or that of a file.

    Raises:
        InputError: there is none, it is no JSON, or it says what no preset says; the message names the place.
    """
    text = preset_text(name)
    try:
        return Preset.model_validate(json.loads(text))
    except json.JSONDecodeError as error:
        raise InputError(f"The preset {name} is not JSON (line {error.lineno}: {error.msg}). Correct it.") from None
    except (ValidationError, RecursionError) as error:
        found = reasons(error)[0] if isinstance(error, ValidationError) else "it is nested too deeply"
        raise InputError(
            f"The preset {name} cannot be used: {found}. Compare it with one that works: load --from jira --explain."
        ) from None


def _folder() -> Any:
    return resources.files("asp_analysis.importers.presets")
