"""The limits of the storage decision of 2025-11-12, and the few that are ours."""

MOST_EXECUTIONS = 100_000
"""Migrate: "data volume exceeds 100K rows". A row of telemetry is one execution with all that was measured of it."""

AGENTS_AT_ONCE = 5
"""Migrate: "high concurrency: 5+ agents running simultaneously"."""

SIZE_MB = 50.0
"""Prepare: "set alert at 50MB to plan migration". The file with its write-ahead log; 1 MB is 1,000,000 bytes."""

EARLY_SIZE_MB = 10.0
"""Watch: "database file size < 10MB" after two months."""

PROBE_MS = 100.0
"""Prepare: "all PROBE-AI queries execute in <100ms"."""

DASHBOARD_MS = 500.0
"""Prepare: "dashboard queries: <500ms response time"; "all queries <500ms"."""

NEAR_SHARE = 0.8
"""Watch: the share of a limit from which on it is near."""

SOON_DAYS = 90
"""Prepare: a limit that present growth reaches within this time. A quarter is what planning a migration may take."""

BACKUP_DAYS = 7
"""Watch: age of the newest backup."""

LOG_MB = 16.0
"""Watch: SQLite folds its log into the file at about 4 MB; four times that means that something keeps it from it."""

LOG_DAYS = 1.0
"""Watch: a log that nobody touched for so long belongs to a process that was killed."""

MOST_ON_SERVER = 5_000_000
"""Watch, on a server: from so many executions on, a lake. A copy for reading takes 10 s per million (docs/scale.md)."""

QUIET_DAYS = 7
"""Watch, in a lake: a writer that has not published for so long."""

BEHIND_DAYS = 2
"""Watch, in a lake: a build that leaves out what was published before so long."""

BUILD_CPU_S = 3_600.0
"""Watch, in a lake: CPU seconds of a build from which on a cluster is worth its fixed price."""

NOT_MEASURED = "several teams in production, dashboards during runs, BI tools, time-series analytics"
"""Criteria of the decision that no store can show: people decide them."""
