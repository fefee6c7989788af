"""Real teams' defects (CESAW) load through a mapping and give the yield table; its totals are checked."""

from dataclasses import replace

import pandas as pd
import pytest

from asp_analysis.config import parse_url
from asp_analysis.quality import Work, fix_costs, flow_note, injection_matrix, phase_yields, removal_measures
from asp_analysis.session import connect
from asp_analysis.store.database import create_store

# The order of these phases stands in the records themselves; the loader keeps such columns in `metadata`.
ORDER = """
WITH named AS (
    SELECT
        phase_removed AS agent_role,
        lower(metadata_json::JSON ->> 'removed_phase_type') AS kind,
        metadata_json::JSON ->> 'removed_base_phase_name' = phase_removed AS is_base,
        TRY_CAST(metadata_json::JSON ->> 'removed_base_phase_ordinal' AS DOUBLE) AS base_order,
        TRY_CAST(metadata_json::JSON ->> 'removed_phase_ordinal' AS DOUBLE) AS own_order
    FROM stg_defects
)
SELECT agent_role, mode(kind) AS kind,
    COALESCE(mode(base_order) FILTER (WHERE is_base), mode(base_order), mode(own_order)) AS phase_order
FROM named GROUP BY agent_role
"""
FIXES = (
    "SELECT defect_id, CAST(metadata_json::JSON ->> 'defect_fix_time_minutes' AS DOUBLE) AS minutes FROM stg_defects"
)
MAPS = {"defect_id": "defect_log_fact_key", "created_at": "defect_found_date", "task_id": "plan_item_key",
        "project_id": "project_key", "phase_injected": "injected_phase_name",
        "phase_removed": "removed_phase_name"}  # fmt: skip


@pytest.fixture(scope="module")
def facts():
    from tests.conftest import SHARED_DATA

    path = SHARED_DATA / "human_process" / "cesaw_defect_facts.csv.gz"
    if not path.is_file():
        pytest.skip("the real data sets are not here (human_process is missing)")
    return path, pd.read_csv(path)


@pytest.fixture(scope="module")
def loaded(facts, tmp_path_factory):
    from asp_analysis.importers.tables.table_options import TableOptions
    from asp_analysis.loading import load_file
    from asp_analysis.store.database import open_store

    url = parse_url("cesaw.db", tmp_path_factory.mktemp("cesaw"))
    create_store(url)
    constants = {"defect_type": "6_Conventional_Code_Bug", "description": "not recorded"}
    with open_store(url) as store:
        result = load_file(
            store,
            facts[0],
            "defect_log",
            TableOptions(columns=MAPS, constants=constants, time_formats=("%m/%d/%Y %H:%M",)),
        )
    return url, result


@pytest.fixture(scope="module")
def work(loaded):
    with connect(loaded[0]) as session:
        phases = session.sql(ORDER)
        phases.loc[len(phases)] = {"agent_role": "Before Development", "kind": "overhead", "phase_order": 0.0}
        fixes = session.sql(FIXES)
        found = Work.read(session.view, phases)
    defects = found.defects.merge(fixes, on="defect_id")
    return replace(found, defects=defects.assign(fix_latency_ms=defects["minutes"] * 60_000))


def test_every_record_is_written_or_rejected_for_one_reason(facts, loaded):
    frame, result = facts[1], loaded[1]
    same = int((frame["removed_phase_name"] == frame["injected_phase_name"]).sum())
    assert (
        (result.read, result.written, result.rejected) == (len(frame), len(frame) - same, same) == (23780, 22965, 815)
    )


def test_the_matrix_has_the_counts_of_the_file(facts, work):
    frame = facts[1]
    kept = frame[frame["removed_phase_name"] != frame["injected_phase_name"]]
    expected = pd.crosstab(kept["injected_phase_name"], kept["removed_phase_name"])
    matrix = injection_matrix(work)
    assert matrix.to_numpy().sum() == 22965
    pd.testing.assert_frame_equal(
        matrix.reindex(index=expected.index, columns=expected.columns), expected, check_names=False
    )


def test_the_yields_follow_from_the_file(facts, work):
    frame = facts[1]
    order = dict(zip(work.phases["agent_role"], work.phases["phase_order"], strict=True))
    made, found = (frame[f"{what}_phase_name"].map(order) for what in ("injected", "removed"))
    table = phase_yields(work).set_index("agent_role")
    for role in ("Design Review", "Code Review", "Code Inspect", "Test", "Int Test", "Sys Test"):
        here = order[role]  # no other phase stands at the places of these
        removed = ((frame["removed_phase_name"] == role) & (made < here)).sum()
        entering = ((made < here) & (found >= here)).sum()
        own = ((frame["injected_phase_name"] == role) & (found > here)).sum()
        row = table.loc[role]
        assert (row["removed"], row["entering"], row["injected"]) == (removed, entering, own), role
        assert row["yield_share"] == pytest.approx(removed / (entering + own))


def test_inspections_of_code_find_more_than_half_and_tests_less_than_two_thirds(work):
    table = phase_yields(work).set_index("agent_role")["yield_share"]
    assert table["Code Inspect"] == pytest.approx(0.590, abs=0.001)
    assert table["Design Inspect"] == pytest.approx(0.484, abs=0.001)
    assert table["Test"] == pytest.approx(0.470, abs=0.001)


def test_process_yield_before_compile_and_the_defects_left_out(work):
    measures = removal_measures(work, before="Compile").set_index("measure")
    assert measures.loc["process yield", ["part", "whole"]].tolist() == [9528, 21983]
    assert measures.loc["defects caught in review", ["part", "whole"]].tolist() == [16246, 22965]
    assert flow_note(work).startswith("left out of the yields: 256 in a phase without a place in the order, 308 found")


def test_the_fix_time_of_the_file_is_kept_and_a_test_defect_takes_longer_than_a_review_defect(facts, work):
    frame = facts[1]
    kept = frame[(frame["removed_phase_name"] != frame["injected_phase_name"]) & (frame["defect_fix_time_minutes"] > 0)]
    table = fix_costs(work).set_index("agent_role")
    assert table["total_fix_latency_ms"].sum() / 60_000 == pytest.approx(kept["defect_fix_time_minutes"].sum())
    assert table["with_cost"].sum() == len(kept)
    minutes = table["median_fix_latency_ms"] / 60_000
    assert minutes["Code Review"] == pytest.approx(1.9) and minutes["Test"] == pytest.approx(8.1)
