"""`status` measures the criteria of the storage decision and gives one verdict, with the reasons for it."""

import sqlite3
from pathlib import Path

import pandas as pd
import pytest

from asp_analysis.config import parse_url
from asp_analysis.dashboard.facts import Facts
from asp_analysis.monitor import measure, measure_engine
from asp_analysis.monitor.growth import Growth, forecast
from asp_analysis.monitor.queries import DASHBOARD_VIEWS, LIMITS_MS, PROBE_VIEWS, classify_time
from asp_analysis.session import connect, view_names
from asp_analysis.store.backups import back_up

AS_OF = pd.Timestamp("2026-03-01")
SAMPLE_END = pd.Timestamp("2025-12-15")

# n executions, one every `step` minutes, the last one at the end of February 2026.
RUNS = """
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {count} - 1)
INSERT INTO agent_cost_vector (execution_id, executed_at, task_id, agent_role, cost_usd)
SELECT 'E' || i, strftime('%Y-%m-%dT%H:%M:%S.000000Z', '2026-02-28T23:59:00', (-i * {step}) || ' minutes'),
    'T', 'Code', 1
FROM n
"""
TASK = "INSERT INTO task_metadata (task_id, created_at) VALUES (?, '2026-02-01T00:00:01.000000Z')"
RUN = """
INSERT INTO agent_cost_vector (executed_at, task_id, agent_role, latency_ms, execution_id) VALUES (?, ?, ?, ?, ?)
"""


@pytest.fixture(autouse=True)
def _fast_enough(monkeypatch):
    """How fast this machine is at the moment is no part of these tests."""
    for asked_by in LIMITS_MS:
        monkeypatch.setitem(LIMITS_MS, asked_by, 600_000.0)


def write(url, *statements):
    connection = sqlite3.connect(url.path)
    for statement in statements:
        connection.execute(*statement) if isinstance(statement, tuple) else connection.execute(statement)
    connection.commit()
    connection.close()


def fill(url, count, step):
    write(url, (TASK, ("T",)), RUNS.format(count=count, step=step))


def measured(url, as_of=AS_OF):
    with connect(url) as session:
        return measure(session, as_of)


def state_of(status, check):
    return status.checks.set_index("check").loc[check, "state"]


# --- the three verdicts -----------------------------------------------------------------------------------------------


def test_the_sample_may_stay(sample_store):
    status = measured(sample_store, SAMPLE_END)
    assert (status.verdict, status.alerts) == ("stay", [])
    assert "385 executions, the limit is 100,000" in status.reasons


def test_a_store_that_grows_to_the_limit_within_a_quarter_is_to_be_prepared(empty_store):
    fill(empty_store, 60_000, 1)
    status = measured(empty_store)
    row = status.forecasts.set_index("limit").loc["executions"]
    assert status.verdict == "prepare" and state_of(status, "executions forecast") == "alert"
    # 10,080 executions a week: 40,000 more take 27.8 days.
    assert row["reached_on"] == pd.Timestamp("2026-03-28")


def test_a_store_with_more_than_100000_executions_is_to_be_migrated(empty_store):
    fill(empty_store, 100_001, 1)
    status = measured(empty_store)
    assert status.verdict == "migrate" and status.reasons[0] == "100,001 executions, the limit is 100,000"


def test_exactly_100000_executions_do_not_exceed_the_limit_whatever_the_tasks_are(empty_store):
    fill(empty_store, 100_000, 1)
    assert state_of(measured(empty_store), "executions") == "watch"


def test_a_file_of_50_mb_is_to_be_prepared(empty_store):
    write(empty_store, "CREATE TABLE filler (content BLOB)", "INSERT INTO filler SELECT randomblob(50000000)")
    status = measured(empty_store)
    assert status.verdict == "prepare" and any("the alert is at 50 MB" in reason for reason in status.reasons)


# --- agents at once ---------------------------------------------------------------------------------------------------


def run_agents(url, *runs):
    """runs: (task, role, minute of the day, minutes that it takes)"""
    tasks = {task for task, *_ in runs}
    rows = [
        (RUN, (f"2026-02-20T10:{minute:02}:00.000000Z", task, role, minutes * 60_000, f"{number}"))
        for number, (task, role, minute, minutes) in enumerate(runs)
    ]
    write(url, *((TASK, (task,)) for task in tasks), *rows)


