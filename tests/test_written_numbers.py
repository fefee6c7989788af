"""Numbers for people: thousands separated, durations in two units, and a word or an empty cell for what is unknown."""

import re

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from asp_analysis import wording
from asp_analysis.charts import plot_estimate_vector

MISSING = [None, np.nan, pd.NA, pd.NaT, np.inf]


@pytest.mark.parametrize(
    ("milliseconds", "said"),
    [
        (0, "0 ms"),
        (850, "850 ms"),
        (999.6, "1000 ms"),
        (1_000, "1.0 s"),
        (12_440, "12.4 s"),
        (99_940, "99.9 s"),
        (200_000, "3 min 20 s"),
        (3_599_900, "1 h"),
        (7_500_000, "2 h 5 min"),
        (86_399_000, "1 d"),
        (273_600_000, "3 d 4 h"),
    ],
)
def test_a_duration_is_written_in_the_units_of_a_person(milliseconds, said):
    assert wording.write_duration(milliseconds) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [(0, "USD 0"), (0.0421, "USD 0.0421"), (2.19, "USD 2.19"), (599.69, "USD 599.69"), (1_250.4, "USD 1,250")],
)
def test_money_has_the_digits_that_its_size_needs(value, said):
    assert wording.write_usd(value) == said


@pytest.mark.parametrize("value", [0.00033, 0.0000042, 3.3e-9, 0.0099999, 0.0051])
def test_money_below_a_cent_has_digits_everywhere(value):
    written = (wording.write_usd(value), wording.write_dollars(value), wording.write_sum_usd(value))
    read = [float(re.sub(r"[^0-9.]", "", text)) for text in written]
    assert read == pytest.approx([value] * 3, rel=0.05)
    assert wording.write_table(pd.DataFrame({"cost_usd": [value]})).iloc[0, 0] == written[0].removeprefix("USD ")
    rounded = wording.round_numbers(pd.Series([value, 12.34567, None, 0.0]), 3)
    assert rounded.tolist()[:2] == pytest.approx([value, 12.346], rel=0.03) and rounded.isna().tolist()[2]


@pytest.mark.parametrize(
    ("value", "said"),
    [(0, "0.00 USD"), (0.01, "0.01 USD"), (1_250.4, "1,250.40 USD"), (0.00033, "0.000330 USD"), (None, "unknown")],
)
def test_a_sum_of_money_is_written_to_the_cent(value, said):
    assert wording.write_sum_usd(value) == said


@pytest.mark.parametrize("value", MISSING)
def test_what_is_unknown_is_a_word_in_a_sentence(value):
    for write in (wording.write_usd, wording.write_share, wording.write_count, wording.write_duration):
        assert write(value) == "unknown"
    assert wording.write_day(pd.NaT) == "unknown"


def test_a_list_of_many_names_says_how_many_are_left():
    assert wording.write_list(["a"]) == "a"
    assert wording.write_list(["a", "b", "c"]) == "a, b and c"
    assert wording.write_list([*"abcdefgh"], 3) == "a, b, c and 5 others"


def test_marks_in_a_name_are_no_markdown():
    assert wording.write_name("a_b*c") == "a\\_b\\*c"
    assert wording.write_name(None) == "(not named)"


def test_one_thing_is_no_plural():
    assert wording.write_noun(1, "task") == "1 task"
    assert wording.write_noun(6_500, "task") == "6,500 tasks"


def test_a_table_says_units_in_its_headings_and_leaves_the_unknown_empty():
    frame = pd.DataFrame(
        {"task_id": ["T-1", None], "cost_usd": [1234.5, np.nan], "latency_ms": [200_000, None], "hit_share": [0.375, 1],
         "first_at": [pd.Timestamp("2026-01-02 10:00"), pd.NaT], "executions": [6500, 1], "passed": [True, False]}
    )  # fmt: skip
    shown = wording.write_table(frame)
    assert [*shown.columns] == ["task id", "cost (USD)", "latency", "hit share", "first", "executions", "passed"]
    assert shown.loc[0].tolist() == ["T-1", "1,234", "3 min 20 s", "38 %", "2026-01-02", "6,500", "yes"]
    assert shown.loc[1].tolist() == ["", "", "", "100 %", "", "1", "no"]


@pytest.mark.parametrize(("tokens", "said"), [(32.3, "32.3"), (4_660, "4,660"), (61_600, "61.6 k"), (27.2e6, "27.2 M")])
def test_an_amount_at_a_chart_has_its_thousands_separated(tokens, said):
    frame = pd.DataFrame({"component": ["tokens_out"], "estimate": [tokens]})
    bounds = {"lower_70": 0.9, "upper_70": 1.1, "lower_90": 0.8, "upper_90": 1.2}
    ax = plot_estimate_vector(frame.assign(**{name: factor * tokens for name, factor in bounds.items()}))
    assert ax.texts[0].get_text().startswith(f"{said}  (")
    plt.close("all")
