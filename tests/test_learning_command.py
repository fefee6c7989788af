"""The verb `learning`: prints both rules, and records the day's row once."""

import pytest

from asp_analysis.config import parse_url
from asp_analysis.session import connect
from asp_analysis.store.database import create_store


@pytest.fixture
def store(tmp_path):
    url = parse_url("learn.db", tmp_path)
    create_store(url, with_sample=True)
    return url


def recorded(url, day):
    with connect(url) as session:
        return session.sql(
            "SELECT * FROM stg_learning WHERE CAST(measured_at AS DATE) = CAST($day AS DATE) ORDER BY capability",
            day=day,
        )


def test_both_rules_stand_side_by_side(run, sample_store):
    ran = run("learning", "--as-of", "2025-12-14", "--db", sample_store, "--json")
    probe = next(row for row in ran.json if row["capability"] == "PROBE_AI")
    assert (probe["published_mode"], probe["sound_mode"]) == ("Autonomous", "Shadow")
    words = run("learning", "--as-of", "2025-12-14", "--db", sample_store).out
    assert "why they differ: The published rule takes raw rates at face value" in words


def test_a_recorded_day_has_one_row_per_capability_with_its_evidence(run, store):
    ran = run("learning", "--as-of", "2025-12-15", "--record", "--db", store)
    assert ran.exit_code == 0 and "6 rows written" in ran.err
    rows = recorded(store, "2025-12-15")
    assert len(rows) == rows["capability"].nunique() == 6
    probe = rows.set_index("capability").loc["PROBE_AI"]
    assert (probe["mode"], probe["is_graduated"]) == ("Autonomous", True)
    assert probe["metric_value"] == pytest.approx(19.7, abs=0.05)
    assert '"sound_mode":"Shadow"' in probe["metadata_json"]


def test_recording_again_replaces_nothing_and_says_so(run, store):
    run("learning", "--as-of", "2025-10-19", "--record", "--db", store)
    before = recorded(store, "2025-10-19")
    ran = run("learning", "--as-of", "2025-10-19", "--record", "--db", store)
    assert "0 rows written" in ran.err and "6 had a row of 2025-10-19 already" in ran.err
    assert recorded(store, "2025-10-19").equals(before)


def test_a_row_that_the_platform_wrote_that_day_is_left_as_it_is(run, store):
    before = recorded(store, "2025-10-18")
    ran = run("learning", "--as-of", "2025-10-18", "--record", "--db", store)
    assert len(before) == 6 and "0 rows written" in ran.err
    assert recorded(store, "2025-10-18").equals(before)


def test_an_empty_store_is_all_learning(run, empty_store):
    rows = run("learning", "--db", empty_store, "--json").json
    assert {row["published_mode"] for row in rows} == {row["sound_mode"] for row in rows} == {"Learning"}
    assert run("learning", "--record", "--db", empty_store).exit_code == 0


def test_a_date_that_is_none_is_wrong_usage(run, sample_store):
    assert run("learning", "--as-of", "soon", "--db", sample_store).exit_code == 2
