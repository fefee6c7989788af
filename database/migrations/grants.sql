-- Who may do what: asp_writer inserts and updates and never deletes telemetry; asp_reader selects. Neither can log in:
-- GRANT asp_writer TO somebody. Where the present user may not create roles, an administrator runs this file later.

-- Lets an execution have happened at another time. With TimescaleDB that may be in another chunk, where no UPDATE can
-- move a row, and a writer may not delete: this runs with the rights of the tables' owner.
CREATE OR REPLACE FUNCTION asp_move_execution(moved TEXT, moved_to TIMESTAMPTZ) RETURNS VOID
LANGUAGE sql SECURITY DEFINER
BEGIN ATOMIC
    WITH former AS (DELETE FROM agent_cost_vector WHERE execution_id = moved RETURNING *)
    INSERT INTO agent_cost_vector (
        execution_id, executed_at, task_id, subtask_id, project_id, user_id, agent_role, agent_version, agent_iteration,
        llm_model, llm_provider, latency_ms, tokens_in, tokens_out, tokens_cache_read, tokens_cache_write, cost_usd,
        tool_calls, retries, memory_mb, machine, tool, tool_version, labels, metadata_json, load_id, row_id,
        repository, branch
    )
    SELECT
        execution_id, moved_to, task_id, subtask_id, project_id, user_id, agent_role, agent_version, agent_iteration,
        llm_model, llm_provider, latency_ms, tokens_in, tokens_out, tokens_cache_read, tokens_cache_write, cost_usd,
        tool_calls, retries, memory_mb, machine, tool, tool_version, labels, metadata_json, load_id, row_id,
        repository, branch
    FROM former;
END;
REVOKE ALL ON FUNCTION asp_move_execution FROM PUBLIC;

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'asp_reader') THEN
        CREATE ROLE asp_reader NOLOGIN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'asp_writer') THEN
        CREATE ROLE asp_writer NOLOGIN;
    END IF;
    GRANT SELECT ON asp_schema, agent_roles, capabilities, defect_types, task_metadata, agent_cost_vector, defect_log,
        bootstrap_metrics, people, code_change, change_session, name_alias, budget, agent_change, change_assignment, load_log, load_reject, load_version, asp_changes, executions, work, task_costs, tasks, defects
        TO asp_reader, asp_writer;
    GRANT INSERT, UPDATE ON agent_roles, capabilities, defect_types, task_metadata, agent_cost_vector, defect_log,
        bootstrap_metrics, people, code_change, change_session, name_alias, budget, agent_change, change_assignment, load_log, load_reject, load_version TO asp_writer;
    GRANT UPDATE ON asp_changes TO asp_writer;
    GRANT EXECUTE ON FUNCTION asp_move_execution TO asp_writer;
    -- Rejects that were exported for repair are forgotten; they are not telemetry.
    GRANT DELETE ON load_reject TO asp_writer;
    -- An alias that is undone changes no row of telemetry.
    GRANT DELETE ON name_alias TO asp_writer;
    -- Nor does a budget or a change that is removed.
    GRANT DELETE ON budget, agent_change, change_assignment TO asp_writer;
EXCEPTION WHEN insufficient_privilege THEN
    RAISE NOTICE 'The roles asp_reader and asp_writer were not made: this needs the right to create roles.';
END
$$;
