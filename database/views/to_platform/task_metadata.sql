-- One row is one task, as the ASP platform writes it.
-- key: task_id
SELECT
    task_id,
    created_at,
    started_at,
    completed_at,
    project_id,
    task_type,
    task_description,
    requirements_text,
    semantic_units_json,
    estimated_size AS estimated_complexity,
    actual_size AS actual_complexity,
    NULLIF(
        CAST(
            json_merge_patch(
                COALESCE(CAST(metadata_json AS JSON) -> '$.estimated_cost_vector_json', '{}'),
                CASE WHEN estimated_latency_ms IS NULL THEN '{}' ELSE json_object('latency_ms', estimated_latency_ms) END,
                CASE WHEN estimated_tokens IS NULL THEN '{}' ELSE json_object('tokens', estimated_tokens) END,
                CASE WHEN estimated_cost_usd IS NULL THEN '{}' ELSE json_object('api_cost_usd', estimated_cost_usd) END
            ) AS VARCHAR
        ),
        '{}'
    ) AS estimated_cost_vector_json,
    NULLIF(
        CAST(
            json_merge_patch(
                COALESCE(CAST(metadata_json AS JSON) -> '$.actual_cost_vector_json', '{}'),
                CASE WHEN reported_latency_ms IS NULL THEN '{}' ELSE json_object('latency_ms', reported_latency_ms) END,
                CASE WHEN reported_tokens IS NULL THEN '{}' ELSE json_object('tokens', reported_tokens) END,
                CASE WHEN reported_cost_usd IS NULL THEN '{}' ELSE json_object('api_cost_usd', reported_cost_usd) END
            ) AS VARCHAR
        ),
        '{}'
    ) AS actual_cost_vector_json,
    reported_defects AS defect_count,
    reported_defect_density AS defect_density,
    components_json AS components_affected,
    bootstrap_phase,
    is_human_reviewed AS human_reviewed,
    human_corrections_json,
    status,
    CASE
        WHEN
            is_stub
            OR json_exists(metadata_json, '$.estimated_cost_vector_json')
            OR json_exists(metadata_json, '$.actual_cost_vector_json')
            THEN
                NULLIF(
                    CAST(
                        json_merge_patch(
                            COALESCE(metadata_json, '{}'),
                            '{"estimated_cost_vector_json": null, "actual_cost_vector_json": null}',
                            CASE WHEN is_stub THEN '{"is_stub": true}' ELSE '{}' END
                        ) AS VARCHAR
                    ),
                    '{}'
                )
        ELSE metadata_json
    END AS metadata
FROM stg_tasks
