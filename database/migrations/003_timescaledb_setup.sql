-- Turns the tables that grow with time into hypertables of TimescaleDB, compresses what is old, keeps two aggregates.
--
-- For a database in which 001 and 002 ran and whose server has TimescaleDB 2.7 or newer. With rows or without, again
-- and again: what exists already stays unchanged, also where somebody chose other intervals. Every row is kept.
-- asp-analysis init runs it by itself where the extension is in the database; later, an administrator runs it as
--     psql --single-transaction --set ON_ERROR_STOP=1 --file database/migrations/003_timescaledb_setup.sql
-- The tables' owner or a superuser must run it. The tables are locked while their rows move.

CREATE EXTENSION IF NOT EXISTS timescaledb;

-- A chunk holds 30 days. A look-up by execution or task has no time to narrow it by and asks the index of every chunk,
-- so 12 chunks a year serve better than the usual 52. 100,000 executions took 48 MB with their indexes: a chunk of that
-- many stays in a small server's memory. Learning is measured a few times a week: a year is one chunk.
SELECT create_hypertable('agent_cost_vector', 'executed_at', chunk_time_interval => INTERVAL '30 days',
    migrate_data => TRUE, if_not_exists => TRUE);
SELECT create_hypertable('bootstrap_metrics', 'measured_at', chunk_time_interval => INTERVAL '365 days',
    migrate_data => TRUE, if_not_exists => TRUE);

-- Retention: off, because telemetry that is gone teaches no estimate. This line turns it on for the cost vector: it
-- removes whole chunks, two years old in this example; tasks and defects stay. First let both aggregates below refresh
-- a shorter time than is kept (start_offset), or their old days go, too. A dropped chunk is no DELETE: asp_changes does
-- not count it, so take new snapshots of the store afterwards.
-- SELECT add_retention_policy('agent_cost_vector', drop_after => INTERVAL '2 years', if_not_exists => TRUE);

-- The rest needs the community edition; an Apache edition, as some clouds run it, has hypertables only.
DO $setup$
BEGIN
IF current_setting('timescaledb.license') <> 'timescale' THEN
    RAISE NOTICE 'No compression and no aggregates: this TimescaleDB has the licence %, they need timescale.',
        current_setting('timescaledb.license');
    RETURN;
END IF;

-- Compressed rows are kept by segment and order, in batches of up to 1,000 executions. The segment is the role, because
-- people ask what each role costs: with 100,000 executions that took 23 ms instead of 182 ms without any segment, in 6 %
-- more space; with 700 in two months, where batches are nearly empty, it took 14 % more. A segment for each task took
-- six times the space. Within a segment time comes first: most questions and every new row name a time. execution_id
-- follows, because the extension wants the whole key. Measured with TimescaleDB 2.23.
IF NOT (SELECT compression_enabled FROM timescaledb_information.hypertables
    WHERE format('%I.%I', hypertable_schema, hypertable_name)::REGCLASS = 'agent_cost_vector'::REGCLASS) THEN
    ALTER TABLE agent_cost_vector SET (timescaledb.compress, timescaledb.compress_segmentby = 'agent_role',
        timescaledb.compress_orderby = 'executed_at, execution_id');
END IF;
IF NOT (SELECT compression_enabled FROM timescaledb_information.hypertables
    WHERE format('%I.%I', hypertable_schema, hypertable_name)::REGCLASS = 'bootstrap_metrics'::REGCLASS) THEN
    ALTER TABLE bootstrap_metrics SET (timescaledb.compress, timescaledb.compress_segmentby = 'capability',
        timescaledb.compress_orderby = 'measured_at');
END IF;
PERFORM add_compression_policy('agent_cost_vector', compress_after => INTERVAL '30 days', if_not_exists => TRUE);
PERFORM add_compression_policy('bootstrap_metrics', compress_after => INTERVAL '30 days', if_not_exists => TRUE);

-- One row is one UTC day, one agent role and one model. Sums are of what is known and NULL where nothing is;
-- executions_without_cost are those that cost_usd leaves out.
CREATE MATERIALIZED VIEW IF NOT EXISTS daily_cost_by_role
    WITH (timescaledb.continuous, timescaledb.materialized_only = FALSE) AS
SELECT
    time_bucket(INTERVAL '1 day', executed_at) AS day,
    agent_role,
    llm_model,
    count(*) AS executions,
    count(*) - count(cost_usd) AS executions_without_cost,
    sum(cost_usd) AS cost_usd,
    CAST(sum(tokens_in) AS BIGINT) AS tokens_in,
    CAST(sum(tokens_out) AS BIGINT) AS tokens_out,
    CAST(sum(tokens_cache_read) AS BIGINT) AS tokens_cache_read,
    CAST(sum(tokens_cache_write) AS BIGINT) AS tokens_cache_write
FROM agent_cost_vector
GROUP BY 1, agent_role, llm_model
WITH NO DATA;

-- One row is one hour (UTC) and one agent role: how long its executions took, in ms. Those of unknown latency are counted
-- (executions_without_latency) and left out of the rest. Percentiles are exact, interpolated between the two nearest
-- values; they cannot be averaged into those of a day.
CREATE MATERIALIZED VIEW IF NOT EXISTS hourly_performance
    WITH (timescaledb.continuous, timescaledb.materialized_only = FALSE) AS
SELECT
    time_bucket(INTERVAL '1 hour', executed_at) AS hour,
    agent_role,
    count(*) AS executions,
    count(*) - count(latency_ms) AS executions_without_latency,
    avg(latency_ms) AS latency_ms_mean,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY latency_ms) AS latency_ms_median,
    percentile_cont(0.9) WITHIN GROUP (ORDER BY latency_ms) AS latency_ms_p90,
    percentile_cont(0.95) WITHIN GROUP (ORDER BY latency_ms) AS latency_ms_p95,
    percentile_cont(0.99) WITHIN GROUP (ORDER BY latency_ms) AS latency_ms_p99
FROM agent_cost_vector
GROUP BY 1, agent_role
WITH NO DATA;

-- Both are real-time (materialized_only = FALSE): what was not refreshed yet, today and this hour, is computed on
-- reading, so that a dashboard shows a running day. Rows of times already refreshed appear with the next refresh. It
-- looks back without limit, because transcripts arrive weeks late, and recomputes only times that changed.
PERFORM add_continuous_aggregate_policy('daily_cost_by_role', start_offset => NULL, end_offset => INTERVAL '1 hour',
    schedule_interval => INTERVAL '1 hour', if_not_exists => TRUE);
PERFORM add_continuous_aggregate_policy('hourly_performance', start_offset => NULL, end_offset => INTERVAL '1 hour',
    schedule_interval => INTERVAL '30 minutes', if_not_exists => TRUE);

-- The roles of grants.sql, where they exist. An aggregate is only read; its owner's refresh writes it.
IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'asp_reader') THEN
    GRANT SELECT ON daily_cost_by_role, hourly_performance TO asp_reader;
END IF;
IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'asp_writer') THEN
    GRANT SELECT ON daily_cost_by_role, hourly_performance TO asp_writer;
END IF;
END
$setup$;
