-- The store: tasks, executions, defects, learning, people, the vocabularies, and the writer's own records. SQLite 3.37 or newer.
--
-- Instants are UTC text of one form, 2026-01-31T09:30:00.000000Z: it sorts, and SQLite's datetime() reads it.
-- Booleans are 0 or 1. JSON is text that json_valid() accepts. Unknown is NULL, never 0 and never ''. load_id says which
-- load first wrote a row (NULL: none that is logged). What every column means and its unit: database/README.md.
-- The same names in PostgreSQL: database/migrations/. The views that people read are made last: database/views/.

CREATE TABLE asp_schema (
    version    INTEGER NOT NULL,
    created_at TEXT    NOT NULL,
    CONSTRAINT pk_asp_schema PRIMARY KEY (version)
) STRICT;

-- Vocabularies that people extend are rows, not constraints. Roles: phase_order sorts phases; kind is PSP's term.
-- A role that is not listed is taken too; it has no order and no kind.
CREATE TABLE agent_roles (
    agent_role  TEXT    NOT NULL,
    phase_order INTEGER NOT NULL,
    kind        TEXT    NOT NULL,
    CONSTRAINT pk_agent_roles PRIMARY KEY (agent_role),
    CONSTRAINT ck_agent_roles_kind CHECK (kind IN ('overhead', 'construction', 'appraisal', 'failure'))
) STRICT;

-- What learns and may earn autonomy; measurements of other capabilities are rejected until they are listed here.
CREATE TABLE capabilities (
    capability       TEXT    NOT NULL,
    capability_order INTEGER NOT NULL,
    meaning          TEXT    NOT NULL,
    CONSTRAINT pk_capabilities PRIMARY KEY (capability)
) STRICT;

-- The classes of defects; taxonomy says whose: AI, PSP, or a name of your own.
CREATE TABLE defect_types (
    defect_type TEXT    NOT NULL,
    type_order  INTEGER NOT NULL,
    taxonomy    TEXT    NOT NULL,
    CONSTRAINT pk_defect_types PRIMARY KEY (defect_type)
) STRICT;

-- One row is one task. estimated_*: before the work; reported_*: what the task's own record says came of it.
CREATE TABLE task_metadata (
    task_id                 TEXT    NOT NULL,
    created_at              TEXT    NOT NULL,
    started_at              TEXT,
    completed_at            TEXT,
    project_id              TEXT,
    task_type               TEXT,
    task_description        TEXT,
    requirements_text       TEXT,
    status                  TEXT    NOT NULL DEFAULT 'pending',
    is_stub                 INTEGER NOT NULL DEFAULT 0,
    estimated_size          INTEGER,
    actual_size             INTEGER,
    estimated_latency_ms    REAL,
    estimated_tokens        REAL,
    estimated_cost_usd      REAL,
    reported_latency_ms     REAL,
    reported_tokens         REAL,
    reported_cost_usd       REAL,
    reported_defects        INTEGER,
    reported_defect_density REAL,
    bootstrap_phase         TEXT,
    is_human_reviewed       INTEGER,
    human_corrections_json  TEXT,
    semantic_units_json     TEXT,
    components_json         TEXT,
    metadata_json           TEXT,
    load_id                 INTEGER,
    CONSTRAINT pk_task_metadata PRIMARY KEY (task_id),
    CONSTRAINT ck_task_metadata_task_id CHECK (task_id <> ''),
    CONSTRAINT ck_task_metadata_order CHECK (completed_at >= started_at),
    CONSTRAINT ck_task_metadata_status CHECK (status IN ('pending', 'in_progress', 'completed', 'failed')),
    CONSTRAINT ck_task_metadata_bootstrap_phase CHECK (bootstrap_phase IN ('Learning', 'Shadow', 'Autonomous')),
    CONSTRAINT ck_task_metadata_created_at CHECK (created_at GLOB '????-??-??T??:??:??.??????Z' AND datetime(created_at) IS NOT NULL),
    CONSTRAINT ck_task_metadata_started_at CHECK (started_at IS NULL OR (started_at GLOB '????-??-??T??:??:??.??????Z' AND datetime(started_at) IS NOT NULL)),
    CONSTRAINT ck_task_metadata_completed_at CHECK (completed_at IS NULL OR (completed_at GLOB '????-??-??T??:??:??.??????Z' AND datetime(completed_at) IS NOT NULL)),
    CONSTRAINT ck_task_metadata_is_stub CHECK (is_stub IN (0, 1)),
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
    CONSTRAINT ck_task_metadata_is_human_reviewed CHECK (is_human_reviewed IN (0, 1)),
    CONSTRAINT ck_task_metadata_human_corrections_json CHECK (human_corrections_json IS NULL OR (json_valid(human_corrections_json) AND json_type(human_corrections_json) = 'object')),
    CONSTRAINT ck_task_metadata_semantic_units_json CHECK (semantic_units_json IS NULL OR (json_valid(semantic_units_json) AND json_type(semantic_units_json) IN ('array', 'object'))),
    CONSTRAINT ck_task_metadata_components_json CHECK (components_json IS NULL OR (json_valid(components_json) AND json_type(components_json) = 'array')),
    CONSTRAINT ck_task_metadata_metadata_json CHECK (metadata_json IS NULL OR (json_valid(metadata_json) AND json_type(metadata_json) = 'object'))
) STRICT;

