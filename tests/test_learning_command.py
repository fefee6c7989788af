"""The verb `learning`: prints both rules, and records the day's row once."""

import re

import numpy as np
import pandas as pd
import pytest

from asp_analysis.config import parse_url
from asp_analysis.learning.evidence import Evidence, Published
from asp_analysis.learning.lives import make_life
from asp_analysis.learning.pace import tell_pace
from asp_analysis.learning.rule import SoundRule
from asp_analysis.learning.sound import walk
from asp_analysis.learning.standings import Standing
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


def test_each_capability_says_how_long_its_evidence_takes_at_its_pace(run, sample_store, empty_store):
    out = run("learning", "--as-of", "2025-12-14", "--db", sample_store).out
    lines = [line.strip() for line in out.splitlines() if line.strip().startswith("at this pace:")]
    assert len(lines) == 5  # the sixth has fixed looks
    for line in lines:
        assert re.match(
            r"at this pace: [\d.]+ cases a week; .*; of agents right in \d+ %, (four of five have shown it after "
            r"[\d,]+ cases \([\d,]+ weeks\)|more than a fifth)",
            line,
        ), line
    empty = run("learning", "--db", empty_store).out
    assert empty.count("the pace is not known yet") == 5


def test_a_good_capability_expects_weeks():
    days = np.arange(40) * np.timedelta64(1, "D") + np.datetime64("2026-01-01")
    cases = make_life(np.resize([1.0, 1, 1, 1, 0], 40), 0.7)
    looks_good = evidence_of(cases, days)
    standing = Standing(looks_good, np.zeros(40, int), walk(cases, SoundRule()), pd.DataFrame())
    assert re.match(r"7\.2 cases a week; at the rate so far, expect \d+ weeks? until", tell_pace(standing))
    bad = make_life(np.resize([1.0, 0], 40), 0.6)
    standing = Standing(evidence_of(bad, days), np.zeros(40, int), walk(bad, SoundRule()), pd.DataFrame())
    assert "evidence never is enough" in tell_pace(standing)


def evidence_of(cases, days):
    """Return a capability of these cases; the published rule is not looked at."""
    with_sound_rule_only = Published(
        metric="rate",
        target=0.6,
        needed_for_shadow=10,
        needed_for_autonomous=20,
        counted="tasks",
        known_at=days,
        count=np.arange(len(days)),
        value=np.zeros(len(days)),
        shadow_if={},
        autonomous_if={},
    )
    return Evidence(capability="X", published=with_sound_rule_only, criteria=("rate",), cases=cases, case_at=days)
