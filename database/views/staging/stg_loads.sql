-- One row is one load of one file.
-- load_id: the load
-- file: the file as it was named
-- sha256: its fingerprint
-- format: csv, jsonl, parquet, ...
-- loaded_as: what its records were taken for
-- finished_at [UTC]: when the load ended
-- read_count [count]: records read; written + updated + present + rejected
-- written [count]: records that were new
-- updated [count]: records that changed what was there
-- present [count]: records that were there already
-- rejected [count]: records that could not be taken
-- tasks_stubbed [count]: tasks created because telemetry named them
SELECT
    TRY_CAST(load_id AS BIGINT) AS load_id,
    CAST(file AS VARCHAR) AS file,
    CAST(sha256 AS VARCHAR) AS sha256,
    CAST(format AS VARCHAR) AS format,
    CAST(loaded_as AS VARCHAR) AS loaded_as,
    TRY_CAST(finished_at AS TIMESTAMPTZ) AT TIME ZONE 'UTC' AS finished_at,
    TRY_CAST(read_count AS BIGINT) AS read_count,
    TRY_CAST(written AS BIGINT) AS written,
    TRY_CAST(updated AS BIGINT) AS updated,
    TRY_CAST(present AS BIGINT) AS present,
    TRY_CAST(rejected AS BIGINT) AS rejected,
    TRY_CAST(tasks_stubbed AS BIGINT) AS tasks_stubbed
FROM raw.load_log