-- One row is one execution: one run of one agent role on one task, with all that was measured of it.
CREATE TABLE agent_cost_vector (
    execution_id       TEXT    NOT NULL,
    executed_at        TEXT    NOT NULL,
    task_id            TEXT    NOT NULL,
    subtask_id         TEXT,
    project_id         TEXT,
    user_id            TEXT,
    agent_role         TEXT    NOT NULL,
    agent_version      TEXT,
    agent_iteration    INTEGER NOT NULL DEFAULT 1,
    llm_model          TEXT,
    llm_provider       TEXT,
    latency_ms         REAL,
    tokens_in          INTEGER,
    tokens_out         INTEGER,
    tokens_cache_read  INTEGER,
    tokens_cache_write INTEGER,
    cost_usd           REAL,
    tool_calls         INTEGER,
    retries            INTEGER,
    memory_mb          REAL,
    machine            TEXT,
    tool               TEXT,
    tool_version       TEXT,
    labels             TEXT,
    metadata_json      TEXT,
    load_id            INTEGER,
    repository         TEXT,
    branch             TEXT,
    CONSTRAINT pk_agent_cost_vector PRIMARY KEY (execution_id),
    CONSTRAINT fk_agent_cost_vector_task FOREIGN KEY (task_id) REFERENCES task_metadata (task_id),
    CONSTRAINT ck_agent_cost_vector_execution_id CHECK (execution_id <> ''),
    CONSTRAINT ck_agent_cost_vector_role CHECK (agent_role <> ''),
    CONSTRAINT ck_agent_cost_vector_executed_at CHECK (executed_at GLOB '????-??-??T??:??:??.??????Z' AND datetime(executed_at) IS NOT NULL),
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
    CONSTRAINT ck_agent_cost_vector_labels CHECK (labels IS NULL OR (json_valid(labels) AND json_type(labels) = 'object')),
    CONSTRAINT ck_agent_cost_vector_metadata_json CHECK (metadata_json IS NULL OR (json_valid(metadata_json) AND json_type(metadata_json) = 'object'))
) STRICT;

