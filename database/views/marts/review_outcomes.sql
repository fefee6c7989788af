-- One row is one reviewing role: what it flagged, what people made of it, and what passed it by.
-- key: agent_role
-- agent_role: the reviewing role
-- phase_order: its place in the order of phases
-- flagged [count]: defects that it flagged
-- confirmed [count]: of those, confirmed by a person
-- refuted [count]: of those, refuted by a person
-- undecided [count]: of those, neither yet
-- escaped [count]: real defects of tasks that it reviewed, made before its place and found after it, flagged by no agent
-- true_positive_share [share of 1]: confirmed / flagged; not defined without flags
-- false_positive_share [share of 1]: refuted / flagged; not defined without flags
-- escape_share [share of 1]: escaped / (confirmed + escaped); not defined where both are 0
WITH reviewers AS (
    SELECT
        agent_role,
        phase_order
    FROM stg_roles
    WHERE kind = 'appraisal'
),

flagged AS (
    SELECT
        phase_removed AS agent_role,
        count(*) AS flagged,
        count(*) FILTER (WHERE is_validated_by_human AND NOT is_false_positive) AS confirmed,
        count(*) FILTER (WHERE is_false_positive) AS refuted
    FROM defects
    WHERE is_flagged_by_agent
    GROUP BY phase_removed
),

reviewed AS (
    SELECT DISTINCT
        agent_role,
        task_id
    FROM stg_executions
),

escaped AS (
    SELECT
        reviewers.agent_role,
        count(*) AS escaped
    FROM reviewers
    INNER JOIN reviewed ON reviewers.agent_role = reviewed.agent_role
    INNER JOIN defects
        ON
            reviewed.task_id = defects.task_id
            AND NOT defects.is_flagged_by_agent
            AND NOT defects.is_false_positive
            AND defects.injected_order < reviewers.phase_order
            AND defects.removed_order > reviewers.phase_order
    GROUP BY reviewers.agent_role
)

SELECT
    reviewers.agent_role,
    reviewers.phase_order,
    flagged.flagged,
    flagged.confirmed,
    flagged.refuted,
    flagged.flagged - flagged.confirmed - flagged.refuted AS undecided,
    COALESCE(escaped.escaped, 0) AS escaped,
    flagged.confirmed / NULLIF(flagged.flagged, 0) AS true_positive_share,
    flagged.refuted / NULLIF(flagged.flagged, 0) AS false_positive_share,
    COALESCE(escaped.escaped, 0) / NULLIF(flagged.confirmed + COALESCE(escaped.escaped, 0), 0) AS escape_share
FROM reviewers
INNER JOIN flagged ON reviewers.agent_role = flagged.agent_role
LEFT JOIN escaped ON reviewers.agent_role = escaped.agent_role
