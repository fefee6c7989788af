"""A table with one row per metric becomes one row per execution, in whatever order, files and batches its rows come."""

import json
import sqlite3
from contextlib import closing

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from asp_analysis.config import parse_url
from asp_analysis.executions import MEASURES
from asp_analysis.importers.formats import platform_file
from asp_analysis.importers.tables import raw
from asp_analysis.load_options import LoadOptions
from asp_analysis.loading import load_file, load_paths
from asp_analysis.session import connect
from asp_analysis.store.database import create_store, open_store
from tests.fuzz.seeds import asp_platform

pytestmark = pytest.mark.slow

COUNTS = ("read", "written", "updated", "present", "rejected")
IN_FIXTURES = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
VALUES = st.integers(0, 3)
TIMES = st.integers(0, 59).map(lambda second: f"2026-01-02T03:04:{second:02d}.000000Z")
"""In the store's own form, so that the least text is the earliest."""


@st.composite
def executions(draw):
    """Executions of a few tasks, each with a name, some measures, and a time and a note for each of them."""
    found = []
    for number in range(draw(st.integers(1, 4))):
        context = {"execution_id": f"E-{number}", "task_id": draw(st.sampled_from("TU")), "agent_role": "Code"}
        context |= {"llm_model": draw(st.sampled_from(["m", None]))}
        measures = draw(
            st.dictionaries(st.sampled_from([*MEASURES]), st.tuples(VALUES, TIMES, st.booleans()), min_size=1)
        )
        found.append((context, measures))
    return found


def as_metrics(context, measures):
    """One record per metric; those of one execution differ in time, and each has a key of its own in the metadata."""
    for place, (name, (value, time, is_noted)) in enumerate(measures.items()):
        known = context if place else {**context, "user_id": "me"}  # what one row knows, the execution knows
        note = {"metadata": {name: value, "all": 1}} if is_noted else {}
        kind = MEASURES[name]
        yield {**known, "timestamp": time, "metric_type": kind.metric_type, "metric_value": value,
               "metric_unit": kind.unit, **note}  # fmt: skip


def as_record(context, measures):
    values = {name: value for name, (value, *_) in measures.items()}
    metadata = {name: value for name, (value, _, is_noted) in measures.items() if is_noted}
    told = {"metadata_json": {**metadata, "all": 1}} if metadata else {}
    return {**context, "user_id": "me", "executed_at": min(time for _, time, _ in measures.values()), **values, **told}


def new_store(folder, name):
    url = parse_url(name, folder)
    create_store(url)
    return url


def load(url, records, kind, name="records.jsonl"):
    path = url.path.parent / name
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    with open_store(url) as store:
        result = load_file(store, path, kind)
    assert sum(getattr(result, count) for count in COUNTS[1:]) == result.read == len(records)
    return tuple(getattr(result, count) for count in COUNTS)


def rows(url, columns="*"):
    with closing(sqlite3.connect(url.path)) as connection:
        connection.row_factory = sqlite3.Row
        found = connection.execute(f"SELECT {columns} FROM agent_cost_vector ORDER BY execution_id").fetchall()
        return [{name: row[name] for name in row.keys() if name != "load_id"} for row in found]  # noqa: SIM118


@pytest.fixture(params=[2, 5_000], ids=["batches of two", "one batch"])
def batch_records(request, monkeypatch):
    monkeypatch.setattr(raw, "BATCH_RECORDS", request.param)