-- One row is one defect; fix_*: what its correction took.
CREATE TABLE defect_log (
    defect_id             TEXT    NOT NULL,
    found_at              TEXT    NOT NULL,
    fixed_at              TEXT,
    task_id               TEXT    NOT NULL,
    project_id            TEXT,
    user_id               TEXT,
    defect_type           TEXT    NOT NULL,
    severity              TEXT,
    phase_injected        TEXT    NOT NULL,
    phase_removed         TEXT    NOT NULL,
    component_path        TEXT,
    function_name         TEXT,
    line_number           INTEGER,
    fix_latency_ms        REAL,
    fix_tokens            REAL,
    fix_cost_usd          REAL,
    fix_retries           INTEGER,
    description           TEXT    NOT NULL,
    root_cause            TEXT,
    resolution_notes      TEXT,
    is_flagged_by_agent   INTEGER NOT NULL DEFAULT 0,
    is_validated_by_human INTEGER NOT NULL DEFAULT 0,
    is_false_positive     INTEGER NOT NULL DEFAULT 0,
    metadata_json         TEXT,
    load_id               INTEGER,
    CONSTRAINT pk_defect_log PRIMARY KEY (defect_id),
    CONSTRAINT fk_defect_log_task FOREIGN KEY (task_id) REFERENCES task_metadata (task_id),
    CONSTRAINT fk_defect_log_type FOREIGN KEY (defect_type) REFERENCES defect_types (defect_type),
    CONSTRAINT ck_defect_log_defect_id CHECK (defect_id <> ''),
    CONSTRAINT ck_defect_log_order CHECK (fixed_at >= found_at),
    CONSTRAINT ck_defect_log_severity CHECK (severity IN ('Low', 'Medium', 'High', 'Critical')),
    CONSTRAINT ck_defect_log_phases CHECK (phase_injected <> phase_removed),
    CONSTRAINT ck_defect_log_found_at CHECK (found_at GLOB '????-??-??T??:??:??.??????Z' AND datetime(found_at) IS NOT NULL),
    CONSTRAINT ck_defect_log_fixed_at CHECK (fixed_at IS NULL OR (fixed_at GLOB '????-??-??T??:??:??.??????Z' AND datetime(fixed_at) IS NOT NULL)),
    CONSTRAINT ck_defect_log_line_number CHECK (line_number >= 0),
    CONSTRAINT ck_defect_log_fix_latency_ms CHECK (fix_latency_ms >= 0 AND fix_latency_ms <= 1.7976931348623157e308),
    CONSTRAINT ck_defect_log_fix_tokens CHECK (fix_tokens >= 0 AND fix_tokens <= 1.7976931348623157e308),
    CONSTRAINT ck_defect_log_fix_cost_usd CHECK (fix_cost_usd >= 0 AND fix_cost_usd <= 1.7976931348623157e308),
    CONSTRAINT ck_defect_log_fix_retries CHECK (fix_retries >= 0),
    CONSTRAINT ck_defect_log_is_flagged_by_agent CHECK (is_flagged_by_agent IN (0, 1)),
    CONSTRAINT ck_defect_log_is_validated_by_human CHECK (is_validated_by_human IN (0, 1)),
    CONSTRAINT ck_defect_log_is_false_positive CHECK (is_false_positive IN (0, 1)),
    CONSTRAINT ck_defect_log_metadata_json CHECK (metadata_json IS NULL OR (json_valid(metadata_json) AND json_type(metadata_json) = 'object'))
) STRICT;

-- One row is one measurement of one capability.
CREATE TABLE bootstrap_metrics (
    capability             TEXT    NOT NULL,
    measured_at            TEXT    NOT NULL,
    period_start_at        TEXT    NOT NULL,
    period_end_at          TEXT    NOT NULL,
    mode                   TEXT    NOT NULL,
    tasks_completed        INTEGER NOT NULL,
    tasks_needed           INTEGER NOT NULL,
    metric_name            TEXT,
    metric_value           REAL,
    metric_target          REAL,
    is_graduated           INTEGER,
    notes                  TEXT,
    secondary_metrics_json TEXT,
    metadata_json          TEXT,
    load_id                INTEGER,
    CONSTRAINT pk_bootstrap_metrics PRIMARY KEY (capability, measured_at),
    CONSTRAINT fk_bootstrap_metrics_capability FOREIGN KEY (capability) REFERENCES capabilities (capability),
    CONSTRAINT ck_bootstrap_metrics_period CHECK (period_end_at >= period_start_at),
    CONSTRAINT ck_bootstrap_metrics_mode CHECK (mode IN ('Learning', 'Shadow', 'Autonomous')),
    CONSTRAINT ck_bootstrap_metrics_needed CHECK (tasks_needed > 0),
    CONSTRAINT ck_bootstrap_metrics_measured_at CHECK (measured_at GLOB '????-??-??T??:??:??.??????Z' AND datetime(measured_at) IS NOT NULL),
    CONSTRAINT ck_bootstrap_metrics_period_start_at CHECK (period_start_at GLOB '????-??-??T??:??:??.??????Z' AND datetime(period_start_at) IS NOT NULL),
    CONSTRAINT ck_bootstrap_metrics_period_end_at CHECK (period_end_at GLOB '????-??-??T??:??:??.??????Z' AND datetime(period_end_at) IS NOT NULL),
    CONSTRAINT ck_bootstrap_metrics_tasks_completed CHECK (tasks_completed >= 0),
    CONSTRAINT ck_bootstrap_metrics_is_graduated CHECK (is_graduated IN (0, 1)),
    CONSTRAINT ck_bootstrap_metrics_secondary_metrics_json CHECK (secondary_metrics_json IS NULL OR (json_valid(secondary_metrics_json) AND json_type(secondary_metrics_json) = 'object')),
    CONSTRAINT ck_bootstrap_metrics_metadata_json CHECK (metadata_json IS NULL OR (json_valid(metadata_json) AND json_type(metadata_json) = 'object'))
) STRICT;

