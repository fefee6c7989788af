"""Many machines, one store: what they say together is their union, in whatever order and however often it comes."""

import json
import math
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from asp_analysis.config import parse_url
from asp_analysis.cost_groups import group_costs
from asp_analysis.exporting import Wanted, export
from asp_analysis.importers.transcripts.calls import Reading
from asp_analysis.load_options import LoadOptions
from asp_analysis.loading import load_paths
from asp_analysis.session import connect
from asp_analysis.store.database import create_store, open_store

MACHINES = ("m1", "m2", "m3", "m4", "m5")
_names = count()


def line(session_id, number, tokens):
    usage = {"input_tokens": tokens, "output_tokens": 5}
    name = f"msg_{session_id}_{number:020}"
    message = {"id": name, "model": "claude-sonnet-4-5", "usage": usage, "content": []}
    return json.dumps({
        "type": "assistant", "sessionId": session_id, "uuid": name, "requestId": f"r{name}", "message": message,
        "timestamp": f"2026-03-{1 + number % 28:02}T10:00:00Z", "cwd": "/work/app", "version": "2.1.0",
    })  # fmt: skip


SESSIONS = {f"s{place}": [line(f"s{place}", number, 10 + place) for number in range(6)] for place in range(4)}
"""Four sessions of six calls; whoever resumes one on another machine has a copy of its first calls."""

held = st.fixed_dictionaries({}, optional={name: st.integers(1, 6) for name in SESSIONS})
"""Session -> how many of its calls a machine has."""


def write_folder(folder, sessions):
    folder.mkdir()
    for name, calls in sessions.items():
        (folder / f"{name}.jsonl").write_text("\n".join(SESSIONS[name][:calls]) + "\n")


def new_store(folder):
    url = parse_url(f"store-{next(_names)}.db", folder)
    create_store(url)
    return url


def load(url, paths, machine=None):
    reading = Reading(stamps=(("machine", machine),) if machine else ())
    with open_store(url) as store:
        return list(load_paths(store, paths, LoadOptions(reading=reading)))


def groups(url, *names):
    with connect(url) as session:
        return group_costs(session, names)


def check_union(url, machines):
    """Each call once, and the rows of every grouping sum up to the whole."""
    longest = {name: max((one.get(name, 0) for one in machines), default=0) for name in SESSIONS}
    calls = sum(longest.values())
    whole = groups(url, "task")
    assert int(whole["executions"].sum()) == calls
    assert int(whole["tokens_in"].sum()) == sum((10 + int(name[1:])) * many for name, many in longest.items())
    total = math.fsum(whole["cost_usd"].dropna())
    for names in (["machine"], ["team"], ["team", "machine", "week"], ["person"]):
        found = groups(url, *names)
        assert int(found["executions"].sum()) == calls
        assert math.isclose(math.fsum(found["cost_usd"].dropna()), total, abs_tol=1e-9)
    return total


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("machines")


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    machines=st.lists(held, min_size=5, max_size=5), order=st.permutations(range(5)), again=st.permutations(range(5))
)
def test_folders_of_five_machines_are_their_union_in_every_order_and_twice(folder, machines, order, again):
    here = folder / f"run-{next(_names)}"
    here.mkdir()
    for machine, sessions in zip(MACHINES, machines, strict=True):
        write_folder(here / machine, sessions)
    url, other = new_store(here), new_store(here)
    for place in order:
        load(url, [here / MACHINES[place]], MACHINES[place])
    total = check_union(url, machines)
    by_machine = groups(url, "machine")
    for place in again:
        load(url, [here / MACHINES[place]], MACHINES[place])
        load(other, [here / MACHINES[place]], MACHINES[place])
    assert check_union(url, machines) == total
    assert groups(url, "machine").equals(by_machine) and groups(other, "machine").equals(by_machine)


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(machines=st.lists(held, min_size=5, max_size=5), order=st.permutations(range(5)))
def test_exports_of_five_stores_are_their_union_in_every_order_and_twice(folder, machines, order):
    here = folder / f"run-{next(_names)}"
    here.mkdir()
    files: list[list[Path]] = []
    for machine, sessions in zip(MACHINES, machines, strict=True):
        write_folder(here / machine, sessions)
        own = new_store(here)
        load(own, [here / machine], machine)
        written = export(own, here / f"export-{machine}", Wanted(is_raw=True))
        files.append([one.file for one in written if one.table in ("task_metadata", "agent_cost_vector") and one.rows])
    url = new_store(here)
    for place in (*order, *reversed(order)):
        load(url, files[place])
    check_union(url, machines)
