-- One row is one defect, as the ASP platform writes it.
-- key: defect_id
SELECT
    defect_id,
    found_at AS created_at,
    fixed_at AS resolved_at,
    task_id,
    project_id,
    user_id,
    defect_type,
    severity,
    phase_injected,
    phase_removed,
    component_path,
    function_name,
    line_number,
    NULLIF(
        CAST(
            json_merge_patch(
                COALESCE(CAST(metadata_json AS JSON) -> '$.effort_to_fix_json', '{}'),
                CASE WHEN fix_latency_ms IS NULL THEN '{}' ELSE json_object('latency_ms', fix_latency_ms) END,
                CASE WHEN fix_tokens IS NULL THEN '{}' ELSE json_object('tokens', fix_tokens) END,
                CASE WHEN fix_cost_usd IS NULL THEN '{}' ELSE json_object('api_cost_usd', fix_cost_usd) END,
                CASE WHEN fix_retries IS NULL THEN '{}' ELSE json_object('retries', fix_retries) END
            ) AS VARCHAR
        ),
        '{}'
    ) AS effort_to_fix_json,
    description,
    root_cause,
    resolution_notes,
    is_flagged_by_agent AS flagged_by_agent,
    is_validated_by_human AS validated_by_human,
    is_false_positive AS false_positive,
    CASE
        WHEN json_exists(metadata_json, '$.effort_to_fix_json')
            THEN NULLIF(CAST(json_merge_patch(metadata_json, '{"effort_to_fix_json": null}') AS VARCHAR), '{}')
        ELSE metadata_json
    END AS metadata
FROM stg_defects
