-- A store of schema version 6 on PostgreSQL, as the workbench made it of files/.

-- The store on PostgreSQL 14 or newer: the same tables, columns and constraint names as database/sqlite/create_tables.sql.
--
-- What differs is meant: instants are TIMESTAMPTZ, booleans BOOLEAN, JSON is JSONB; the keys of tables that may become
-- hypertables of TimescaleDB hold their time column (the writer sees to it that an execution is there once); row_id
-- numbers executions as SQLite's rowid does. Unknown is NULL, never 0 and never ''.
-- What every column means and its unit: database/README.md. Run by asp-analysis init or migrate, in one transaction.
-- The number in asp_note_change is the lock that the workbench's writer takes, too (asp_analysis/store/postgres.py).

CREATE TABLE asp_schema (
    version    BIGINT           NOT NULL,
    created_at TIMESTAMPTZ      NOT NULL,
    CONSTRAINT pk_asp_schema PRIMARY KEY (version)
);

-- Vocabularies that people extend are rows, not constraints. Roles: phase_order sorts phases; kind is PSP's term.
-- A role that is not listed is taken too; it has no order and no kind.
CREATE TABLE agent_roles (
    agent_role  TEXT   NOT NULL,
    phase_order BIGINT NOT NULL,
    kind        TEXT   NOT NULL,
    CONSTRAINT pk_agent_roles PRIMARY KEY (agent_role),
    CONSTRAINT ck_agent_roles_kind CHECK (kind IN ('overhead', 'construction', 'appraisal', 'failure'))
);

-- What learns and may earn autonomy; measurements of other capabilities are rejected until they are listed here.
CREATE TABLE capabilities (
    capability       TEXT   NOT NULL,
    capability_order BIGINT NOT NULL,
    meaning          TEXT   NOT NULL,
    CONSTRAINT pk_capabilities PRIMARY KEY (capability)
);

-- The classes of defects; taxonomy says whose: AI, PSP, or a name of your own.
CREATE TABLE defect_types (
    defect_type TEXT   NOT NULL,
    type_order  BIGINT NOT NULL,
    taxonomy    TEXT   NOT NULL,
    CONSTRAINT pk_defect_types PRIMARY KEY (defect_type)
);

-- One row is one task. estimated_*: before the work; reported_*: what the task's own record says came of it.
CREATE TABLE task_metadata (
    task_id                 TEXT             NOT NULL,
    created_at              TIMESTAMPTZ      NOT NULL,
    started_at              TIMESTAMPTZ,
    completed_at            TIMESTAMPTZ,
    project_id              TEXT,
    task_type               TEXT,
    task_description        TEXT,
    requirements_text       TEXT,
    status                  TEXT             NOT NULL DEFAULT 'pending',
    is_stub                 BOOLEAN          NOT NULL DEFAULT FALSE,
    estimated_size          BIGINT,
    actual_size             BIGINT,
    estimated_latency_ms    DOUBLE PRECISION,
    estimated_tokens        DOUBLE PRECISION,
    estimated_cost_usd      DOUBLE PRECISION,
    reported_latency_ms     DOUBLE PRECISION,
    reported_tokens         DOUBLE PRECISION,
    reported_cost_usd       DOUBLE PRECISION,
    reported_defects        BIGINT,
    reported_defect_density DOUBLE PRECISION,
    bootstrap_phase         TEXT,
    is_human_reviewed       BOOLEAN,
    human_corrections_json  JSONB,
    semantic_units_json     JSONB,
    components_json         JSONB,
    metadata_json           JSONB,
    load_id                 BIGINT,
    CONSTRAINT pk_task_metadata PRIMARY KEY (task_id),
    CONSTRAINT ck_task_metadata_task_id CHECK (task_id <> ''),
    CONSTRAINT ck_task_metadata_order CHECK (completed_at >= started_at),
    CONSTRAINT ck_task_metadata_status CHECK (status IN ('pending', 'in_progress', 'completed', 'failed')),
    CONSTRAINT ck_task_metadata_bootstrap_phase CHECK (bootstrap_phase IN ('Learning', 'Shadow', 'Autonomous')),
    CONSTRAINT ck_task_metadata_created_at CHECK (created_at >= '0001-01-01 00:00+00' AND created_at < '10000-01-01 00:00+00'),
    CONSTRAINT ck_task_metadata_started_at CHECK (started_at >= '0001-01-01 00:00+00' AND started_at < '10000-01-01 00:00+00'),
    CONSTRAINT ck_task_metadata_completed_at CHECK (completed_at >= '0001-01-01 00:00+00' AND completed_at < '10000-01-01 00:00+00'),
    CONSTRAINT ck_task_metadata_estimated_size CHECK (estimated_size >= 0),
    CONSTRAINT ck_task_metadata_actual_size CHECK (actual_size >= 0),
    CONSTRAINT ck_task_metadata_estimated_latency_ms CHECK (estimated_latency_ms >= 0 AND estimated_latency_ms <= 1.7976931348623157e308),
    CONSTRAINT ck_task_metadata_estimated_tokens CHECK (estimated_tokens >= 0 AND estimated_tokens <= 1.7976931348623157e308),
    CONSTRAINT ck_task_metadata_estimated_cost_usd CHECK (estimated_cost_usd >= 0 AND estimated_cost_usd <= 1.7976931348623157e308),
    CONSTRAINT ck_task_metadata_reported_latency_ms CHECK (reported_latency_ms >= 0 AND reported_latency_ms <= 1.7976931348623157e308),
    CONSTRAINT ck_task_metadata_reported_tokens CHECK (reported_tokens >= 0 AND reported_tokens <= 1.7976931348623157e308),
    CONSTRAINT ck_task_metadata_reported_cost_usd CHECK (reported_cost_usd >= 0 AND reported_cost_usd <= 1.7976931348623157e308),
    CONSTRAINT ck_task_metadata_reported_defects CHECK (reported_defects >= 0),
    CONSTRAINT ck_task_metadata_reported_defect_density CHECK (reported_defect_density >= 0 AND reported_defect_density <= 1.7976931348623157e308),
    CONSTRAINT ck_task_metadata_human_corrections_json CHECK (jsonb_typeof(human_corrections_json) = 'object'),
    CONSTRAINT ck_task_metadata_semantic_units_json CHECK (jsonb_typeof(semantic_units_json) IN ('array', 'object')),
    CONSTRAINT ck_task_metadata_components_json CHECK (jsonb_typeof(components_json) = 'array'),
    CONSTRAINT ck_task_metadata_metadata_json CHECK (jsonb_typeof(metadata_json) = 'object')
);

-- One row is one execution: one run of one agent role on one task, with all that was measured of it.
CREATE TABLE agent_cost_vector (
    execution_id       TEXT             NOT NULL,
    executed_at        TIMESTAMPTZ      NOT NULL,
    task_id            TEXT             NOT NULL,
    subtask_id         TEXT,
    project_id         TEXT,
    user_id            TEXT,
    agent_role         TEXT             NOT NULL,
    agent_version      TEXT,
    agent_iteration    BIGINT           NOT NULL DEFAULT 1,
    llm_model          TEXT,
    llm_provider       TEXT,
    latency_ms         DOUBLE PRECISION,
    tokens_in          BIGINT,
    tokens_out         BIGINT,
    tokens_cache_read  BIGINT,
    tokens_cache_write BIGINT,
    cost_usd           DOUBLE PRECISION,
    tool_calls         BIGINT,
    retries            BIGINT,
    memory_mb          DOUBLE PRECISION,
    machine            TEXT,
    tool               TEXT,
    tool_version       TEXT,
    labels             JSONB,
    metadata_json      JSONB,
    load_id            BIGINT,
    row_id             BIGINT           GENERATED BY DEFAULT AS IDENTITY,
    repository         TEXT,
    branch             TEXT,
    CONSTRAINT pk_agent_cost_vector PRIMARY KEY (execution_id, executed_at),
    CONSTRAINT fk_agent_cost_vector_task FOREIGN KEY (task_id) REFERENCES task_metadata (task_id),
    CONSTRAINT ck_agent_cost_vector_execution_id CHECK (execution_id <> ''),
    CONSTRAINT ck_agent_cost_vector_role CHECK (agent_role <> ''),
    CONSTRAINT ck_agent_cost_vector_executed_at CHECK (executed_at >= '0001-01-01 00:00+00' AND executed_at < '10000-01-01 00:00+00'),
    CONSTRAINT ck_agent_cost_vector_agent_iteration CHECK (agent_iteration >= 0),
    CONSTRAINT ck_agent_cost_vector_latency_ms CHECK (latency_ms >= 0 AND latency_ms <= 1.7976931348623157e308),
    CONSTRAINT ck_agent_cost_vector_tokens_in CHECK (tokens_in >= 0),
    CONSTRAINT ck_agent_cost_vector_tokens_out CHECK (tokens_out >= 0),
    CONSTRAINT ck_agent_cost_vector_tokens_cache_read CHECK (tokens_cache_read >= 0),
    CONSTRAINT ck_agent_cost_vector_tokens_cache_write CHECK (tokens_cache_write >= 0),
    CONSTRAINT ck_agent_cost_vector_cost_usd CHECK (cost_usd >= 0 AND cost_usd <= 1.7976931348623157e308),
    CONSTRAINT ck_agent_cost_vector_tool_calls CHECK (tool_calls >= 0),
    CONSTRAINT ck_agent_cost_vector_retries CHECK (retries >= 0),
    CONSTRAINT ck_agent_cost_vector_memory_mb CHECK (memory_mb >= 0 AND memory_mb <= 1.7976931348623157e308),
    CONSTRAINT ck_agent_cost_vector_labels CHECK (jsonb_typeof(labels) = 'object'),
    CONSTRAINT ck_agent_cost_vector_metadata_json CHECK (jsonb_typeof(metadata_json) = 'object')
);

