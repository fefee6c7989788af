"""Error-prone areas: small counts are shrunken, and improvement is not regression to the mean."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asp_analysis.errors import EstimationRefusal
from asp_analysis.learning import Telemetry, error_prone_areas
from asp_analysis.learning.areas import Densities, rank_densities, reduction_lower_pct, reduction_p_value
from asp_analysis.learning.detection import gather_error_prone
from asp_analysis.learning.sound import SoundRule
from asp_analysis.session import connect


def areas(sizes, defects):
    names = [f"a{n}" for n in range(len(sizes))]
    return rank_densities(pd.DataFrame({"area": names, "tasks": 1, "size": sizes, "defects": defects})).set_index(
        "area"
    )


@pytest.fixture(scope="module")
def known(sample_store):
    with connect(sample_store) as session:
        return Telemetry.read(session.view).as_of(pd.Timestamp("2025-12-31"))


def test_one_defect_in_one_small_task_does_not_top_the_list():
    table = areas([5.0, 400, 400, 400, 400], [1, 40, 12, 14, 10])
    assert table["density"].idxmax() == "a0"
    assert table.index[0] == "a1"
    assert table.loc["a0", "is_high_risk_published"] and not table.loc["a0", "is_high_risk"]
    assert table.loc["a1", "is_high_risk"]


def test_areas_that_differ_by_chance_alone_are_not_flagged():
    rng, flagged = np.random.default_rng(2), 0
    for _ in range(100):
        sizes = rng.uniform(20, 200, 12)
        flagged += areas(sizes, rng.poisson(sizes * 0.04))["is_high_risk"].any()
    assert flagged <= 10


def test_intervals_hold_the_true_density_as_often_as_they_promise():
    rng, inside, count = np.random.default_rng(3), 0, 0
    for _ in range(100):
        sizes = rng.uniform(30, 300, 12)
        true = rng.gamma(4, 0.04 / 4, 12)
        table = areas(sizes, rng.poisson(true * sizes)).loc[[f"a{n}" for n in range(12)]]
        inside += ((table["lower"] <= true) & (true <= table["upper"])).sum()
        count += 12
    assert 0.86 <= inside / count <= 0.97


@settings(max_examples=40)
@given(st.floats(1, 500), st.lists(st.integers(0, 50), min_size=2, max_size=12))
def test_shrinking_keeps_the_order_of_equal_areas_and_narrows_their_range(size, counts):
    counts = np.array(counts, dtype=float)
    after = Densities(counts, np.full(len(counts), size))
    order = np.argsort(counts, kind="stable")
    assert (np.diff(after.mean()[order]) >= -1e-12).all()
    assert np.ptp(after.mean()) <= np.ptp(counts) / size + 1e-12
    assert (after.quantile(0.05) <= after.quantile(0.95)).all()


def test_areas_without_any_size_are_refused():
    with pytest.raises(EstimationRefusal, match="known size"):
        Densities(np.array([1.0]), np.array([0.0]))


def test_the_sample_shows_its_one_error_prone_component(known):
    table = error_prone_areas(known.list_ended(), known.defects, known.runs, "component")
    assert table["area"][0] == "src/booking/payments.py"
    assert table.loc[table["is_high_risk"], "area"].tolist() == ["src/booking/payments.py"]
    assert table["defects"].sum() == (~known.defects["is_false_positive"]).sum()


def test_a_role_is_charged_with_what_it_injected(known):
    table = error_prone_areas(known.list_ended(), known.defects, known.runs, "agent_role").set_index("area")
    assert table["defects"].to_dict() == {"Code": 48, "Design": 25, "Planning": 12}


def test_an_unknown_kind_of_area_is_refused(known):
    with pytest.raises(EstimationRefusal, match="'weekday'"):
        error_prone_areas(known.list_ended(), known.defects, known.runs, "weekday")


def test_unlucky_areas_do_not_look_improved():
    """Flag the worst of 12 equal areas; without any change its raw density falls, the sound bound must not promote."""
    rng, raw, sound = np.random.default_rng(4), 0, 0
    for _ in range(300):
        before = rng.poisson(4.0, 12)
        densities = Densities(before, np.full(12, 100.0))
        exposure = np.zeros(12)
        exposure[np.argmax(before)] = 200.0
        after = rng.poisson(8.0)
        raw += 1 - after / 200 / (before.max() / 100) >= 0.30
        sound += reduction_lower_pct(after, densities, exposure, 0.05) >= 30
    assert raw / 300 > 0.5
    assert sound / 300 <= 0.05


def test_a_real_improvement_is_found():
    densities = Densities(np.array([60.0, 20, 20, 20]), np.full(4, 400.0))
    assert reduction_lower_pct(5, densities, np.array([400.0, 0, 0, 0]), 0.0125) > 30


def test_a_reduction_without_later_work_is_not_defined():
    densities = Densities(np.array([6.0, 2.0]), np.array([100.0, 100.0]))
    assert np.isnan(reduction_lower_pct(0, densities, np.zeros(2), 0.05))
    assert reduction_p_value(0, densities, np.zeros(2), 1.0) == 1.0


def test_the_named_components_come_from_the_first_thirty_tasks_only(known):
    found = gather_error_prone(known, SoundRule())
    assert found.secondary["high_risk_components_published"] == ["src/booking/payments.py"]
    assert found.published.value[-1] == pytest.approx(-29.81, abs=0.01)
    assert np.isnan(found.published.value[:30]).all()
