"""Cells of tables as people write them: what is read, what is refused, and what the refusal proposes."""

from datetime import datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asp_analysis.errors import InputError
from asp_analysis.importers.tables.cells import CellReader
from asp_analysis.importers.tables.numbers import read_duration_ms
from asp_analysis.importers.tables.table_options import TableOptions
from asp_analysis.importers.tables.times import propose_time_formats
from asp_analysis.records import RECORDS
from asp_analysis.validation import validate_columns

KNOWN = {
    "executed_at": "2026-01-02T03:04:05Z",
    "task_id": "T-1",
    "agent_role": "Code",
    "cost_usd": "1",
}


def read_cell(name, text, kind="executions", **options):
    """Read one cell as `load` does; return its value, or the reasons why the record is rejected."""
    reader = CellReader(kind, TableOptions(**options))
    columns = {ours: [value] for ours, value in {**(KNOWN if kind == "executions" else {}), name: text}.items()}
    reader.read(columns, columns)
    clean, errors = validate_columns(RECORDS[kind], columns, 1, reader.repair)
    reasons = [reason for reason in errors.get(0, []) if reason.startswith(f"{name}:")]
    return reasons[0] if reasons else clean[name][0]


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("cost_usd", "$1,234.50", 1234.5),
        ("cost_usd", "US$ 0.25", 0.25),
        ("cost_usd", "12.5 USD", 12.5),
        ("cost_usd", "1 234.5", 1234.5),  # no-break space
        ("cost_usd", "1'234'567.25", 1234567.25),
        ("cost_usd", "1,234,567", 1234567.0),
        ("cost_usd", ".5", 0.5),
        ("cost_usd", "1.234", 1.234),
        ("cost_usd", "N/A", None),
        ("cost_usd", " - ", None),
        ("tokens_in", "1,234,567", 1234567),
        ("tokens_in", "12 345", 12345),
        ("tokens_in", "12.0", 12),
        ("tokens_in", "NULL", None),
        ("latency_ms", "00:05:10", 310_000),
        ("latency_ms", "5m10s", 310_000),
        ("latency_ms", "310s", 310_000),
        ("latency_ms", "1.5 h", 5_400_000),
        ("latency_ms", "PT5M10.5S", 310_500),
        ("latency_ms", "850 ms", 850),
        ("executed_at", "2026-01-02 03:04:05 UTC", "2026-01-02T03:04:05.000000Z"),
        ("executed_at", "2026-01-02T03:04:05+02:00", "2026-01-02T01:04:05.000000Z"),
    ],
)
def test_a_cell_in_another_form_is_read(name, text, value):
    assert read_cell(name, text) == value


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("tokens_in", "12,345", "'12,345' is 12345 (load with --thousands ,) or 12.345"),
        ("tokens_in", "12,000", "'12,000' is 12000 (load with --thousands ,)"),
        ("tokens_in", "12.000", "'12.000' is 12000 (load with --decimal , --thousands .) or 12.000 (--decimal .)"),
        ("tokens_in", "12.5", "round it"),
        ("tokens_in", "12k", "in full"),
        ("tokens_in", "$5", "holds no money"),
        ("tokens_in", "5%", "is a share"),
        ("cost_usd", "12,5", "load with --decimal ,"),
        ("cost_usd", "1.234.567,8", "load with --decimal ,"),
        ("cost_usd", "€12.50", "--map 'cost_usd=cost_usd*RATE'"),
        ("cost_usd", "free", "--null 'free'"),
        ("cost_usd", "($1.50)", "is not a number"),
        ("latency_ms", "5M", "is shortened; write the number in full"),
        ("latency_ms", "5:10", "write 00:5:10 or 5:10:00"),
        ("executed_at", "31.01.2026 09:30", "--time-format '%d.%m.%Y %H:%M'"),
        ("executed_at", "12/Mar/24 9:41 AM", "--time-format '%d/%b/%y %I:%M %p'"),
        ("executed_at", "3/4/2026", "--time-format '%m/%d/%Y' or --time-format '%d/%m/%Y'"),
        ("executed_at", "2026-01-02 03:04 CET", "--time-zone"),
    ],
)
def test_a_cell_that_may_mean_two_things_is_refused_with_what_it_needs(name, text, said):
    assert said in str(read_cell(name, text))


@pytest.mark.parametrize(
    ("text", "options", "value"),
    [
        ("12,345", {"thousands": ","}, 12345),
        ("12.345", {"thousands": ".", "decimal": ","}, 12345),
        ("12.345", {"thousands": "."}, 12345),
        ("12.000", {"decimal": "."}, 12),
        ("1.234.567", {"decimal": ","}, 1234567),
    ],
)
def test_said_signs_are_read_as_said(text, options, value):
    assert read_cell("tokens_in", text, **options) == value