def test_five_agents_at_once_are_a_reason_to_migrate(empty_store):
    run_agents(empty_store, *((f"T{n}", "Code", n, 30) for n in range(5)))
    status = measured(empty_store)
    assert status.agents.recent == 5 and status.agents.recent_at == pd.Timestamp("2026-02-20 10:04")
    assert status.verdict == "migrate" and "5 agents at once" in status.reasons[0]


def test_four_agents_at_once_are_not(empty_store):
    run_agents(empty_store, *((f"T{n}", "Code", n, 30) for n in range(4)))
    status = measured(empty_store)
    assert status.agents.recent == 4 and status.verdict == "stay" and state_of(status, "agents at once") == "watch"


def test_one_agent_that_calls_its_model_many_times_at_once_is_one_agent(empty_store):
    run_agents(empty_store, *(("T", "Code", n, 30) for n in range(9)), ("T", "Test", 5, 1))
    assert measured(empty_store).agents.recent == 2


def test_who_begins_when_another_ends_does_not_work_at_once_with_it(empty_store):
    run_agents(empty_store, *((f"T{n}", "Code", n, 1) for n in range(6)))
    assert measured(empty_store).agents.recent == 1


def test_an_agent_does_not_work_between_its_executions(empty_store):
    run_agents(empty_store, ("A", "Code", 0, 5), ("A", "Code", 20, 5), ("B", "Code", 10, 1), ("C", "Code", 2, 30))
    assert measured(empty_store).agents.recent == 2


def test_executions_without_a_latency_or_a_time_of_day_are_left_out_and_counted(empty_store):
    midnight = "2026-02-20T00:00:00.000000Z"
    runs = [(RUN, (midnight, "T", f"Role {n}", 1_000.0, str(n))) for n in range(9)]
    write(empty_store, (TASK, ("T",)), *runs)
    status = measured(empty_store)
    assert status.agents.recent == 0 and (status.agents.placed, status.agents.executions) == (0, 9)
    assert any("9 of 9 executions have no time of day" in reason for reason in status.reasons)


def test_what_was_at_once_long_ago_is_no_reason_to_migrate_now(empty_store):
    run_agents(empty_store, *((f"T{n}", "Code", n, 30) for n in range(6)))
    status = measured(empty_store, pd.Timestamp("2026-08-01"))
    assert (status.agents.ever, status.agents.recent, status.verdict) == (6, 0, "stay")


# --- growth and forecasts ---------------------------------------------------------------------------------------------


def test_too_few_days_carry_no_forecast_and_the_reason_says_how_many_there_are(empty_store):
    fill(empty_store, 5 * 24, 60)
    status = measured(empty_store)
    assert set(status.forecasts["forecast"]) == {"no forecast: 4 days of executions, a forecast takes 3 weeks"}
    assert status.contents.tables["rows_per_week"].isna().all()


def test_a_store_that_nobody_writes_any_more_does_not_grow(sample_store):
    status = measured(sample_store)
    assert set(status.forecasts["forecast"]) == {"not at present growth"}


def test_an_empty_store_is_measured_too(empty_store):
    status = measured(empty_store)
    assert status.verdict == "stay" and status.contents.executions == 0 and len(status.contents.tables) == 4
    assert set(status.forecasts["forecast"]) == {"no forecast: 0 days of executions, a forecast takes 3 weeks"}


def test_the_rate_is_the_mean_of_the_last_eight_weeks(sample_store):
    status = measured(sample_store, SAMPLE_END)
    last_weeks = status.contents.weeks.tail(8)["executions"]
    since = SAMPLE_END - pd.Timedelta(weeks=8)
    with connect(sample_store) as session:
        counted = (session.view("stg_executions")["executed_at"] > since).sum()
    assert last_weeks.sum() == counted
    assert status.contents.growth.per_week == pytest.approx(last_weeks.mean())
    assert status.contents.weeks["total_executions"].iloc[-1] == status.contents.executions == 385
    own = status.contents.tables.set_index("table").loc["agent_cost_vector"]
    assert own["rows"] == 385 and own["rows_per_day"] == pytest.approx(last_weeks.mean() / 7)


