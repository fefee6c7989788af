-- The store: four contract tables, the role reference, and the writer's own records. SQLite 3.37 or newer (STRICT).
--
-- Instants are UTC text of one form, 2026-01-31T09:30:00.000000Z: it sorts, and SQLite's datetime() reads it.
-- Booleans are 0 or 1. JSON is text that json_valid() accepts. Unknown is NULL, never 0 and never ''.
-- What every column means and its unit: database/README.md. The same names in PostgreSQL: database/migrations/.

CREATE TABLE asp_schema (
    version    INTEGER NOT NULL,
    created_at TEXT    NOT NULL,
    CONSTRAINT pk_asp_schema PRIMARY KEY (version)
) STRICT;

-- Roles are data, not a constraint: people add their own. phase_order sorts phases; kind is PSP's term.
CREATE TABLE agent_roles (
    agent_role  TEXT    NOT NULL,
    phase_order INTEGER NOT NULL,
    kind        TEXT    NOT NULL,
    CONSTRAINT pk_agent_roles PRIMARY KEY (agent_role),
    CONSTRAINT ck_agent_roles_kind CHECK (kind IN ('overhead', 'construction', 'appraisal', 'failure'))
) STRICT;

CREATE TABLE task_metadata (
    task_id                    TEXT    NOT NULL,
    created_at                 TEXT    NOT NULL,
    started_at                 TEXT,
    completed_at               TEXT,
    project_id                 TEXT,
    task_type                  TEXT,
    task_description           TEXT,
    requirements_text          TEXT,
    semantic_units_json        TEXT,
    estimated_complexity       INTEGER,
    actual_complexity          INTEGER,
    estimated_cost_vector_json TEXT,
    actual_cost_vector_json    TEXT,
    defect_count               INTEGER NOT NULL DEFAULT 0,
    defect_density             REAL,
    components_affected        TEXT,
    bootstrap_phase            TEXT,
    human_reviewed             INTEGER,
    human_corrections_json     TEXT,
    status                     TEXT    NOT NULL DEFAULT 'pending',
    metadata                   TEXT,
    CONSTRAINT pk_task_metadata PRIMARY KEY (task_id),
    CONSTRAINT ck_task_metadata_task_id CHECK (task_id <> ''),
    CONSTRAINT ck_task_metadata_created_at CHECK (created_at GLOB '????-??-??T??:??:??.??????Z' AND datetime(created_at) IS NOT NULL),
    CONSTRAINT ck_task_metadata_started_at CHECK (started_at IS NULL OR (started_at GLOB '????-??-??T??:??:??.??????Z' AND datetime(started_at) IS NOT NULL)),
    CONSTRAINT ck_task_metadata_completed_at CHECK (completed_at IS NULL OR (completed_at GLOB '????-??-??T??:??:??.??????Z' AND datetime(completed_at) IS NOT NULL)),
    CONSTRAINT ck_task_metadata_order CHECK (completed_at >= started_at),
    CONSTRAINT ck_task_metadata_semantic_units CHECK (semantic_units_json IS NULL OR json_valid(semantic_units_json)),
    CONSTRAINT ck_task_metadata_estimated_complexity CHECK (estimated_complexity >= 0),
    CONSTRAINT ck_task_metadata_actual_complexity CHECK (actual_complexity >= 0),
    CONSTRAINT ck_task_metadata_estimated_cost CHECK (estimated_cost_vector_json IS NULL OR (json_valid(estimated_cost_vector_json) AND json_type(estimated_cost_vector_json) = 'object')),
    CONSTRAINT ck_task_metadata_actual_cost CHECK (actual_cost_vector_json IS NULL OR (json_valid(actual_cost_vector_json) AND json_type(actual_cost_vector_json) = 'object')),
    CONSTRAINT ck_task_metadata_defect_count CHECK (defect_count >= 0),
    CONSTRAINT ck_task_metadata_defect_density CHECK (defect_density >= 0),
    CONSTRAINT ck_task_metadata_components CHECK (components_affected IS NULL OR (json_valid(components_affected) AND json_type(components_affected) = 'array')),
    CONSTRAINT ck_task_metadata_bootstrap_phase CHECK (bootstrap_phase IN ('Learning', 'Shadow', 'Autonomous')),
    CONSTRAINT ck_task_metadata_human_reviewed CHECK (human_reviewed IN (0, 1)),
    CONSTRAINT ck_task_metadata_human_corrections CHECK (human_corrections_json IS NULL OR (json_valid(human_corrections_json) AND json_type(human_corrections_json) = 'object')),
    CONSTRAINT ck_task_metadata_status CHECK (status IN ('pending', 'in_progress', 'completed', 'failed')),
    CONSTRAINT ck_task_metadata_metadata CHECK (metadata IS NULL OR (json_valid(metadata) AND json_type(metadata) = 'object'))
) STRICT;

