-- One row is one change of the agents that people recorded.
-- key: change_id
-- change_id: names the change
-- changed_at [UTC]: when it came
-- kind: what the new state is: version (of the agent's prompt), model or tool (its version); empty for all that came later
-- value: the new version or model
-- project_id: the project that it is about; empty for all
-- agent_role: the role that it is about; empty for all
-- old_share: of the tasks that are assigned at random, the share that keeps the old state, 0 to 1
-- seed: what tasks are assigned by
-- created_at [UTC]: when it was recorded
SELECT
    change_id,
    CAST(changed_at AS TIMESTAMP) AS changed_at,
    kind,
    value,
    project_id,
    agent_role,
    old_share,
    seed,
    CAST(created_at AS TIMESTAMP) AS created_at
FROM raw.agent_change
