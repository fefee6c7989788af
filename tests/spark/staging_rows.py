"""What Spark and DuckDB compute from: the staging views of the sample, rows that are hard to read, and many more."""

import json
from pathlib import Path

import duckdb

from asp_analysis import sql
from asp_analysis.config import StoreUrl
from asp_analysis.session import view_key
from asp_analysis.session.attaching import attached
from asp_analysis.session.catalog import marts, staging_views
from asp_analysis.spark import StagedFiles

FORECAST = {"method": "m", "made_at": "2026-02-01T10:00:00.25+02:00", "component": "cost_usd", "estimate": 1.25}
HARD_METADATA = (
    None,
    "",
    "no JSON",
    "[1, 2]",
    "5",
    "null",
    {"active_ms": "12.5", "errors": 2.5, "lines_added": "1e3", "interruptions": True, "files_changed": None},
    {"active_ms": 0, "errors": " 7 ", "lines_added": -0.5, "compactions": 9007199254740993, "lines_removed": "x"},
    {"errors": 9223372036854775807, "interruptions": "9223372036854775807", "compactions": 1e30},
    {"forecasts": []},
    {"forecasts": {"method": "none"}},
    {"forecasts": None},
    {"forecasts": [FORECAST, None, 5, "text", [1], FORECAST | {"made_at": "soon", "estimate": "x", "lower_70": "0.5"}]},
    {"forecasts": [FORECAST | {"method": 'ë "quoted"\\ \U0001f40d', "component": "tokens", "estimate": 3}]},
    {"activity": {"turns": ["one", 2, None, {"k": 1.5}]}, "interruptions": 1.5, "reviews_by_bots": "3"},
    {"activity": {"turns": 5}, "open_minutes": "soon", "waiting_minutes": 1e3, "review_rounds": None},
    {"activity": {"turns": []}, "reviews_by_persons": 2, "interruptions": {"n": 1}},
    {"activity": 1},
    {"pull_requests": None, "text_length": "12", "files_named": 3.5, "labels": ["bug", "Größe", 1.50]},
    {"pull_requests": [], "closes": [1, "2", None, 2.0, "hard-20"]},
    {"pull_requests": [7], "closes": 5},
    {"pull_requests": [7], "closes": {"a": 1}},
    {"text_length": 10, "labels": "bug", "git": None},
    {"text_length": True, "labels": None, "git": {"commit": "abc"}},
    {"session_id": "s1", "is_censored": "yes", "failure_mode": "agent_timeout"},
    {"session_id": "s2", "is_censored": False},
    {"session_id": 7, "is_censored": 1},
    {"session_id": None, "failure_mode": "agent_timeout", "is_censored": "perhaps"},
)
"""Metadata as importers, trackers and people may leave it; what is a text here stays one."""

CHANGES = (
    # outcome, days from the start to the merge, share reverted, lines, lost after 30 days, repository, title
    ("merged", 1.5, None, 100, 10, "ada/shop", "one"),
    ("merged", 2.25, 0.95, 100, 100, "ada/shop", "two"),
    ("merged", 0.5, 0.3, 0, 0, "ada/shop", "no lines"),
    ("merged", 400, None, 7, None, "ada/other", "young"),
    ("abandoned", None, None, 40, None, "ada/shop", "left"),
    ("open", None, None, 40, None, None, "open"),
    *(("merged", 3, None, 50 + n, n, "ada/many", f"many {n}") for n in range(8)),
)
SESSIONS = (("s1", 0.7), ("s1", 0.6), ("s2", 1.0), ("7", 0.25), ("gone", 1.0), *((f"m{n}", 1.0) for n in range(9)))


def staging_tables(url: StoreUrl) -> duckdb.DuckDBPyConnection:
    """Return a DuckDB with the staging views of a store as tables, in UTC."""
    connection = attached(url)
    for name in staging_views():
        connection.execute(f"CREATE TABLE {name} AS {sql.view_text('staging', name)}")
    return connection


def add_hard_rows(connection: duckdb.DuckDBPyConnection) -> None:
    """Add tasks and executions with each of `HARD_METADATA`, and changes with their sessions."""
    texts = [one if one is None or isinstance(one, str) else json.dumps(one) for one in HARD_METADATA]
    for number, text in enumerate(texts):
        _add_task(connection, number, text)
        _add_executions(
            connection, number, text if isinstance(HARD_METADATA[number], dict) else None
        )  # as a store does
    for number, change in enumerate(CHANGES):
        _add_change(connection, number, *change)
    for number, (session, share) in enumerate(SESSIONS):
        connection.execute(
            "INSERT INTO stg_change_sessions BY NAME SELECT $link AS link_id, $change AS change_id, "
            "$session AS session_id, $evidence AS evidence, CAST($share AS DOUBLE) AS share",
            {
                "link": f"link {number}",
                "change": f"change {number}",
                "session": session,
                "evidence": ("trailer", "branch", "file")[number % 3],
                "share": share,
            },
        )


