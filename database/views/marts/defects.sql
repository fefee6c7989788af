-- One row is one defect that was logged, false alarms included, with its task and its phases' order.
-- key: defect_id
-- defect_id: the defect
-- found_at [UTC]: when it was found
-- fixed_at [UTC]: when it was corrected
-- task_id: the task in which it was found
-- project_id: the project
-- user_id: the person
-- task_type: of the task
-- size [complexity units]: of the task: estimated before the work; the actual one where nothing was estimated
-- size_source: estimated or actual
-- actual_size [complexity units]: of the task, after the work
-- defect_type: the class of defect
-- taxonomy: whose class it is: AI, PSP, or a name of your own
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
-- is_assumed: its type or a phase is assumed, because its source does not say it; its metadata names which
SELECT
    defects.defect_id,
    defects.found_at,
    defects.fixed_at,
    defects.task_id,
    COALESCE(defects.project_id, tasks.project_id) AS project_id,
    defects.user_id,
    tasks.task_type,
    CAST(COALESCE(tasks.estimated_size, tasks.actual_size) AS DOUBLE PRECISION) AS size,
    CASE
        WHEN tasks.estimated_size IS NOT NULL THEN 'estimated'
        WHEN tasks.actual_size IS NOT NULL THEN 'actual'
    END AS size_source,
    CAST(tasks.actual_size AS DOUBLE PRECISION) AS actual_size,
    defects.defect_type,
    types.taxonomy,
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
    defects.root_cause,
    COALESCE(CAST(defects.metadata_json AS VARCHAR) LIKE '%"assumed":%', FALSE) AS is_assumed
FROM stg_defects AS defects
LEFT JOIN stg_tasks AS tasks ON defects.task_id = tasks.task_id
LEFT JOIN stg_roles AS injected ON defects.phase_injected = injected.agent_role
LEFT JOIN stg_roles AS removed ON defects.phase_removed = removed.agent_role
LEFT JOIN stg_defect_types AS types ON defects.defect_type = types.defect_type
