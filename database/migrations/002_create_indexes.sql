-- The same indexes as database/sqlite/create_indexes.sql: for people who query the server, and for the writer's look-ups.

CREATE INDEX ix_agent_cost_vector_task ON agent_cost_vector (task_id, timestamp);
CREATE INDEX ix_agent_cost_vector_date ON agent_cost_vector (execution_date);
CREATE INDEX ix_defect_log_task ON defect_log (task_id);
CREATE INDEX ix_task_metadata_completed ON task_metadata (completed_at);
CREATE INDEX ix_bootstrap_metrics_capability ON bootstrap_metrics (capability_name, measured_at);
