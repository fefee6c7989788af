-- One row is one agent role (phase) that is listed in the store.
-- agent_role: the role
-- phase_order: its place in the order of phases
-- kind: overhead, construction, appraisal or failure
SELECT
    CAST(agent_role AS VARCHAR) AS agent_role,
    TRY_CAST(phase_order AS BIGINT) AS phase_order,
    CAST(kind AS VARCHAR) AS kind
FROM raw.agent_roles
