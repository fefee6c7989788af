-- One row is one task: what was known of it before the work began, and nothing that was counted after it.
-- key: task_id
-- task_id: the task
-- estimated_size [complexity units]: estimated before the work
-- text_length [characters]: of the issue's title and description, or of the one issue that its pull request or change closes
-- files_named [count]: files that the issue names
-- labels: of the issue, a JSON array
-- task_type: authentication, database, api, ui, ...
-- components_json: components that a tracker names, a JSON array; not the files that changed
-- The text and the labels of a pull request, and the files that a change touched, come with the work: they are not here.
WITH told AS (
    SELECT
        task_id,
        project_id,
        estimated_size,
        task_type,
        components_json,
        CASE -- Only texts that name one of these are read as JSON: those of transcripts are long.
            WHEN regexp_matches(metadata_json, '"(text_length|files_named|labels|pull_requests|closes|git)":')
                THEN TRY_CAST(metadata_json AS JSON)
            WHEN contains(metadata_json, '"activity":') THEN CAST('{"activity": 1}' AS JSON)
        END AS about
    FROM stg_tasks
),

own AS (
    SELECT
        *,
        (about ->> '$.pull_requests') IS NOT NULL AS is_pull,
        (about ->> '$.git') IS NOT NULL OR (about ->> '$.activity') IS NOT NULL AS is_code
    FROM told
),

named AS (
    SELECT
        task_id,
        TRY_CAST(about ->> '$.text_length' AS BIGINT) AS text_length,
        TRY_CAST(about ->> '$.files_named' AS BIGINT) AS files_named,
        about ->> '$.labels' AS labels
    FROM own
    WHERE NOT is_pull
),

closing AS (
    SELECT
        task_id,
        project_id AS place,
        UNNEST(TRY_CAST(about -> '$.closes' AS VARCHAR [])) AS issue_number
    FROM own
    WHERE is_pull
    UNION ALL
    SELECT
        task_id,
        repository AS place,
        UNNEST(TRY_CAST(TRY_CAST(metadata_json AS JSON) -> '$.issues' AS VARCHAR [])) AS issue_number
    FROM stg_changes
),

closed AS (
    SELECT DISTINCT
        task_id,
        place || '#' || issue_number AS issue
    FROM closing
),

issues AS (
    SELECT
        closed.task_id,
        any_value(named.text_length) AS text_length,
        any_value(named.files_named) AS files_named,
        any_value(named.labels) AS labels
    FROM closed
    INNER JOIN named ON closed.issue = named.task_id
    GROUP BY closed.task_id
    HAVING count(*) = 1
)

SELECT
    own.task_id,
    CAST(own.estimated_size AS DOUBLE) AS estimated_size,
    COALESCE(named.text_length, issues.text_length) AS text_length,
    COALESCE(named.files_named, issues.files_named) AS files_named,
    COALESCE(named.labels, issues.labels) AS labels,
    own.task_type,
    CASE WHEN NOT (own.is_pull OR own.is_code) THEN own.components_json END AS components_json
FROM own
LEFT JOIN named ON own.task_id = named.task_id
LEFT JOIN issues ON own.task_id = issues.task_id
