"""What leaves the machine with `publish`: no free text, and of JSON what the views and queries of the product read."""

import json
import re
import shutil
from pathlib import Path

import pytest

from asp_analysis import sql
from asp_analysis.config import parse_url
from asp_analysis.lake.heads import LAKE_TABLES
from asp_analysis.probe.complexity import FACTORS
from asp_analysis.publishing.free_text import KEPT_KEYS, LEFT_AT_HOME, PRESENCE, reduce_json
from asp_analysis.session.catalog import marts
from tests.own_stores import make_store
from tests.published_lakes import execute, marts_over, published, shown

PACKAGE = Path(__file__).resolve().parents[1] / "asp_analysis"
WRITING = {"importers", "store", "postgres", "capture", "receiving", "publishing", "spark", "building"}
"""Rooms that write JSON, or say what is done to all of it: their keys are not those that somebody reads."""

READ_KEY = re.compile(
    r"->>\s*'(?:\$\.)?(\w+)'|->\s*'\$\.(\w+)'|json_extract_string\([\w.]+, '\$\.(\w+)'\)|LIKE '%\"(\w+)\":%'"
)
READ_SHAPE = re.compile(r"json_transform\([^']*'(\{.*?\})'\)", re.DOTALL)
OF_LABELS = {"team", "cost_center"}
"""Labels are published whole."""

SECRET = "Fieldwork of Ada"
TEXT_COLUMNS = {
    *(column for columns in LEFT_AT_HOME.values() for column in columns),
    *(column for columns in KEPT_KEYS.values() for column in columns),
}


def read_keys():
    """The keys of JSON that views, queries and notebooks read, by what the code says."""
    texts = [sql.view_text("marts", name) for name in marts()]
    for path in [*PACKAGE.rglob("*.sql"), *PACKAGE.rglob("*.py"), *(PACKAGE.parent / "notebooks").glob("*.ipynb")]:
        if path.is_relative_to(PACKAGE) and path.relative_to(PACKAGE).parts[0] in WRITING:
            continue
        texts.append(path.read_text())
    keys = {key for text in texts for found in READ_KEY.findall(text) for key in found if key}
    shapes = [shape for text in texts for shape in READ_SHAPE.findall(text)]
    return keys | {key for shape in shapes for key in re.findall(r'"(\w+)":', shape)}


def kept_keys(shape):
    for key, kept in shape.items():
        yield key
        if kept is not True and kept != PRESENCE:
            yield from kept_keys(kept)


def test_what_is_kept_of_json_is_what_the_views_and_queries_read():
    kept = {
        view: {name: set(kept_keys(shape)) for name, shape in columns.items()} for view, columns in KEPT_KEYS.items()
    }
    units = kept["stg_tasks"].pop("semantic_units_json")
    assert units == {"unit_id", "est_complexity", "novelty", *FACTORS}  # read by probe/complexity.py
    assert {key for columns in kept.values() for keys in columns.values() for key in keys} == read_keys() - OF_LABELS


def full(shape):
    """A JSON object with a value for every key that is kept, and a text for one that is not."""
    values = {"forecasts": [{"component": "cost_usd", "estimate": 1.5, "method": "loglog", "words": SECRET}]}
    values |= {"activity": {"turns": ["a:1", "b:2"], "words": SECRET}, "git": {"text": SECRET}, "labels": ["bug"]}
    values |= {"pull_requests": [{"title": SECRET}], "closes": ["7"], "issues": ["7"], "assumed": ["severity"]}
    values |= {"agent": "helper", "session_id": "S-1", "is_censored": True, "failure_mode": "agent_timeout"}
    return json.dumps({name: values.get(name, 3) for name in shape} | {"prompt": SECRET})