-- One row is one defect; fix_*: what its correction took.
CREATE TABLE defect_log (
    defect_id             TEXT             NOT NULL,
    found_at              TIMESTAMPTZ      NOT NULL,
    fixed_at              TIMESTAMPTZ,
    task_id               TEXT             NOT NULL,
    project_id            TEXT,
    user_id               TEXT,
    defect_type           TEXT             NOT NULL,
    severity              TEXT,
    phase_injected        TEXT             NOT NULL,
    phase_removed         TEXT             NOT NULL,
    component_path        TEXT,
    function_name         TEXT,
    line_number           BIGINT,
    fix_latency_ms        DOUBLE PRECISION,
    fix_tokens            DOUBLE PRECISION,
    fix_cost_usd          DOUBLE PRECISION,
    fix_retries           BIGINT,
    description           TEXT             NOT NULL,
    root_cause            TEXT,
    resolution_notes      TEXT,
    is_flagged_by_agent   BOOLEAN          NOT NULL DEFAULT FALSE,
    is_validated_by_human BOOLEAN          NOT NULL DEFAULT FALSE,
    is_false_positive     BOOLEAN          NOT NULL DEFAULT FALSE,
    metadata_json         JSONB,
    load_id               BIGINT,
    CONSTRAINT pk_defect_log PRIMARY KEY (defect_id),
    CONSTRAINT fk_defect_log_task FOREIGN KEY (task_id) REFERENCES task_metadata (task_id),
    CONSTRAINT fk_defect_log_type FOREIGN KEY (defect_type) REFERENCES defect_types (defect_type),
    CONSTRAINT ck_defect_log_defect_id CHECK (defect_id <> ''),
    CONSTRAINT ck_defect_log_order CHECK (fixed_at >= found_at),
    CONSTRAINT ck_defect_log_severity CHECK (severity IN ('Low', 'Medium', 'High', 'Critical')),
    CONSTRAINT ck_defect_log_phases CHECK (phase_injected <> phase_removed),
    CONSTRAINT ck_defect_log_found_at CHECK (found_at >= '0001-01-01 00:00+00' AND found_at < '10000-01-01 00:00+00'),
    CONSTRAINT ck_defect_log_fixed_at CHECK (fixed_at >= '0001-01-01 00:00+00' AND fixed_at < '10000-01-01 00:00+00'),
    CONSTRAINT ck_defect_log_line_number CHECK (line_number >= 0),
    CONSTRAINT ck_defect_log_fix_latency_ms CHECK (fix_latency_ms >= 0 AND fix_latency_ms <= 1.7976931348623157e308),
    CONSTRAINT ck_defect_log_fix_tokens CHECK (fix_tokens >= 0 AND fix_tokens <= 1.7976931348623157e308),
    CONSTRAINT ck_defect_log_fix_cost_usd CHECK (fix_cost_usd >= 0 AND fix_cost_usd <= 1.7976931348623157e308),
    CONSTRAINT ck_defect_log_fix_retries CHECK (fix_retries >= 0),
    CONSTRAINT ck_defect_log_metadata_json CHECK (jsonb_typeof(metadata_json) = 'object')
);

-- One row is one measurement of one capability.
CREATE TABLE bootstrap_metrics (
    capability             TEXT             NOT NULL,
    measured_at            TIMESTAMPTZ      NOT NULL,
    period_start_at        TIMESTAMPTZ      NOT NULL,
    period_end_at          TIMESTAMPTZ      NOT NULL,
    mode                   TEXT             NOT NULL,
    tasks_completed        BIGINT           NOT NULL,
    tasks_needed           BIGINT           NOT NULL,
    metric_name            TEXT,
    metric_value           DOUBLE PRECISION,
    metric_target          DOUBLE PRECISION,
    is_graduated           BOOLEAN,
    notes                  TEXT,
    secondary_metrics_json JSONB,
    metadata_json          JSONB,
    load_id                BIGINT,
    CONSTRAINT pk_bootstrap_metrics PRIMARY KEY (capability, measured_at),
    CONSTRAINT fk_bootstrap_metrics_capability FOREIGN KEY (capability) REFERENCES capabilities (capability),
    CONSTRAINT ck_bootstrap_metrics_period CHECK (period_end_at >= period_start_at),
    CONSTRAINT ck_bootstrap_metrics_mode CHECK (mode IN ('Learning', 'Shadow', 'Autonomous')),
    CONSTRAINT ck_bootstrap_metrics_needed CHECK (tasks_needed > 0),
    CONSTRAINT ck_bootstrap_metrics_measured_at CHECK (measured_at >= '0001-01-01 00:00+00' AND measured_at < '10000-01-01 00:00+00'),
    CONSTRAINT ck_bootstrap_metrics_period_start_at CHECK (period_start_at >= '0001-01-01 00:00+00' AND period_start_at < '10000-01-01 00:00+00'),
    CONSTRAINT ck_bootstrap_metrics_period_end_at CHECK (period_end_at >= '0001-01-01 00:00+00' AND period_end_at < '10000-01-01 00:00+00'),
    CONSTRAINT ck_bootstrap_metrics_tasks_completed CHECK (tasks_completed >= 0),
    CONSTRAINT ck_bootstrap_metrics_secondary_metrics_json CHECK (jsonb_typeof(secondary_metrics_json) = 'object'),
    CONSTRAINT ck_bootstrap_metrics_metadata_json CHECK (jsonb_typeof(metadata_json) = 'object')
);

