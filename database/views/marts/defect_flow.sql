-- One row is one pair of phases: defects made in the one and found in the other; false alarms are left out.
-- key: phase_injected, phase_removed
-- phase_injected: the role that made them
-- injected_order: its place in the order of phases
-- phase_removed: the role that found them
-- removed_order: its place in the order of phases
-- removed_kind: its kind: appraisal, failure, ...
-- defects [count]: how many
-- fix_latency_ms [ms]: time that the corrections took, as far as known
-- fix_cost_usd [USD]: money that the corrections took, as far as known
-- median_fix_cost_usd [USD]: money that one correction took
WITH pairs AS (
    SELECT
        phase_injected,
        phase_removed,
        count(*) AS defects,
        sum(fix_latency_ms) AS fix_latency_ms,
        sum(fix_cost_usd) AS fix_cost_usd,
        median(fix_cost_usd) AS median_fix_cost_usd
    FROM stg_defects
    WHERE NOT is_false_positive
    GROUP BY phase_injected, phase_removed
)

SELECT
    pairs.phase_injected,
    injected.phase_order AS injected_order,
    pairs.phase_removed,
    removed.phase_order AS removed_order,
    removed.kind AS removed_kind,
    pairs.defects,
    pairs.fix_latency_ms,
    pairs.fix_cost_usd,
    pairs.median_fix_cost_usd
FROM pairs
LEFT JOIN stg_roles AS injected ON pairs.phase_injected = injected.agent_role
LEFT JOIN stg_roles AS removed ON pairs.phase_removed = removed.agent_role
