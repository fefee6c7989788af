"""Every call is counted once, whatever the order of the files, their splitting or their repetition."""

import csv
import gzip
import json
import sqlite3
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from asp_analysis import sql
from asp_analysis.config import parse_url
from asp_analysis.importers.transcripts.calls import MAIN_AGENT, Call, Origin
from asp_analysis.load_options import LoadOptions
from asp_analysis.loading import load_paths
from asp_analysis.store.database import create_store, open_store
from tests.reading import read_transcript

NAMES = st.sampled_from(["a", "b", None])
NUMBERS = st.one_of(st.none(), st.integers(0, 5))


def load_all(folder, groups, options=None):
    """Load groups of files, each group as one run, into a new store; give its path."""
    url = parse_url("store.db", folder)
    create_store(url)
    for paths in groups:
        with open_store(url) as store:
            list(load_paths(store, paths, options or LoadOptions()))
    return url.path


def tables(path):
    """Give what loads write, all columns but the load that wrote a row first, and not the writer's own log."""
    connection = sqlite3.connect(path)
    content = []
    for table in ("agent_cost_vector", "task_metadata"):
        columns = ", ".join(name for name in sql.table_columns()[table] if name != "load_id")
        content.append(connection.execute(f"SELECT {columns} FROM {table} ORDER BY 1").fetchall())
    connection.close()
    assert all(content), "nothing was loaded"
    return content


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    """Real files that copy from one another, and some of every other format."""
    data = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not data.is_dir():
        pytest.skip(f"the real data sets are not here ({data.parent.name}/{data.name} is missing)")
    patterns = (
        "transcripts/claude_code/*/*53ea19c1*",
        "transcripts/claude_code/*/*a032db5a*",
        "transcripts/claude_code/*/*4793b385*",
        "transcripts/codex/*/*019fa6e3*",
        "transcripts/codex/*/*019fa6e6*",
        "transcripts/gemini_cli/*/*2026-01-15*",
        "traces/langfuse/vercel*",
        "traces/otel/*k8s*",
        "trajectories/mini-swe-agent/deepseek_lite_dev/*",
    )
    return [path for pattern in patterns for path in sorted(data.glob(pattern))]


def plain_copy(folder, path):
    """Give a file that is small enough for a property test: the first lines of long transcripts."""
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    lines = content.splitlines(keepends=True)
    target = folder / f"{path.parent.name}-{path.name.removesuffix('.gz')}"
    target.write_bytes(b"".join(lines[:150]) if len(lines) > 3 else content)
    return target


@pytest.fixture(scope="module")
def small_files(samples, tmp_path_factory):
    folder = tmp_path_factory.mktemp("small")
    return [plain_copy(folder, path) for path in samples]


@pytest.fixture(scope="module")
def expected(small_files, tmp_path_factory):
    return tables(load_all(tmp_path_factory.mktemp("expected"), [small_files]))


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_the_store_does_not_depend_on_order_repetition_or_runs(tmp_path_factory, small_files, expected, data):
    order = data.draw(st.permutations(small_files))
    again = data.draw(st.lists(st.sampled_from(small_files), max_size=4))
    cut = data.draw(st.integers(0, len(order)))
    groups = [order[:cut], [*order[cut:], *again]]
    assert tables(load_all(tmp_path_factory.mktemp("shuffled"), groups)) == expected


def test_file_by_file_gives_the_same_store_as_the_folder_at_once(tmp_path_factory, small_files, expected):
    one_by_one = [[path] for path in small_files]
    assert tables(load_all(tmp_path_factory.mktemp("single"), one_by_one)) == expected


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.integers(1, 149), first=st.booleans())
def test_a_transcript_cut_in_two_gives_the_same_store(tmp_path_factory, small_files, cut, first):
    whole = next(path for path in small_files if "a032db5a" in path.name)
    folder = tmp_path_factory.mktemp("cut")
    lines = whole.read_bytes().splitlines(keepends=True)
    parts = [folder / "head.jsonl", folder / "tail.jsonl"]
    parts[0].write_bytes(b"".join(lines[:cut]))
    parts[1].write_bytes(b"".join(lines[cut:]))
    (folder / "one").mkdir()
    (folder / "two").mkdir()
    order = parts if first else parts[::-1]
    assert tables(load_all(folder / "two", [order])) == tables(load_all(folder / "one", [[whole]]))


def test_a_transcript_that_grew_gives_the_same_store_as_the_whole_one(tmp_path, small_files):
    whole = next(path for path in small_files if "019fa6e3" in path.name)
    growing = tmp_path / whole.name
    lines = whole.read_bytes().splitlines(keepends=True)
    (tmp_path / "grown").mkdir()
    (tmp_path / "whole").mkdir()
    for size in (40, 41, 90, 150):
        growing.write_bytes(b"".join(lines[:size]))
        grown = load_all(tmp_path / "grown", [[growing]])
    assert tables(grown) == tables(load_all(tmp_path / "whole", [[whole]]))


# --- the laws of merging ----------------------------------------------------------------------------------------------