-- One row is one person's time in one team, from a day to a day (UTC), both included; the last one is open.
CREATE TABLE people (
    person      TEXT    NOT NULL,
    from_day    TEXT    NOT NULL,
    until_day   TEXT,
    team        TEXT,
    cost_center TEXT,
    load_id     INTEGER,
    CONSTRAINT pk_people PRIMARY KEY (person, from_day),
    CONSTRAINT ck_people_person CHECK (person <> ''),
    CONSTRAINT ck_people_from_day CHECK (from_day GLOB '????-??-??' AND date(from_day) IS NOT NULL),
    CONSTRAINT ck_people_until_day CHECK (until_day IS NULL OR (until_day GLOB '????-??-??' AND date(until_day) IS NOT NULL)),
    CONSTRAINT ck_people_order CHECK (until_day >= from_day)
) STRICT;

-- One row is one change of code: what came to the main branch at once, or a branch that has not. lines_lost_*: of
-- lines_added, those that were gone after so many days.
CREATE TABLE code_change (
    change_id       TEXT    NOT NULL,
    task_id         TEXT    NOT NULL,
    project_id      TEXT,
    repository      TEXT    NOT NULL,
    flow            TEXT    NOT NULL,
    outcome         TEXT    NOT NULL,
    branch          TEXT,
    pull_request    INTEGER,
    commit_hash     TEXT,
    user_id         TEXT,
    agent           TEXT,
    title           TEXT,
    started_at      TEXT    NOT NULL,
    merged_at       TEXT,
    release_name    TEXT,
    released_at     TEXT,
    commits         INTEGER,
    files           INTEGER,
    hunks           INTEGER,
    lines_added     INTEGER,
    lines_deleted   INTEGER,
    foreign_lines   INTEGER,
    is_fix          INTEGER,
    lines_lost_14   INTEGER,
    lines_lost_30   INTEGER,
    lines_lost_90   INTEGER,
    reverted_at     TEXT,
    reverted_by     TEXT,
    reverted_share  REAL,
    revert_evidence TEXT,
    metadata_json   TEXT,
    load_id         INTEGER,
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
    CONSTRAINT ck_code_change_started_at CHECK (started_at GLOB '????-??-??T??:??:??.??????Z' AND datetime(started_at) IS NOT NULL),
    CONSTRAINT ck_code_change_merged_at CHECK (merged_at IS NULL OR (merged_at GLOB '????-??-??T??:??:??.??????Z' AND datetime(merged_at) IS NOT NULL)),
    CONSTRAINT ck_code_change_released_at CHECK (released_at IS NULL OR (released_at GLOB '????-??-??T??:??:??.??????Z' AND datetime(released_at) IS NOT NULL)),
    CONSTRAINT ck_code_change_reverted_at CHECK (reverted_at IS NULL OR (reverted_at GLOB '????-??-??T??:??:??.??????Z' AND datetime(reverted_at) IS NOT NULL)),
    CONSTRAINT ck_code_change_is_fix CHECK (is_fix IN (0, 1)),
    CONSTRAINT ck_code_change_metadata_json CHECK (metadata_json IS NULL OR (json_valid(metadata_json) AND json_type(metadata_json) = 'object'))
) STRICT;

-- One row is one session of an agent that worked on one change: by which evidence, and which share of the session.
CREATE TABLE change_session (
    link_id    TEXT    NOT NULL,
    change_id  TEXT    NOT NULL,
    session_id TEXT    NOT NULL,
    evidence   TEXT    NOT NULL,
    share      REAL    NOT NULL,
    load_id    INTEGER,
    CONSTRAINT pk_change_session PRIMARY KEY (link_id),
    CONSTRAINT fk_change_session_change FOREIGN KEY (change_id) REFERENCES code_change (change_id),
    CONSTRAINT ck_change_session_link_id CHECK (link_id <> ''),
    CONSTRAINT ck_change_session_session_id CHECK (session_id <> ''),
    CONSTRAINT ck_change_session_evidence CHECK (evidence IN ('trailer', 'checkpoint', 'branch', 'paths')),
    CONSTRAINT ck_change_session_share CHECK (share > 0 AND share <= 1)
) STRICT;

-- One row is another name of a role or a model: the views show `name` wherever a row has `alias`.
CREATE TABLE name_alias (
    kind       TEXT    NOT NULL,
    alias      TEXT    NOT NULL,
    name       TEXT    NOT NULL,
    created_at TEXT    NOT NULL,
    CONSTRAINT pk_name_alias PRIMARY KEY (kind, alias),
    CONSTRAINT ck_name_alias_kind CHECK (kind IN ('role', 'model')),
    CONSTRAINT ck_name_alias_alias CHECK (alias <> ''),
    CONSTRAINT ck_name_alias_name CHECK (name <> '' AND name <> alias),
    CONSTRAINT ck_name_alias_created_at CHECK (created_at GLOB '????-??-??T??:??:??.??????Z' AND datetime(created_at) IS NOT NULL)
) STRICT;