-- One row is one metric of one execution.
CREATE TABLE agent_cost_vector (
    id              INTEGER NOT NULL,
    timestamp       TEXT    NOT NULL,
    execution_date  TEXT    NOT NULL,
    task_id         TEXT    NOT NULL,
    subtask_id      TEXT,
    project_id      TEXT,
    user_id         TEXT,
    agent_role      TEXT    NOT NULL,
    agent_version   TEXT,
    agent_iteration INTEGER NOT NULL DEFAULT 1,
    metric_type     TEXT    NOT NULL,
    metric_value    REAL    NOT NULL,
    metric_unit     TEXT    NOT NULL,
    llm_model       TEXT,
    llm_provider    TEXT,
    metadata        TEXT,
    execution_id    TEXT    NOT NULL,
    CONSTRAINT pk_agent_cost_vector PRIMARY KEY (id),
    CONSTRAINT uq_agent_cost_vector_execution UNIQUE (execution_id, metric_type),
    CONSTRAINT fk_agent_cost_vector_task FOREIGN KEY (task_id) REFERENCES task_metadata (task_id),
    CONSTRAINT ck_agent_cost_vector_timestamp CHECK (timestamp GLOB '????-??-??T??:??:??.??????Z' AND datetime(timestamp) IS NOT NULL),
    CONSTRAINT ck_agent_cost_vector_execution_date CHECK (execution_date = substr(timestamp, 1, 10)),
    CONSTRAINT ck_agent_cost_vector_role CHECK (agent_role <> ''),
    CONSTRAINT ck_agent_cost_vector_iteration CHECK (agent_iteration >= 0),
    CONSTRAINT ck_agent_cost_vector_value CHECK (metric_value >= 0 AND metric_value <= 1.7976931348623157e308),
    CONSTRAINT ck_agent_cost_vector_unit CHECK (
        metric_unit = CASE metric_type
            WHEN 'Latency' THEN 'ms'
            WHEN 'Tokens_In' THEN 'tokens'
            WHEN 'Tokens_Out' THEN 'tokens'
            WHEN 'Tokens_Cache_Read' THEN 'tokens'
            WHEN 'Tokens_Cache_Write' THEN 'tokens'
            WHEN 'API_Cost' THEN 'USD'
            WHEN 'Memory_Usage' THEN 'MB'
            WHEN 'Tool_Calls' THEN 'count'
            WHEN 'Retries' THEN 'count'
            ELSE 'unknown metric_type' END
    ),
    CONSTRAINT ck_agent_cost_vector_execution_id CHECK (execution_id <> ''),
    CONSTRAINT ck_agent_cost_vector_metadata CHECK (metadata IS NULL OR (json_valid(metadata) AND json_type(metadata) = 'object'))
) STRICT;

