-- A store of schema version 6, as the workbench made it of files/.
BEGIN TRANSACTION;
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
INSERT INTO "agent_cost_vector" VALUES('9adb2286df7967967433f1dc-1','2026-01-05T09:00:00.000000Z','T-1',NULL,'ferry',NULL,'Planning',NULL,1,'opus',NULL,1200.5,34000,900,NULL,NULL,0.0125,7,NULL,NULL,NULL,NULL,NULL,NULL,'{"team":"north"}',1,NULL,NULL);
INSERT INTO "agent_cost_vector" VALUES('15c26e09bc553cd196f6419d-1','2026-01-05T10:00:00.000000Z','T-1',NULL,'ferry',NULL,'Code',NULL,1,'sonnet',NULL,2200.0,64000,1900,NULL,NULL,0.25,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'{"team":"north"}',1,NULL,NULL);
INSERT INTO "agent_cost_vector" VALUES('15c26e09bc553cd196f6419d-2','2026-01-05T10:00:00.000000Z','T-1',NULL,'ferry',NULL,'Code',NULL,1,'sonnet',NULL,2200.0,64000,1900,NULL,NULL,0.25,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'{"team":"north"}',1,NULL,NULL);
INSERT INTO "agent_cost_vector" VALUES('a5860afdcb315f3eb4c45794-1','2026-01-05T11:00:00.000000Z','T-1',NULL,'ferry',NULL,'Code',NULL,2,'sonnet',NULL,NULL,12000,300,NULL,NULL,NULL,2,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1,NULL,NULL);
INSERT INTO "agent_cost_vector" VALUES('05ac41559c18e034e493ddcc-1','2026-01-06T09:00:00.000000Z','T-2',NULL,'ferry',NULL,'Test',NULL,1,NULL,NULL,310.0,NULL,NULL,NULL,NULL,0.01,12,NULL,NULL,NULL,NULL,NULL,NULL,'{"team":"south"}',1,NULL,NULL);
INSERT INTO "agent_cost_vector" VALUES('9b9e782af9988442480be728-1','2026-01-07T08:00:00.000000Z','T-3',NULL,NULL,NULL,'Design',NULL,1,'opus',NULL,500.0,7000,NULL,NULL,NULL,0.5,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'{"price":"list","prompt":"a1"}',2,NULL,NULL);
INSERT INTO "agent_cost_vector" VALUES('9b9e782af9988442480be728-2','2026-01-07T08:00:00.000000Z','T-3',NULL,NULL,NULL,'Design',NULL,1,'opus',NULL,700.0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,2,NULL,NULL);
INSERT INTO "agent_cost_vector" VALUES('own-1','2026-01-08T08:00:00.000000Z','T-1',NULL,NULL,NULL,'Gardener',NULL,1,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,2,512.5,NULL,NULL,NULL,NULL,NULL,2,NULL,NULL);
INSERT INTO "agent_cost_vector" VALUES('m-1','2026-01-10T09:00:05.000000Z','s-1',NULL,'quay',NULL,'Code',NULL,1,'claude-sonnet-4-5','anthropic',NULL,5310,200,5000,300,0.005655,1,NULL,NULL,NULL,'claude-code','2.0.76',NULL,'{"cost_computed_usd":0.005655,"price":"genai-prices 0.2.3 anthropic/claude-sonnet-4-5 on 2026-01-10","session_id":"s-1","tools":["Bash:07809296b5"]}',6,NULL,'main');
CREATE TABLE agent_roles (
    agent_role  TEXT    NOT NULL,
    phase_order INTEGER NOT NULL,
    kind        TEXT    NOT NULL,
    CONSTRAINT pk_agent_roles PRIMARY KEY (agent_role),
    CONSTRAINT ck_agent_roles_kind CHECK (kind IN ('overhead', 'construction', 'appraisal', 'failure'))
) STRICT;
INSERT INTO "agent_roles" VALUES('Planning',10,'overhead');
INSERT INTO "agent_roles" VALUES('Design',20,'construction');
INSERT INTO "agent_roles" VALUES('DesignReview',30,'appraisal');
INSERT INTO "agent_roles" VALUES('SecurityReview',31,'appraisal');
INSERT INTO "agent_roles" VALUES('PerformanceReview',32,'appraisal');
INSERT INTO "agent_roles" VALUES('DataIntegrityReview',33,'appraisal');
INSERT INTO "agent_roles" VALUES('MaintainabilityReview',34,'appraisal');
INSERT INTO "agent_roles" VALUES('ArchitectureReview',35,'appraisal');
INSERT INTO "agent_roles" VALUES('APIDesignReview',36,'appraisal');
INSERT INTO "agent_roles" VALUES('Code',40,'construction');
INSERT INTO "agent_roles" VALUES('CodeReview',50,'appraisal');
INSERT INTO "agent_roles" VALUES('CodeQualityReview',51,'appraisal');
INSERT INTO "agent_roles" VALUES('CodeSecurityReview',52,'appraisal');
INSERT INTO "agent_roles" VALUES('BestPracticesReview',53,'appraisal');
INSERT INTO "agent_roles" VALUES('TestCoverageReview',54,'appraisal');
INSERT INTO "agent_roles" VALUES('CodePerformanceReview',55,'appraisal');
INSERT INTO "agent_roles" VALUES('DocumentationReview',56,'appraisal');
INSERT INTO "agent_roles" VALUES('Test',60,'failure');
INSERT INTO "agent_roles" VALUES('Postmortem',70,'overhead');
INSERT INTO "agent_roles" VALUES('Gardener',65,'construction');
CREATE TABLE asp_changes (
    table_name TEXT    NOT NULL,
    changes    INTEGER NOT NULL DEFAULT 0,
    CONSTRAINT pk_asp_changes PRIMARY KEY (table_name)
) STRICT;
INSERT INTO "asp_changes" VALUES('agent_cost_vector',564649172690450);
INSERT INTO "asp_changes" VALUES('task_metadata',514225322924150);
INSERT INTO "asp_changes" VALUES('defect_log',230858488249075);
INSERT INTO "asp_changes" VALUES('bootstrap_metrics',328434735279666);
INSERT INTO "asp_changes" VALUES('agent_roles',42314609534027);
INSERT INTO "asp_changes" VALUES('capabilities',38872506906448);
INSERT INTO "asp_changes" VALUES('defect_types',219968909458506);
INSERT INTO "asp_changes" VALUES('people',189773649277245);
INSERT INTO "asp_changes" VALUES('code_change',141155024438457);
INSERT INTO "asp_changes" VALUES('change_session',192565561773497);
INSERT INTO "asp_changes" VALUES('name_alias',713182130764322);
INSERT INTO "asp_changes" VALUES('load_log',242869042374181);
CREATE TABLE asp_schema (
    version    INTEGER NOT NULL,
    created_at TEXT    NOT NULL,
    CONSTRAINT pk_asp_schema PRIMARY KEY (version)
) STRICT;
INSERT INTO "asp_schema" VALUES(6,'2026-11-27T14:06:11.000000Z');
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
INSERT INTO "bootstrap_metrics" VALUES('PROBE_AI','2026-01-09T00:00:00.000000Z','2026-01-01T00:00:00.000000Z','2026-01-09T00:00:00.000000Z','Learning',2,20,'MAPE',NULL,20.0,0,'too few tasks',NULL,NULL,5);
CREATE TABLE capabilities (
    capability       TEXT    NOT NULL,
    capability_order INTEGER NOT NULL,
    meaning          TEXT    NOT NULL,
    CONSTRAINT pk_capabilities PRIMARY KEY (capability)
) STRICT;
INSERT INTO "capabilities" VALUES('PROBE_AI',10,'estimates what a task will cost');
INSERT INTO "capabilities" VALUES('TaskDecomposition',20,'divides a task into units');
INSERT INTO "capabilities" VALUES('ErrorProneDetection',30,'names the components that will have defects');
INSERT INTO "capabilities" VALUES('ReviewAgent_Design',40,'reviews designs');
INSERT INTO "capabilities" VALUES('ReviewAgent_Code',50,'reviews code');
INSERT INTO "capabilities" VALUES('DefectTypePrediction',60,'predicts the classes of defects of a task');
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
INSERT INTO "defect_log" VALUES('D-1','2026-01-05T12:00:00.000000Z','2026-01-05T13:00:00.000000Z','T-1',NULL,NULL,'60_Checking','High','Code','CodeReview',NULL,NULL,NULL,120000.0,NULL,0.2,1,'not checked',NULL,NULL,1,1,0,'{"effort_to_fix_json":{"people":1}}',4);
INSERT INTO "defect_log" VALUES('D-2','2026-01-06T12:00:00.000000Z',NULL,'T-9',NULL,NULL,'4_Hallucination',NULL,'Design','Test',NULL,NULL,NULL,NULL,NULL,NULL,NULL,'no such endpoint',NULL,NULL,0,0,0,NULL,4);
CREATE TABLE defect_types (
    defect_type TEXT    NOT NULL,
    type_order  INTEGER NOT NULL,
    taxonomy    TEXT    NOT NULL,
    CONSTRAINT pk_defect_types PRIMARY KEY (defect_type)
) STRICT;
INSERT INTO "defect_types" VALUES('1_Planning_Failure',1,'AI');
INSERT INTO "defect_types" VALUES('2_Prompt_Misinterpretation',2,'AI');
INSERT INTO "defect_types" VALUES('3_Tool_Use_Error',3,'AI');
INSERT INTO "defect_types" VALUES('4_Hallucination',4,'AI');
INSERT INTO "defect_types" VALUES('5_Security_Vulnerability',5,'AI');
INSERT INTO "defect_types" VALUES('6_Conventional_Code_Bug',6,'AI');
INSERT INTO "defect_types" VALUES('7_Task_Execution_Error',7,'AI');
INSERT INTO "defect_types" VALUES('8_Alignment_Deviation',8,'AI');
INSERT INTO "defect_types" VALUES('10_Documentation',10,'PSP');
INSERT INTO "defect_types" VALUES('20_Syntax',20,'PSP');
INSERT INTO "defect_types" VALUES('30_Build_Package',30,'PSP');
INSERT INTO "defect_types" VALUES('40_Assignment',40,'PSP');
INSERT INTO "defect_types" VALUES('50_Interface',50,'PSP');
INSERT INTO "defect_types" VALUES('60_Checking',60,'PSP');
INSERT INTO "defect_types" VALUES('70_Data',70,'PSP');
INSERT INTO "defect_types" VALUES('80_Function',80,'PSP');
INSERT INTO "defect_types" VALUES('90_System',90,'PSP');
INSERT INTO "defect_types" VALUES('100_Environment',100,'PSP');
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
INSERT INTO "load_log" VALUES(1,'files/runs.csv','dc80e8d20ee4bef9a0e652f87958467aa89eae3dae902b9f229e3517daf422b8',516,'csv','executions','2026-11-27T14:06:11.796140Z','2026-11-27T14:06:11.878988Z',6,5,0,0,1,2,'{}',NULL,'{"begins":["2026-01-05T09:00:00.000000Z","T-1"],"ends":["2026-01-06T09:00:00.000000Z","T-2"],"header":"timestamp,task_id,project_id,agent_role,agent_iteration,llm_model,latency_ms,tokens_in,tokens_out,cost_usd,tool_calls,team\n"}',5);
INSERT INTO "load_log" VALUES(2,'files/metrics.jsonl','81833733cd867d29cbc25608bb9c1d60f5c8f751b1de2af9617048e3c94def04',1100,'jsonl','metrics','2026-11-27T14:06:11.890584Z','2026-11-27T14:06:11.893220Z',6,6,0,0,0,1,'{}',NULL,'{"begins":["2026-01-07T08:00:00.000000Z","T-3"],"ends":["2026-01-08T08:00:00.000000Z","T-1"]}',3);
INSERT INTO "load_log" VALUES(3,'files/tasks.jsonl','5a03a8addf42ed08aa81157a2ce9467e1df93a7fbc346798234056c9a98dd651',829,'jsonl','task_metadata','2026-11-27T14:06:11.898714Z','2026-11-27T14:06:11.907204Z',2,0,2,0,0,0,'{}',NULL,NULL,2);
INSERT INTO "load_log" VALUES(4,'files/defects.csv','c1b84499702b87034c919db16955db24f4bdfbb8cde567c992f6b3411e2672f2',438,'csv','defect_log','2026-11-27T14:06:11.908099Z','2026-11-27T14:06:11.914936Z',2,2,0,0,0,1,'{}',NULL,'{"header":"defect_id,created_at,resolved_at,task_id,defect_type,severity,phase_injected,phase_removed,effort_to_fix_json,description,flagged_by_agent,validated_by_human,false_positive\n"}',2);
INSERT INTO "load_log" VALUES(5,'files/learning.csv','29c00009222ed70cdd199b51205c2beff9dfa7eb615bdbe5ad8e442b9931ee0a',353,'csv','bootstrap_metrics','2026-11-27T14:06:11.915946Z','2026-11-27T14:06:11.922444Z',1,1,0,0,0,0,'{}',NULL,'{"header":"measured_at,measurement_period_start,measurement_period_end,capability_name,capability_mode,tasks_completed,tasks_required_for_graduation,primary_metric_name,primary_metric_value,primary_metric_target,graduation_criteria_met,graduation_notes\n"}',1);
INSERT INTO "load_log" VALUES(6,'files/session.jsonl','4e6519ff9d3f90074659f7f4355b7b0f5f99b414640c837453ad5de4da2b1a79',602,'claude-code','transcript','2026-11-27T14:06:11.930805Z','2026-11-27T14:06:11.931622Z',2,2,0,0,0,0,'{"keep_text":false,"prices":["0.2.3",null],"reader":4,"roles":[],"task_from":"session"}',1795788231886467738,'{"calls":1,"calls_without_price":0,"calls_without_usage":0,"duplicates":0,"errors":0,"interruptions":0,"lines":2}',2);
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
INSERT INTO "load_reject" VALUES(1,1,'files/runs.csv',7,'["executed_at: ''not a time'' is not an instant; write ISO 8601 such as 2026-01-31T09:30:00Z, or say their form: --time-format ''%d.%m.%Y %H:%M''"]','not a time,T-2,ferry,Test,1,,310,,,0.01,12,south
','b2a39ed38286647420428c6322664060efd8268170b0ed43ada75d125f1f5d40');
CREATE TABLE load_version (
    table_name TEXT    NOT NULL,
    row_key    TEXT    NOT NULL,
    load_id    INTEGER NOT NULL,
    same_as    INTEGER,
    said       TEXT,
    CONSTRAINT pk_load_version PRIMARY KEY (table_name, row_key, load_id),
    CONSTRAINT ck_load_version_said CHECK ((same_as IS NULL) <> (said IS NULL))
) STRICT;
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
INSERT INTO "task_metadata" VALUES('T-1','2026-01-04T09:00:00.000000Z','2026-01-05T08:00:00.000000Z','2026-01-06T09:00:00.000000Z','ferry','api',NULL,NULL,'completed',0,18,21,9000.0,120000.0,0.4,NULL,113000.0,NULL,1,NULL,NULL,1,'{"incorrect_complexity":{},"missing_tasks":["x"],"sequencing_issues":[]}','[{"est_complexity":18,"unit_id":"U-1"}]','["src/a.py","src/ä.py"]','{"actual_cost_vector_json":{"api_cost_usd":"unknown"},"estimated_cost_vector_json":{"humans":2},"team":"north"}',3);
INSERT INTO "task_metadata" VALUES('T-2','2026-01-05T09:00:00.000000Z',NULL,NULL,NULL,NULL,NULL,NULL,'failed',0,NULL,5,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,3);
INSERT INTO "task_metadata" VALUES('T-3','2026-01-07T08:00:00.000000Z',NULL,NULL,NULL,NULL,NULL,NULL,'pending',1,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,2);
INSERT INTO "task_metadata" VALUES('T-9','2026-01-06T12:00:00.000000Z',NULL,NULL,NULL,NULL,NULL,NULL,'pending',1,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,4);
INSERT INTO "task_metadata" VALUES('s-1','2026-01-10T09:00:00.000000Z','2026-01-10T09:00:00.000000Z','2026-01-10T09:00:05.000000Z','quay',NULL,NULL,NULL,'completed',0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'{"active_ms":0,"activity":{"branches":["main"],"from":"2026-01-10T09:00:00.000000Z","projects":["quay"],"sessions":["s-1"],"sources":["claude-code"],"status":"completed","to":"2026-01-10T09:00:05.000000Z"},"compactions":0,"errors":0,"files_changed":0,"interruptions":0,"lines_added":0,"lines_removed":0,"sessions":1}',6);
CREATE TRIGGER tr_agent_cost_vector_update AFTER UPDATE ON agent_cost_vector
BEGIN UPDATE asp_changes SET changes = changes + 1 WHERE table_name = 'agent_cost_vector'; END;
CREATE TRIGGER tr_agent_cost_vector_delete AFTER DELETE ON agent_cost_vector
BEGIN UPDATE asp_changes SET changes = changes + 1 WHERE table_name = 'agent_cost_vector'; END;
CREATE TRIGGER tr_task_metadata_insert AFTER INSERT ON task_metadata
BEGIN UPDATE asp_changes SET changes = changes + 1 WHERE table_name = 'task_metadata'; END;
CREATE TRIGGER tr_task_metadata_update AFTER UPDATE ON task_metadata
BEGIN UPDATE asp_changes SET changes = changes + 1 WHERE table_name = 'task_metadata'; END;
CREATE TRIGGER tr_task_metadata_delete AFTER DELETE ON task_metadata
BEGIN UPDATE asp_changes SET changes = changes + 1 WHERE table_name = 'task_metadata'; END;
CREATE TRIGGER tr_defect_log_insert AFTER INSERT ON defect_log
BEGIN UPDATE asp_changes SET changes = changes + 1 WHERE table_name = 'defect_log'; END;
CREATE TRIGGER tr_defect_log_update AFTER UPDATE ON defect_log
BEGIN UPDATE asp_changes SET changes = changes + 1 WHERE table_name = 'defect_log'; END;
CREATE TRIGGER tr_defect_log_delete AFTER DELETE ON defect_log
BEGIN UPDATE asp_changes SET changes = changes + 1 WHERE table_name = 'defect_log'; END;
CREATE TRIGGER tr_bootstrap_metrics_insert AFTER INSERT ON bootstrap_metrics
BEGIN UPDATE asp_changes SET changes = changes + 1 WHERE table_name = 'bootstrap_metrics'; END;
CREATE TRIGGER tr_bootstrap_metrics_update AFTER UPDATE ON bootstrap_metrics
BEGIN UPDATE asp_changes SET changes = changes + 1 WHERE table_name = 'bootstrap_metrics'; END;
CREATE TRIGGER tr_bootstrap_metrics_delete AFTER DELETE ON bootstrap_metrics
BEGIN UPDATE asp_changes SET changes = changes + 1 WHERE table_name = 'bootstrap_metrics'; END;
CREATE TRIGGER tr_agent_roles_insert AFTER INSERT ON agent_roles
BEGIN UPDATE asp_changes SET changes = changes + 1 WHERE table_name = 'agent_roles'; END;
CREATE TRIGGER tr_agent_roles_update AFTER UPDATE ON agent_roles
BEGIN UPDATE asp_changes SET changes = changes + 1 WHERE table_name = 'agent_roles'; END;
CREATE TRIGGER tr_agent_roles_delete AFTER DELETE ON agent_roles
BEGIN UPDATE asp_changes SET changes = changes + 1 WHERE table_name = 'agent_roles'; END;
CREATE TRIGGER tr_capabilities_insert AFTER INSERT ON capabilities
BEGIN UPDATE asp_changes SET changes = changes + 1 WHERE table_name = 'capabilities'; END;
CREATE TRIGGER tr_capabilities_update AFTER UPDATE ON capabilities
BEGIN UPDATE asp_changes SET changes = changes + 1 WHERE table_name = 'capabilities'; END;
CREATE TRIGGER tr_capabilities_delete AFTER DELETE ON capabilities
BEGIN UPDATE asp_changes SET changes = changes + 1 WHERE table_name = 'capabilities'; END;
CREATE TRIGGER tr_defect_types_insert AFTER INSERT ON defect_types
BEGIN UPDATE asp_changes SET changes = changes + 1 WHERE table_name = 'defect_types'; END;
CREATE TRIGGER tr_defect_types_update AFTER UPDATE ON defect_types
BEGIN UPDATE asp_changes SET changes = changes + 1 WHERE table_name = 'defect_types'; END;
CREATE TRIGGER tr_defect_types_delete AFTER DELETE ON defect_types
BEGIN UPDATE asp_changes SET changes = changes + 1 WHERE table_name = 'defect_types'; END;
CREATE TRIGGER tr_people_insert AFTER INSERT ON people
BEGIN UPDATE asp_changes SET changes = changes + 1 WHERE table_name = 'people'; END;
CREATE TRIGGER tr_people_update AFTER UPDATE ON people
BEGIN UPDATE asp_changes SET changes = changes + 1 WHERE table_name = 'people'; END;
CREATE TRIGGER tr_people_delete AFTER DELETE ON people
BEGIN UPDATE asp_changes SET changes = changes + 1 WHERE table_name = 'people'; END;
CREATE TRIGGER tr_code_change_insert AFTER INSERT ON code_change
BEGIN UPDATE asp_changes SET changes = changes + 1 WHERE table_name = 'code_change'; END;
CREATE TRIGGER tr_code_change_update AFTER UPDATE ON code_change
BEGIN UPDATE asp_changes SET changes = changes + 1 WHERE table_name = 'code_change'; END;
CREATE TRIGGER tr_code_change_delete AFTER DELETE ON code_change
BEGIN UPDATE asp_changes SET changes = changes + 1 WHERE table_name = 'code_change'; END;
CREATE TRIGGER tr_change_session_insert AFTER INSERT ON change_session
BEGIN UPDATE asp_changes SET changes = changes + 1 WHERE table_name = 'change_session'; END;
CREATE TRIGGER tr_change_session_update AFTER UPDATE ON change_session
BEGIN UPDATE asp_changes SET changes = changes + 1 WHERE table_name = 'change_session'; END;
CREATE TRIGGER tr_change_session_delete AFTER DELETE ON change_session
BEGIN UPDATE asp_changes SET changes = changes + 1 WHERE table_name = 'change_session'; END;
CREATE TRIGGER tr_name_alias_insert AFTER INSERT ON name_alias
BEGIN UPDATE asp_changes SET changes = changes + 1 WHERE table_name = 'name_alias'; END;
CREATE TRIGGER tr_name_alias_update AFTER UPDATE ON name_alias
BEGIN UPDATE asp_changes SET changes = changes + 1 WHERE table_name = 'name_alias'; END;
CREATE TRIGGER tr_name_alias_delete AFTER DELETE ON name_alias
BEGIN UPDATE asp_changes SET changes = changes + 1 WHERE table_name = 'name_alias'; END;
CREATE TRIGGER tr_load_log_insert AFTER INSERT ON load_log
BEGIN UPDATE asp_changes SET changes = changes + 1 WHERE table_name = 'load_log'; END;
CREATE TRIGGER tr_load_log_update AFTER UPDATE ON load_log
BEGIN UPDATE asp_changes SET changes = changes + 1 WHERE table_name = 'load_log'; END;
CREATE TRIGGER tr_load_log_delete AFTER DELETE ON load_log
BEGIN UPDATE asp_changes SET changes = changes + 1 WHERE table_name = 'load_log'; END;
CREATE INDEX ix_agent_cost_vector_task ON agent_cost_vector (task_id, executed_at);
CREATE INDEX ix_agent_cost_vector_executed ON agent_cost_vector (executed_at);
CREATE INDEX ix_defect_log_task ON defect_log (task_id);
CREATE INDEX ix_task_metadata_completed ON task_metadata (completed_at);
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
    COALESCE(branch, json_extract(metadata_json, '$.branch')) AS branch
FROM agent_cost_vector) AS stg_executions;
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
    COALESCE(branch, json_extract(metadata_json, '$.branch')) AS branch
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
    CASE WHEN semantic_units_json IS NOT NULL THEN json_array_length(semantic_units_json) END AS planned_units,
    json_array_length(human_corrections_json, '$.missing_tasks') AS missing_units,
    COALESCE(
        json_array_length(human_corrections_json, '$.missing_tasks') > 0
        OR (SELECT count(*) FROM json_each(human_corrections_json, '$.incorrect_complexity')) > 0
        OR COALESCE(json_extract(human_corrections_json, '$.sequencing_issues'), '[]') <> '[]',
        FALSE
    ) AS is_human_corrected
