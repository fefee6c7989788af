-- One row is one defect as it was logged, false alarms included.
-- key: defect_id
-- defect_id: the defect
-- found_at [UTC]: when it was found
-- fixed_at [UTC]: when it was corrected
-- task_id: the task in which it was found
-- project_id: the project
-- user_id: the person
-- defect_type: the class of defect; stg_defect_types lists them
-- severity: Low, Medium, High or Critical
-- phase_injected: the role that made it
-- phase_removed: the role that found it
-- component_path: where in the code
-- function_name: where in the code
-- line_number: where in the code
-- fix_latency_ms [ms]: time that the correction took
-- fix_tokens [tokens]: tokens that the correction took
-- fix_cost_usd [USD]: money that the correction took
-- fix_retries [count]: tries that the correction took
-- description: what was wrong
-- root_cause: why
-- resolution_notes: how it was corrected
-- is_flagged_by_agent: a review agent found it
-- is_validated_by_human: a person confirmed it
-- is_false_positive: the agent was wrong
-- metadata_json: anything else the source said, a JSON object
-- load_id: the load that first wrote the row; empty where none is logged
SELECT
    defects.defect_id,
    CAST(defects.found_at AS TIMESTAMP) AS found_at,
    CAST(defects.fixed_at AS TIMESTAMP) AS fixed_at,
    defects.task_id,
    defects.project_id,
    defects.user_id,
    defects.defect_type,
    defects.severity,
    COALESCE(makers.name, defects.phase_injected) AS phase_injected,
    COALESCE(finders.name, defects.phase_removed) AS phase_removed,
    defects.component_path,
    defects.function_name,
    defects.line_number,
    defects.fix_latency_ms,
    defects.fix_tokens,
    defects.fix_cost_usd,
    defects.fix_retries,
    defects.description,
    defects.root_cause,
    defects.resolution_notes,
    CAST(defects.is_flagged_by_agent AS BOOLEAN) AS is_flagged_by_agent,
    CAST(defects.is_validated_by_human AS BOOLEAN) AS is_validated_by_human,
    CAST(defects.is_false_positive AS BOOLEAN) AS is_false_positive,
    CAST(defects.metadata_json AS VARCHAR) AS metadata_json,
    defects.load_id
FROM raw.defect_log AS defects
LEFT JOIN raw.name_alias AS makers ON defects.phase_injected = makers.alias AND makers.kind = 'role'
LEFT JOIN raw.name_alias AS finders ON defects.phase_removed = finders.alias AND finders.kind = 'role'