def test_a_forecast_is_as_wide_as_the_weeks_differ():
    row = forecast("executions", 900, 1000, Growth(weeks=8, per_week=10.0, low=5.0, high=20.0), AS_OF)
    dates = [AS_OF + pd.Timedelta(weeks=weeks) for weeks in (10, 5, 20)]
    assert [row["reached_on"], row["earliest"], row["latest"]] == dates
    assert row["forecast"] == "2026-05-10 (2026-04-05 to 2026-07-19)"


def test_growth_that_may_as_well_be_none_has_no_latest_date():
    row = forecast("executions", 900, 1000, Growth(weeks=3, per_week=10.0, low=0.0, high=30.0), AS_OF)
    assert row["latest"] is None and row["forecast"].endswith(" to never)")


def test_a_limit_beyond_a_lifetime_is_no_date():
    row = forecast("executions", 900, 100_000, Growth(weeks=8, per_week=1.0, low=0.5, high=1.5), AS_OF)
    assert row["reached_on"] is None and row["forecast"] == "not within 50 years at present growth"


# --- queries ----------------------------------------------------------------------------------------------------------


class Asked:
    """A session that notes which views are read."""

    def __init__(self, session):
        self.session, self.url, self.clock, self.names = session, session.url, session.clock, set()

    def view(self, name):
        self.names.add(name)
        return self.session.view(name)

    def sql(self, query, **parameters):
        self.names |= {name for name in view_names() if name in query.replace(",", " ").split()}
        return self.session.sql(query, **parameters)


def test_what_is_timed_is_what_the_dashboard_reads(sample_store):
    with connect(sample_store) as session:
        asked = Asked(session)
        Facts.read(asked, SAMPLE_END)
    assert asked.names == {*DASHBOARD_VIEWS, PROBE_VIEWS[0]}


def test_a_query_over_its_limit_is_named_and_a_reason_to_prepare(sample_store, monkeypatch):
    monkeypatch.setitem(LIMITS_MS, "PROBE", 0.0)
    status = measured(sample_store, SAMPLE_END)
    assert status.verdict == "prepare" and "task_history, stg_tasks" in status.reasons[0]


@pytest.mark.parametrize(
    ("took_ms", "words"),
    [(99.9, "under 100 ms"), (100, "under 500 ms"), (500, "500 ms or more"), (1e5, "500 ms or more")],
)
def test_times_are_told_in_classes_that_the_limits_divide(took_ms, words):
    assert classify_time(took_ms) == words


# --- soundness and backups --------------------------------------------------------------------------------------------


def test_rows_that_refer_to_no_task_are_an_alert(run, empty_store):
    write(empty_store, (RUN, ("2026-02-20T10:00:00.000000Z", "no such task", "Code", 1.0, "E")))
    status = measured(empty_store)
    assert status.alerts == ["1 rows refer to what is not there (agent_cost_vector 1)"]
    assert status.verdict == "stay" and status.reasons[0] == status.alerts[0]
    assert run("status", "--check", "--db", empty_store).exit_code == 3


def test_a_store_that_is_damaged_says_so_and_how_to_go_on(run, empty_store):
    backup = back_up(empty_store).backup.path
    content = bytearray(empty_store.path.read_bytes())
    content[4096:] = bytes(len(content) - 4096)
    empty_store.path.write_bytes(content)
    ran = run("status", "--db", empty_store)
    assert ran.exit_code == 1 and "integrity check says" in ran.err and "asp-analysis restore" in ran.err
    assert ran.err.count("\n") == 1 and backup.exists()


def test_a_damaged_index_is_an_alert(run, sample_store, tmp_path):
    url = parse_url("damaged.db", tmp_path)
    url.path.write_bytes(sample_store.path.read_bytes())
    connection = sqlite3.connect(url.path)
    connection.execute("PRAGMA writable_schema = ON")
    query = "UPDATE sqlite_schema SET sql = 'CREATE INDEX ix_defect_log_task ON defect_log (project_id)' WHERE name = ?"
    connection.execute(query, ("ix_defect_log_task",))
    connection.commit()
    connection.close()
    status = measured(url, SAMPLE_END)
    assert state_of(status, "integrity") == "alert" and "asp-analysis restore" in status.alerts[0]


