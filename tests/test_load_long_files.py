"""A file of any length is read in the same memory, and its executions are named as they are in a short one."""

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asp_analysis.errors import InputError
from asp_analysis.importers.tables import occurrences
from asp_analysis.importers.tables.occurrences import Occurrences


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 2**140))), st.integers(1, 4))
def test_what_was_put_away_is_found_again(steps, most):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(occurrences, "MOST", most)
        counted, expected = Occurrences(), {}
        for digest, more in steps:
            counted[digest] = counted[digest] + more
            expected[digest] = expected.get(digest, 0) + more
        assert {digest: counted[digest] for digest in "abcdef"} == {**dict.fromkeys("abcdef", 0), **expected}
        counted.close()


def rows_of(path):
    with sqlite3.connect(path) as connection:
        return connection.execute("SELECT execution_id, cost_usd, latency_ms FROM agent_cost_vector").fetchall()


def test_executions_have_the_same_names_however_much_is_kept_in_memory(run, tmp_path, monkeypatch):
    lines = ["timestamp,task_id,agent_role,metric_type,metric_value,metric_unit"]
    for number in range(300):  # each context comes again, far from where it came before
        context = f"2026-01-02T00:00:{number % 50:02d}Z,T-{number % 2},Code"
        lines += [f"{context},API_Cost,{number},USD", f"{context},Latency,{number},ms"]
    (tmp_path / "long.csv").write_text("\n".join(lines) + "\n")
    found = []
    for most in (occurrences.MOST, 3):
        monkeypatch.setattr(occurrences, "MOST", most)
        store = tmp_path / f"{most}.db"
        assert run("init", "--db", store).exit_code == 0
        assert run("load", tmp_path / "long.csv", "--json", "--db", store).json["written"] == 600
        found.append(rows_of(store))
    assert found[0] == found[1] and len({name for name, *_ in found[0]}) == len(found[0]) == 300
    assert sorted(cost for _, cost, _ in found[0]) == [*range(300)] and all(cost == ms for _, cost, ms in found[0])


def test_no_room_for_what_is_put_away_is_one_sentence(monkeypatch):
    monkeypatch.setattr(occurrences, "MOST", 1)
    counted = Occurrences()
    counted["a"] = 1
    counted._others.execute("PRAGMA max_page_count = 2")
    with pytest.raises(InputError, match=r"Room for temporary files is needed .* TMPDIR"):
        for number in range(10_000):
            counted[f"{number:024d}"] = 1
