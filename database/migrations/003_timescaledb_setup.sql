-- Turns the tables that grow with time into hypertables of TimescaleDB, compresses what is old, keeps two aggregates.
--
-- For a database in which 001 and 002 ran and whose server has TimescaleDB 2.7 or newer. With rows or without, again
-- and again: what is there already stays as it is, also where somebody chose other intervals. Every row is kept.
-- asp-analysis init runs it by itself where the extension is in the database; later, an administrator runs it as
--     psql --single-transaction --set ON_ERROR_STOP=1 --file database/migrations/003_timescaledb_setup.sql
-- The tables' owner or a superuser must run it. The tables are locked while their rows move.

CREATE EXTENSION IF NOT EXISTS timescaledb;

-- A chunk holds 30 days. A look-up by execution or task has no time to narrow it by and asks the index of every chunk,
-- so 12 chunks a year serve better than the usual 52. 100,000 rows like the sample's took 34 MB with their indexes: a
-- chunk of that many stays in a small server's memory. Learning is measured a few times a week: a year is one chunk.
SELECT create_hypertable('agent_cost_vector', 'timestamp', chunk_time_interval => INTERVAL '30 days',
    migrate_data => TRUE, if_not_exists => TRUE);
SELECT create_hypertable('bootstrap_metrics', 'measured_at', chunk_time_interval => INTERVAL '365 days',
    migrate_data => TRUE, if_not_exists => TRUE);

-- Retention: off, because telemetry that is gone teaches no estimate. This line turns it on for the cost vector: it
-- removes whole chunks, two years old in this example; tasks and defects stay. First let both aggregates below refresh
-- a shorter time than is kept (start_offset), or their old days go, too. A dropped chunk is no DELETE: asp_changes does
-- not count it, so make snapshots of the store anew afterwards.
-- SELECT add_retention_policy('agent_cost_vector', drop_after => INTERVAL '2 years', if_not_exists => TRUE);

-- The rest needs the community edition; an Apache edition, as some clouds run it, has hypertables only.
DO $setup$
BEGIN
IF current_setting('timescaledb.license') <> 'timescale' THEN
    RAISE NOTICE 'No compression and no aggregates: this TimescaleDB has the licence %, they need timescale.',
        current_setting('timescaledb.license');
    RETURN;
END IF;

-- Compressed rows stand by segment and order, in batches of up to 1,000. Values of one metric resemble each other,
-- people ask for one metric at a time, and it is part of the unique key. A role or model as a further segment would
-- leave the batches of a small team nearly empty. Within a segment time comes first: most questions and every new row
-- name a time, and the order tells which batches hold it. The rest of the keys follows, as the extension wants it.
IF NOT (SELECT compression_enabled FROM timescaledb_information.hypertables
    WHERE format('%I.%I', hypertable_schema, hypertable_name)::REGCLASS = 'agent_cost_vector'::REGCLASS) THEN
    ALTER TABLE agent_cost_vector SET (timescaledb.compress, timescaledb.compress_segmentby = 'metric_type',
        timescaledb.compress_orderby = 'timestamp, execution_id, id');
END IF;
IF NOT (SELECT compression_enabled FROM timescaledb_information.hypertables
    WHERE format('%I.%I', hypertable_schema, hypertable_name)::REGCLASS = 'bootstrap_metrics'::REGCLASS) THEN
    ALTER TABLE bootstrap_metrics SET (timescaledb.compress, timescaledb.compress_segmentby = 'capability_name',
        timescaledb.compress_orderby = 'measured_at, id');
END IF;
PERFORM add_compression_policy('agent_cost_vector', compress_after => INTERVAL '30 days', if_not_exists => TRUE);
PERFORM add_compression_policy('bootstrap_metrics', compress_after => INTERVAL '30 days', if_not_exists => TRUE);

-- One row is one UTC day, one agent role and one model. Sums are of what is known and NULL where nothing is;
-- executions_without_cost are those that cost_usd leaves out.
CREATE MATERIALIZED VIEW IF NOT EXISTS daily_cost_by_role
    WITH (timescaledb.continuous, timescaledb.materialized_only = FALSE) AS
SELECT
    time_bucket(INTERVAL '1 day', timestamp) AS day,
    agent_role,
    llm_model,
    count(DISTINCT execution_id) AS executions,
    count(DISTINCT execution_id) - count(*) FILTER (WHERE metric_type = 'API_Cost') AS executions_without_cost,
    sum(metric_value) FILTER (WHERE metric_type = 'API_Cost') AS cost_usd,
    sum(metric_value) FILTER (WHERE metric_type = 'Tokens_In') AS tokens_in,
    sum(metric_value) FILTER (WHERE metric_type = 'Tokens_Out') AS tokens_out,
    sum(metric_value) FILTER (WHERE metric_type = 'Tokens_Cache_Read') AS tokens_cache_read,
    sum(metric_value) FILTER (WHERE metric_type = 'Tokens_Cache_Write') AS tokens_cache_write
FROM agent_cost_vector
GROUP BY 1, agent_role, llm_model
WITH NO DATA;

-- One row is one hour (UTC) and one agent role: how long the executions took whose latency is known, in ms. Percentiles
-- are exact, interpolated between the two nearest values; they cannot be averaged into those of a day.
CREATE MATERIALIZED VIEW IF NOT EXISTS hourly_performance
    WITH (timescaledb.continuous, timescaledb.materialized_only = FALSE) AS
SELECT
    time_bucket(INTERVAL '1 hour', timestamp) AS hour,
    agent_role,
    count(*) AS executions,
    avg(metric_value) AS latency_ms_mean,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY metric_value) AS latency_ms_median,
    percentile_cont(0.9) WITHIN GROUP (ORDER BY metric_value) AS latency_ms_p90,
    percentile_cont(0.95) WITHIN GROUP (ORDER BY metric_value) AS latency_ms_p95,
    percentile_cont(0.99) WITHIN GROUP (ORDER BY metric_value) AS latency_ms_p99
FROM agent_cost_vector
WHERE metric_type = 'Latency'
GROUP BY 1, agent_role
WITH NO DATA;

-- Both are real-time (materialized_only = FALSE): what was not refreshed yet, today and this hour, is computed on
-- reading, so that a dashboard shows a running day. Rows of times already refreshed appear with the next refresh. It
-- looks back without limit, because transcripts arrive weeks late, and recomputes only times that changed.
PERFORM add_continuous_aggregate_policy('daily_cost_by_role', start_offset => NULL, end_offset => INTERVAL '1 hour',
    schedule_interval => INTERVAL '1 hour', if_not_exists => TRUE);
PERFORM add_continuous_aggregate_policy('hourly_performance', start_offset => NULL, end_offset => INTERVAL '1 hour',
    schedule_interval => INTERVAL '30 minutes', if_not_exists => TRUE);

-- The roles of 001, where they could be made. An aggregate is only read; it is written by its owner's refresh.
IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'asp_reader') THEN
    GRANT SELECT ON daily_cost_by_role, hourly_performance TO asp_reader;
END IF;
IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'asp_writer') THEN
    GRANT SELECT ON daily_cost_by_role, hourly_performance TO asp_writer;
END IF;
END
$setup$;
