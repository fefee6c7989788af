"""One HTML file that needs nothing else: no network, no script, a policy that forbids both, and everything escaped."""

import base64
import hashlib
import os
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pandas as pd
from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup

from asp_analysis.dashboard.accuracy import build_accuracy_section, measure
from asp_analysis.dashboard.alerts import collect_alerts
from asp_analysis.dashboard.capabilities import build_learning_section
from asp_analysis.dashboard.costs import build_cost_section, build_headline
from asp_analysis.dashboard.defects import build_defect_section
from asp_analysis.dashboard.facts import Facts
from asp_analysis.errors import InputError
from asp_analysis.session import Session

_HERE = Path(__file__).resolve().parent


def build_page(session: Session, as_of: datetime | None = None, refresh_s: float | None = None) -> str:
    """Give the page as HTML: as of an instant (UTC without zone, now for None); `refresh_s` makes it reload itself."""
    instant = pd.Timestamp(as_of or datetime.now(UTC).replace(tzinfo=None))
    facts = Facts.read(session, instant)
    found = measure(facts)
    sections = [
        build_learning_section(facts),
        build_cost_section(facts),
        build_accuracy_section(facts, found),
        build_defect_section(facts),
    ]
    style = _read_style()
    return _read_template().render(
        policy=_write_policy(style),
        style=style,
        refresh=None if refresh_s is None else max(1, round(refresh_s)),
        store=session.url.path.name if session.url.path else session.url.shown,
        as_of=f"{instant:%Y-%m-%d %H:%M}",
        headline=build_headline(facts),
        alerts=collect_alerts(facts, found),
        sections=sections,
    )


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
        raise InputError(f"A file to write is needed, {path} gave: {reason}. Name another.") from None
    finally:
        with suppress(OSError):
            waiting.unlink(missing_ok=True)


@cache
def _read_style() -> Markup:
    return Markup((_HERE / "page.css").read_text(encoding="utf-8"))


@cache
def _read_template() -> Template:
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, finalize=_keep_units
    )
    return environment.from_string((_HERE / "page.html.j2").read_text(encoding="utf-8"))


def _keep_units(value: object) -> object:
    """Let no line break between a number and its percent sign; what is escaped stays escaped."""
    return value.replace(" %", "\u00a0%") if isinstance(value, str) else value


def _write_policy(style: str) -> str:
    """Forbid everything but this one style sheet, named by its hash; `data:` is for the empty icon."""
    fingerprint = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{fingerprint}'; img-src data:; base-uri 'none'; form-action 'none'"