-- One row is one budget: what may be spent in each period on a part of the store. dimension and member say which part
-- (a team and its name); NULL is the whole store.
CREATE TABLE budget (
    budget_id  TEXT    NOT NULL,
    dimension  TEXT,
    member     TEXT,
    period     TEXT    NOT NULL,
    unit       TEXT    NOT NULL,
    amount     REAL    NOT NULL,
    created_at TEXT    NOT NULL,
    CONSTRAINT pk_budget PRIMARY KEY (budget_id),
    CONSTRAINT ck_budget_budget_id CHECK (budget_id <> ''),
    CONSTRAINT ck_budget_part CHECK ((dimension IS NULL) = (member IS NULL)),
    CONSTRAINT ck_budget_member CHECK (member <> ''),
    CONSTRAINT ck_budget_period CHECK (period IN ('day', 'week', 'month', 'quarter')),
    CONSTRAINT ck_budget_unit CHECK (unit IN ('USD', 'tokens')),
    CONSTRAINT ck_budget_amount CHECK (amount > 0 AND amount <= 1.7976931348623157e308),
    CONSTRAINT ck_budget_created_at CHECK (created_at GLOB '????-??-??T??:??:??.??????Z' AND datetime(created_at) IS NOT NULL)
) STRICT;

-- One row is one change of the agents that people recorded. kind and value say what the new state is (version: the
-- agent_version of an execution, model, tool: its version); NULL is what came from changed_at on. old_share: of the tasks
-- that are assigned at random, the share that keeps the old state.
CREATE TABLE agent_change (
    change_id  TEXT    NOT NULL,
    changed_at TEXT    NOT NULL,
    kind       TEXT,
    value      TEXT,
    project_id TEXT,
    agent_role TEXT,
    old_share  REAL    NOT NULL,
    seed       INTEGER NOT NULL,
    created_at TEXT    NOT NULL,
    CONSTRAINT pk_agent_change PRIMARY KEY (change_id),
    CONSTRAINT ck_agent_change_change_id CHECK (change_id <> ''),
    CONSTRAINT ck_agent_change_kind CHECK (kind IN ('version', 'model', 'tool')),
    CONSTRAINT ck_agent_change_value CHECK ((kind IS NULL) = (value IS NULL)),
    CONSTRAINT ck_agent_change_old_share CHECK (old_share > 0 AND old_share < 1),
    CONSTRAINT ck_agent_change_changed_at CHECK (changed_at GLOB '????-??-??T??:??:??.??????Z' AND datetime(changed_at) IS NOT NULL),
    CONSTRAINT ck_agent_change_created_at CHECK (created_at GLOB '????-??-??T??:??:??.??????Z' AND datetime(created_at) IS NOT NULL)
) STRICT;

-- One row is one task that was assigned to the new state of a change, or kept on the old one, at random.
CREATE TABLE change_assignment (
    change_id   TEXT    NOT NULL,
    task_id     TEXT    NOT NULL,
    is_new      INTEGER NOT NULL,
    assigned_at TEXT    NOT NULL,
    CONSTRAINT pk_change_assignment PRIMARY KEY (change_id, task_id),
    CONSTRAINT ck_change_assignment_task_id CHECK (task_id <> ''),
    CONSTRAINT ck_change_assignment_is_new CHECK (is_new IN (0, 1)),
    CONSTRAINT ck_change_assignment_assigned_at CHECK (assigned_at GLOB '????-??-??T??:??:??.??????Z' AND datetime(assigned_at) IS NOT NULL)
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
    rows_brought  INTEGER,
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

-- One row is what one load said of a row that several loads brought, in its own words (said) or the same as another load
-- (same_as). Without table and key: it brought all that the load same_as brought. load_id 0: no load that is logged.
CREATE TABLE load_version (
    table_name TEXT    NOT NULL,
    row_key    TEXT    NOT NULL,
    load_id    INTEGER NOT NULL,
    same_as    INTEGER,
    said       TEXT,
    CONSTRAINT pk_load_version PRIMARY KEY (table_name, row_key, load_id),
    CONSTRAINT ck_load_version_said CHECK ((same_as IS NULL) <> (said IS NULL))
) STRICT;

INSERT INTO asp_schema (version, created_at) VALUES (7, strftime('%Y-%m-%dT%H:%M:%S', 'now') || '.000000Z');