@pytest.mark.parametrize(
    ("text", "options", "said"),
    [
        ("12,345", {"decimal": ","}, "'12,345' is 12345 (load with --thousands , alone) or 12.345"),
        ("12,000", {"decimal": ","}, "'12,000' is 12000"),
        ("1.234", {"decimal": ","}, "'1.234' is 1234 (load with --decimal , --thousands .) or 1.234"),
        ("1.234,5", {"thousands": ","}, "with ',' between thousands"),
        ("1,23", {"thousands": ","}, "with ',' between thousands"),
    ],
)
def test_signs_that_are_said_leave_no_silent_factor(text, options, said):
    assert said in str(read_cell("cost_usd", text, **options))


def test_a_factor_multiplies_exactly_and_takes_another_currency():
    assert read_cell("cost_usd", "€12.50", columns={"cost_usd": "cost_usd*1.08"}) == 13.5
    assert read_cell("tokens_in", "1.2", columns={"tokens_in": "tokens_in*1000"}) == 1200
    assert "names its unit" in read_cell("latency_ms", "5m10s", columns={"latency_ms": "latency_ms*1000"})


def test_percent_is_a_share_where_shares_are_held():
    assert read_cell("metric_value", "85%", kind="bootstrap_metrics") == 0.85


@pytest.mark.parametrize("text", ["In Progress", "in_progress", "IN-PROGRESS"])
def test_fixed_words_are_read_in_any_spelling(text):
    assert read_cell("status", text, kind="task_metadata") == "in_progress"


def test_their_words_become_ours_where_the_user_says_so():
    assert "say which it is with --value" in read_cell("status", "Done", kind="task_metadata")
    assert read_cell("status", "Done", kind="task_metadata", values={"status": {"Done": "completed"}}) == "completed"


def test_a_text_may_be_called_none_unless_the_user_says_that_it_is_unknown():
    assert read_cell("llm_model", "None") == "None"
    assert read_cell("llm_model", "None", nulls=("None",)) is None


# --- times ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2026-06-21 16:14", "2026-06-21T14:14:00.000000Z"),
        ("2026-06-21 16:14+00:00", "2026-06-21T16:14:00.000000Z"),
        ("2026-06-21T16:14:00Z", "2026-06-21T16:14:00.000000Z"),
        ("2026-10-25 02:30 CEST", "2026-10-25T00:30:00.000000Z"),
        ("2026-10-25 02:30 CET", "2026-10-25T01:30:00.000000Z"),
    ],
)
def test_local_times_are_those_of_the_zone(text, value):
    assert read_cell("executed_at", text, time_zone="Europe/Berlin") == value


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2026-03-29 02:30", "never came in Europe/Berlin"),
        ("2026-10-25 02:30", "came twice in Europe/Berlin, when clocks went back; write its offset"),
        ("0001-01-01 00:00", "not within the years 1 to 9999"),
        ("2026-06-21 02:30 CET", "CET is not the time of Europe/Berlin on that day"),
    ],
)
def test_hours_that_the_clocks_skip_or_repeat_are_refused(text, said):
    assert said in read_cell("executed_at", text, time_zone="Europe/Berlin")


def test_two_forms_that_read_one_cell_differently_are_refused():
    said = read_cell("executed_at", "03/04/2026", time_formats=("%m/%d/%Y", "%d/%m/%Y"))
    assert "fits --time-format '%m/%d/%Y' and '%d/%m/%Y'" in said


@pytest.mark.parametrize("form", ["%d.%m.%Y %H:%M CET", "%Y-%m-%d %Z", "%H:%M Europe/Berlin"])
def test_a_zone_name_in_a_form_of_times_is_refused(form):
    with pytest.raises(InputError, match="--time-zone"):
        TableOptions(time_formats=(form,))


def test_a_zone_that_is_none_is_refused_with_close_names():
    with pytest.raises(InputError, match="Europe/Berlin"):
        TableOptions(time_zone="Europe/Berlinn")


_FROM_1000 = st.datetimes(min_value=datetime(1000, 1, 1))  # years of four digits


@given(_FROM_1000, st.sampled_from(["%d.%m.%Y %H:%M", "%m/%d/%Y %I:%M %p", "%d-%b-%Y %H:%M:%S", "%B %d, %Y"]))
def test_one_of_the_proposed_forms_reads_the_same_instant(moment, form):
    text = moment.strftime(form)
    proposed = propose_time_formats(text)
    assert proposed and any(type(moment).strptime(text, one) == type(moment).strptime(text, form) for one in proposed)


@given(st.integers(0, 10**9))
def test_a_duration_of_three_parts_is_its_milliseconds(ms):
    hours, rest = divmod(ms, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    assert read_duration_ms(f"{hours}:{minutes:02}:{rest // 1000:02}.{rest % 1000:03}") == ms
    assert read_duration_ms(f"{hours}h {minutes}m {Decimal(rest) / 1000:.3f}s") == ms


@given(st.integers(0, 10**12), st.sampled_from([(",", "."), (".", ","), ("'", "."), (" ", ".")]))
def test_grouped_numbers_come_back_where_both_signs_are_said(number, signs):
    thousands, decimal = signs
    text = f"{number:,}".replace(",", thousands) + f"{decimal}25"
    assert read_cell("cost_usd", text, thousands=thousands, decimal=decimal) == number + 0.25
