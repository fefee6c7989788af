-- The same indexes as database/sqlite/create_indexes.sql: for people who query the server, and for the writer's look-ups.

CREATE INDEX ix_agent_cost_vector_task ON agent_cost_vector (task_id, executed_at);
CREATE INDEX ix_agent_cost_vector_executed ON agent_cost_vector (executed_at);
CREATE INDEX ix_defect_log_task ON defect_log (task_id);
CREATE INDEX ix_task_metadata_completed ON task_metadata (completed_at);
-- The newest rows, for readers that copy what was added.
CREATE INDEX ix_agent_cost_vector_row ON agent_cost_vector (row_id);
