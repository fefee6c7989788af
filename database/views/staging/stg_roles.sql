-- One row is one agent role (phase) that is listed in the store.
-- key: agent_role
-- agent_role: the role
-- phase_order: its place in the order of phases
-- kind: overhead, construction, appraisal or failure
SELECT
    agent_role,
    phase_order,
    kind
FROM raw.agent_roles