@pytest.mark.usefixtures("batch_records")
@IN_FIXTURES
@given(found=executions(), data=st.data())
def test_any_order_split_and_repetition_of_metrics_gives_the_executions(tmp_path_factory, found, data):
    folder = tmp_path_factory.mktemp("metrics")
    metrics = [record for execution in found for record in as_metrics(*execution)]
    again = data.draw(st.lists(st.sampled_from(metrics), max_size=4))
    records = data.draw(st.permutations([*metrics, *again]))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(records)), max_size=2)))
    parts = [records[start:end] for start, end in zip([0, *cuts], [*cuts, len(records)], strict=True)]
    long, wide = new_store(folder, "long.db"), new_store(folder, "wide.db")
    counts = [load(long, part, "metrics", f"{number}.jsonl") for number, part in enumerate(parts) if part]
    load(wide, [as_record(*execution) for execution in found], "executions")
    assert rows(long) == rows(wide)
    totals = dict(zip(COUNTS, map(sum, zip(*counts, strict=True)), strict=True))
    # A record that came again may bring what its execution did not know yet: its time, its note, the person.
    assert (totals["read"], totals["written"], totals["rejected"]) == (len(records), len(metrics), 0)
    whole = load(long, records, "metrics")
    assert whole == (len(records), 0, 0, len(records), 0) and rows(long) == rows(wide)


STEPS = st.tuples(st.sampled_from(["E-1", "E-2"]), st.sampled_from(["Latency", "Retries", "API_Cost"]), VALUES)
UNITS = {"Latency": "ms", "Retries": "count", "API_Cost": "USD"}


@pytest.mark.usefixtures("batch_records")
@IN_FIXTURES
@given(parts=st.lists(st.lists(STEPS, min_size=1, max_size=8), min_size=1, max_size=3))
def test_every_record_is_counted_by_its_own_metric_and_the_later_value_wins(tmp_path_factory, parts):
    """As when each metric had a row: new is written, another value is an update, the same value was there."""
    url = new_store(tmp_path_factory.mktemp("counts"), "store.db")
    known = {}
    for part in parts:
        expected = dict.fromkeys(COUNTS, 0) | {"read": len(part)}
        for name, kind, value in part:
            before = known.get((name, kind))
            expected["written" if before is None else "present" if before == value else "updated"] += 1
            known[name, kind] = value
        context = {"timestamp": "2026-01-02", "task_id": "T", "agent_role": "Code"}
        records = [
            {**context, "execution_id": name, "metric_type": kind, "metric_value": value, "metric_unit": UNITS[kind]}
            for name, kind, value in part
        ]
        assert load(url, records, "metrics") == tuple(expected.values())
    found = {row["execution_id"]: row for row in rows(url)}
    for (name, kind), value in known.items():
        assert found[name][{"Latency": "latency_ms", "Retries": "retries", "API_Cost": "cost_usd"}[kind]] == value


CONTEXTS = st.tuples(st.sampled_from("TUVW"), st.sampled_from(["m", None]), st.sampled_from(["p", None]))
"""A task, a model and its provider."""
METRICS = st.lists(st.tuples(CONTEXTS, st.sampled_from([*MEASURES]), VALUES, st.booleans()), min_size=20, max_size=60)


def platform_rows(metrics, *, is_named):
    """Rows as the platform writes them: with names, or told by their context until one of its metrics comes again."""
    found = {}
    for (task, model, provider), name, value, is_noted in metrics:
        kind, own = MEASURES[name], f"{task} {model} {provider}"
        row = {"task_id": task, "agent_role": "Code", "llm_model": model, "llm_provider": provider,
               "metric_type": kind.metric_type, "metric_value": value, "metric_unit": kind.unit,
               "timestamp": "2026-01-02 03:04:05", "execution_date": "2026-01-02",
               "metadata": json.dumps({name: value}) if is_noted else None}  # fmt: skip
        if is_named:  # then each metric may have a time of its own
            row |= {"execution_id": own, "timestamp": f"2026-01-02 03:04:{value:02d}"}
        found[(own, name) if is_named else len(found)] = row
    return [{"id": number, **row} for number, row in enumerate(found.values(), 1)]