CREATE TABLE defect_log (
    defect_id          TEXT    NOT NULL,
    created_at         TEXT    NOT NULL,
    resolved_at        TEXT,
    task_id            TEXT    NOT NULL,
    project_id         TEXT,
    user_id            TEXT,
    defect_type        TEXT    NOT NULL,
    severity           TEXT,
    phase_injected     TEXT    NOT NULL,
    phase_removed      TEXT    NOT NULL,
    component_path     TEXT,
    function_name      TEXT,
    line_number        INTEGER,
    effort_to_fix_json TEXT,
    description        TEXT    NOT NULL,
    root_cause         TEXT,
    resolution_notes   TEXT,
    flagged_by_agent   INTEGER NOT NULL DEFAULT 0,
    validated_by_human INTEGER NOT NULL DEFAULT 0,
    false_positive     INTEGER NOT NULL DEFAULT 0,
    metadata           TEXT,
    CONSTRAINT pk_defect_log PRIMARY KEY (defect_id),
    CONSTRAINT ck_defect_log_defect_id CHECK (defect_id <> ''),
    CONSTRAINT fk_defect_log_task FOREIGN KEY (task_id) REFERENCES task_metadata (task_id),
    CONSTRAINT ck_defect_log_created_at CHECK (created_at GLOB '????-??-??T??:??:??.??????Z' AND datetime(created_at) IS NOT NULL),
    CONSTRAINT ck_defect_log_resolved_at CHECK (resolved_at IS NULL OR (resolved_at GLOB '????-??-??T??:??:??.??????Z' AND datetime(resolved_at) IS NOT NULL)),
    CONSTRAINT ck_defect_log_order CHECK (resolved_at >= created_at),
    CONSTRAINT ck_defect_log_type CHECK (defect_type IN (
        '1_Planning_Failure', '2_Prompt_Misinterpretation', '3_Tool_Use_Error', '4_Hallucination',
        '5_Security_Vulnerability', '6_Conventional_Code_Bug', '7_Task_Execution_Error', '8_Alignment_Deviation',
        '10_Documentation', '20_Syntax', '30_Build_Package', '40_Assignment', '50_Interface',
        '60_Checking', '70_Data', '80_Function', '90_System', '100_Environment'
    )),
    CONSTRAINT ck_defect_log_severity CHECK (severity IN ('Low', 'Medium', 'High', 'Critical')),
    CONSTRAINT ck_defect_log_phases CHECK (phase_injected <> phase_removed),
    CONSTRAINT ck_defect_log_line_number CHECK (line_number >= 0),
    CONSTRAINT ck_defect_log_effort CHECK (effort_to_fix_json IS NULL OR (json_valid(effort_to_fix_json) AND json_type(effort_to_fix_json) = 'object')),
    CONSTRAINT ck_defect_log_flagged CHECK (flagged_by_agent IN (0, 1)),
    CONSTRAINT ck_defect_log_validated CHECK (validated_by_human IN (0, 1)),
    CONSTRAINT ck_defect_log_false_positive CHECK (false_positive IN (0, 1)),
    CONSTRAINT ck_defect_log_metadata CHECK (metadata IS NULL OR (json_valid(metadata) AND json_type(metadata) = 'object'))
) STRICT;