-- One row is one person's time in one team, from a day to a day (UTC), both included; the last one is open.
CREATE TABLE people (
    person      TEXT             NOT NULL,
    from_day    TEXT             NOT NULL,
    until_day   TEXT,
    team        TEXT,
    cost_center TEXT,
    load_id     BIGINT,
    CONSTRAINT pk_people PRIMARY KEY (person, from_day),
    CONSTRAINT ck_people_person CHECK (person <> ''),
    CONSTRAINT ck_people_from_day CHECK (from_day ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$'),
    CONSTRAINT ck_people_until_day CHECK (until_day ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$'),
    CONSTRAINT ck_people_order CHECK (until_day >= from_day)
);

-- One row is one change of code: what came to the main branch at once, or a branch that has not. lines_lost_*: of
-- lines_added, those that were gone after so many days.
CREATE TABLE code_change (
    change_id       TEXT             NOT NULL,
    task_id         TEXT             NOT NULL,
    project_id      TEXT,
    repository      TEXT             NOT NULL,
    flow            TEXT             NOT NULL,
    outcome         TEXT             NOT NULL,
    branch          TEXT,
    pull_request    BIGINT,
    commit_hash     TEXT,
    user_id         TEXT,
    agent           TEXT,
    title           TEXT,
    started_at      TIMESTAMPTZ      NOT NULL,
    merged_at       TIMESTAMPTZ,
    release_name    TEXT,
    released_at     TIMESTAMPTZ,
    commits         BIGINT,
    files           BIGINT,
    hunks           BIGINT,
    lines_added     BIGINT,
    lines_deleted   BIGINT,
    foreign_lines   BIGINT,
    is_fix          BOOLEAN,
    lines_lost_14   BIGINT,
    lines_lost_30   BIGINT,
    lines_lost_90   BIGINT,
    reverted_at     TIMESTAMPTZ,
    reverted_by     TEXT,
    reverted_share  DOUBLE PRECISION,
    revert_evidence TEXT,
    metadata_json   JSONB,
    load_id         BIGINT,
    CONSTRAINT pk_code_change PRIMARY KEY (change_id),
    CONSTRAINT fk_code_change_task FOREIGN KEY (task_id) REFERENCES task_metadata (task_id),
    CONSTRAINT ck_code_change_change_id CHECK (change_id <> ''),
    CONSTRAINT ck_code_change_flow CHECK (flow IN ('merge', 'squash', 'rebase', 'commit', 'branch')),
    CONSTRAINT ck_code_change_outcome CHECK (outcome IN ('merged', 'open', 'abandoned')),
    CONSTRAINT ck_code_change_order CHECK (merged_at >= started_at),
    CONSTRAINT ck_code_change_revert_evidence CHECK (revert_evidence IN ('message', 'lines')),
    CONSTRAINT ck_code_change_reverted_share CHECK (reverted_share >= 0 AND reverted_share <= 1),
    CONSTRAINT ck_code_change_pull_request CHECK (pull_request >= 0),
    CONSTRAINT ck_code_change_commits CHECK (commits >= 0),
    CONSTRAINT ck_code_change_files CHECK (files >= 0),
    CONSTRAINT ck_code_change_hunks CHECK (hunks >= 0),
    CONSTRAINT ck_code_change_lines_added CHECK (lines_added >= 0),
    CONSTRAINT ck_code_change_lines_deleted CHECK (lines_deleted >= 0),
    CONSTRAINT ck_code_change_foreign_lines CHECK (foreign_lines >= 0),
    CONSTRAINT ck_code_change_lines_lost_14 CHECK (lines_lost_14 >= 0),
    CONSTRAINT ck_code_change_lines_lost_30 CHECK (lines_lost_30 >= 0),
    CONSTRAINT ck_code_change_lines_lost_90 CHECK (lines_lost_90 >= 0),
    CONSTRAINT ck_code_change_started_at CHECK (started_at >= '0001-01-01 00:00+00' AND started_at < '10000-01-01 00:00+00'),
    CONSTRAINT ck_code_change_merged_at CHECK (merged_at >= '0001-01-01 00:00+00' AND merged_at < '10000-01-01 00:00+00'),
    CONSTRAINT ck_code_change_released_at CHECK (released_at >= '0001-01-01 00:00+00' AND released_at < '10000-01-01 00:00+00'),
    CONSTRAINT ck_code_change_reverted_at CHECK (reverted_at >= '0001-01-01 00:00+00' AND reverted_at < '10000-01-01 00:00+00'),
    CONSTRAINT ck_code_change_metadata_json CHECK (jsonb_typeof(metadata_json) = 'object')
);

-- One row is one session of an agent that worked on one change: by which evidence, and which share of the session.
CREATE TABLE change_session (
    link_id    TEXT             NOT NULL,
    change_id  TEXT             NOT NULL,
    session_id TEXT             NOT NULL,
    evidence   TEXT             NOT NULL,
    share      DOUBLE PRECISION NOT NULL,
    load_id    BIGINT,
    CONSTRAINT pk_change_session PRIMARY KEY (link_id),
    CONSTRAINT fk_change_session_change FOREIGN KEY (change_id) REFERENCES code_change (change_id),
    CONSTRAINT ck_change_session_link_id CHECK (link_id <> ''),
    CONSTRAINT ck_change_session_session_id CHECK (session_id <> ''),
    CONSTRAINT ck_change_session_evidence CHECK (evidence IN ('trailer', 'checkpoint', 'branch', 'paths')),
    CONSTRAINT ck_change_session_share CHECK (share > 0 AND share <= 1)
);

-- One row is another name of a role or a model: the views show `name` wherever a row has `alias`.
CREATE TABLE name_alias (
    kind       TEXT             NOT NULL,
    alias      TEXT             NOT NULL,
    name       TEXT             NOT NULL,
    created_at TIMESTAMPTZ      NOT NULL,
    CONSTRAINT pk_name_alias PRIMARY KEY (kind, alias),
    CONSTRAINT ck_name_alias_kind CHECK (kind IN ('role', 'model')),
    CONSTRAINT ck_name_alias_alias CHECK (alias <> ''),
    CONSTRAINT ck_name_alias_name CHECK (name <> '' AND name <> alias),
    CONSTRAINT ck_name_alias_created_at CHECK (created_at >= '0001-01-01 00:00+00' AND created_at < '10000-01-01 00:00+00')
);

-- One row is one load of one file; the four outcomes always add up to what was read. modified_ns is the file's own
-- time of change; found_json is what a reader of transcripts counted besides its records (lines, duplicates, ...), of
-- a table what the next load of the file is compared with.
CREATE TABLE load_log (
    load_id       BIGINT           GENERATED BY DEFAULT AS IDENTITY,
    file          TEXT             NOT NULL,
    sha256        TEXT             NOT NULL,
    size_bytes    BIGINT           NOT NULL,
    format        TEXT             NOT NULL,
    loaded_as     TEXT             NOT NULL,
    started_at    TIMESTAMPTZ      NOT NULL,
    finished_at   TIMESTAMPTZ      NOT NULL,
    read_count    BIGINT           NOT NULL,
    written       BIGINT           NOT NULL,
    updated       BIGINT           NOT NULL,
    present       BIGINT           NOT NULL,
    rejected      BIGINT           NOT NULL,
    tasks_stubbed BIGINT           NOT NULL,
    options_json  JSONB            NOT NULL,
    modified_ns   BIGINT,
    found_json    JSONB,
    rows_brought  BIGINT,
    CONSTRAINT pk_load_log PRIMARY KEY (load_id),
    CONSTRAINT ck_load_log_sum CHECK (read_count = written + updated + present + rejected),
    CONSTRAINT ck_load_log_options CHECK (jsonb_typeof(options_json) = 'object'),
    CONSTRAINT ck_load_log_found CHECK (jsonb_typeof(found_json) = 'object')
);

-- One row is one record that could not be taken, kept whole for repair; the same record of the same file is kept once.
CREATE TABLE load_reject (
    reject_id    BIGINT           GENERATED BY DEFAULT AS IDENTITY,
    load_id      BIGINT           NOT NULL,
    file         TEXT             NOT NULL,
    line_number  BIGINT           NOT NULL,
    reasons_json JSONB            NOT NULL,
    raw_text     TEXT             NOT NULL,
    raw_sha256   TEXT             NOT NULL,
    CONSTRAINT pk_load_reject PRIMARY KEY (reject_id),
    CONSTRAINT uq_load_reject_record UNIQUE (file, line_number, raw_sha256),
    CONSTRAINT fk_load_reject_load FOREIGN KEY (load_id) REFERENCES load_log (load_id),
    CONSTRAINT ck_load_reject_reasons CHECK (jsonb_typeof(reasons_json) = 'array')
);

-- One row is what one load said of a row that several loads brought, in its own words (said) or the same as another load
-- (same_as). Without table and key: it brought all that the load same_as brought. load_id 0: no load that is logged.
CREATE TABLE load_version (
    table_name   TEXT             NOT NULL,
    row_key      TEXT             NOT NULL,
    load_id      BIGINT           NOT NULL,
    same_as      BIGINT,
    said         TEXT,
    CONSTRAINT pk_load_version PRIMARY KEY (table_name, row_key, load_id),
    CONSTRAINT ck_load_version_said CHECK ((same_as IS NULL) <> (said IS NULL))
);

-- How often rows of a table were changed in a way that its row count and its largest key do not show. A snapshot of the
-- store is as new as these counters say; they begin anywhere, so that no store is taken for another. Writers take turns: whoever changes rows waits for the one before.
CREATE TABLE asp_changes (
    table_name TEXT   NOT NULL,
    changes    BIGINT NOT NULL DEFAULT 0,
    CONSTRAINT pk_asp_changes PRIMARY KEY (table_name)
);

CREATE FUNCTION asp_note_change() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(7305473017);
    UPDATE asp_changes SET changes = changes + 1 WHERE table_name = TG_TABLE_NAME;
    RETURN NULL;
END
$$;

CREATE TRIGGER tr_agent_cost_vector_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON agent_cost_vector
    FOR EACH STATEMENT EXECUTE FUNCTION asp_note_change();
CREATE TRIGGER tr_task_metadata_changed BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON task_metadata
    FOR EACH STATEMENT EXECUTE FUNCTION asp_note_change();
CREATE TRIGGER tr_defect_log_changed BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON defect_log
    FOR EACH STATEMENT EXECUTE FUNCTION asp_note_change();
CREATE TRIGGER tr_bootstrap_metrics_changed BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON bootstrap_metrics
    FOR EACH STATEMENT EXECUTE FUNCTION asp_note_change();
CREATE TRIGGER tr_agent_roles_changed BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON agent_roles
    FOR EACH STATEMENT EXECUTE FUNCTION asp_note_change();
CREATE TRIGGER tr_capabilities_changed BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON capabilities
    FOR EACH STATEMENT EXECUTE FUNCTION asp_note_change();
CREATE TRIGGER tr_defect_types_changed BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON defect_types
    FOR EACH STATEMENT EXECUTE FUNCTION asp_note_change();
CREATE TRIGGER tr_people_changed BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON people
    FOR EACH STATEMENT EXECUTE FUNCTION asp_note_change();
CREATE TRIGGER tr_code_change_changed BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON code_change
    FOR EACH STATEMENT EXECUTE FUNCTION asp_note_change();
CREATE TRIGGER tr_change_session_changed BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON change_session
    FOR EACH STATEMENT EXECUTE FUNCTION asp_note_change();
CREATE TRIGGER tr_name_alias_changed BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON name_alias
    FOR EACH STATEMENT EXECUTE FUNCTION asp_note_change();
CREATE TRIGGER tr_load_log_changed BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON load_log
    FOR EACH STATEMENT EXECUTE FUNCTION asp_note_change();

INSERT INTO asp_changes (table_name, changes)
SELECT name, floor(random() * 1e15)
FROM unnest(ARRAY['agent_cost_vector', 'task_metadata', 'defect_log', 'bootstrap_metrics', 'agent_roles',
    'capabilities', 'defect_types', 'people', 'code_change',
    'change_session', 'name_alias', 'load_log']) AS name;
INSERT INTO asp_schema (version, created_at) VALUES (6, now());

INSERT INTO agent_roles (agent_role, phase_order, kind) VALUES ('APIDesignReview', '36', 'appraisal');
INSERT INTO agent_roles (agent_role, phase_order, kind) VALUES ('ArchitectureReview', '35', 'appraisal');
INSERT INTO agent_roles (agent_role, phase_order, kind) VALUES ('BestPracticesReview', '53', 'appraisal');
INSERT INTO agent_roles (agent_role, phase_order, kind) VALUES ('Code', '40', 'construction');
INSERT INTO agent_roles (agent_role, phase_order, kind) VALUES ('CodePerformanceReview', '55', 'appraisal');
INSERT INTO agent_roles (agent_role, phase_order, kind) VALUES ('CodeQualityReview', '51', 'appraisal');
INSERT INTO agent_roles (agent_role, phase_order, kind) VALUES ('CodeReview', '50', 'appraisal');
INSERT INTO agent_roles (agent_role, phase_order, kind) VALUES ('CodeSecurityReview', '52', 'appraisal');
INSERT INTO agent_roles (agent_role, phase_order, kind) VALUES ('DataIntegrityReview', '33', 'appraisal');
INSERT INTO agent_roles (agent_role, phase_order, kind) VALUES ('Design', '20', 'construction');
INSERT INTO agent_roles (agent_role, phase_order, kind) VALUES ('DesignReview', '30', 'appraisal');
INSERT INTO agent_roles (agent_role, phase_order, kind) VALUES ('DocumentationReview', '56', 'appraisal');
INSERT INTO agent_roles (agent_role, phase_order, kind) VALUES ('Gardener', '65', 'construction');
INSERT INTO agent_roles (agent_role, phase_order, kind) VALUES ('MaintainabilityReview', '34', 'appraisal');
INSERT INTO agent_roles (agent_role, phase_order, kind) VALUES ('PerformanceReview', '32', 'appraisal');
INSERT INTO agent_roles (agent_role, phase_order, kind) VALUES ('Planning', '10', 'overhead');
INSERT INTO agent_roles (agent_role, phase_order, kind) VALUES ('Postmortem', '70', 'overhead');
INSERT INTO agent_roles (agent_role, phase_order, kind) VALUES ('SecurityReview', '31', 'appraisal');
INSERT INTO agent_roles (agent_role, phase_order, kind) VALUES ('Test', '60', 'failure');
INSERT INTO agent_roles (agent_role, phase_order, kind) VALUES ('TestCoverageReview', '54', 'appraisal');
INSERT INTO capabilities (capability, capability_order, meaning) VALUES ('DefectTypePrediction', '60', 'predicts the classes of defects of a task');
INSERT INTO capabilities (capability, capability_order, meaning) VALUES ('ErrorProneDetection', '30', 'names the components that will have defects');
INSERT INTO capabilities (capability, capability_order, meaning) VALUES ('PROBE_AI', '10', 'estimates what a task will cost');
INSERT INTO capabilities (capability, capability_order, meaning) VALUES ('ReviewAgent_Code', '50', 'reviews code');
INSERT INTO capabilities (capability, capability_order, meaning) VALUES ('ReviewAgent_Design', '40', 'reviews designs');
INSERT INTO capabilities (capability, capability_order, meaning) VALUES ('TaskDecomposition', '20', 'divides a task into units');
INSERT INTO defect_types (defect_type, type_order, taxonomy) VALUES ('100_Environment', '100', 'PSP');
INSERT INTO defect_types (defect_type, type_order, taxonomy) VALUES ('10_Documentation', '10', 'PSP');
INSERT INTO defect_types (defect_type, type_order, taxonomy) VALUES ('1_Planning_Failure', '1', 'AI');
INSERT INTO defect_types (defect_type, type_order, taxonomy) VALUES ('20_Syntax', '20', 'PSP');
INSERT INTO defect_types (defect_type, type_order, taxonomy) VALUES ('2_Prompt_Misinterpretation', '2', 'AI');
INSERT INTO defect_types (defect_type, type_order, taxonomy) VALUES ('30_Build_Package', '30', 'PSP');
INSERT INTO defect_types (defect_type, type_order, taxonomy) VALUES ('3_Tool_Use_Error', '3', 'AI');
INSERT INTO defect_types (defect_type, type_order, taxonomy) VALUES ('40_Assignment', '40', 'PSP');
INSERT INTO defect_types (defect_type, type_order, taxonomy) VALUES ('4_Hallucination', '4', 'AI');
INSERT INTO defect_types (defect_type, type_order, taxonomy) VALUES ('50_Interface', '50', 'PSP');
INSERT INTO defect_types (defect_type, type_order, taxonomy) VALUES ('5_Security_Vulnerability', '5', 'AI');
INSERT INTO defect_types (defect_type, type_order, taxonomy) VALUES ('60_Checking', '60', 'PSP');
INSERT INTO defect_types (defect_type, type_order, taxonomy) VALUES ('6_Conventional_Code_Bug', '6', 'AI');
INSERT INTO defect_types (defect_type, type_order, taxonomy) VALUES ('70_Data', '70', 'PSP');
INSERT INTO defect_types (defect_type, type_order, taxonomy) VALUES ('7_Task_Execution_Error', '7', 'AI');
INSERT INTO defect_types (defect_type, type_order, taxonomy) VALUES ('80_Function', '80', 'PSP');
INSERT INTO defect_types (defect_type, type_order, taxonomy) VALUES ('8_Alignment_Deviation', '8', 'AI');
INSERT INTO defect_types (defect_type, type_order, taxonomy) VALUES ('90_System', '90', 'PSP');
INSERT INTO load_log (load_id, file, sha256, size_bytes, format, loaded_as, started_at, finished_at, read_count, written, updated, present, rejected, tasks_stubbed, options_json, found_json, rows_brought) OVERRIDING SYSTEM VALUE VALUES ('1', 'files/runs.csv', 'dc80e8d20ee4bef9a0e652f87958467aa89eae3dae902b9f229e3517daf422b8', '516', 'csv', 'executions', '2026-11-27 14:06:15.305459+00', '2026-11-27 14:06:15.313351+00', '6', '5', '0', '0', '1', '2', '{}', '{"ends": ["2026-01-06T09:00:00.000000Z", "T-2"], "begins": ["2026-01-05T09:00:00.000000Z", "T-1"], "header": "timestamp,task_id,project_id,agent_role,agent_iteration,llm_model,latency_ms,tokens_in,tokens_out,cost_usd,tool_calls,team\n"}', '5');
INSERT INTO load_log (load_id, file, sha256, size_bytes, format, loaded_as, started_at, finished_at, read_count, written, updated, present, rejected, tasks_stubbed, options_json, found_json, rows_brought) OVERRIDING SYSTEM VALUE VALUES ('2', 'files/metrics.jsonl', '81833733cd867d29cbc25608bb9c1d60f5c8f751b1de2af9617048e3c94def04', '1100', 'jsonl', 'metrics', '2026-11-27 14:06:15.318893+00', '2026-11-27 14:06:15.323157+00', '6', '6', '0', '0', '0', '1', '{}', '{"ends": ["2026-01-08T08:00:00.000000Z", "T-1"], "begins": ["2026-01-07T08:00:00.000000Z", "T-3"]}', '3');
INSERT INTO load_log (load_id, file, sha256, size_bytes, format, loaded_as, started_at, finished_at, read_count, written, updated, present, rejected, tasks_stubbed, options_json, rows_brought) OVERRIDING SYSTEM VALUE VALUES ('3', 'files/tasks.jsonl', '5a03a8addf42ed08aa81157a2ce9467e1df93a7fbc346798234056c9a98dd651', '829', 'jsonl', 'task_metadata', '2026-11-27 14:06:15.327166+00', '2026-11-27 14:06:15.334982+00', '2', '0', '2', '0', '0', '0', '{}', '2');
INSERT INTO load_log (load_id, file, sha256, size_bytes, format, loaded_as, started_at, finished_at, read_count, written, updated, present, rejected, tasks_stubbed, options_json, found_json, rows_brought) OVERRIDING SYSTEM VALUE VALUES ('4', 'files/defects.csv', 'c1b84499702b87034c919db16955db24f4bdfbb8cde567c992f6b3411e2672f2', '438', 'csv', 'defect_log', '2026-11-27 14:06:15.336257+00', '2026-11-27 14:06:15.391414+00', '2', '2', '0', '0', '0', '1', '{}', '{"header": "defect_id,created_at,resolved_at,task_id,defect_type,severity,phase_injected,phase_removed,effort_to_fix_json,description,flagged_by_agent,validated_by_human,false_positive\n"}', '2');
INSERT INTO load_log (load_id, file, sha256, size_bytes, format, loaded_as, started_at, finished_at, read_count, written, updated, present, rejected, tasks_stubbed, options_json, found_json, rows_brought) OVERRIDING SYSTEM VALUE VALUES ('5', 'files/learning.csv', '29c00009222ed70cdd199b51205c2beff9dfa7eb615bdbe5ad8e442b9931ee0a', '353', 'csv', 'bootstrap_metrics', '2026-11-27 14:06:15.393721+00', '2026-11-27 14:06:15.398708+00', '1', '1', '0', '0', '0', '0', '{}', '{"header": "measured_at,measurement_period_start,measurement_period_end,capability_name,capability_mode,tasks_completed,tasks_required_for_graduation,primary_metric_name,primary_metric_value,primary_metric_target,graduation_criteria_met,graduation_notes\n"}', '1');
INSERT INTO load_log (load_id, file, sha256, size_bytes, format, loaded_as, started_at, finished_at, read_count, written, updated, present, rejected, tasks_stubbed, options_json, modified_ns, found_json, rows_brought) OVERRIDING SYSTEM VALUE VALUES ('6', 'files/session.jsonl', '4e6519ff9d3f90074659f7f4355b7b0f5f99b414640c837453ad5de4da2b1a79', '602', 'claude-code', 'transcript', '2026-11-27 14:06:15.400272+00', '2026-11-27 14:06:15.402431+00', '2', '2', '0', '0', '0', '0', '{"roles": [], "prices": ["0.2.3", null], "reader": 4, "keep_text": false, "task_from": "session"}', '1795788231886467738', '{"calls": 1, "lines": 2, "errors": 0, "duplicates": 0, "interruptions": 0, "calls_without_price": 0, "calls_without_usage": 0}', '2');
INSERT INTO task_metadata (task_id, created_at, started_at, completed_at, project_id, task_type, status, is_stub, estimated_size, actual_size, estimated_latency_ms, estimated_tokens, estimated_cost_usd, reported_tokens, reported_defects, is_human_reviewed, human_corrections_json, semantic_units_json, components_json, metadata_json, load_id) VALUES ('T-1', '2026-01-04 09:00:00+00', '2026-01-05 08:00:00+00', '2026-01-06 09:00:00+00', 'ferry', 'api', 'completed', 'false', '18', '21', '9000', '120000', '0.4', '113000', '1', 'true', '{"missing_tasks": ["x"], "sequencing_issues": [], "incorrect_complexity": {}}', '[{"unit_id": "U-1", "est_complexity": 18}]', '["src/a.py", "src/ä.py"]', '{"team": "north", "actual_cost_vector_json": {"api_cost_usd": "unknown"}, "estimated_cost_vector_json": {"humans": 2}}', '3');
INSERT INTO task_metadata (task_id, created_at, status, is_stub, actual_size, load_id) VALUES ('T-2', '2026-01-05 09:00:00+00', 'failed', 'false', '5', '3');
INSERT INTO task_metadata (task_id, created_at, status, is_stub, load_id) VALUES ('T-3', '2026-01-07 08:00:00+00', 'pending', 'true', '2');
INSERT INTO task_metadata (task_id, created_at, status, is_stub, load_id) VALUES ('T-9', '2026-01-06 12:00:00+00', 'pending', 'true', '4');
INSERT INTO task_metadata (task_id, created_at, started_at, completed_at, project_id, status, is_stub, metadata_json, load_id) VALUES ('s-1', '2026-01-10 09:00:00+00', '2026-01-10 09:00:00+00', '2026-01-10 09:00:05+00', 'quay', 'completed', 'false', '{"errors": 0, "activity": {"to": "2026-01-10T09:00:05.000000Z", "from": "2026-01-10T09:00:00.000000Z", "status": "completed", "sources": ["claude-code"], "branches": ["main"], "projects": ["quay"], "sessions": ["s-1"]}, "sessions": 1, "active_ms": 0, "compactions": 0, "lines_added": 0, "files_changed": 0, "interruptions": 0, "lines_removed": 0}', '6');
INSERT INTO agent_cost_vector (execution_id, executed_at, task_id, project_id, agent_role, agent_iteration, latency_ms, cost_usd, tool_calls, metadata_json, load_id, row_id) OVERRIDING SYSTEM VALUE VALUES ('05ac41559c18e034e493ddcc-1', '2026-01-06 09:00:00+00', 'T-2', 'ferry', 'Test', '1', '310', '0.01', '12', '{"team": "south"}', '1', '5');
INSERT INTO agent_cost_vector (execution_id, executed_at, task_id, project_id, agent_role, agent_iteration, llm_model, latency_ms, tokens_in, tokens_out, cost_usd, metadata_json, load_id, row_id) OVERRIDING SYSTEM VALUE VALUES ('15c26e09bc553cd196f6419d-1', '2026-01-05 10:00:00+00', 'T-1', 'ferry', 'Code', '1', 'sonnet', '2200', '64000', '1900', '0.25', '{"team": "north"}', '1', '2');
INSERT INTO agent_cost_vector (execution_id, executed_at, task_id, project_id, agent_role, agent_iteration, llm_model, latency_ms, tokens_in, tokens_out, cost_usd, metadata_json, load_id, row_id) OVERRIDING SYSTEM VALUE VALUES ('15c26e09bc553cd196f6419d-2', '2026-01-05 10:00:00+00', 'T-1', 'ferry', 'Code', '1', 'sonnet', '2200', '64000', '1900', '0.25', '{"team": "north"}', '1', '3');
INSERT INTO agent_cost_vector (execution_id, executed_at, task_id, project_id, agent_role, agent_iteration, llm_model, latency_ms, tokens_in, tokens_out, cost_usd, tool_calls, metadata_json, load_id, row_id) OVERRIDING SYSTEM VALUE VALUES ('9adb2286df7967967433f1dc-1', '2026-01-05 09:00:00+00', 'T-1', 'ferry', 'Planning', '1', 'opus', '1200.5', '34000', '900', '0.0125', '7', '{"team": "north"}', '1', '1');
INSERT INTO agent_cost_vector (execution_id, executed_at, task_id, agent_role, agent_iteration, llm_model, latency_ms, tokens_in, cost_usd, metadata_json, load_id, row_id) OVERRIDING SYSTEM VALUE VALUES ('9b9e782af9988442480be728-1', '2026-01-07 08:00:00+00', 'T-3', 'Design', '1', 'opus', '500', '7000', '0.5', '{"price": "list", "prompt": "a1"}', '2', '6');
INSERT INTO agent_cost_vector (execution_id, executed_at, task_id, agent_role, agent_iteration, llm_model, latency_ms, load_id, row_id) OVERRIDING SYSTEM VALUE VALUES ('9b9e782af9988442480be728-2', '2026-01-07 08:00:00+00', 'T-3', 'Design', '1', 'opus', '700', '2', '7');
INSERT INTO agent_cost_vector (execution_id, executed_at, task_id, project_id, agent_role, agent_iteration, llm_model, tokens_in, tokens_out, tool_calls, load_id, row_id) OVERRIDING SYSTEM VALUE VALUES ('a5860afdcb315f3eb4c45794-1', '2026-01-05 11:00:00+00', 'T-1', 'ferry', 'Code', '2', 'sonnet', '12000', '300', '2', '1', '4');
INSERT INTO agent_cost_vector (execution_id, executed_at, task_id, project_id, agent_role, agent_iteration, llm_model, llm_provider, tokens_in, tokens_out, tokens_cache_read, tokens_cache_write, cost_usd, tool_calls, tool, tool_version, metadata_json, load_id, row_id, branch) OVERRIDING SYSTEM VALUE VALUES ('m-1', '2026-01-10 09:00:05+00', 's-1', 'quay', 'Code', '1', 'claude-sonnet-4-5', 'anthropic', '5310', '200', '5000', '300', '0.005655', '1', 'claude-code', '2.0.76', '{"price": "genai-prices 0.2.3 anthropic/claude-sonnet-4-5 on 2026-01-10", "tools": ["Bash:07809296b5"], "session_id": "s-1", "cost_computed_usd": 0.005655}', '6', '9', 'main');
INSERT INTO agent_cost_vector (execution_id, executed_at, task_id, agent_role, agent_iteration, retries, memory_mb, load_id, row_id) OVERRIDING SYSTEM VALUE VALUES ('own-1', '2026-01-08 08:00:00+00', 'T-1', 'Gardener', '1', '2', '512.5', '2', '8');
INSERT INTO defect_log (defect_id, found_at, fixed_at, task_id, defect_type, severity, phase_injected, phase_removed, fix_latency_ms, fix_cost_usd, fix_retries, description, is_flagged_by_agent, is_validated_by_human, is_false_positive, metadata_json, load_id) VALUES ('D-1', '2026-01-05 12:00:00+00', '2026-01-05 13:00:00+00', 'T-1', '60_Checking', 'High', 'Code', 'CodeReview', '120000', '0.2', '1', 'not checked', 'true', 'true', 'false', '{"effort_to_fix_json": {"people": 1}}', '4');
INSERT INTO defect_log (defect_id, found_at, task_id, defect_type, phase_injected, phase_removed, description, is_flagged_by_agent, is_validated_by_human, is_false_positive, load_id) VALUES ('D-2', '2026-01-06 12:00:00+00', 'T-9', '4_Hallucination', 'Design', 'Test', 'no such endpoint', 'false', 'false', 'false', '4');
INSERT INTO bootstrap_metrics (capability, measured_at, period_start_at, period_end_at, mode, tasks_completed, tasks_needed, metric_name, metric_target, is_graduated, notes, load_id) VALUES ('PROBE_AI', '2026-01-09 00:00:00+00', '2026-01-01 00:00:00+00', '2026-01-09 00:00:00+00', 'Learning', '2', '20', 'MAPE', '20', 'false', 'too few tasks', '5');
INSERT INTO load_reject (reject_id, load_id, file, line_number, reasons_json, raw_text, raw_sha256) OVERRIDING SYSTEM VALUE VALUES ('1', '1', 'files/runs.csv', '7', '["executed_at: ''not a time'' is not an instant; write ISO 8601 such as 2026-01-31T09:30:00Z, or say their form: --time-format ''%d.%m.%Y %H:%M''"]', 'not a time,T-2,ferry,Test,1,,310,,,0.01,12,south
', 'b2a39ed38286647420428c6322664060efd8268170b0ed43ada75d125f1f5d40');

SELECT setval(pg_get_serial_sequence('load_log', 'load_id'), (SELECT max(load_id) FROM load_log));
SELECT setval(pg_get_serial_sequence('load_reject', 'reject_id'), (SELECT max(reject_id) FROM load_reject));
SELECT setval(pg_get_serial_sequence('agent_cost_vector', 'row_id'), (SELECT max(row_id) FROM agent_cost_vector));

-- The same indexes as database/sqlite/create_indexes.sql: for people who query the server, and for the writer's look-ups.

CREATE INDEX ix_agent_cost_vector_task ON agent_cost_vector (task_id, executed_at);
CREATE INDEX ix_agent_cost_vector_executed ON agent_cost_vector (executed_at);
CREATE INDEX ix_defect_log_task ON defect_log (task_id);
CREATE INDEX ix_task_metadata_completed ON task_metadata (completed_at);
-- The newest rows, for readers that copy what was added.
CREATE INDEX ix_agent_cost_vector_row ON agent_cost_vector (row_id);

-- One row is one execution: one run of one agent role on one task.
-- key: execution_id
-- execution_id: names the execution in its source
-- executed_at [UTC]: when it happened
-- task_id: the task
-- project_id: the project
-- agent_role: the phase, which agent worked
-- llm_model: the model
-- latency_ms [ms]: how long it took
-- tokens_in [tokens]: all input tokens, cached ones included
-- tokens_out [tokens]: output tokens
-- tokens_cache_read [tokens]: input tokens read from a cache
-- tokens_cache_write [tokens]: input tokens written to a cache
-- cost_usd [USD]: what the model calls cost; empty where unknown
-- tool_calls [count]: calls of tools
-- retries [count]: retries
-- memory_mb [MB]: memory used
-- subtask_id: the part of the task
-- user_id: the person
-- agent_version: version of the agent's prompt
-- agent_iteration [count]: number of the retry or correction loop, 1 is the first try
-- llm_provider: who runs the model
-- machine: the computer on which the agent ran
-- tool: the agent program that wrote the record
-- tool_version: version of that program
-- labels: anything to group by, a JSON object of texts
-- metadata_json: anything else the source said, a JSON object
-- load_id: the load that first wrote the row; empty where none is logged
-- repository: the repository in which the agent worked
-- branch: the branch in which the agent worked
CREATE VIEW executions AS
SELECT
    execution_id,
    executed_at,
    task_id,
    project_id,
    agent_role,
    llm_model,
    latency_ms,
    tokens_in,
    tokens_out,
    tokens_cache_read,
    tokens_cache_write,
    cost_usd,
    tool_calls,
    retries,
    memory_mb,
    subtask_id,
    user_id,
    agent_version,
    agent_iteration,
    llm_provider,
    machine,
    tool,
    tool_version,
    labels,
    metadata_json,
    load_id,
    repository,
    branch
FROM (SELECT
    execution_id,
    executed_at,
    task_id,
    subtask_id,
    project_id,
    user_id,
    COALESCE((SELECT name FROM name_alias WHERE kind = 'role' AND alias = agent_role), agent_role) AS agent_role,
    agent_version,
    agent_iteration,
    COALESCE((SELECT name FROM name_alias WHERE kind = 'model' AND alias = llm_model), llm_model) AS llm_model,
    llm_provider,
    latency_ms,
    tokens_in,
    tokens_out,
    tokens_cache_read,
    tokens_cache_write,
    cost_usd,
    tool_calls,
    retries,
    memory_mb,
    machine,
    tool,
    tool_version,
    labels,
    metadata_json,
    load_id,
    repository,
    COALESCE(branch, metadata_json ->> 'branch') AS branch
FROM agent_cost_vector) AS stg_executions;
-- One row is the work of one agent role with one model and one version of its prompt on one task: what it consumed.
-- key: task_id, agent_role, llm_model, agent_version
-- task_id: the task
-- agent_role: the role (phase)
-- llm_model: the model; empty where the source did not name it
-- agent_version: version of the agent's prompt
-- project_id: the project of the task, else of its executions
-- task_type: authentication, database, api, ui, ...
-- status: of the task: pending, in_progress, completed or failed
-- size [complexity units]: of the task: estimated before the work; the actual one where nothing was estimated
-- size_source: estimated or actual
-- actual_size [complexity units]: of the task, after the work
-- phase_order: the role's place in the order of phases; empty for roles that are not listed
-- kind: overhead, construction, appraisal or failure; empty for roles that are not listed
-- first_at [UTC]: first execution
-- last_at [UTC]: last execution
-- executions [count]: executions
-- reworked_executions [count]: of those, second and later iterations
-- executions_without_cost [count]: those whose cost is unknown; cost_usd is the sum of the others
-- executions_without_latency [count]: those whose latency is unknown
-- executions_without_tokens_in [count]: those whose input tokens are unknown
-- executions_without_tokens_out [count]: those whose output tokens are unknown
-- latency_ms [ms]: sum of what is known
-- tokens_in [tokens]: sum of what is known, cached ones included
-- tokens_out [tokens]: sum of what is known
-- tokens_cache_read [tokens]: sum of what is known
-- tokens_cache_write [tokens]: sum of what is known
-- tokens_fresh [tokens]: input that was neither read from nor written to a cache, sum of what is known
-- tokens [tokens]: in and out of executions that know both
-- cost_usd [USD]: sum of what is known; empty where nothing is
-- whole_cost_usd [USD]: the same, only where every execution has a cost
-- tool_calls [count]: sum of what is known
-- retries [count]: sum of what is known
-- rework_latency_ms [ms]: of latency_ms, what second and later iterations took
-- rework_tokens [tokens]: of tokens, what second and later iterations took
-- rework_cost_usd [USD]: of cost_usd, what second and later iterations took
CREATE VIEW work AS
WITH runs AS (
    SELECT
        task_id,
        agent_role,
        llm_model,
        agent_version,
        min(project_id) AS project_id,
        min(executed_at) AS first_at,
        max(executed_at) AS last_at,
        count(*) AS executions,
        count(*) FILTER (WHERE agent_iteration > 1) AS reworked_executions,
        count(*) - count(cost_usd) AS executions_without_cost,
        count(*) - count(latency_ms) AS executions_without_latency,
        count(*) - count(tokens_in) AS executions_without_tokens_in,
        count(*) - count(tokens_out) AS executions_without_tokens_out,
        sum(latency_ms) AS latency_ms,
        sum(tokens_in) AS tokens_in,
        sum(tokens_out) AS tokens_out,
        sum(tokens_cache_read) AS tokens_cache_read,
        sum(tokens_cache_write) AS tokens_cache_write,
        sum(tokens_in - COALESCE(tokens_cache_read, 0) - COALESCE(tokens_cache_write, 0)) AS tokens_fresh,
        sum(tokens_in + tokens_out) AS tokens,
        sum(cost_usd) AS cost_usd,
        sum(tool_calls) AS tool_calls,
        sum(retries) AS retries,
        sum(latency_ms) FILTER (WHERE agent_iteration > 1) AS rework_latency_ms,
        sum(tokens_in + tokens_out) FILTER (WHERE agent_iteration > 1) AS rework_tokens,
        sum(cost_usd) FILTER (WHERE agent_iteration > 1) AS rework_cost_usd
    FROM (SELECT
    execution_id,
    executed_at,
    task_id,
    subtask_id,
    project_id,
    user_id,
    COALESCE((SELECT name FROM name_alias WHERE kind = 'role' AND alias = agent_role), agent_role) AS agent_role,
    agent_version,
    agent_iteration,
    COALESCE((SELECT name FROM name_alias WHERE kind = 'model' AND alias = llm_model), llm_model) AS llm_model,
    llm_provider,
    latency_ms,
    tokens_in,
    tokens_out,
    tokens_cache_read,
    tokens_cache_write,
    cost_usd,
    tool_calls,
    retries,
    memory_mb,
    machine,
    tool,
    tool_version,
    labels,
    metadata_json,
    load_id,
    repository,
    COALESCE(branch, metadata_json ->> 'branch') AS branch
FROM agent_cost_vector) AS stg_executions
    GROUP BY task_id, agent_role, llm_model, agent_version
)

SELECT
    runs.task_id,
    runs.agent_role,
    runs.llm_model,
    runs.agent_version,
    COALESCE(tasks.project_id, runs.project_id) AS project_id,
    tasks.task_type,
    tasks.status,
    CAST(COALESCE(tasks.estimated_size, tasks.actual_size) AS DOUBLE PRECISION) AS size,
    CASE
        WHEN tasks.estimated_size IS NOT NULL THEN 'estimated'
        WHEN tasks.actual_size IS NOT NULL THEN 'actual'
    END AS size_source,
    CAST(tasks.actual_size AS DOUBLE PRECISION) AS actual_size,
    roles.phase_order,
    roles.kind,
    runs.first_at,
    runs.last_at,
    runs.executions,
    runs.reworked_executions,
    runs.executions_without_cost,
    runs.executions_without_latency,
    runs.executions_without_tokens_in,
    runs.executions_without_tokens_out,
    runs.latency_ms,
    CAST(runs.tokens_in AS BIGINT) AS tokens_in,
    CAST(runs.tokens_out AS BIGINT) AS tokens_out,
    CAST(runs.tokens_cache_read AS BIGINT) AS tokens_cache_read,
    CAST(runs.tokens_cache_write AS BIGINT) AS tokens_cache_write,
    CAST(runs.tokens_fresh AS BIGINT) AS tokens_fresh,
    CAST(runs.tokens AS BIGINT) AS tokens,
    runs.cost_usd,
    CASE WHEN runs.executions_without_cost = 0 THEN runs.cost_usd END AS whole_cost_usd,
    CAST(runs.tool_calls AS BIGINT) AS tool_calls,
    CAST(runs.retries AS BIGINT) AS retries,
    runs.rework_latency_ms,
    CAST(runs.rework_tokens AS BIGINT) AS rework_tokens,
    runs.rework_cost_usd
FROM runs
LEFT JOIN (SELECT
    *,
    CASE jsonb_typeof(semantic_units_json)
        WHEN 'array' THEN CAST(jsonb_array_length(semantic_units_json) AS BIGINT)
        WHEN 'object' THEN 0
    END AS planned_units,
    CASE jsonb_typeof(human_corrections_json -> 'missing_tasks')
        WHEN 'array' THEN CAST(jsonb_array_length(human_corrections_json -> 'missing_tasks') AS BIGINT)
        WHEN 'null' THEN 0
        WHEN 'object' THEN 0
    END AS missing_units,
    COALESCE(
        jsonb_array_length(NULLIF(human_corrections_json -> 'missing_tasks', 'null')) > 0
        OR COALESCE(human_corrections_json -> 'incorrect_complexity', '{}') NOT IN ('{}', '[]', 'null')
        OR NULLIF(human_corrections_json ->> 'sequencing_issues', '[]') IS NOT NULL,
        FALSE
    ) AS is_human_corrected
FROM task_metadata) AS tasks ON runs.task_id = tasks.task_id
LEFT JOIN agent_roles AS roles ON runs.agent_role = roles.agent_role;
-- One row is one task and one model that worked on it: the sums over its executions.
-- key: task_id, llm_model
-- task_id: the task
-- llm_model: the model; empty where the source did not name it
-- project_id: the project
-- task_type: authentication, database, api, ui, ...
-- status: of the task: pending, in_progress, completed or failed
-- size [complexity units]: of the task: estimated before the work; the actual one where nothing was estimated
-- size_source: estimated or actual
-- first_at [UTC]: first execution
-- last_at [UTC]: last execution
-- executions [count]: executions
-- executions_without_cost [count]: those whose cost is unknown; cost_usd is the sum of the others
-- latency_ms [ms]: sum of what is known
-- tokens_in [tokens]: sum of what is known, cached ones included
-- tokens_out [tokens]: sum of what is known
-- tokens_cache_read [tokens]: sum of what is known
-- tokens_cache_write [tokens]: sum of what is known
-- cost_usd [USD]: sum of what is known; empty where nothing is
-- whole_cost_usd [USD]: the same, only where every execution has a cost
-- tool_calls [count]: sum of what is known
-- retries [count]: sum of what is known
CREATE VIEW task_costs AS
WITH runs AS (
    SELECT
        task_id,
        llm_model,
        min(project_id) AS project_id,
        min(executed_at) AS first_at,
        max(executed_at) AS last_at,
        count(*) AS executions,
        count(*) FILTER (WHERE agent_iteration > 1) AS reworked_executions,
        count(*) - count(cost_usd) AS executions_without_cost,
        count(*) - count(latency_ms) AS executions_without_latency,
        count(*) - count(tokens_in) AS executions_without_tokens_in,
        count(*) - count(tokens_out) AS executions_without_tokens_out,
        sum(latency_ms) AS latency_ms,
        sum(tokens_in) AS tokens_in,
        sum(tokens_out) AS tokens_out,
        sum(tokens_cache_read) AS tokens_cache_read,
        sum(tokens_cache_write) AS tokens_cache_write,
        sum(tokens_in - COALESCE(tokens_cache_read, 0) - COALESCE(tokens_cache_write, 0)) AS tokens_fresh,
        sum(tokens_in + tokens_out) AS tokens,
        sum(cost_usd) AS cost_usd,
        sum(tool_calls) AS tool_calls,
        sum(retries) AS retries,
        sum(latency_ms) FILTER (WHERE agent_iteration > 1) AS rework_latency_ms,
        sum(tokens_in + tokens_out) FILTER (WHERE agent_iteration > 1) AS rework_tokens,
        sum(cost_usd) FILTER (WHERE agent_iteration > 1) AS rework_cost_usd
    FROM (SELECT
    execution_id,
    executed_at,
    task_id,
    subtask_id,
    project_id,
    user_id,
    COALESCE((SELECT name FROM name_alias WHERE kind = 'role' AND alias = agent_role), agent_role) AS agent_role,
    agent_version,
    agent_iteration,
    COALESCE((SELECT name FROM name_alias WHERE kind = 'model' AND alias = llm_model), llm_model) AS llm_model,
    llm_provider,
    latency_ms,
    tokens_in,
    tokens_out,
    tokens_cache_read,
    tokens_cache_write,
    cost_usd,
    tool_calls,
    retries,
    memory_mb,
    machine,
    tool,
    tool_version,
    labels,
    metadata_json,
    load_id,
    repository,
    COALESCE(branch, metadata_json ->> 'branch') AS branch
FROM agent_cost_vector) AS stg_executions
    GROUP BY task_id, llm_model
)

SELECT
    runs.task_id,
    runs.llm_model,
    COALESCE(tasks.project_id, runs.project_id) AS project_id,
    tasks.task_type,
    tasks.status,
    CAST(COALESCE(tasks.estimated_size, tasks.actual_size) AS DOUBLE PRECISION) AS size,
    CASE
        WHEN tasks.estimated_size IS NOT NULL THEN 'estimated'
        WHEN tasks.actual_size IS NOT NULL THEN 'actual'
    END AS size_source,
    runs.first_at,
    runs.last_at,
    runs.executions,
    runs.executions_without_cost,
    runs.latency_ms,
    CAST(runs.tokens_in AS BIGINT) AS tokens_in,
    CAST(runs.tokens_out AS BIGINT) AS tokens_out,
    CAST(runs.tokens_cache_read AS BIGINT) AS tokens_cache_read,
    CAST(runs.tokens_cache_write AS BIGINT) AS tokens_cache_write,
    runs.cost_usd,
    CASE WHEN runs.executions_without_cost = 0 THEN runs.cost_usd END AS whole_cost_usd,
    CAST(runs.tool_calls AS BIGINT) AS tool_calls,
    CAST(runs.retries AS BIGINT) AS retries
FROM runs
LEFT JOIN (SELECT
    *,
    CASE jsonb_typeof(semantic_units_json)
        WHEN 'array' THEN CAST(jsonb_array_length(semantic_units_json) AS BIGINT)
        WHEN 'object' THEN 0
    END AS planned_units,
    CASE jsonb_typeof(human_corrections_json -> 'missing_tasks')
        WHEN 'array' THEN CAST(jsonb_array_length(human_corrections_json -> 'missing_tasks') AS BIGINT)
        WHEN 'null' THEN 0
        WHEN 'object' THEN 0
    END AS missing_units,
    COALESCE(
        jsonb_array_length(NULLIF(human_corrections_json -> 'missing_tasks', 'null')) > 0
        OR COALESCE(human_corrections_json -> 'incorrect_complexity', '{}') NOT IN ('{}', '[]', 'null')
        OR NULLIF(human_corrections_json ->> 'sequencing_issues', '[]') IS NOT NULL,
        FALSE
    ) AS is_human_corrected
FROM task_metadata) AS tasks ON runs.task_id = tasks.task_id;
-- One row is one task: its plan, its size, what it cost, how it ended, and what was wrong with it.
-- key: task_id
-- task_id: the task
-- project_id: the project of the task, else of its executions
-- task_type: authentication, database, api, ui, ...
-- task_description: the task in words
-- status: pending, in_progress, completed or failed
-- outcome: accepted (completed), failed or open
-- is_stub: telemetry named the task before the task itself was loaded
-- created_at [UTC]: when it was created
-- started_at [UTC]: when work on it began
-- completed_at [UTC]: when it ended, completed or failed
-- known_at [UTC]: when its cost became known: its end, else its last execution
-- first_at [UTC]: first execution
-- last_at [UTC]: last execution
-- size [complexity units]: estimated before the work; the actual one where nothing was estimated
-- size_source: estimated or actual
-- estimated_size [complexity units]: the size proxy before the work
-- actual_size [complexity units]: the size after the work
-- planned_units [count]: units of the plan
-- missing_units [count]: units that a person had to add
-- is_human_reviewed: a person looked at the plan
-- is_human_corrected: the person changed something in the plan
-- estimated_latency_ms [ms]: the planner's own estimate
-- estimated_tokens [tokens]: the planner's own estimate
-- estimated_cost_usd [USD]: the planner's own estimate
-- executions [count]: executions; 0 where nothing was recorded
-- reworked_executions [count]: of those, second and later iterations
-- executions_without_cost [count]: those whose cost is unknown; cost_usd is the sum of the others
-- executions_without_latency [count]: those whose latency is unknown
-- models [count]: models that worked on it
-- roles [count]: agent roles that worked on it
-- people [count]: persons named with its executions
-- latency_ms [ms]: sum of what is known
-- whole_latency_ms [ms]: the same, only where every execution has a latency
-- reported_latency_ms [ms]: as the task's own record says
-- tokens_in [tokens]: sum of what is known, cached ones included
-- tokens_out [tokens]: sum of what is known
-- tokens_cache_read [tokens]: sum of what is known
-- tokens_cache_write [tokens]: sum of what is known
-- tokens_fresh [tokens]: input that was neither read from nor written to a cache, sum of what is known
-- whole_tokens [tokens]: in and out, only where every execution knows both
-- reported_tokens [tokens]: as the task's own record says
-- cost_usd [USD]: sum of what is known; empty where nothing is
-- whole_cost_usd [USD]: the same, only where every execution has a cost
-- reported_cost_usd [USD]: as the task's own record says
-- tool_calls [count]: sum of what is known
-- retries [count]: sum of what is known
-- defects [count]: defects that were logged, false alarms left out
-- defects_in_appraisal [count]: of those, found by a review
-- defects_in_failure [count]: of those, found by a test
-- defects_elsewhere [count]: of those, found in any other phase
-- open_defects [count]: of those, not corrected yet
-- false_alarms [count]: logged, and no defects
-- components_json: paths of the components that were touched, a JSON array
CREATE VIEW tasks AS
WITH runs AS (
    SELECT
        task_id,
        count(DISTINCT llm_model) AS models,
        count(DISTINCT agent_role) AS roles,
        count(DISTINCT user_id) AS people,
        min(project_id) AS project_id,
        min(executed_at) AS first_at,
        max(executed_at) AS last_at,
        count(*) AS executions,
        count(*) FILTER (WHERE agent_iteration > 1) AS reworked_executions,
        count(*) - count(cost_usd) AS executions_without_cost,
        count(*) - count(latency_ms) AS executions_without_latency,
        count(*) - count(tokens_in) AS executions_without_tokens_in,
        count(*) - count(tokens_out) AS executions_without_tokens_out,
        sum(latency_ms) AS latency_ms,
        sum(tokens_in) AS tokens_in,
        sum(tokens_out) AS tokens_out,
        sum(tokens_cache_read) AS tokens_cache_read,
        sum(tokens_cache_write) AS tokens_cache_write,
        sum(tokens_in - COALESCE(tokens_cache_read, 0) - COALESCE(tokens_cache_write, 0)) AS tokens_fresh,
        sum(tokens_in + tokens_out) AS tokens,
        sum(cost_usd) AS cost_usd,
        sum(tool_calls) AS tool_calls,
        sum(retries) AS retries,
        sum(latency_ms) FILTER (WHERE agent_iteration > 1) AS rework_latency_ms,
        sum(tokens_in + tokens_out) FILTER (WHERE agent_iteration > 1) AS rework_tokens,
        sum(cost_usd) FILTER (WHERE agent_iteration > 1) AS rework_cost_usd
    FROM (SELECT
    execution_id,
    executed_at,
    task_id,
    subtask_id,
    project_id,
    user_id,
    COALESCE((SELECT name FROM name_alias WHERE kind = 'role' AND alias = agent_role), agent_role) AS agent_role,
    agent_version,
    agent_iteration,
    COALESCE((SELECT name FROM name_alias WHERE kind = 'model' AND alias = llm_model), llm_model) AS llm_model,
    llm_provider,
    latency_ms,
    tokens_in,
    tokens_out,
    tokens_cache_read,
    tokens_cache_write,
    cost_usd,
    tool_calls,
    retries,
    memory_mb,
    machine,
    tool,
    tool_version,
    labels,
    metadata_json,
    load_id,
    repository,
    COALESCE(branch, metadata_json ->> 'branch') AS branch
FROM agent_cost_vector) AS stg_executions
    GROUP BY task_id
),

found AS (
    SELECT
        defects.task_id,
        count(*) FILTER (WHERE NOT defects.is_false_positive) AS defects,
        count(*) FILTER (WHERE NOT defects.is_false_positive AND removed.kind = 'appraisal') AS in_appraisal,
        count(*) FILTER (WHERE NOT defects.is_false_positive AND removed.kind = 'failure') AS in_failure,
        count(*) FILTER (WHERE NOT defects.is_false_positive AND defects.fixed_at IS NULL) AS still_open,
        count(*) FILTER (WHERE defects.is_false_positive) AS false_alarms
    FROM (SELECT
    defect_id,
    found_at,
    fixed_at,
    task_id,
    project_id,
    user_id,
    defect_type,
    severity,
    COALESCE((SELECT name FROM name_alias WHERE kind = 'role' AND alias = phase_injected), phase_injected) AS phase_injected,
    COALESCE((SELECT name FROM name_alias WHERE kind = 'role' AND alias = phase_removed), phase_removed) AS phase_removed,
    component_path,
    function_name,
    line_number,
    fix_latency_ms,
    fix_tokens,
    fix_cost_usd,
    fix_retries,
    description,
    root_cause,
    resolution_notes,
    is_flagged_by_agent,
    is_validated_by_human,
    is_false_positive,
    metadata_json,
    load_id
FROM defect_log) AS defects
    LEFT JOIN agent_roles AS removed ON defects.phase_removed = removed.agent_role
    GROUP BY defects.task_id
)

SELECT
    tasks.task_id,
    COALESCE(tasks.project_id, runs.project_id) AS project_id,
    tasks.task_type,
    tasks.task_description,
    tasks.status,
    CASE tasks.status WHEN 'completed' THEN 'accepted' WHEN 'failed' THEN 'failed' ELSE 'open' END AS outcome,
    tasks.is_stub,
    tasks.created_at,
    tasks.started_at,
    tasks.completed_at,
    COALESCE(tasks.completed_at, runs.last_at) AS known_at,
    runs.first_at,
    runs.last_at,
    CAST(COALESCE(tasks.estimated_size, tasks.actual_size) AS DOUBLE PRECISION) AS size,
    CASE
        WHEN tasks.estimated_size IS NOT NULL THEN 'estimated'
        WHEN tasks.actual_size IS NOT NULL THEN 'actual'
    END AS size_source,
    CAST(tasks.estimated_size AS DOUBLE PRECISION) AS estimated_size,
    CAST(tasks.actual_size AS DOUBLE PRECISION) AS actual_size,
    tasks.planned_units,
    tasks.missing_units,
    tasks.is_human_reviewed,
    tasks.is_human_corrected,
    tasks.estimated_latency_ms,
    tasks.estimated_tokens,
    tasks.estimated_cost_usd,
    COALESCE(runs.executions, 0) AS executions,
    runs.reworked_executions,
    runs.executions_without_cost,
    runs.executions_without_latency,
    runs.models,
    runs.roles,
    runs.people,
    runs.latency_ms,
    CASE WHEN runs.executions_without_latency = 0 THEN runs.latency_ms END AS whole_latency_ms,
    tasks.reported_latency_ms,
    CAST(runs.tokens_in AS BIGINT) AS tokens_in,
    CAST(runs.tokens_out AS BIGINT) AS tokens_out,
    CAST(runs.tokens_cache_read AS BIGINT) AS tokens_cache_read,
    CAST(runs.tokens_cache_write AS BIGINT) AS tokens_cache_write,
    CAST(runs.tokens_fresh AS BIGINT) AS tokens_fresh,
    CASE WHEN runs.executions_without_tokens_in + runs.executions_without_tokens_out = 0 THEN CAST(runs.tokens AS BIGINT) END AS whole_tokens,
    tasks.reported_tokens,
    runs.cost_usd,
    CASE WHEN runs.executions_without_cost = 0 THEN runs.cost_usd END AS whole_cost_usd,
    tasks.reported_cost_usd,
    CAST(runs.tool_calls AS BIGINT) AS tool_calls,
    CAST(runs.retries AS BIGINT) AS retries,
    COALESCE(found.defects, 0) AS defects,
    COALESCE(found.in_appraisal, 0) AS defects_in_appraisal,
    COALESCE(found.in_failure, 0) AS defects_in_failure,
    COALESCE(found.defects - found.in_appraisal - found.in_failure, 0) AS defects_elsewhere,
    COALESCE(found.still_open, 0) AS open_defects,
    COALESCE(found.false_alarms, 0) AS false_alarms,
    tasks.components_json
FROM (SELECT
    *,
    CASE jsonb_typeof(semantic_units_json)
        WHEN 'array' THEN CAST(jsonb_array_length(semantic_units_json) AS BIGINT)
        WHEN 'object' THEN 0
    END AS planned_units,
    CASE jsonb_typeof(human_corrections_json -> 'missing_tasks')
        WHEN 'array' THEN CAST(jsonb_array_length(human_corrections_json -> 'missing_tasks') AS BIGINT)
        WHEN 'null' THEN 0
        WHEN 'object' THEN 0
    END AS missing_units,
    COALESCE(
        jsonb_array_length(NULLIF(human_corrections_json -> 'missing_tasks', 'null')) > 0
        OR COALESCE(human_corrections_json -> 'incorrect_complexity', '{}') NOT IN ('{}', '[]', 'null')
        OR NULLIF(human_corrections_json ->> 'sequencing_issues', '[]') IS NOT NULL,
        FALSE
    ) AS is_human_corrected
FROM task_metadata) AS tasks
LEFT JOIN runs ON tasks.task_id = runs.task_id
LEFT JOIN found ON tasks.task_id = found.task_id;
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
CREATE VIEW defects AS
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
FROM (SELECT
    defect_id,
    found_at,
    fixed_at,
    task_id,
    project_id,
    user_id,
    defect_type,
    severity,
    COALESCE((SELECT name FROM name_alias WHERE kind = 'role' AND alias = phase_injected), phase_injected) AS phase_injected,
    COALESCE((SELECT name FROM name_alias WHERE kind = 'role' AND alias = phase_removed), phase_removed) AS phase_removed,
    component_path,
    function_name,
    line_number,
    fix_latency_ms,
    fix_tokens,
    fix_cost_usd,
    fix_retries,
    description,
    root_cause,
    resolution_notes,
    is_flagged_by_agent,
    is_validated_by_human,
    is_false_positive,
    metadata_json,
    load_id
FROM defect_log) AS defects
LEFT JOIN (SELECT
    *,
    CASE jsonb_typeof(semantic_units_json)
        WHEN 'array' THEN CAST(jsonb_array_length(semantic_units_json) AS BIGINT)
        WHEN 'object' THEN 0
    END AS planned_units,
    CASE jsonb_typeof(human_corrections_json -> 'missing_tasks')
        WHEN 'array' THEN CAST(jsonb_array_length(human_corrections_json -> 'missing_tasks') AS BIGINT)
        WHEN 'null' THEN 0
        WHEN 'object' THEN 0
    END AS missing_units,
    COALESCE(
        jsonb_array_length(NULLIF(human_corrections_json -> 'missing_tasks', 'null')) > 0
        OR COALESCE(human_corrections_json -> 'incorrect_complexity', '{}') NOT IN ('{}', '[]', 'null')
        OR NULLIF(human_corrections_json ->> 'sequencing_issues', '[]') IS NOT NULL,
        FALSE
    ) AS is_human_corrected
FROM task_metadata) AS tasks ON defects.task_id = tasks.task_id
LEFT JOIN agent_roles AS injected ON defects.phase_injected = injected.agent_role
LEFT JOIN agent_roles AS removed ON defects.phase_removed = removed.agent_role
LEFT JOIN defect_types AS types ON defects.defect_type = types.defect_type;
-- Who may do what: asp_writer inserts and updates and never deletes telemetry; asp_reader selects. Neither can log in:
-- GRANT asp_writer TO somebody. Where the present user may not create roles, an administrator runs this file later.

-- Lets an execution have happened at another time. With TimescaleDB that may be in another chunk, where no UPDATE can
-- move a row, and a writer may not delete: this runs with the rights of the tables' owner.
CREATE OR REPLACE FUNCTION asp_move_execution(moved TEXT, moved_to TIMESTAMPTZ) RETURNS VOID
LANGUAGE sql SECURITY DEFINER
BEGIN ATOMIC
    WITH former AS (DELETE FROM agent_cost_vector WHERE execution_id = moved RETURNING *)
    INSERT INTO agent_cost_vector (
        execution_id, executed_at, task_id, subtask_id, project_id, user_id, agent_role, agent_version, agent_iteration,
        llm_model, llm_provider, latency_ms, tokens_in, tokens_out, tokens_cache_read, tokens_cache_write, cost_usd,
        tool_calls, retries, memory_mb, machine, tool, tool_version, labels, metadata_json, load_id, row_id,
        repository, branch
    )
    SELECT
        execution_id, moved_to, task_id, subtask_id, project_id, user_id, agent_role, agent_version, agent_iteration,
        llm_model, llm_provider, latency_ms, tokens_in, tokens_out, tokens_cache_read, tokens_cache_write, cost_usd,
        tool_calls, retries, memory_mb, machine, tool, tool_version, labels, metadata_json, load_id, row_id,
        repository, branch
    FROM former;
END;
REVOKE ALL ON FUNCTION asp_move_execution FROM PUBLIC;

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'asp_reader') THEN
        CREATE ROLE asp_reader NOLOGIN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'asp_writer') THEN
        CREATE ROLE asp_writer NOLOGIN;
    END IF;
    GRANT SELECT ON asp_schema, agent_roles, capabilities, defect_types, task_metadata, agent_cost_vector, defect_log,
        bootstrap_metrics, people, code_change, change_session, name_alias, load_log, load_reject, load_version, asp_changes, executions, work, task_costs, tasks, defects
        TO asp_reader, asp_writer;
    GRANT INSERT, UPDATE ON agent_roles, capabilities, defect_types, task_metadata, agent_cost_vector, defect_log,
        bootstrap_metrics, people, code_change, change_session, name_alias, load_log, load_reject, load_version TO asp_writer;
    GRANT UPDATE ON asp_changes TO asp_writer;
    GRANT EXECUTE ON FUNCTION asp_move_execution TO asp_writer;
    -- Rejects that were exported for repair are forgotten; they are not telemetry.
    GRANT DELETE ON load_reject TO asp_writer;
    -- An alias that is undone changes no row of telemetry.
    GRANT DELETE ON name_alias TO asp_writer;
EXCEPTION WHEN insufficient_privilege THEN
    RAISE NOTICE 'The roles asp_reader and asp_writer were not made: this needs the right to create roles.';
END
$$;
