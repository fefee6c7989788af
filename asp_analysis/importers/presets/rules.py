"""Applies the rules of a preset: a row of the export becomes the values of our columns."""

import math
import re
from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from asp_analysis.importers.presets.preset import Conditions, PresetRule, Rules
from asp_analysis.importers.presets.preset_rows import PresetRow

_WORDS_SAID = 5


@dataclass
class Heard:
    """What the rules met that their user should know."""

    assumed: Counter[str] = field(default_factory=Counter)
    unlisted: dict[tuple[str, str], Counter[str]] = field(default_factory=dict)
    fractions: Counter[tuple[str, str]] = field(default_factory=Counter)

    @property
    def notes(self) -> list[str]:
        """One sentence each."""
        notes = []
        for (ours, column), words in self.unlisted.items():
            listed = ", ".join(f"{word!r} ({count:,})" for word, count in words.most_common(_WORDS_SAID))
            more = f" and {len(words) - _WORDS_SAID:,} more" if len(words) > _WORDS_SAID else ""
            word = next(iter(words))
            notes.append(
                f"{column} has words that the preset does not list: {listed}{more}. They say nothing of {ours}; "
                f"--value '{ours}:{word}=OURS' says what one means."
            )
        for (ours, column), count in self.fractions.items():
            rows = "1 row has" if count == 1 else f"{count:,} rows have"
            notes.append(
                f"{rows} a fraction in {column}, and {ours} takes whole numbers: it stays empty there. "
                f"--map '{ours}={column}*2' counts halves, in every row."
            )
        if self.assumed:
            counted = ", ".join(f"{name} ({count:,})" for name, count in self.assumed.items())
            notes.append(f"Not in the export, assumed by the preset: {counted}. --set OURS=VALUE says what you know.")
        return notes


@lru_cache(maxsize=4_096)
def folded(word: str) -> str:
    """Return a word as it is compared: without case, and with one space for blanks, dashes and underscores."""
    return re.sub(r"[\s_-]+", " ", word.strip().casefold().replace("’", "'"))


def is_met(conditions: Conditions, row: PresetRow) -> bool:
    """Return whether a row has one of the words in each of the columns; "*" is any, and commas part words."""
    for path, words in conditions.items():
        values = [item for value in row.values(path) for item in (value if isinstance(value, list) else [value])]
        texts = [_text(value) for value in values]
        found = {folded(part) for text in texts for part in (text, *text.split(","))}
        if not found or ("*" not in words and found.isdisjoint(map(folded, words))):
            return False
    return True


def is_taken(when: Conditions, unless: Conditions, row: PresetRow) -> bool:
    """Return whether the conditions let a row in."""
    return is_met(when, row) and not any(is_met({path: words}, row) for path, words in unless.items())


class RuleReader:
    """Reads the values of one row after the other.

    values: ours -> their word -> our word, as the user said: such a word goes before all rules.
    """

    def __init__(self, values: dict[str, dict[str, str]], *, keep_text: bool) -> None:
        self._values = {
            ours: {folded(theirs): word for theirs, word in words.items()} for ours, words in values.items()
        }
        self._keep_text = keep_text
        self.heard = Heard()
        self.assumed: list[str] = []

    def read(self, ours: str, rules: Rules, row: PresetRow) -> Any:
        """Return the value of one of our columns; None where no rule finds one."""
        if said := self._values.get(ours):
            for path in dict.fromkeys(path for rule in rules for path in rule.from_):
                for value in row.values(path):
                    if (word := said.get(folded(_text(value)))) is not None:
                        return word
        for rule in rules:
            if (value := self._one(ours, rule, row)) is not None:
                if rule.assumed:
                    self.assumed.append(ours)
                return value
        return None

    def take_assumed(self) -> list[str]:
        """Return which columns of the row at hand were assumed, and forget them."""
        assumed, self.assumed = self.assumed, []
        self.heard.assumed.update(assumed)
        return assumed

    def _one(self, ours: str, rule: PresetRule, row: PresetRow) -> Any:
        if (rule.keep_text and not self._keep_text) or not is_taken(rule.when, rule.unless, row):
            return None
        if rule.text is not None:
            return _filled(rule.text, row)
        if not rule.from_:
            return rule.value
        found = [value for path in rule.from_ for value in row.values(path)]
        if rule.split is not None:
            found = [part.strip() for value in found for part in _text(value).split(rule.split) if part.strip()]
        if not found:
            return None
        if rule.sum:
            return _sum([row.value(path) for path in rule.from_])
        if rule.length:
            return sum(len(_text(value)) for value in found)
        if rule.all:
            return self._all(rule, found)
        return self._first(ours, rule, found, row)

    def _all(self, rule: PresetRule, found: list[Any]) -> Any:
        listed = [item for value in found for item in (value if isinstance(value, list) else [value])]
        return [item for place, item in enumerate(listed) if item not in listed[:place]]

    def _first(self, ours: str, rule: PresetRule, found: list[Any], row: PresetRow) -> Any:
        if rule.words is not None:
            return self._word(ours, rule, found, row)
        if rule.search is not None:
            met = next(filter(None, (re.search(rule.search, _text(value)) for value in found)), None)
            if met is None:
                return None
            return rule.value if rule.value is not None else met[1] if met.re.groups else met[0]
        if rule.at_least is not None:
            return _bounded(rule.at_least, found[0])
        if rule.number:
            number = _number(found[0])
            return int(number) if number is not None and number.is_integer() else number
        if rule.whole and (number := _number(found[0])) is not None and not number.is_integer():
            self.heard.fractions[ours, _column(rule, row)] += 1
            return None
        return found[0] if rule.value is None else rule.value

    def _word(self, ours: str, rule: PresetRule, found: list[Any], row: PresetRow) -> Any:
        words = {folded(theirs): word for theirs, word in (rule.words or {}).items()}
        known = [words[key] for value in found if (key := folded(_text(value))) in words]
        if not known and rule.others == "note":
            self.heard.unlisted.setdefault((ours, _column(rule, row)), Counter())[_text(found[0])[:60]] += 1
        return next((word for word in known if word is not None), None)


def _column(rule: PresetRule, row: PresetRow) -> str:
    """Return the column from which a rule took its value."""
    return next(path for path in rule.from_ if row.values(path))


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(value)


def _filled(text: str, row: PresetRow) -> str | None:
    """Return a text with its {columns} filled in; None where one of them is unknown."""
    filled = text
    for path in re.findall(r"\{([^{}]+)\}", text):
        value = row.value(path)
        if value is None:
            return None
        filled = filled.replace(f"{{{path}}}", _text(value))
    return filled


def _number(value: Any) -> float | None:
    try:
        number = None if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if number is not None and math.isfinite(number) else None


def _sum(values: list[Any]) -> Any:
    numbers = [_number(value) for value in values]
    if None in numbers:
        return None
    total = math.fsum(number for number in numbers if number is not None)
    return int(total) if total.is_integer() else total


def _bounded(bounds: dict[str, str], value: Any) -> str | None:
    number = _number(value)
    reached = [bound for bound in bounds if number is not None and number >= float(bound)]
    return bounds[max(reached, key=float)] if reached else None
