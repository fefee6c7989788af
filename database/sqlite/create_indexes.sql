-- Indexes for people who query the file with sqlite3. DuckDB scans columns and needs none of them.

CREATE INDEX ix_agent_cost_vector_task ON agent_cost_vector (task_id, executed_at);
CREATE INDEX ix_agent_cost_vector_executed ON agent_cost_vector (executed_at);
CREATE INDEX ix_defect_log_task ON defect_log (task_id);
CREATE INDEX ix_task_metadata_completed ON task_metadata (completed_at);
