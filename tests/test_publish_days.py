"""The digest of a day: any change of any of its rows changes it, and that of no other day."""

from datetime import datetime, timedelta

import duckdb
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from asp_analysis.lake.heads import DAY_COLUMNS, UNDATED
from asp_analysis.publishing.days import read_columns, read_days, read_rows, split_days
from asp_analysis.session import connect

KEY = b"of the test"
VALUES = {
    "VARCHAR": st.text(max_size=4) | st.none(),
    "BIGINT": st.integers(-(2**63), 2**63 - 1) | st.none(),
    "DOUBLE": st.floats(allow_nan=False) | st.none(),
    "BOOLEAN": st.booleans() | st.none(),
    "TIMESTAMP": st.datetimes(datetime(1900, 1, 1), datetime(9999, 12, 31)) | st.none(),
}


@pytest.fixture(scope="module")
def read(sample_store):
    """Reads tables in memory that hold what the sample's views show, and that a test may change."""
    connection = duckdb.connect()
    with connect(sample_store) as session:
        for table in DAY_COLUMNS:
            connection.register("found", session._reader.connection.execute(f"FROM {table}").to_arrow_table())
            connection.execute(f"CREATE TABLE {table} AS FROM found")

    def run(query, **parameters):
        return connection.execute(query, parameters or None).to_arrow_reader()

    run.connection = connection
    return run


def digests(read, table, form="form", key=KEY):
    return {day.day: day.digest for day in read_days(read, table, form, key)}


@settings(max_examples=20)
@given(data=st.data())
def test_a_change_of_any_value_changes_its_day_and_no_other(read, data):
    table = data.draw(st.sampled_from([name for name in DAY_COLUMNS if name != "stg_changes"]))
    columns = {name: kind for name, kind in read_columns(read, table).items() if name != "load_id"}
    column = data.draw(st.sampled_from(sorted(columns)))
    count = read.connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
    where = f"WHERE rowid = {data.draw(st.integers(0, count - 1))}"
    instant, former = read.connection.execute(f"SELECT {DAY_COLUMNS[table]}, {column} FROM {table} {where}").fetchone()
    value = data.draw(VALUES[columns[column]])
    assume(value != former)
    before = digests(read, table)
    read.connection.begin()
    try:
        read.connection.execute(f"UPDATE {table} SET {column} = $value {where}", {"value": value})
        after = digests(read, table)
    finally:
        read.connection.rollback()
    moved = value if column == DAY_COLUMNS[table] else instant
    days = {day_of(instant), day_of(moved)}
    assert {day for day in before | after if before.get(day) != after.get(day)} == days


def day_of(instant):
    return UNDATED if instant is None else instant.date().isoformat()


def test_a_row_that_is_added_or_gone_changes_its_day(read):
    before = digests(read, "stg_executions")
    read.connection.begin()
    read.connection.execute("DELETE FROM stg_executions WHERE rowid = 0")
    fewer = digests(read, "stg_executions")
    read.connection.execute("ROLLBACK")
    assert len({day for day in before if before[day] != fewer.get(day)}) == 1


def test_values_that_change_places_change_the_digest(read):
    before = digests(read, "stg_executions")
    read.connection.begin()
    read.connection.execute("UPDATE stg_executions SET tokens_in = tokens_out, tokens_out = tokens_in")
    after = digests(read, "stg_executions")
    read.connection.execute("ROLLBACK")
    assert not set(before.values()) & set(after.values())


def test_the_number_of_a_load_is_no_part_of_it_and_the_form_and_the_key_are(read):
    before = digests(read, "stg_tasks")
    read.connection.begin()
    read.connection.execute("UPDATE stg_tasks SET load_id = 12345")
    after = digests(read, "stg_tasks")
    read.connection.execute("ROLLBACK")
    assert before == after
    for other in (digests(read, "stg_tasks", form="another"), digests(read, "stg_tasks", key=b"another")):
        assert not set(before.values()) & set(other.values())


def test_rows_of_some_days_come_day_after_day_and_no_others(read):
    days = sorted(digests(read, "stg_executions"))
    wanted = [days[3], days[7], days[-1]]
    with read_rows(read, "stg_executions", wanted) as reader:
        found = [(day, batch.column("executed_at").to_pylist()) for day, batch in split_days(reader)]
    assert [day for day, _ in found] == wanted
    for day, instants in found:
        begin = datetime.fromisoformat(day)
        assert instants == sorted(instants) and all(begin <= one < begin + timedelta(days=1) for one in instants)
