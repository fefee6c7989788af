-- How often rows of a table were changed in a way that its row count and its largest key do not show. A snapshot of the
-- store is as new as these counters say. They begin anywhere, so that a store that takes the place of another, after
-- init --reset for example, is never taken for it.
CREATE TABLE asp_changes (
    table_name TEXT    NOT NULL,
    changes    INTEGER NOT NULL DEFAULT 0,
    CONSTRAINT pk_asp_changes PRIMARY KEY (table_name)
) STRICT;

INSERT INTO asp_changes (table_name, changes)
SELECT column1, abs(random() / 10000)
FROM (VALUES ('agent_cost_vector'), ('task_metadata'), ('defect_log'), ('bootstrap_metrics'), ('agent_roles'),
    ('capabilities'), ('defect_types'), ('people'), ('code_change'), ('change_session'),
    ('name_alias'), ('budget'), ('agent_change'), ('change_assignment'), ('load_log'));

CREATE TRIGGER tr_agent_cost_vector_update AFTER UPDATE ON agent_cost_vector
BEGIN UPDATE asp_changes SET changes = changes + 1 WHERE table_name = 'agent_cost_vector'; END;
CREATE TRIGGER tr_agent_cost_vector_delete AFTER DELETE ON agent_cost_vector
BEGIN UPDATE asp_changes SET changes = changes + 1 WHERE table_name = 'agent_cost_vector'; END;
CREATE TRIGGER tr_task_metadata_insert AFTER INSERT ON task_metadata
BEGIN UPDATE asp_changes SET changes = changes + 1 WHERE table_name = 'task_metadata'; END;
CREATE TRIGGER tr_task_metadata_update AFTER UPDATE ON task_metadata
BEGIN UPDATE asp_changes SET changes = changes + 1 WHERE table_name = 'task_metadata'; END;
CREATE TRIGGER tr_task_metadata_delete AFTER DELETE ON task_metadata
BEGIN UPDATE asp_changes SET changes = changes + 1 WHERE table_name = 'task_metadata'; END;
CREATE TRIGGER tr_defect_log_insert AFTER INSERT ON defect_log
BEGIN UPDATE asp_changes SET changes = changes + 1 WHERE table_name = 'defect_log'; END;
CREATE TRIGGER tr_defect_log_update AFTER UPDATE ON defect_log
BEGIN UPDATE asp_changes SET changes = changes + 1 WHERE table_name = 'defect_log'; END;
CREATE TRIGGER tr_defect_log_delete AFTER DELETE ON defect_log
BEGIN UPDATE asp_changes SET changes = changes + 1 WHERE table_name = 'defect_log'; END;
CREATE TRIGGER tr_bootstrap_metrics_insert AFTER INSERT ON bootstrap_metrics
BEGIN UPDATE asp_changes SET changes = changes + 1 WHERE table_name = 'bootstrap_metrics'; END;
CREATE TRIGGER tr_bootstrap_metrics_update AFTER UPDATE ON bootstrap_metrics
BEGIN UPDATE asp_changes SET changes = changes + 1 WHERE table_name = 'bootstrap_metrics'; END;
CREATE TRIGGER tr_bootstrap_metrics_delete AFTER DELETE ON bootstrap_metrics
BEGIN UPDATE asp_changes SET changes = changes + 1 WHERE table_name = 'bootstrap_metrics'; END;
CREATE TRIGGER tr_agent_roles_insert AFTER INSERT ON agent_roles
BEGIN UPDATE asp_changes SET changes = changes + 1 WHERE table_name = 'agent_roles'; END;
CREATE TRIGGER tr_agent_roles_update AFTER UPDATE ON agent_roles
BEGIN UPDATE asp_changes SET changes = changes + 1 WHERE table_name = 'agent_roles'; END;
CREATE TRIGGER tr_agent_roles_delete AFTER DELETE ON agent_roles
BEGIN UPDATE asp_changes SET changes = changes + 1 WHERE table_name = 'agent_roles'; END;
CREATE TRIGGER tr_capabilities_insert AFTER INSERT ON capabilities
BEGIN UPDATE asp_changes SET changes = changes + 1 WHERE table_name = 'capabilities'; END;
CREATE TRIGGER tr_capabilities_update AFTER UPDATE ON capabilities
BEGIN UPDATE asp_changes SET changes = changes + 1 WHERE table_name = 'capabilities'; END;
CREATE TRIGGER tr_capabilities_delete AFTER DELETE ON capabilities
BEGIN UPDATE asp_changes SET changes = changes + 1 WHERE table_name = 'capabilities'; END;
CREATE TRIGGER tr_defect_types_insert AFTER INSERT ON defect_types
BEGIN UPDATE asp_changes SET changes = changes + 1 WHERE table_name = 'defect_types'; END;
CREATE TRIGGER tr_defect_types_update AFTER UPDATE ON defect_types
BEGIN UPDATE asp_changes SET changes = changes + 1 WHERE table_name = 'defect_types'; END;
CREATE TRIGGER tr_defect_types_delete AFTER DELETE ON defect_types
BEGIN UPDATE asp_changes SET changes = changes + 1 WHERE table_name = 'defect_types'; END;
CREATE TRIGGER tr_people_insert AFTER INSERT ON people
BEGIN UPDATE asp_changes SET changes = changes + 1 WHERE table_name = 'people'; END;
CREATE TRIGGER tr_people_update AFTER UPDATE ON people
BEGIN UPDATE asp_changes SET changes = changes + 1 WHERE table_name = 'people'; END;
CREATE TRIGGER tr_people_delete AFTER DELETE ON people
BEGIN UPDATE asp_changes SET changes = changes + 1 WHERE table_name = 'people'; END;
CREATE TRIGGER tr_code_change_insert AFTER INSERT ON code_change
BEGIN UPDATE asp_changes SET changes = changes + 1 WHERE table_name = 'code_change'; END;
CREATE TRIGGER tr_code_change_update AFTER UPDATE ON code_change
BEGIN UPDATE asp_changes SET changes = changes + 1 WHERE table_name = 'code_change'; END;
CREATE TRIGGER tr_code_change_delete AFTER DELETE ON code_change
BEGIN UPDATE asp_changes SET changes = changes + 1 WHERE table_name = 'code_change'; END;
CREATE TRIGGER tr_change_session_insert AFTER INSERT ON change_session
BEGIN UPDATE asp_changes SET changes = changes + 1 WHERE table_name = 'change_session'; END;
CREATE TRIGGER tr_change_session_update AFTER UPDATE ON change_session
BEGIN UPDATE asp_changes SET changes = changes + 1 WHERE table_name = 'change_session'; END;
CREATE TRIGGER tr_change_session_delete AFTER DELETE ON change_session
BEGIN UPDATE asp_changes SET changes = changes + 1 WHERE table_name = 'change_session'; END;
CREATE TRIGGER tr_name_alias_insert AFTER INSERT ON name_alias
BEGIN UPDATE asp_changes SET changes = changes + 1 WHERE table_name = 'name_alias'; END;
CREATE TRIGGER tr_name_alias_update AFTER UPDATE ON name_alias
BEGIN UPDATE asp_changes SET changes = changes + 1 WHERE table_name = 'name_alias'; END;
CREATE TRIGGER tr_name_alias_delete AFTER DELETE ON name_alias
BEGIN UPDATE asp_changes SET changes = changes + 1 WHERE table_name = 'name_alias'; END;
CREATE TRIGGER tr_budget_insert AFTER INSERT ON budget
BEGIN UPDATE asp_changes SET changes = changes + 1 WHERE table_name = 'budget'; END;
CREATE TRIGGER tr_budget_update AFTER UPDATE ON budget
BEGIN UPDATE asp_changes SET changes = changes + 1 WHERE table_name = 'budget'; END;
CREATE TRIGGER tr_budget_delete AFTER DELETE ON budget
BEGIN UPDATE asp_changes SET changes = changes + 1 WHERE table_name = 'budget'; END;
CREATE TRIGGER tr_agent_change_insert AFTER INSERT ON agent_change
BEGIN UPDATE asp_changes SET changes = changes + 1 WHERE table_name = 'agent_change'; END;
CREATE TRIGGER tr_agent_change_update AFTER UPDATE ON agent_change
BEGIN UPDATE asp_changes SET changes = changes + 1 WHERE table_name = 'agent_change'; END;
CREATE TRIGGER tr_agent_change_delete AFTER DELETE ON agent_change
BEGIN UPDATE asp_changes SET changes = changes + 1 WHERE table_name = 'agent_change'; END;
CREATE TRIGGER tr_change_assignment_insert AFTER INSERT ON change_assignment
BEGIN UPDATE asp_changes SET changes = changes + 1 WHERE table_name = 'change_assignment'; END;
CREATE TRIGGER tr_change_assignment_update AFTER UPDATE ON change_assignment
BEGIN UPDATE asp_changes SET changes = changes + 1 WHERE table_name = 'change_assignment'; END;
CREATE TRIGGER tr_change_assignment_delete AFTER DELETE ON change_assignment
BEGIN UPDATE asp_changes SET changes = changes + 1 WHERE table_name = 'change_assignment'; END;
CREATE TRIGGER tr_load_log_insert AFTER INSERT ON load_log
BEGIN UPDATE asp_changes SET changes = changes + 1 WHERE table_name = 'load_log'; END;
CREATE TRIGGER tr_load_log_update AFTER UPDATE ON load_log
BEGIN UPDATE asp_changes SET changes = changes + 1 WHERE table_name = 'load_log'; END;
CREATE TRIGGER tr_load_log_delete AFTER DELETE ON load_log
BEGIN UPDATE asp_changes SET changes = changes + 1 WHERE table_name = 'load_log'; END;
