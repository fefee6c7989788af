-- One row is one load of one file.
-- key: load_id
-- load_id: the load
-- file: the file as it was named
-- sha256: its fingerprint
-- format: csv, jsonl, parquet, ...
-- loaded_as: what its records were taken for
-- finished_at [UTC]: when the load ended
-- read_count [count]: records read; written + updated + present + rejected
-- written [count]: records that were new
-- updated [count]: records that changed a row of the store
-- present [count]: records that were there already
-- rejected [count]: records that could not be taken
-- tasks_stubbed [count]: tasks created because telemetry named them
SELECT
    load_id,
    file,
    sha256,
    format,
    loaded_as,
    CAST(finished_at AS TIMESTAMP) AS finished_at,
    read_count,
    written,
    updated,
    present,
    rejected,
    tasks_stubbed
FROM raw.load_log
