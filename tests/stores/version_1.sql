-- A store of schema version 1, as release 0.1.0 in its first weeks made it of files/ (without session.jsonl and metrics.jsonl).
BEGIN TRANSACTION;
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
INSERT INTO "agent_cost_vector" VALUES(1,'2026-01-05T09:00:00.000000Z','2026-01-05','T-1',NULL,'ferry',NULL,'Planning',NULL,1,'Latency',1200.5,'ms','opus',NULL,'{"team":"north"}','9adb2286df7967967433f1dc-1');
INSERT INTO "agent_cost_vector" VALUES(2,'2026-01-05T09:00:00.000000Z','2026-01-05','T-1',NULL,'ferry',NULL,'Planning',NULL,1,'Tokens_In',34000.0,'tokens','opus',NULL,'{"team":"north"}','9adb2286df7967967433f1dc-1');
INSERT INTO "agent_cost_vector" VALUES(3,'2026-01-05T09:00:00.000000Z','2026-01-05','T-1',NULL,'ferry',NULL,'Planning',NULL,1,'Tokens_Out',900.0,'tokens','opus',NULL,'{"team":"north"}','9adb2286df7967967433f1dc-1');
INSERT INTO "agent_cost_vector" VALUES(4,'2026-01-05T09:00:00.000000Z','2026-01-05','T-1',NULL,'ferry',NULL,'Planning',NULL,1,'API_Cost',0.0125,'USD','opus',NULL,'{"team":"north"}','9adb2286df7967967433f1dc-1');
INSERT INTO "agent_cost_vector" VALUES(5,'2026-01-05T09:00:00.000000Z','2026-01-05','T-1',NULL,'ferry',NULL,'Planning',NULL,1,'Tool_Calls',7.0,'count','opus',NULL,'{"team":"north"}','9adb2286df7967967433f1dc-1');
INSERT INTO "agent_cost_vector" VALUES(6,'2026-01-05T10:00:00.000000Z','2026-01-05','T-1',NULL,'ferry',NULL,'Code',NULL,1,'Latency',2200.0,'ms','sonnet',NULL,'{"team":"north"}','15c26e09bc553cd196f6419d-1');
INSERT INTO "agent_cost_vector" VALUES(7,'2026-01-05T10:00:00.000000Z','2026-01-05','T-1',NULL,'ferry',NULL,'Code',NULL,1,'Tokens_In',64000.0,'tokens','sonnet',NULL,'{"team":"north"}','15c26e09bc553cd196f6419d-1');
INSERT INTO "agent_cost_vector" VALUES(8,'2026-01-05T10:00:00.000000Z','2026-01-05','T-1',NULL,'ferry',NULL,'Code',NULL,1,'Tokens_Out',1900.0,'tokens','sonnet',NULL,'{"team":"north"}','15c26e09bc553cd196f6419d-1');
INSERT INTO "agent_cost_vector" VALUES(9,'2026-01-05T10:00:00.000000Z','2026-01-05','T-1',NULL,'ferry',NULL,'Code',NULL,1,'API_Cost',0.25,'USD','sonnet',NULL,'{"team":"north"}','15c26e09bc553cd196f6419d-1');
INSERT INTO "agent_cost_vector" VALUES(10,'2026-01-05T10:00:00.000000Z','2026-01-05','T-1',NULL,'ferry',NULL,'Code',NULL,1,'Latency',2200.0,'ms','sonnet',NULL,'{"team":"north"}','15c26e09bc553cd196f6419d-2');
INSERT INTO "agent_cost_vector" VALUES(11,'2026-01-05T10:00:00.000000Z','2026-01-05','T-1',NULL,'ferry',NULL,'Code',NULL,1,'Tokens_In',64000.0,'tokens','sonnet',NULL,'{"team":"north"}','15c26e09bc553cd196f6419d-2');
INSERT INTO "agent_cost_vector" VALUES(12,'2026-01-05T10:00:00.000000Z','2026-01-05','T-1',NULL,'ferry',NULL,'Code',NULL,1,'Tokens_Out',1900.0,'tokens','sonnet',NULL,'{"team":"north"}','15c26e09bc553cd196f6419d-2');
INSERT INTO "agent_cost_vector" VALUES(13,'2026-01-05T10:00:00.000000Z','2026-01-05','T-1',NULL,'ferry',NULL,'Code',NULL,1,'API_Cost',0.25,'USD','sonnet',NULL,'{"team":"north"}','15c26e09bc553cd196f6419d-2');
INSERT INTO "agent_cost_vector" VALUES(14,'2026-01-05T11:00:00.000000Z','2026-01-05','T-1',NULL,'ferry',NULL,'Code',NULL,2,'Tokens_In',12000.0,'tokens','sonnet',NULL,NULL,'a5860afdcb315f3eb4c45794-1');
INSERT INTO "agent_cost_vector" VALUES(15,'2026-01-05T11:00:00.000000Z','2026-01-05','T-1',NULL,'ferry',NULL,'Code',NULL,2,'Tokens_Out',300.0,'tokens','sonnet',NULL,NULL,'a5860afdcb315f3eb4c45794-1');
INSERT INTO "agent_cost_vector" VALUES(16,'2026-01-05T11:00:00.000000Z','2026-01-05','T-1',NULL,'ferry',NULL,'Code',NULL,2,'Tool_Calls',2.0,'count','sonnet',NULL,NULL,'a5860afdcb315f3eb4c45794-1');
INSERT INTO "agent_cost_vector" VALUES(17,'2026-01-06T09:00:00.000000Z','2026-01-06','T-2',NULL,'ferry',NULL,'Test',NULL,1,'Latency',310.0,'ms',NULL,NULL,'{"team":"south"}','05ac41559c18e034e493ddcc-1');
INSERT INTO "agent_cost_vector" VALUES(18,'2026-01-06T09:00:00.000000Z','2026-01-06','T-2',NULL,'ferry',NULL,'Test',NULL,1,'API_Cost',0.01,'USD',NULL,NULL,'{"team":"south"}','05ac41559c18e034e493ddcc-1');
INSERT INTO "agent_cost_vector" VALUES(19,'2026-01-06T09:00:00.000000Z','2026-01-06','T-2',NULL,'ferry',NULL,'Test',NULL,1,'Tool_Calls',12.25,'count',NULL,NULL,'{"team":"south"}','05ac41559c18e034e493ddcc-1');
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
CREATE TABLE asp_schema (
    version    INTEGER NOT NULL,
    created_at TEXT    NOT NULL,
    CONSTRAINT pk_asp_schema PRIMARY KEY (version)
) STRICT;
INSERT INTO "asp_schema" VALUES(1,'2026-11-26T14:58:17.000000Z');
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
INSERT INTO "bootstrap_metrics" VALUES(1,'2026-01-09T00:00:00.000000Z','2026-01-01T00:00:00.000000Z','2026-01-09T00:00:00.000000Z','PROBE_AI','Learning',2,20,'MAPE',NULL,20.0,NULL,0,'too few tasks',NULL);
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
INSERT INTO "defect_log" VALUES('D-1','2026-01-05T12:00:00.000000Z','2026-01-05T13:00:00.000000Z','T-1',NULL,NULL,'60_Checking','High','Code','CodeReview',NULL,NULL,NULL,'{"api_cost_usd":0.2,"latency_ms":120000,"people":1,"retries":1}','not checked',NULL,NULL,1,1,0,NULL);
INSERT INTO "defect_log" VALUES('D-2','2026-01-06T12:00:00.000000Z',NULL,'T-9',NULL,NULL,'4_Hallucination',NULL,'Design','Test',NULL,NULL,NULL,NULL,'no such endpoint',NULL,NULL,0,0,0,NULL);
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
INSERT INTO "load_log" VALUES(1,'runs.csv','dc80e8d20ee4bef9a0e652f87958467aa89eae3dae902b9f229e3517daf422b8',516,'csv','executions','2026-11-26T14:58:18.394136Z','2026-11-26T14:58:18.400395Z',6,5,0,0,1,2,'{}',NULL,NULL);
INSERT INTO "load_log" VALUES(2,'tasks.jsonl','5a03a8addf42ed08aa81157a2ce9467e1df93a7fbc346798234056c9a98dd651',829,'jsonl','task_metadata','2026-11-26T14:58:19.215540Z','2026-11-26T14:58:19.223611Z',2,0,2,0,0,0,'{}',NULL,NULL);
INSERT INTO "load_log" VALUES(3,'defects.csv','c1b84499702b87034c919db16955db24f4bdfbb8cde567c992f6b3411e2672f2',438,'csv','defect_log','2026-11-26T14:58:20.312525Z','2026-11-26T14:58:20.318826Z',2,2,0,0,0,1,'{}',NULL,NULL);
INSERT INTO "load_log" VALUES(4,'learning.csv','29c00009222ed70cdd199b51205c2beff9dfa7eb615bdbe5ad8e442b9931ee0a',353,'csv','bootstrap_metrics','2026-11-26T14:58:21.244909Z','2026-11-26T14:58:21.250924Z',1,1,0,0,0,0,'{}',NULL,NULL);
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
INSERT INTO "load_reject" VALUES(1,1,'runs.csv',7,'["timestamp: ''not a time'' is not an instant that is understood; write ISO 8601 such as 2026-01-31T09:30:00Z, or give --time-format"]','not a time,T-2,ferry,Test,1,,310,,,0.01,12,south
','b2a39ed38286647420428c6322664060efd8268170b0ed43ada75d125f1f5d40');
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
INSERT INTO "task_metadata" VALUES('T-1','2026-01-04T09:00:00.000000Z','2026-01-05T08:00:00.000000Z','2026-01-06T09:00:00.000000Z','ferry','api',NULL,NULL,'[{"est_complexity":18,"unit_id":"U-1"}]',18,21,'{"api_cost_usd":0.4,"humans":2,"latency_ms":9000,"tokens":120000}','{"api_cost_usd":"unknown","tokens":113000}',1,NULL,'["src/a.py","src/ä.py"]',NULL,1,'{"incorrect_complexity":{},"missing_tasks":["x"],"sequencing_issues":[]}','completed','{"team":"north"}');
INSERT INTO "task_metadata" VALUES('T-2','2026-01-05T09:00:00.000000Z',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,5,NULL,NULL,0,NULL,NULL,NULL,NULL,NULL,'failed',NULL);
INSERT INTO "task_metadata" VALUES('T-9','2026-01-06T12:00:00.000000Z',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,NULL,NULL,'pending','{"is_stub":true}');
CREATE INDEX ix_agent_cost_vector_task ON agent_cost_vector (task_id, timestamp);
CREATE INDEX ix_agent_cost_vector_date ON agent_cost_vector (execution_date);
CREATE INDEX ix_defect_log_task ON defect_log (task_id);
CREATE INDEX ix_task_metadata_completed ON task_metadata (completed_at);
CREATE INDEX ix_bootstrap_metrics_capability ON bootstrap_metrics (capability_name, measured_at);
COMMIT;
