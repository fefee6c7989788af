"""Checking column by column gives what checking record by record gives."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from asp_analysis.records import RECORDS, Execution, Metric, read_instant
from asp_analysis.validation import reasons, validate_columns

values = st.one_of(
    st.none(),
    st.text(max_size=8),
    st.integers(),
    st.floats(),
    st.booleans(),
    st.sampled_from(["2026-01-02", "Latency", "ms", "Code", "1", "completed", "{}", "[]", "PROBE_AI", "Shadow"]),
    st.sampled_from(["Tokens_In", "tokens", "1e+05", "1.5", "7.0", 7.0, 1e15]),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)


@settings(max_examples=300, deadline=None)
@given(data=st.data(), kind=st.sampled_from(sorted(RECORDS)))
def test_columns_and_records_agree(data, kind):
    model = RECORDS[kind]
    count = data.draw(st.integers(min_value=1, max_value=3))
    columns = {
        name: data.draw(st.lists(values, min_size=count, max_size=count))
        for name in data.draw(st.sets(st.sampled_from(sorted(model.model_fields))))
    }
    clean, errors = validate_columns(model, columns, count)
    for row in range(count):
        given_row = {name: found[row] for name, found in columns.items() if found[row] not in (None, "")}
        try:
            record = model.model_validate(given_row)
        except ValidationError as error:
            assert row in errors
            assert {reason.split(":")[0] for reason in errors[row]} == {
                reason.split(":")[0] for reason in reasons(error)
            }
        else:
            assert row not in errors
            assert {name: found[row] for name, found in clean.items()} == record.model_dump()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("2026-01-02", "2026-01-02T00:00:00.000000Z"),
        ("2026-01-02 03:04:05", "2026-01-02T03:04:05.000000Z"),
        ("2026-01-02T03:04:05.6Z", "2026-01-02T03:04:05.600000Z"),
        ("2026-01-02T03:04:05.123456789Z", "2026-01-02T03:04:05.123456Z"),
        ("2026-01-02T03:04:05+02:00", "2026-01-02T01:04:05.000000Z"),
        (1734070031112, "2024-12-13T06:07:11.112000Z"),
        (1734070031, "2024-12-13T06:07:11.000000Z"),
        (1734070031.5, "2024-12-13T06:07:11.500000Z"),
        ("1734070031112", "2024-12-13T06:07:11.112000Z"),
        (1734070031112345678, "2024-12-13T06:07:11.112345Z"),
    ],
)
def test_instants_of_many_forms_become_one_form(value, text):
    assert read_instant(value) == text


@given(st.datetimes())
def test_the_text_form_of_an_instant_sorts_as_the_instant(moment):
    later = moment.replace(microsecond=min(moment.microsecond + 1, 999_999))
    assert (read_instant(moment) <= read_instant(later)) and read_instant(read_instant(moment)) == read_instant(moment)


def test_a_rule_over_two_columns_holds_for_records_and_columns():
    row = {
        "executed_at": "2026-01-02",
        "task_id": "T",
        "agent_role": "Code",
        "metric_type": "Latency",
        "metric_value": 1,
        "metric_unit": "s",
    }
    _, errors = validate_columns(Metric, {name: [value] for name, value in row.items()}, 1)
    with pytest.raises(ValidationError, match="measured in ms"):
        Metric(**row)
    assert errors == {0: ["metric_unit: Latency is measured in ms, found 's'"]}


def count_of(value):
    given = {
        "executed_at": ["2026-01-02"],
        "task_id": ["T"],
        "agent_role": ["Code"],
        "cost_usd": [1],
        "retries": [value],
    }
    clean, errors = validate_columns(Execution, given, 1)
    return errors[0][0] if errors else clean["retries"][0]


@pytest.mark.parametrize(
    ("value", "count"),
    [
        (7, 7),
        (7.0, 7),
        ("7", 7),
        (" 7.0 ", 7),
        ("1e+05", 100_000),  # R writes it so
        ("1.2E6", 1_200_000),
        (10**15, 10**15),
        ("1000000000000000", 10**15),
        ("0", 0),
    ],
)
def test_a_count_is_a_whole_number_in_any_form(value, count):
    assert count_of(value) == count and isinstance(count_of(value), int)


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("1.5", "'1.5'"),
        (1.5, "1.5"),
        (10**15 + 1, "1000000000000001"),
        (1e16, "1e+16"),
        (float("inf"), "inf"),
        ("nan", "'nan'"),
        (-1, "-1"),
        (True, "True"),
        ("many", "'many'"),
    ],
)
def test_what_is_no_count_is_refused_and_a_fraction_is_to_be_rounded(value, found):
    hint = "; round it" if "1.5" in found else ""
    assert count_of(value) == f"retries: {found} is not a whole number from 0 to 1e15{hint}"


@pytest.mark.parametrize(("value", "reason"), [(3, None), (3.0, None), ("3.5", "found 3.5; round it")])
def test_a_metric_that_counts_is_a_whole_number(value, reason):
    record = {"executed_at": "2026-01-02", "task_id": "T", "agent_role": "Code", "metric_type": "Tokens_In",
              "metric_value": value, "metric_unit": "tokens"}  # fmt: skip
    _, errors = validate_columns(Metric, {name: [found] for name, found in record.items()}, 1)
    assert errors == ({0: [f"metric_value: Tokens_In is a whole number, {reason}"]} if reason else {})