CREATE TABLE bootstrap_metrics (
    id                            INTEGER NOT NULL,
    measured_at                   TEXT    NOT NULL,
    measurement_period_start      TEXT    NOT NULL,
    measurement_period_end        TEXT    NOT NULL,
    capability_name               TEXT    NOT NULL,
    capability_mode               TEXT    NOT NULL,
    tasks_completed               INTEGER NOT NULL,
    tasks_required_for_graduation INTEGER NOT NULL,
    primary_metric_name           TEXT,
    primary_metric_value          REAL,
    primary_metric_target         REAL,
    secondary_metrics_json        TEXT,
    graduation_criteria_met       INTEGER,
    graduation_notes              TEXT,
    metadata                      TEXT,
    CONSTRAINT pk_bootstrap_metrics PRIMARY KEY (id),
    CONSTRAINT uq_bootstrap_metrics_measurement UNIQUE (capability_name, measured_at),
    CONSTRAINT ck_bootstrap_metrics_measured_at CHECK (measured_at GLOB '????-??-??T??:??:??.??????Z' AND datetime(measured_at) IS NOT NULL),
    CONSTRAINT ck_bootstrap_metrics_start CHECK (measurement_period_start GLOB '????-??-??T??:??:??.??????Z' AND datetime(measurement_period_start) IS NOT NULL),
    CONSTRAINT ck_bootstrap_metrics_end CHECK (measurement_period_end GLOB '????-??-??T??:??:??.??????Z' AND datetime(measurement_period_end) IS NOT NULL),
    CONSTRAINT ck_bootstrap_metrics_period CHECK (measurement_period_end >= measurement_period_start),
    CONSTRAINT ck_bootstrap_metrics_capability CHECK (capability_name IN (
        'PROBE_AI', 'TaskDecomposition', 'ErrorProneDetection',
        'ReviewAgent_Design', 'ReviewAgent_Code', 'DefectTypePrediction'
    )),
    CONSTRAINT ck_bootstrap_metrics_mode CHECK (capability_mode IN ('Learning', 'Shadow', 'Autonomous')),
    CONSTRAINT ck_bootstrap_metrics_completed CHECK (tasks_completed >= 0),
    CONSTRAINT ck_bootstrap_metrics_required CHECK (tasks_required_for_graduation > 0),
    CONSTRAINT ck_bootstrap_metrics_secondary CHECK (secondary_metrics_json IS NULL OR (json_valid(secondary_metrics_json) AND json_type(secondary_metrics_json) = 'object')),
    CONSTRAINT ck_bootstrap_metrics_met CHECK (graduation_criteria_met IN (0, 1)),
    CONSTRAINT ck_bootstrap_metrics_metadata CHECK (metadata IS NULL OR (json_valid(metadata) AND json_type(metadata) = 'object'))
) STRICT;

-- One row is one load of one file; the four outcomes always add up to what was read. modified_ns is the file's own
-- time of change; found_json is what a reader of transcripts counted besides its records (lines, duplicates, ...), of
-- a table what the next load of the file is compared with.
CREATE TABLE load_log (
    load_id       INTEGER NOT NULL,
    file          TEXT    NOT NULL,
    sha256        TEXT    NOT NULL,
    size_bytes    INTEGER NOT NULL,
    format        TEXT    NOT NULL,
    loaded_as     TEXT    NOT NULL,
    started_at    TEXT    NOT NULL,
    finished_at   TEXT    NOT NULL,
    read_count    INTEGER NOT NULL,
    written       INTEGER NOT NULL,
    updated       INTEGER NOT NULL,
    present       INTEGER NOT NULL,
    rejected      INTEGER NOT NULL,
    tasks_stubbed INTEGER NOT NULL,
    options_json  TEXT    NOT NULL,
    modified_ns   INTEGER,
    found_json    TEXT,
    CONSTRAINT pk_load_log PRIMARY KEY (load_id),
    CONSTRAINT ck_load_log_sum CHECK (read_count = written + updated + present + rejected),
    CONSTRAINT ck_load_log_options CHECK (json_valid(options_json) AND json_type(options_json) = 'object'),
    CONSTRAINT ck_load_log_found CHECK (found_json IS NULL OR (json_valid(found_json) AND json_type(found_json) = 'object'))
) STRICT;

-- One row is one record that could not be taken, kept whole for repair; the same record of the same file is kept once.
CREATE TABLE load_reject (
    reject_id    INTEGER NOT NULL,
    load_id      INTEGER NOT NULL,
    file         TEXT    NOT NULL,
    line_number  INTEGER NOT NULL,
    reasons_json TEXT    NOT NULL,
    raw_text     TEXT    NOT NULL,
    raw_sha256   TEXT    NOT NULL,
    CONSTRAINT pk_load_reject PRIMARY KEY (reject_id),
    CONSTRAINT uq_load_reject_record UNIQUE (file, line_number, raw_sha256),
    CONSTRAINT fk_load_reject_load FOREIGN KEY (load_id) REFERENCES load_log (load_id),
    CONSTRAINT ck_load_reject_reasons CHECK (json_valid(reasons_json) AND json_type(reasons_json) = 'array')
) STRICT;

INSERT INTO asp_schema (version, created_at) VALUES (2, strftime('%Y-%m-%dT%H:%M:%S', 'now') || '.000000Z');
