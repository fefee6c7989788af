-- One row is one defect that was logged, false alarms included, with its task and its phases' order.
-- defect_id: the defect
-- created_at [UTC]: when it was found
-- resolved_at [UTC]: when it was corrected
-- task_id: the task in which it was found
-- project_id: the project
-- task_type: of the task
-- complexity [complexity units]: size of the task, actual where known, else estimated
-- defect_type: the class of defect
-- severity: Low, Medium, High or Critical
-- phase_injected: the role that made it
-- injected_order: place of that role in the order of phases
-- phase_removed: the role that found it
-- removed_order: place of that role in the order of phases
-- removed_kind: kind of that role: appraisal, failure, ...
-- component_path: where in the code
-- fix_latency_ms [ms]: time that the correction took
-- fix_tokens [tokens]: tokens that the correction took
-- fix_cost_usd [USD]: money that the correction took
-- is_flagged_by_agent: a review agent found it
-- is_validated_by_human: a person confirmed it
-- is_false_positive: the agent was wrong
-- description: what was wrong
-- root_cause: why
SELECT
    defects.defect_id,
    defects.created_at,
    defects.resolved_at,
    defects.task_id,
    COALESCE(defects.project_id, tasks.project_id) AS project_id,
    tasks.task_type,
    COALESCE(tasks.actual_complexity, tasks.estimated_complexity) AS complexity,
    defects.defect_type,
    defects.severity,
    defects.phase_injected,
    injected.phase_order AS injected_order,
    defects.phase_removed,
    removed.phase_order AS removed_order,
    removed.kind AS removed_kind,
    defects.component_path,
    defects.fix_latency_ms,
    defects.fix_tokens,
    defects.fix_cost_usd,
    defects.is_flagged_by_agent,
    defects.is_validated_by_human,
    defects.is_false_positive,
    defects.description,
    defects.root_cause
FROM stg_defects AS defects
LEFT JOIN stg_tasks AS tasks ON defects.task_id = tasks.task_id
LEFT JOIN stg_roles AS injected ON defects.phase_injected = injected.agent_role
LEFT JOIN stg_roles AS removed ON defects.phase_removed = removed.agent_role
