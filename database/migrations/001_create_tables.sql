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

-- One row is one budget: what may be spent in each period on a part of the store. dimension and member say which part
-- (a team and its name); NULL is the whole store.
CREATE TABLE budget (
    budget_id  TEXT             NOT NULL,
    dimension  TEXT,
    member     TEXT,
    period     TEXT             NOT NULL,
    unit       TEXT             NOT NULL,
    amount     DOUBLE PRECISION NOT NULL,
    created_at TIMESTAMPTZ      NOT NULL,
    CONSTRAINT pk_budget PRIMARY KEY (budget_id),
    CONSTRAINT ck_budget_budget_id CHECK (budget_id <> ''),
    CONSTRAINT ck_budget_part CHECK ((dimension IS NULL) = (member IS NULL)),
    CONSTRAINT ck_budget_member CHECK (member <> ''),
    CONSTRAINT ck_budget_period CHECK (period IN ('day', 'week', 'month', 'quarter')),
    CONSTRAINT ck_budget_unit CHECK (unit IN ('USD', 'tokens')),
    CONSTRAINT ck_budget_amount CHECK (amount > 0 AND amount <= 1.7976931348623157e308),
    CONSTRAINT ck_budget_created_at CHECK (created_at >= '0001-01-01 00:00+00' AND created_at < '10000-01-01 00:00+00')
);

-- One row is one change of the agents that people recorded. kind and value say what the new state is (version: the
-- agent_version of an execution, model, tool: its version); NULL is what came from changed_at on. old_share: of the tasks
-- that are assigned at random, the share that keeps the old state.
CREATE TABLE agent_change (
    change_id  TEXT    NOT NULL,
    changed_at TIMESTAMPTZ NOT NULL,
    kind       TEXT,
    value      TEXT,
    project_id TEXT,
    agent_role TEXT,
    old_share  DOUBLE PRECISION NOT NULL,
    seed       BIGINT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT pk_agent_change PRIMARY KEY (change_id),
    CONSTRAINT ck_agent_change_change_id CHECK (change_id <> ''),
    CONSTRAINT ck_agent_change_kind CHECK (kind IN ('version', 'model', 'tool')),
    CONSTRAINT ck_agent_change_value CHECK ((kind IS NULL) = (value IS NULL)),
    CONSTRAINT ck_agent_change_old_share CHECK (old_share > 0 AND old_share < 1),
    CONSTRAINT ck_agent_change_changed_at CHECK (changed_at >= '0001-01-01 00:00+00' AND changed_at < '10000-01-01 00:00+00'),
    CONSTRAINT ck_agent_change_created_at CHECK (created_at >= '0001-01-01 00:00+00' AND created_at < '10000-01-01 00:00+00')
);

-- One row is one task that was assigned to the new state of a change, or kept on the old one, at random.
CREATE TABLE change_assignment (
    change_id   TEXT    NOT NULL,
    task_id     TEXT    NOT NULL,
    is_new      BOOLEAN NOT NULL,
    assigned_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT pk_change_assignment PRIMARY KEY (change_id, task_id),
    CONSTRAINT ck_change_assignment_task_id CHECK (task_id <> ''),
    CONSTRAINT ck_change_assignment_assigned_at CHECK (assigned_at >= '0001-01-01 00:00+00' AND assigned_at < '10000-01-01 00:00+00')
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
CREATE TRIGGER tr_budget_changed BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON budget
    FOR EACH STATEMENT EXECUTE FUNCTION asp_note_change();
CREATE TRIGGER tr_agent_change_changed BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON agent_change
    FOR EACH STATEMENT EXECUTE FUNCTION asp_note_change();
CREATE TRIGGER tr_change_assignment_changed BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON change_assignment
    FOR EACH STATEMENT EXECUTE FUNCTION asp_note_change();
CREATE TRIGGER tr_load_log_changed BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON load_log
    FOR EACH STATEMENT EXECUTE FUNCTION asp_note_change();

INSERT INTO asp_changes (table_name, changes)
SELECT name, floor(random() * 1e15)
FROM unnest(ARRAY['agent_cost_vector', 'task_metadata', 'defect_log', 'bootstrap_metrics', 'agent_roles',
    'capabilities', 'defect_types', 'people', 'code_change',
    'change_session', 'name_alias', 'budget', 'agent_change', 'change_assignment', 'load_log']) AS name;
INSERT INTO asp_schema (version, created_at) VALUES (7, now());