@pytest.mark.parametrize(
    ("is_named", "is_lacking"), [(True, False), (False, False), (False, True)], ids=["named", "unnamed", "no names"]
)
@settings(IN_FIXTURES, max_examples=8)
@given(metrics=METRICS)
def test_a_file_of_the_platform_shows_the_same_when_it_is_opened_and_when_it_was_loaded(
    tmp_path_factory, is_named, is_lacking, metrics
):
    folder = tmp_path_factory.mktemp("platform")
    path, url = folder / "platform.db", new_store(folder, "store.db")
    written = platform_rows(metrics, is_named=is_named)
    path.write_bytes(asp_platform(rows={"agent_cost_vector": written}))
    if is_lacking:
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("ALTER TABLE agent_cost_vector DROP COLUMN execution_id")
            connection.commit()
    with open_store(url) as store, pytest.MonkeyPatch.context() as patch:
        patch.setattr(platform_file, "BATCH_RECORDS", 7)
        loads = {load.loaded_as: load for load in load_paths(store, [path], LoadOptions())}
    assert (loads["metrics"].read, loads["metrics"].written) == (len(written), len(written))
    opened, loaded = (shown(place, is_named=is_named) for place in (str(path), url))
    assert loaded == opened


def shown(place, *, is_named):
    """What the view of executions shows; those without names are named by each reader in its own way."""
    with connect(place) as session:
        found = session.sql("SELECT * EXCLUDE (load_id) FROM stg_executions").to_dict("records")
    known = [{name: value for name, value in row.items() if pd.notna(value)} for row in found]
    for row in known:
        row["metadata_json"] = json.loads(row.get("metadata_json", "{}"))
        row["execution_id"] = row["execution_id"] if is_named else ""
    return sorted(known, key=lambda row: json.dumps(row, sort_keys=True, default=str))


def test_metrics_that_disagree_in_their_notes_are_there_when_they_come_again_in_any_order(empty_store):
    """The greatest text counts, as where a file of the platform is opened: else each load would undo the other."""
    base = {"timestamp": "2026-01-02", "task_id": "T", "agent_role": "Code", "execution_id": "E"}
    records = [
        {
            **base,
            "metric_type": kind,
            "metric_value": 1,
            "metric_unit": UNITS[kind],
            "note": note,
            "metadata": {kind: 1},
        }
        for kind, note in (("Latency", "b"), ("Retries", "c"), ("API_Cost", "a"))
    ]
    assert load(empty_store, records, "metrics") == (3, 3, 0, 0, 0)
    for again in (records, records[::-1]):
        assert load(empty_store, again, "metrics") == (3, 0, 0, 3, 0)
        (row,) = rows(empty_store)
        assert json.loads(row["metadata_json"]) == {"note": "c", "Latency": 1, "Retries": 1, "API_Cost": 1}


def test_a_metric_of_a_later_load_completes_its_execution_which_keeps_its_first_load(empty_store):
    base = {"timestamp": "2026-01-02T10:00:00Z", "task_id": "T", "agent_role": "Code"}
    latency = {**base, "metric_type": "Latency", "metric_value": 1, "metric_unit": "ms"}
    cost = {**base, "metric_type": "API_Cost", "metric_value": 2, "metric_unit": "USD"}
    assert load(empty_store, [latency], "metrics", "first.jsonl") == (1, 1, 0, 0, 0)
    assert load(empty_store, [cost], "metrics", "second.jsonl") == (1, 1, 0, 0, 0)
    assert load(empty_store, [latency, cost], "metrics", "third.jsonl") == (2, 0, 0, 2, 0)
    with closing(sqlite3.connect(empty_store.path)) as connection:
        query = "SELECT latency_ms, cost_usd, file FROM agent_cost_vector JOIN load_log USING (load_id)"
        ((latency_ms, cost_usd, file),) = connection.execute(query)
    assert (latency_ms, cost_usd) == (1, 2) and file.endswith("first.jsonl")


def test_a_fraction_of_a_count_is_rejected_with_what_to_do(run, empty_store, tmp_path):
    path = tmp_path / "metrics.csv"
    head = "timestamp,task_id,agent_role,metric_type,metric_value,metric_unit\n2026-01-02,T,Code,"
    path.write_text(f"{head}Tokens_In,7.5,tokens\n2026-01-02,T,Code,Latency,7.5,ms\n")
    assert run("load", path, "--json", "--db", empty_store).json["written"] == 1
    (reject,) = run("rejects", "--json", "--db", empty_store).json
    assert reject["reasons"] == ["metric_value: Tokens_In is a whole number, found 7.5; round it"]
    assert reject["line_number"] == 2
