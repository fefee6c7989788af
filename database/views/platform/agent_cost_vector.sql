-- One row is one execution, with the columns of the store.
SELECT
    * EXCLUDE (first_row),
    CAST(NULL AS VARCHAR) AS machine,
    CAST(NULL AS VARCHAR) AS tool,
    CAST(NULL AS VARCHAR) AS tool_version,
    CAST(NULL AS VARCHAR) AS labels,
    CAST(NULL AS BIGINT) AS load_id,
    CAST(NULL AS VARCHAR) AS repository,
    CAST(NULL AS VARCHAR) AS branch
FROM platform.executions
