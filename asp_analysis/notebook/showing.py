"""Findings, sentences and tables as a notebook shows them."""

import base64
import io
import os

import matplotlib.pyplot as plt
import pandas as pd
from IPython.display import HTML, Markdown, display
from matplotlib.figure import Figure

from asp_analysis.charts import use_style
from asp_analysis.findings import Finding
from asp_analysis.session import Session, connect
from asp_analysis.session.local_clock import ZONE_VARIABLE
from asp_analysis.wording import round_numbers, write_table

MOST_ROWS = 30
"""Rows that a table shows; `browse` pages through all of them."""


def start(url: str | None = None) -> Session:
    """Open the store of this notebook (`DATABASE_URL`, else the default one) and draw in the project's style.

    Days are those of the time zone in `ASP_TIME_ZONE`, else of UTC.

    Raises:
        InputError: the time zone is none.
    """
    zone = os.environ.get(ZONE_VARIABLE) or None
    use_style(zone or "UTC")
    pd.set_option("display.max_colwidth", None)
    return connect(url, zone=zone)


def say(text: str) -> None:
    """Show a sentence in Markdown."""
    display(Markdown(text))


def show(*findings: Finding) -> None:
    """Show findings: text, table, chart and how to read it."""
    for finding in findings:
        say(finding.text)
        if finding.table is not None and len(finding.table):
            display(shorten(finding.table))
            if len(finding.table) > MOST_ROWS:
                say(f"The first {MOST_ROWS} of {len(finding.table):,} rows.")
        if (figure := draw(finding)) is not None:
            display(figure)
        if finding.reading:
            say(finding.reading)


def shorten(table: pd.DataFrame) -> pd.DataFrame:
    """Return the first rows of a table as people read them."""
    head = table.head(MOST_ROWS)
    shown = write_table(head)
    is_numbered = isinstance(head.index, pd.RangeIndex) and head.index.name is None
    return shown.set_axis(pd.Index(["\u200b"] * len(shown)), axis=0) if is_numbered else shown


def draw(finding: Finding) -> Figure | None:
    """Return the figure of a finding, closed: it is shown where it is displayed and nowhere else."""
    if finding.draw is None:
        return None
    before = set(plt.get_fignums())
    finding.draw()
    made = [number for number in plt.get_fignums() if number not in before]
    figure = plt.figure(made[-1]) if made else None
    for number in made:
        plt.close(number)
    return figure


def write_html(text: str, finding: Finding | None = None) -> str:
    """Return a sentence, and a finding with its table and chart, as one piece of HTML."""
    parts = [_write_markdown(text)]
    if finding is not None:
        parts.append(_write_markdown(finding.text))
        if finding.table is not None and len(finding.table):
            parts.append(shorten(finding.table).to_html(border=0))
        if (figure := draw(finding)) is not None:
            picture = io.BytesIO()
            figure.savefig(picture, format="png", bbox_inches="tight")
            content = base64.b64encode(picture.getvalue()).decode()
            parts.append(f'<img alt="The chart of the answer above" src="data:image/png;base64,{content}">')
    return "".join(parts)


def _write_markdown(text: str) -> str:
    from nbconvert.filters import markdown2html

    return str(markdown2html(text))


def browse(frame: pd.DataFrame) -> None:
    """Show a long or wide table with pages, sorting and search; it needs no network."""
    from itables import to_html_datatable
    from itables.javascript import generate_init_offline_itables_html
    from itables.options import dt_bundle

    shown = frame.assign(**{name: frame[name] / 1000 for name in frame.columns if str(name).endswith("_ms")})
    shown = shown.rename(columns={name: f"{str(name)[:-3]} (s)" for name in frame.columns if str(name).endswith("_ms")})
    table = to_html_datatable(
        shown.assign(**{name: round_numbers(shown[name], 3) for name in shown.select_dtypes("number").columns}),
        connected=False,
        showIndex=False,
        classes="display nowrap compact",
        scrollX=True,
        maxBytes="2MB",
        lengthMenu=[10, 25, 100],
    )
    display(HTML(generate_init_offline_itables_html(dt_bundle)))
    display(HTML(table))