def _add_task(connection, number, text):
    connection.execute(
        """
        INSERT INTO stg_tasks BY NAME
        SELECT
            'hard-' || CAST($n AS VARCHAR) AS task_id,
            TIMESTAMP '2026-01-01 10:00:00.123456' + to_days(CAST($n AS INTEGER)) AS created_at,
            CASE WHEN $n % 3 > 0 THEN TIMESTAMP '2026-02-01 23:59:59.999999' + to_days(CAST($n AS INTEGER)) END
                AS completed_at,
            CASE WHEN $n % 4 > 0 THEN 'garden' END AS project_id,
            CASE $n % 3 WHEN 0 THEN 'in_progress' WHEN 1 THEN 'completed' ELSE 'failed' END AS status,
            FALSE AS is_stub,
            CASE WHEN $n % 2 = 0 THEN $n END AS estimated_size,
            CASE WHEN $n % 5 = 0 THEN $n + 1 END AS actual_size,
            FALSE AS is_human_corrected,
            $n / 7.0 AS estimated_cost_usd,
            '["a", "ü"]' AS components_json,
            $text AS metadata_json
        """,
        {"n": number, "text": text},
    )


def _add_executions(connection, number, text):
    """Add five executions of a task: on days at the turn of ISO years, models and costs known or not."""
    connection.execute(
        """
        INSERT INTO stg_executions BY NAME
        SELECT
            'hard-' || CAST($n AS VARCHAR) || '-' || CAST(part AS VARCHAR) AS execution_id,
            TIMESTAMP '2025-12-28 23:59:59.999999' + to_days(CAST(part * $n % 373 AS INTEGER)) AS executed_at,
            'hard-' || CAST($n AS VARCHAR) AS task_id,
            CASE WHEN part < 3 THEN 'ada' END AS user_id,
            CASE part % 2 WHEN 0 THEN 'Code' ELSE 'Design' END AS agent_role,
            1 + part % 3 AS agent_iteration,
            CASE WHEN part > 0 THEN 'model ' || CAST(part % 2 AS VARCHAR) END AS llm_model,
            $n * 10.5 + part AS latency_ms,
            CASE WHEN part <> 2 THEN 1000 * $n + part END AS tokens_in,
            part * 3 AS tokens_out,
            CASE WHEN part = 1 THEN 5 END AS tokens_cache_read,
            CASE WHEN (part + $n) % 6 > 0 THEN 0.1 * $n + part / 3.0 END AS cost_usd,
            CASE part WHEN 1 THEN '{"team": "core", "cost_center": 12}' WHEN 2 THEN '{"team": null}' END AS labels,
            CASE WHEN $n % 2 = 0 THEN 'ada/shop' END AS repository,
            CASE
                WHEN part = 4 AND $n < 9 THEN '{"session_id": "m' || CAST($n AS VARCHAR) || '"}' ELSE $text
            END AS metadata_json
        FROM range(5) AS numbers (part)
        """,
        {"n": number, "text": text},
    )


def _add_change(connection, number, *change):
    names = ("outcome", "days", "reverted", "lines", "lost", "repository", "title")
    connection.execute(
        """
        INSERT INTO stg_changes BY NAME
        SELECT
            'change ' || CAST($number AS VARCHAR) AS change_id,
            'hard-' || CAST($number AS VARCHAR) AS task_id,
            $repository AS repository,
            'merge' AS flow,
            $outcome AS outcome,
            $title AS title,
            TIMESTAMP '2026-01-31 22:00:00.750000' AS started_at,
            TIMESTAMP '2026-01-31 22:00:00.250000' + to_milliseconds(CAST($days * 86400000.0 AS BIGINT))
                AS merged_at,
            $lines AS lines_added,
            3 AS lines_deleted,
            $number % 3 = 0 AS is_fix,
            $lost AS lines_lost_14,
            $lost AS lines_lost_30,
            CASE WHEN $reverted IS NOT NULL THEN TIMESTAMP '2026-03-01' END AS reverted_at,
            CAST($reverted AS DOUBLE) AS reverted_share,
            '{"issues": [18, "20", null]}' AS metadata_json
        """,
        {"number": number, **dict(zip(names, change, strict=True))},
    )