@pytest.fixture
def store(sample_store, tmp_path):
    """The sample, with text and JSON wherever there can be any."""
    url = parse_url(str(shutil.copy(sample_store.path, tmp_path / "text.db")), tmp_path)
    tables = {"stg_executions": "agent_cost_vector", "stg_tasks": "task_metadata", "stg_defects": "defect_log"}
    for view, table in (tables | {"stg_learning": "bootstrap_metrics"}).items():
        shape = KEPT_KEYS.get(view, {}).get("metadata_json", {})
        execute(url, f"UPDATE {table} SET metadata_json = ?", full(shape))
        for name in LEFT_AT_HOME.get(view, ()):
            text = json.dumps({"missing_tasks": [SECRET]}) if name.endswith("_json") else SECRET
            execute(url, f"UPDATE {table} SET {name} = ?", text)
    execute(
        url,
        "INSERT INTO code_change (change_id, task_id, repository, flow, outcome, title, started_at, merged_at, "
        "commits, metadata_json) SELECT 'o/n#1', min(task_id), 'o/n', 'merge', 'merged', ?, "
        "'2026-01-01T00:00:00.000000Z', '2026-01-02T00:00:00.000000Z', 1, ? FROM task_metadata",
        SECRET,
        full(KEPT_KEYS["stg_changes"]["metadata_json"]),
    )
    return url


def texts_of(lake):
    """Everything that a lake holds, as text."""
    return "\n".join(repr(published(lake, table)) for table in LAKE_TABLES)


def test_no_text_leaves_the_machine_unless_it_is_asked_for(run, store, tmp_path):
    run("publish", tmp_path / "without", "--db", store)
    run("publish", tmp_path / "with", "--with-text", "--db", store)
    assert SECRET not in texts_of(tmp_path / "without") and SECRET in texts_of(tmp_path / "with")
    assert published(tmp_path / "with", "stg_tasks") == shown(store, "stg_tasks")
    for view, columns in LEFT_AT_HOME.items():
        for column in columns:
            assert published(tmp_path / "without", view, column) == [(None,)], (view, column)


def assert_views_are_the_same_but_for_the_text(run, store, tmp_path):
    run("publish", tmp_path / "without", "--db", store)
    run("publish", tmp_path / "with", "--with-text", "--db", store)
    without, whole = marts_over(tmp_path / "without", store), marts_over(tmp_path / "with", store)
    for mart, (columns, rows) in whole.items():
        kept = [place for place, name in enumerate(columns) if name not in TEXT_COLUMNS]
        sides = [sorted(repr([row[place] for place in kept]) for row in side) for side in (rows, without[mart][1])]
        assert sides[0] == sides[1], mart
    return {mart for mart, (_, rows) in whole.items() if rows}


@pytest.mark.lake
def test_every_view_is_the_same_with_and_without_text_but_for_the_text(run, store, tmp_path):
    filled = assert_views_are_the_same_but_for_the_text(run, store, tmp_path)
    assert filled >= {"stored_forecasts", "human_effort", "changes", "task_activity", "known_before", "learning_curve"}


@pytest.mark.lake
@pytest.mark.parametrize("name", ["transcripts", "openhands"])
def test_it_is_so_of_real_transcripts(run, name, tmp_path, real_data):
    store = parse_url(make_store(name, tmp_path), tmp_path)
    assert assert_views_are_the_same_but_for_the_text(run, store, tmp_path) >= {"tasks", "executions"}


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ('{"a": 1, "x": "text"}', '{"a":1}'),
        ('{"x": "text"}', None),
        ('{"a": null, "g": null}', '{"a":null,"g":null}'),
        ('{"g": {"text": 1}}', '{"g":true}'),
        ('{"f": [{"m": 1.50, "x": 2}, "text"]}', '{"f":[{"m":1.5},null]}'),
        ('{"f": "text"}', '{"f":null}'),
        ('[{"a": "ä"}]', '[{"a":"ä"}]'),
        ('"text"', None),
        ("no JSON", None),
        ('{"a": 123456789012345678901234567890}', '{"a":123456789012345678901234567890}'),
    ],
)
def test_of_json_are_left_the_keys_of_a_shape(text, kept):
    assert reduce_json(text, {"a": True, "g": PRESENCE, "f": {"m": True}}) == kept
