"""One HTML file that needs nothing else: no network, one script of its own that a policy names, everything escaped."""

import base64
import hashlib
import os
import re
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pandas as pd
from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup

from asp_analysis.dashboard.accuracy import build_accuracy_section, measure
from asp_analysis.dashboard.alerts import collect_alerts
from asp_analysis.dashboard.budget_table import build_budget_part, find_budget_answers, warn_of_budgets
from asp_analysis.dashboard.capabilities import build_learning_section
from asp_analysis.dashboard.costs import build_headline, build_plan_section
from asp_analysis.dashboard.defects import build_defect_section
from asp_analysis.dashboard.facts import Facts
from asp_analysis.dashboard.filtering import list_choices, write_usage
from asp_analysis.dashboard.kinds_of_work import build_kinds_section
from asp_analysis.dashboard.outcomes import build_outcome_section
from asp_analysis.dashboard.spending import build_money_section
from asp_analysis.dashboard.tasks import build_task_section, choose_tasks
from asp_analysis.dashboard.usage import DIMENSIONS
from asp_analysis.errors import InputError
from asp_analysis.session import Scope, Session
from asp_analysis.time_zones import from_utc

_HERE = Path(__file__).resolve().parent


def build_page(session: Session, as_of: datetime | None = None, refresh_s: float | None = None) -> str:
    """Return the page as HTML: as of an instant (UTC without zone, now for None); `refresh_s` makes it reload itself.

    Days and times are those of the session's clock.

    The page is about what the session shows: `narrow` it for one project, model, role or period.
    """
    instant = pd.Timestamp(from_utc(as_of or datetime.now(UTC).replace(tzinfo=None), session.clock))
    facts = Facts.read(session, instant)
    found, chosen = measure(facts), choose_tasks(facts)
    budgets = find_budget_answers(session, instant)
    sections = [
        build_money_section(facts, build_budget_part(budgets, session.clock)),
        build_task_section(facts, chosen),
        build_outcome_section(facts),
        build_learning_section(facts),
        build_kinds_section(facts),
        build_plan_section(facts),
        build_accuracy_section(facts, found),
        build_defect_section(facts),
    ]
    style, script = _read_text("page.css"), _read_text("page.js")
    page = _read_template().render(
        policy=_write_policy(style, script),
        style=style,
        script=script,
        refresh=None if refresh_s is None else max(1, round(refresh_s)),
        store=session.url.path.name if session.url.path else session.url.shown,
        part=session.scope.describe(),
        clock=session.clock,
        as_of=f"{instant:%Y-%m-%d %H:%M}",
        headline=build_headline(facts),
        choices=list_choices(facts.usage),
        usage=write_usage(facts.usage),
        alerts=collect_alerts(facts, found, chosen.anchors, warn_of_budgets(budgets)),
        sections=[section for section in sections if not section.missing],
        missing=[section for section in sections if section.missing],
    )
    return _STEERING.sub(lambda found: f"\\x{ord(found[0]):02x}", page)


_STEERING = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
"""Control characters that data may hold: HTML allows none of them, and a terminal that shows the file would obey."""


def narrow_page(session: Session, scope: Scope) -> None:
    """Let the page be about one project, model, role or period.

    Raises:
        InputError: the store has no such project, model or role.
    """
    for name, column in DIMENSIONS.items():
        if (wanted := getattr(scope, name, None)) is not None:
            known = sorted(session.sql(f"SELECT DISTINCT {column} AS name FROM work")["name"].dropna())
            if wanted not in known:
                raise InputError(
                    f"There is no {name} {wanted!r} in the store. There are: {', '.join(known) or 'none'}."
                )
    session.narrow(scope)


def write_page(path: Path, page: str) -> None:
    """Put the page in its place in one step: who reads it meanwhile sees the old one or the new one, never half of one.

    Raises:
        InputError: the file cannot be written.
    """
    waiting = path.with_name(f".{path.name[:40]}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        waiting.write_bytes(page.encode("utf-8", "replace"))
        waiting.replace(path)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise InputError(f"The page cannot be written to {path}: {reason}. Name another file.") from None
    finally:
        with suppress(OSError):
            waiting.unlink(missing_ok=True)


@cache
def _read_text(name: str) -> Markup:
    return Markup((_HERE / name).read_text(encoding="utf-8"))


@cache
def _read_template() -> Template:
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, finalize=_keep_units
    )
    return environment.from_string((_HERE / "page.html.j2").read_text(encoding="utf-8"))


def _keep_units(value: object) -> object:
    """Let no line break between a number and its percent sign; what is escaped stays escaped."""
    return value.replace(" %", "\u00a0%") if isinstance(value, str) else value


def _write_policy(style: str, script: str) -> str:
    """Forbid everything but this style sheet and this script, each named by its hash; `data:` is for the empty icon."""
    return (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
