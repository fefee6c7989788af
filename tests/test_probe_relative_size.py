"""Relative-size tables against the published ones."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asp_analysis.errors import EstimationRefusal
from asp_analysis.probe.relative_size import RELATIVE_SIZES, relative_size_table, relative_sizes

PROGRAM_4 = json.loads((Path(__file__).parent / "reference" / "sei_psp.json").read_text())["program_4"]


@pytest.mark.parametrize("name", ["loc_per_method", "pages_per_chapter"])
def test_the_published_tables_are_reproduced(name):
    test = PROGRAM_4[name]
    sizes = list(relative_sizes(test["sizes"], test["items"]).sizes.values())
    assert sizes == pytest.approx(test["published"], abs=5.1e-5)
    assert sizes == pytest.approx(test["computed"], rel=5e-10)


def test_every_size_classifies_as_its_own_word():
    table = relative_sizes(PROGRAM_4["pages_per_chapter"]["sizes"])
    assert [table.classify(table[word]) for word in RELATIVE_SIZES] == list(RELATIVE_SIZES)


def test_the_boundaries_lie_half_a_deviation_away():
    table = relative_sizes([1, np.e**2])
    frame = table.frame()
    assert frame.loc["M", "low"] == pytest.approx(np.exp(1 - np.sqrt(2) / 2))
    assert frame.loc["M", "high"] == frame.loc["L", "low"]
    assert (frame.loc["VS", "low"], frame.loc["VL", "high"]) == (0, np.inf)


@given(st.floats(1e-3, 1e3))
def test_the_unit_of_size_scales_the_table(factor):
    sizes = np.array(PROGRAM_4["pages_per_chapter"]["sizes"], dtype=float)
    plain, scaled = relative_sizes(sizes).sizes, relative_sizes(factor * sizes).sizes
    assert [factor * v for v in plain.values()] == pytest.approx(list(scaled.values()))


def test_a_frame_gives_one_table_per_kind():
    parts = pd.DataFrame({"kind": list("aabb"), "size": [10, 20, 5, 50], "items": [1, 1, 1, 5]})
    table = relative_size_table(parts.assign(size=[10, 20, 5, 45]))
    assert table.index.tolist() == ["a", "b"]
    assert table.loc["b", "M"] == pytest.approx(np.sqrt(45))
    assert table["n"].tolist() == [2, 2]


@pytest.mark.parametrize(
    ("sizes", "items", "words"),
    [
        ([1], None, "at least 2 parts"),
        ([1, 2], [1], "at least 2 parts"),
        ([1, 0], None, "1 of 2 are not"),
        ([1, np.nan], None, "1 of 2 are not"),
        ([3, 3, 3], None, "all 3 are equal"),
    ],
)
def test_parts_that_give_no_table_are_refused(sizes, items, words):
    with pytest.raises(EstimationRefusal, match=words):
        relative_sizes(sizes, items)


@pytest.mark.parametrize("size", [0, -1, np.nan, np.inf])
def test_a_size_that_is_not_positive_has_no_word(size):
    with pytest.raises(EstimationRefusal, match="positive size"):
        relative_sizes([1, 2]).classify(size)


def test_a_frame_without_sizes_is_refused():
    with pytest.raises(EstimationRefusal, match="size is absent"):
        relative_size_table(pd.DataFrame({"kind": ["a"]}))