def test_a_log_that_nobody_folds_in_is_to_be_watched(empty_store):
    writer = sqlite3.connect(empty_store.path)
    writer.execute("PRAGMA wal_autocheckpoint = 0")
    writer.execute("CREATE TABLE filler (content BLOB)")
    writer.execute("INSERT INTO filler SELECT randomblob(17000000)")
    writer.commit()
    engine = measure_engine(empty_store)
    writer.close()
    assert engine.log_bytes > 16e6 and engine.size_bytes > engine.log_bytes
    with connect(empty_store) as session:
        assert state_of(measure(session, AS_OF, engine), "log") == "watch"


def test_a_store_without_a_backup_is_to_be_watched_and_one_with_a_new_backup_is_not(run, empty_store):
    assert state_of(measured(empty_store), "newest backup") == "watch"
    back_up(empty_store)
    rows = run("status", "--table", "checks", "--json", "--db", empty_store).json
    assert {row["check"]: row["state"] for row in rows}["newest backup"] == "ok"


def test_an_old_backup_is_to_be_watched(empty_store):
    back_up(empty_store)
    later = pd.Timestamp.now("UTC").tz_localize(None) + pd.Timedelta(days=8)
    assert state_of(measured(empty_store, later), "newest backup") == "watch"


# --- the command ------------------------------------------------------------------------------------------------------


def test_check_exits_with_3_when_an_alert_stands_and_says_which(run, empty_store):
    fill(empty_store, 100_001, 1)
    ran = run("status", "--check", "--db", empty_store)
    assert ran.exit_code == 3 and ran.out.startswith("verdict: migrate") and "1 alerts: 100,001 executions" in ran.err


def test_without_check_an_alert_is_no_failure(run, empty_store):
    fill(empty_store, 100_001, 1)
    assert run("status", "--db", empty_store).exit_code == 0


def test_check_exits_with_0_when_no_alert_stands(run, sample_store):
    assert run("status", "--check", "--db", sample_store).exit_code == 0


@pytest.mark.parametrize("table", ["checks", "tables", "forecasts", "queries", "backups"])
def test_every_table_is_a_listing(run, sample_store, table):
    assert isinstance(run("status", "--table", table, "--json", "--db", sample_store).json, list)
    assert run("status", "--table", table, "--csv", "--db", sample_store).out.count("\n") >= 1


def test_json_holds_the_verdict_its_reasons_and_every_table_of_the_text(run, sample_store):
    answer = run("status", "--json", "--db", sample_store).json
    assert list(answer) == ["verdict", "reasons", "checks", "tables", "queries"] and answer["verdict"] == "stay"
    assert all(f"  - {reason}\n" in run("status", "--db", sample_store).out for reason in answer["reasons"])
    assert "Choose one: --table checks." in run("status", "--csv", "--db", sample_store).refusal


def test_a_store_that_is_not_there_is_one_line(run, tmp_path):
    ran = run("status", "--db", tmp_path / "none.db")
    assert ran.exit_code == 1 and "does not exist" in ran.err and ran.err.count("\n") == 1


def test_of_a_server_the_file_is_not_measured_and_the_answer_says_so():
    facts = measure_engine(parse_url("postgresql://me@host/asp", Path()))
    assert facts.engine == "PostgreSQL" and facts.size_bytes is None and facts.remark


def test_status_writes_nothing_into_the_store(run, empty_store):
    before = empty_store.path.read_bytes()
    run("status", "--db", empty_store)
    assert empty_store.path.read_bytes() == before


def test_a_store_on_a_server_is_not_alerted_to_migrate(postgres_sample, monkeypatch):
    monkeypatch.setattr("asp_analysis.monitor.limits.MOST_EXECUTIONS", 10)
    with connect(postgres_sample) as session:
        checks = measure(session).checks.set_index("check")
    assert checks.loc["executions", "state"] == "ok"


def test_of_a_store_on_a_server_rows_and_queries_are_measured(run, postgres_sample):
    answer = run("status", "--json", "--db", postgres_sample).json
    rows = {row["check"]: row for row in answer["checks"]}
    assert answer["verdict"] == "stay" and "PostgreSQL already" in answer["reasons"][0]
    assert rows["executions"]["measured"] == "385" and rows["PROBE queries"]["state"] == "ok"
