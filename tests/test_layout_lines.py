"""What a pipe gets of a table is what rich prints without colours, without its time."""

import io

from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from asp_analysis.cli.layout import layout, write_lines

cells = st.sampled_from(["1", "12,3", "", "abc", "ü日本", "-4.5e-7", "x y", "👍🏽", "a\u0301"])
tables = st.integers(1, 5).flatmap(
    lambda width: st.tuples(
        st.lists(st.sampled_from(["a", "name_x", "日本"]), min_size=width, max_size=width),
        st.lists(st.lists(cells, min_size=width, max_size=width), max_size=5),
    )
)


@settings(max_examples=50)
@given(table=tables)
def test_the_lines_are_those_of_rich(table):
    headers, rows = table
    written = io.StringIO()
    Console(file=written, width=1_000, height=1, highlight=False).print(layout(headers, rows, 1_000))
    lines = write_lines(headers, rows, 1_000)
    assert lines is not None and "\n".join(lines) + "\n" == written.getvalue()


def test_a_table_that_does_not_fit_has_no_lines():
    assert write_lines(["a"], [["x" * 60]], 40) is None