ORIGINS = st.builds(
    Origin,
    is_copy=st.booleans(),
    session_id=st.sampled_from("xy"),
    project_id=NAMES,
    branch=NAMES,
    agent=st.sampled_from([MAIN_AGENT, "e"]),
    agent_id=NAMES,
)
CALLS = st.builds(
    Call,
    call_id=st.just("c"),
    at=st.sampled_from(["2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"]),
    origin=ORIGINS,
    model=NAMES,
    provider=NAMES,
    tokens_in=NUMBERS,
    tokens_out=NUMBERS,
    cache_read=NUMBERS,
    tool_version=NAMES,
    reported_usd=NUMBERS,
    tools=st.one_of(st.none(), st.frozensets(st.sampled_from("tuv")).map(set)),
)


def merged(*calls):
    copies = [Call(**{name: getattr(call, name) for name in Call.__slots__}) for call in calls]
    for other in copies[1:]:
        copies[0].merge(other)
    return copies[0]


@settings(deadline=None)
@given(CALLS, CALLS)
def test_merging_does_not_depend_on_the_order(first, second):
    assert merged(first, second) == merged(second, first)


@given(CALLS, CALLS, CALLS)
def test_merging_does_not_depend_on_the_grouping(first, second, third):
    assert merged(merged(first, second), third) == merged(first, merged(second, third))


@settings(deadline=None)
@given(CALLS, CALLS)
def test_merging_again_changes_nothing(first, second):
    both = merged(first, second)
    assert merged(both, second) == both == merged(both, both)


# --- the catalogue as an oracle ---------------------------------------------------------------------------------------


def manifest(real_data, kind):
    with (real_data / "transcripts" / "MANIFEST.csv").open() as stream:
        return [row for row in csv.DictReader(stream) if row["kind"] == kind]


def number(row, name):
    return int(float(row[name] or 0))


def test_every_file_that_agrees_with_its_recorder_gives_the_manifest_counts(real_data):
    rows = [row for row in manifest(real_data, "claude_code") if row["agrees_with_recorder"] == "True"]
    assert len(rows) > 90
    for row in rows:
        path = real_data / row["file"]
        transcript = read_transcript(path)
        calls = [call for call in transcript.calls.values() if call.origin.agent == MAIN_AGENT]
        found = {
            "distinct_messages": len(calls) + len(transcript.without_usage),
            "input_tokens": sum(call.tokens_in - call.cache_read - call.cache_write for call in calls),
            "output_tokens": sum(call.tokens_out for call in calls),
            "cache_creation_tokens": sum(call.cache_write for call in calls),
            "cache_read_tokens": sum(call.cache_read for call in calls),
            "subagent_messages": len(transcript.calls) - len(calls),
            "bad_lines": len(transcript.rejects),
        }
        assert found == {name: number(row, name) for name in found}, row["file"]


def test_every_codex_rollout_gives_the_manifest_counts(real_data):
    for row in manifest(real_data, "codex"):
        path = real_data / row["file"]
        calls = read_transcript(path).calls.values()
        found = {
            "input_tokens": sum(call.tokens_in for call in calls),
            "output_tokens": sum(call.tokens_out for call in calls),
            "cache_read_tokens": sum(call.cache_read for call in calls),
        }
        assert found == {name: number(row, name) for name in found}, row["file"]


def last_of_each_message(folder):
    """Count in the plainest way: the last usage of every message id over all files together."""
    last = {}
    for path in sorted(folder.glob("*/*.gz")):
        for line in gzip.decompress(path.read_bytes()).splitlines():
            try:
                record = json.loads(line)
            except ValueError:
                continue
            if record.get("type") == "progress" and record["data"].get("type") == "agent_progress":
                record = record["data"]["message"]
            message = record.get("message")
            if record.get("type") == "assistant" and message["model"] != "<synthetic>":
                last[message["id"]] = message["usage"]
    return last


@pytest.mark.slow
def test_the_folder_gives_the_sums_over_distinct_messages(real_data, tmp_path):
    folder = real_data / "transcripts" / "claude_code"
    last = [usage for usage in last_of_each_message(folder).values() if usage["input_tokens"] + usage["output_tokens"]]
    store = sqlite3.connect(load_all(tmp_path, [[folder]]))
    names = ("tokens_in", "tokens_out", "tokens_cache_read", "tokens_cache_write")
    sums = store.execute(f"SELECT {', '.join(f'sum({name})' for name in names)} FROM agent_cost_vector").fetchone()
    store.close()
    found = dict(zip(names, sums, strict=True))
    read = sum(usage["cache_read_input_tokens"] for usage in last)
    written = sum(usage["cache_creation_input_tokens"] for usage in last)
    assert found["tokens_out"] == sum(usage["output_tokens"] for usage in last)
    assert (found["tokens_cache_read"], found["tokens_cache_write"]) == (read, written)
    assert found["tokens_in"] == sum(usage["input_tokens"] for usage in last) + read + written


def test_a_forked_codex_session_repeats_its_parent_and_counts_once(real_data, tmp_path):
    folder = next((real_data / "transcripts" / "codex").glob("*/*019fa6e3*")).parent
    pair = [next(folder.glob("*019fa6e3*")), next(folder.glob("*019fa6e6*"))]
    single = [len(read_transcript(path).calls) for path in pair]
    store = sqlite3.connect(load_all(tmp_path, [pair]))
    (count,) = store.execute("SELECT count(tokens_in) FROM agent_cost_vector").fetchone()
    store.close()
    assert (single, count) == ([38, 8], 38 + 8 - 2)