FROM task_metadata) AS tasks ON runs.task_id = tasks.task_id
LEFT JOIN agent_roles AS roles ON runs.agent_role = roles.agent_role;
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
    COALESCE(branch, json_extract(metadata_json, '$.branch')) AS branch
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
    CASE WHEN semantic_units_json IS NOT NULL THEN json_array_length(semantic_units_json) END AS planned_units,
    json_array_length(human_corrections_json, '$.missing_tasks') AS missing_units,
    COALESCE(
        json_array_length(human_corrections_json, '$.missing_tasks') > 0
        OR (SELECT count(*) FROM json_each(human_corrections_json, '$.incorrect_complexity')) > 0
        OR COALESCE(json_extract(human_corrections_json, '$.sequencing_issues'), '[]') <> '[]',
        FALSE
    ) AS is_human_corrected
FROM task_metadata) AS tasks ON runs.task_id = tasks.task_id;
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
    COALESCE(branch, json_extract(metadata_json, '$.branch')) AS branch
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
    CASE WHEN semantic_units_json IS NOT NULL THEN json_array_length(semantic_units_json) END AS planned_units,
    json_array_length(human_corrections_json, '$.missing_tasks') AS missing_units,
    COALESCE(
        json_array_length(human_corrections_json, '$.missing_tasks') > 0
        OR (SELECT count(*) FROM json_each(human_corrections_json, '$.incorrect_complexity')) > 0
        OR COALESCE(json_extract(human_corrections_json, '$.sequencing_issues'), '[]') <> '[]',
        FALSE
    ) AS is_human_corrected
FROM task_metadata) AS tasks
LEFT JOIN runs ON tasks.task_id = runs.task_id
LEFT JOIN found ON tasks.task_id = found.task_id;
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
    CASE WHEN semantic_units_json IS NOT NULL THEN json_array_length(semantic_units_json) END AS planned_units,
    json_array_length(human_corrections_json, '$.missing_tasks') AS missing_units,
    COALESCE(
        json_array_length(human_corrections_json, '$.missing_tasks') > 0
        OR (SELECT count(*) FROM json_each(human_corrections_json, '$.incorrect_complexity')) > 0
        OR COALESCE(json_extract(human_corrections_json, '$.sequencing_issues'), '[]') <> '[]',
        FALSE
    ) AS is_human_corrected
FROM task_metadata) AS tasks ON defects.task_id = tasks.task_id
LEFT JOIN agent_roles AS injected ON defects.phase_injected = injected.agent_role
LEFT JOIN agent_roles AS removed ON defects.phase_removed = removed.agent_role
LEFT JOIN defect_types AS types ON defects.defect_type = types.defect_type;
COMMIT;