def repeat(connection: duckdb.DuckDBPyConnection, executions: int) -> None:
    """Repeat tasks, executions and defects with ids of their own, a day later each time and at another price."""
    (own,) = connection.execute("SELECT count(*) FROM stg_executions").fetchone()
    copies = executions // own
    later = "+ to_days(CAST(copy % 149 AS INTEGER))"
    for name, ids, times, values in (
        ("stg_tasks", ("task_id",), ("created_at", "started_at", "completed_at"), ("estimated_cost_usd",)),
        ("stg_executions", ("execution_id", "task_id"), ("executed_at",), ("cost_usd", "latency_ms")),
        ("stg_defects", ("defect_id", "task_id"), ("found_at", "fixed_at"), ("fix_cost_usd",)),
    ):
        changed = [f"{column} || '/' || CAST(copy AS VARCHAR) AS {column}" for column in ids]
        changed += [f"{column} {later} AS {column}" for column in times]
        changed += [f"{column} * (1 + copy % 17 / 10.0) AS {column}" for column in values]
        connection.execute(
            f"INSERT INTO {name} SELECT own.* REPLACE ({', '.join(changed)}) "
            f"FROM (SELECT * FROM {name}) AS own CROSS JOIN range(1, {copies}) AS numbers (copy)"
        )


def write_inputs(connection: duckdb.DuckDBPyConnection, folder: Path) -> dict[str, StagedFiles]:
    """Write the staging tables as Parquet: the executions in two files, of which one lacks a column; no empty files."""
    folder.mkdir(parents=True)
    found = {}
    for name in staging_views():
        files = []
        (rows,) = connection.execute(f"SELECT count(*) FROM {name}").fetchone()
        queries = [f"SELECT * FROM {name}"] if rows else []
        if name == "stg_executions":
            assert connection.execute(f"SELECT count(branch) FROM {name}").fetchone() == (0,)
            queries = [f"SELECT * FROM {name} WHERE hash(execution_id) % 2 = 0"]
            queries += [f"SELECT * EXCLUDE (branch) FROM {name} WHERE hash(execution_id) % 2 = 1"]
        for number, query in enumerate(queries):
            files.append(str(folder / f"{name}-{number}.parquet"))
            connection.execute(f"COPY ({query}) TO '{files[-1]}' (FORMAT parquet)")
        found[name] = StagedFiles(_types(connection, name), files)
    return found


def create_marts(connection: duckdb.DuckDBPyConnection) -> None:
    """Compute the marts with DuckDB."""
    for name in marts():
        connection.execute(f"CREATE TABLE {name} AS {sql.view_text('marts', name)}")


def differences(connection: duckdb.DuckDBPyConnection, name: str, folder: Path) -> list[str]:
    """Say how a mart of files differs from DuckDB's: types, rows, and values beyond 1e-9 of them; empty where equal."""
    types = _types(connection, name)
    files = f"read_parquet('{folder}/{name}/**/*.parquet', hive_partitioning = false)"
    connection.execute(f"CREATE OR REPLACE TEMP TABLE other AS SELECT * FROM {files}")
    if types != _types(connection, "other"):
        return [f"types {types} and {_types(connection, 'other')}"]
    key = " AND ".join(f"a.{column} IS NOT DISTINCT FROM b.{column}" for column in view_key(name))
    sizes = "SELECT (SELECT count(*) FROM {a}), (SELECT count(*) FROM {b}), count(*) FROM {a} AS a INNER JOIN {b} AS b"
    rows, others, shared = connection.execute(sizes.format(a=name, b="other") + f" ON {key}").fetchone()
    found = [] if rows == others == shared else [f"{rows} rows and {others}, {shared} with the same key"]
    for column, kind in types.items():
        same = f"a.{column} IS NOT DISTINCT FROM b.{column}"
        if kind == "DOUBLE":
            same += f" OR abs(a.{column} - b.{column}) <= 1e-9 * greatest(abs(a.{column}), abs(b.{column}))"
        query = (
            f"SELECT a.{column}, b.{column} FROM {name} AS a INNER JOIN other AS b ON {key} WHERE ({same}) IS NOT TRUE"
        )
        found += [f"{column}: {one!r} and {two!r}" for one, two in connection.execute(f"{query} LIMIT 3").fetchall()]
    return found


def _types(connection, name):
    return dict(row[:2] for row in connection.execute(f"DESCRIBE {name}").fetchall())
