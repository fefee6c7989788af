"""The page says what the views say, needs nothing but itself, and nothing that comes from data can act in it."""

import base64
import hashlib
import json
import re
import shutil
import sqlite3
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asp_analysis.config import parse_url
from asp_analysis.dashboard import build_page, svg, words, write_page
from asp_analysis.dashboard.accuracy import WIDEST, measure
from asp_analysis.dashboard.alerts import collect_alerts
from asp_analysis.dashboard.capabilities import find_falls, find_worsening
from asp_analysis.dashboard.facts import Facts, add_final_costs
from asp_analysis.errors import InputError
from asp_analysis.learning import Telemetry, status
from asp_analysis.quality import Work, phase_yields, removal_measures
from asp_analysis.session import connect

AS_OF = pd.Timestamp("2025-12-31")
HOSTILE = (
    "<script>alert(1)</script>",
    "\"><img src=x onerror='alert(2)'>",
    "' onmouseover='alert(3)' x='",
    "]]></title></desc></svg><script>alert(4)</script>",
    "javascript:alert(5)",
    "</style></bdi><svg onload=alert(6)>",
    "{{ 7 * 7 }}{% include 'x' %}",
    "&lt;b&gt;&quot;",
    "--><iframe srcdoc='<script>alert(7)</script>'>",
    "\u202edesrever",
    "\x1b[31m\x07",
    "x" * 400,
)
ALLOWED = set(
    re.findall(
        r"\w+",
        "html head meta link title style body header h1 p bdi nav a main section dl div dt dd b small h2 ul li strong "
        "span article h3 svg desc rect line text g path figure figcaption table thead tbody tr th td footer "
        "form label select option button script",
    )
)


class Seen(HTMLParser):
    """What a browser would make of the page: elements, attributes, texts."""

    def __init__(self, page):
        super().__init__()
        self.elements, self.attributes, self.texts, self._open = set(), [], [], []
        self.feed(page)
        self.text = " ".join(" ".join(self.texts).split())

    def handle_starttag(self, tag, attrs):
        self.elements.add(tag)
        self.attributes += attrs
        self._open.append(tag)

    def handle_endtag(self, tag):
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data):
        if not {"style", "script"} & set(self._open):
            self.texts.append(data)


def make_hostile(source: Path, target: Path) -> None:
    """Copy a store and put what an attacker would write into every text that comes from outside."""
    shutil.copy(source, target)
    connection = sqlite3.connect(target)
    connection.create_function("hostile", 1, lambda n: HOSTILE[n % len(HOSTILE)])
    connection.executescript("PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON;")
    for number, (task,) in enumerate(connection.execute("SELECT task_id FROM task_metadata").fetchall()):
        for table in ("task_metadata", "agent_cost_vector", "defect_log"):
            # Which string a task gets depends on its id, so that all tables still belong together.
            query = f"UPDATE {table} SET task_id = hostile(?) || task_id WHERE task_id = ?"
            connection.execute(query, (number, task))
    connection.execute("UPDATE task_metadata SET task_description = hostile(rowid), task_type = hostile(rowid + 1)")
    for number, role in enumerate(("Code", "DesignReview", "CodeReview", "Design", "Test")):
        bad = HOSTILE[number] + role
        for table, columns in (
            ("agent_cost_vector", ["agent_role"]),
            ("defect_log", ["phase_injected", "phase_removed"]),
            ("agent_roles", ["agent_role"]),
        ):
            for column in columns:
                connection.execute(f"UPDATE {table} SET {column} = ? WHERE {column} = ?", (bad, role))
    for number, (model,) in enumerate(
        connection.execute("SELECT DISTINCT llm_model FROM agent_cost_vector WHERE llm_model IS NOT NULL").fetchall()
    ):
        bad = HOSTILE[number] + model
        connection.execute("UPDATE agent_cost_vector SET llm_model = ? WHERE llm_model = ?", (bad, model))
    connection.execute("UPDATE defect_log SET defect_type = hostile(rowid), description = hostile(rowid)")
    connection.commit()
    connection.close()


@pytest.fixture(scope="module")
def sample_page(sample_store):
    with connect(sample_store) as session:
        return build_page(session, AS_OF)


@pytest.fixture(scope="module")
def sample_facts(sample_store):
    with connect(sample_store) as session:
        return Facts.read(session, AS_OF)


@pytest.fixture(scope="module")
def hostile_page(sample_store, tmp_path_factory):
    url = parse_url("hostile.db", tmp_path_factory.mktemp("hostile"))
    make_hostile(sample_store.path, url.path)
    with connect(url) as session:
        return build_page(session, AS_OF)


# --- it says what the views say ---------------------------------------------------------------------------------------


def test_the_headline_is_that_of_the_executions(sample_store, sample_page):
    with connect(sample_store) as session:
        row = session.sql("SELECT count(*) AS n, count(cost_usd) AS known, sum(cost_usd) AS usd FROM executions").iloc[
            0
        ]
    text = Seen(sample_page).text
    assert f"Cost known {words.usd(row['usd'])} of {row['known']:.0f} executions" in text
    assert f"Cost unknown {row['n'] - row['known']:.0f} executions" in text


def test_each_role_stands_there_with_its_cost(sample_store, sample_page):
    text = Seen(sample_page).text
    with connect(sample_store) as session:
        for row in session.view("role_costs").itertuples():
            share = f"{row.agent_role}: {words.usd(row.cost_usd)}, {words.percent(row.cost_share)}"
            assert share in text


def test_each_capability_shows_both_modes_and_what_is_missing(sample_store, sample_page):
    text = Seen(sample_page).text
    with connect(sample_store) as session:
        table = status(Telemetry.read(session.view), AS_OF)
    for row in table.itertuples():
        card = text[text.index(f"{row.capability} published ") :][:1_500]
        assert card.startswith(f"{row.capability} published {row.published_mode} sound {row.sound_mode}")
        for part in (row.missing_published, row.missing_sound, f"{row.completed} of {row.needed}"):
            assert part in card


def test_planned_and_spent_are_sums_over_the_ended_tasks(sample_store, sample_page):
    query = """
        SELECT sum(COALESCE(whole_cost_usd, reported_cost_usd)) AS spent, sum(estimated_cost_usd) AS planned,
            count(*) AS n
        FROM tasks
        WHERE
            status IN ('completed', 'failed') AND COALESCE(whole_cost_usd, reported_cost_usd) > 0
            AND estimated_cost_usd > 0
    """
    with connect(sample_store) as session:
        row = session.sql(query).iloc[0]
    wanted = f"In sum {words.usd(row['spent'])} spent on {words.usd(row['planned'])} planned"
    text = Seen(sample_page).text
    assert wanted in text and f"(n = {row['n']:.0f} tasks)" in text


def test_a_task_costs_its_whole_cost_else_what_its_record_says_and_has_spent_what_is_known():
    tasks = pd.DataFrame(
        {
            "task_id": ["b", "a", "c", "d"],
            "completed_at": pd.to_datetime(["2026-01-02", "2026-01-01", "2026-01-03", None]),
            "cost_usd": [2.0, 1.0, None, 4.0],
            "whole_cost_usd": [2.0, None, None, None],
            "reported_cost_usd": [9.0, 7.0, 3.0, None],
        }
    )
    found = add_final_costs(tasks).set_index("task_id")
    assert found.index.tolist() == ["a", "b", "c", "d"]
    assert found["final_usd"].tolist()[:3] == [7.0, 2.0, 3.0] and pd.isna(found.loc["d", "final_usd"])
    assert found["spent_usd"].tolist() == [1.0, 2.0, 3.0, 4.0]


def test_yields_and_measures_are_those_of_quality(sample_store, sample_page):
    text = Seen(sample_page).text
    with connect(sample_store) as session:
        work = Work.read(session.view)
    for row in phase_yields(work).itertuples():
        present = row.entering + row.injected
        assert re.search(rf"{row.agent_role}: {words.percent(row.yield_share)} \([^)]*\), n = {present}\b", text)
    measure = removal_measures(work).iloc[0]
    assert f"process yield {words.percent(measure['value'])} " in text
    assert f"{measure['part']} of {measure['whole']:.0f}" in text
    assert "provisional" in text.lower()


def test_coverage_is_the_share_of_actual_costs_within_the_interval(sample_facts, sample_page):
    found = measure(sample_facts)
    frame = found.forecasts.dropna(subset=["lower_70"])
    share = ((frame["lower_70"] <= frame["actual"]) & (frame["actual"] <= frame["upper_70"])).mean()
    row = Seen(sample_page).text.split("all forecasts")[1][:120]
    assert f"{len(found.forecasts)} " in row and words.percent(share) in row


def test_an_empty_store_gives_a_page_that_says_what_is_missing(empty_store):
    with connect(empty_store) as session:
        page = build_page(session)
    text = Seen(page).text
    for said in (
        "No executions yet. Load telemetry with: asp-analysis load FILE",
        "No forecast can be judged yet.",
        "No real defects are recorded.",
        "Nothing needs a person at the moment.",
        "Per accepted task not defined",
        "Learning : Nothing is scored yet",
        "Not in this store yet",
    ):
        assert said in text
    assert not re.search(r"\b(nan|NaT|None|inf)\b", text)
    assert all(f'<section id="{name}">' not in page for name in ("money", "tasks", "learning", "plan", "defects"))


def test_no_number_is_a_nan(sample_page):
    assert not re.search(r"\b(nan|NaN|NaT|None|inf)\b", sample_page.split("</style>")[1].split("<script>")[0])


# --- alerts -----------------------------------------------------------------------------------------------------------


def test_the_most_urgent_alert_comes_first_and_unknown_prices_are_counted(sample_facts):
    levels = [alert.level for alert in collect_alerts(sample_facts, measure(sample_facts), {})]
    assert levels == sorted(levels, key=("act", "look", "know").index)
    titles = [alert.title for alert in collect_alerts(sample_facts, measure(sample_facts), {})]
    assert "PROBE_AI: do not let it act alone yet" in titles
    assert f"Cost unknown: {sample_facts.unpriced['executions'].sum()} executions" in titles


def curve(modes, values=None):
    days = pd.date_range("2025-01-01", periods=len(modes))
    frame = pd.DataFrame({"capability": "PROBE_AI", "known_at": days, "published_mode": modes})
    return frame.assign(sound_mode="Learning", metric_name="mape_pct", metric_value=values or 10.0, metric_target=20.0)


def test_a_fall_is_told_until_it_is_made_up_for():
    fallen = curve(["Shadow", "Autonomous", "Shadow", "Shadow"])
    assert find_falls(fallen)[["was", "now"]].to_numpy().tolist() == [["Autonomous", "Shadow"]]
    assert find_falls(fallen)["fell_at"].iloc[0] == pd.Timestamp("2025-01-03")
    assert find_falls(curve(["Shadow", "Autonomous", "Shadow", "Autonomous"])).empty


def test_an_error_that_grows_beyond_its_target_is_getting_worse():
    modes = ["Shadow"] * 11
    assert len(find_worsening(curve(modes, [15.0] * 10 + [25.0]))) == 1
    assert find_worsening(curve(modes, [15.0] * 10 + [19.0])).empty
    assert find_worsening(curve(modes, [35.0] * 10 + [25.0])).empty


def test_wide_intervals_need_a_person(sample_facts):
    found = measure(sample_facts)
    found.forecasts["upper_70"] = found.forecasts["lower_70"] * (WIDEST + 1)
    assert any("too wide" in alert.title for alert in collect_alerts(sample_facts, found, {}))


# --- nothing acts -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["sample_page", "hostile_page"])
def test_the_page_holds_nothing_that_acts_or_loads(name, request):
    seen = Seen(request.getfixturevalue(name))
    assert seen.elements <= ALLOWED
    assert not [
        key for key, _ in seen.attributes if key.startswith("on") or key in {"src", "style", "srcdoc", "action"}
    ]
    links = {value for key, value in seen.attributes if key in {"href", "xlink:href"}}
    assert all(link.startswith("#") or link == "data:," for link in links)


def test_hostile_names_are_shown_as_they_are(hostile_page):
    text = Seen(hostile_page).text
    for words_of_data in HOSTILE[:5]:
        assert " ".join(words_of_data.split()) in text
    assert "{{ 7 * 7 }}" in text
    assert hostile_page.count("<script") == hostile_page.count("</script>") == 2


def test_a_page_holds_no_character_that_a_terminal_would_obey(hostile_page):
    assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]", hostile_page) and "\\x1b[31m" in hostile_page


def test_a_hostile_page_has_as_many_elements_as_a_harmless_one(sample_page, hostile_page):
    count = [len(re.findall(r"<(?:section|article|figure|table)\b", page)) for page in (sample_page, hostile_page)]
    assert count[0] == count[1]


def test_the_policy_allows_this_style_sheet_and_this_script_and_nothing_else(sample_page):
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', sample_page)[1].replace("&#39;", "'")
    style = re.search(r"<style>(.*?)</style>", sample_page, re.DOTALL)[1]
    script = re.search(r"<script>(.*?)</script>", sample_page, re.DOTALL)[1]
    assert policy.startswith("default-src 'none'; ") and "unsafe" not in policy
    for name, text in (("style", style), ("script", script)):
        fingerprint = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{name}-src 'sha256-{fingerprint}';" in policy


def test_every_link_leads_to_something_on_the_page(sample_page, hostile_page):
    for page in (sample_page, hostile_page):
        attributes = Seen(page).attributes
        names = [value for key, value in attributes if key == "id"]
        links = {value[1:] for key, value in attributes if key == "href" and value.startswith("#")}
        assert len(set(names)) == len(names) and links <= set(names)
        assert len(links) > 20 and any(link.startswith("capability-") for link in links)


def read_usage(page):
    return json.loads(re.search(r'<script type="application/json" id="usage">(.*?)</script>', page, re.DOTALL)[1])


def test_the_usage_of_the_page_adds_up_to_the_executions(sample_store, sample_page):
    usage = read_usage(sample_page)
    with connect(sample_store) as session:
        row = session.sql("SELECT count(*) AS n, count(cost_usd) AS known, sum(cost_usd) AS usd FROM executions").iloc[
            0
        ]
    sums = [sum(row[place - 4] or 0 for row in usage["rows"]) for place in range(3)]
    assert sums == [row["n"], row["known"], pytest.approx(row["usd"], abs=1e-3)]
    assert usage["dimensions"] == ["model", "role", "project", "person", "team", "machine", "repository"]
    assert set(usage["names"]["team"]) == {"booking", "harbour"} and len(usage["names"]["machine"]) == 3
    teams = [[row[-2] for row in usage["rows"] if row[5] == code] for code in (0, 1)]
    assert [sum(filter(None, costs)) for costs in teams] == [
        pytest.approx(cost, abs=1e-3) for cost in (93.8172, 92.7239)
    ]
    assert {name: len(set(names)) for name, names in usage["names"].items()} == {
        name: len(names) for name, names in usage["names"].items()
    }


def test_names_in_the_usage_of_a_hostile_page_cannot_end_their_element(hostile_page):
    names = read_usage(hostile_page)["names"]
    assert any("<script>alert(1)</script>" in name for name in [*names["model"], *names["role"]])


# --- money and tasks --------------------------------------------------------------------------------------------------


def test_columns_of_cost_add_up_to_what_is_known_and_end_with_the_newest_day(sample_facts):
    usage = sample_facts.usage
    for dimension in ("model", "role", "project"):
        assert usage.spread(dimension).to_numpy().sum() == pytest.approx(sample_facts.totals.cost_usd)
    assert usage.start(0) + pd.Timedelta(days=usage.days - 1) == sample_facts.totals.last_at.normalize()
    now, before = usage.sum_periods(range(4)), usage.sum_periods(range(4, 8))
    text = " ".join(words.change(now["cost_usd"], before["cost_usd"]).split())
    assert text == f"{100 * (now['cost_usd'] / before['cost_usd'] - 1):+.0f} %"


@pytest.mark.parametrize(
    ("now", "before", "said"), [(1, 0, "new"), (0, 0, "unchanged"), (3, 2, "+50 %"), (1, None, "not defined")]
)
def test_a_change_is_said_in_percent_of_before(now, before, said):
    assert words.change(now, before) == said


def usage_of(run, store, tmp_path, rows):
    lines = ["executed_at,task_id,agent_role,llm_model,project_id,cost_usd", *(",".join(map(str, row)) for row in rows)]
    (tmp_path / "runs.csv").write_text("\n".join(lines))
    assert run("load", tmp_path / "runs.csv", "--as", "executions", "--db", store).exit_code == 0
    with connect(store) as session:
        return Facts.read(session, AS_OF), build_page(session, AS_OF)


def test_many_names_share_a_colour_and_the_page_stays_small(run, empty_store, tmp_path):
    rows = [(f"2025-0{1 + n % 6}-01", f"T-{n}", f"R{n % 40}", f"m-{n}", f"p-{n % 50}", n) for n in range(1, 400)]
    facts, page = usage_of(run, empty_store, tmp_path, rows)
    assert [len(facts.usage.names[name]) for name in ("model", "role", "project")] == [12, 12, 12]
    assert facts.usage.names["model"][-1] == "388 others" and facts.usage.names["model"][0] == "m-399"
    assert len(page) < 400_000 and "all others" in page
    assert sum(row[-2] for row in read_usage(page)["rows"]) == sum(range(1, 400))


def test_models_that_did_the_same_tasks_have_no_cost_per_accepted_task(run, empty_store, tmp_path):
    rows = [(f"2025-0{m}-01", f"T-{n}", "Code", f"m-{m}", "P", 1) for n in range(9) for m in range(1, 5)]
    tasks = "task_id,created_at,status\n" + "".join(f"T-{n},2025-01-01,completed\n" for n in range(9))
    (tmp_path / "tasks.csv").write_text(tasks)
    assert run("load", tmp_path / "tasks.csv", "--as", "task_metadata", "--db", empty_store).exit_code == 0
    text = Seen(usage_of(run, empty_store, tmp_path, rows)[1]).text
    assert "Per accepted task not defined 4 models did the same tasks" in text
    assert (
        "estimate" in run("estimate", "--db", empty_store).err
        or "4 models did the same work" in run("estimate", "--db", empty_store).err
    )


def test_open_tasks_stand_there_with_their_estimate(sample_store, sample_page):
    text = Seen(sample_page).text
    with connect(sample_store) as session:
        tasks = session.sql("SELECT task_id, estimated_cost_usd AS usd FROM tasks WHERE outcome = 'open'")
    part = text[text.index("Open tasks") :]
    for row in tasks.itertuples():
        assert re.search(
            rf"{row.task_id} .{{1,80}} {re.escape(words.usd(row.usd))} \$[\d.]+ \(\$[\d.]+ to \$[\d.]+\)", part
        )


def test_the_most_expensive_task_leads_to_its_row(sample_store, sample_page):
    with connect(sample_store) as session:
        task = session.sql("SELECT task_id FROM tasks ORDER BY cost_usd DESC LIMIT 1")["task_id"][0]
    assert re.search(rf'<a href="#task-0"><text[^>]*>{task}</text></a>', sample_page)
    assert re.search(rf'<tr id="task-0"[^>]*><th scope="row"[^>]*><bdi>{task}</bdi>', sample_page)


def test_latency_and_cache_of_a_model_are_those_of_its_executions(sample_store, sample_page):
    query = """
        SELECT llm_model, quantile_cont(latency_ms, 0.5) AS p50, quantile_cont(latency_ms, 0.95) AS p95
        FROM executions GROUP BY llm_model
    """
    text = Seen(sample_page).text
    with connect(sample_store) as session:
        for row in session.sql(query).itertuples():
            shown = f"{words.duration(row.p50)} {words.duration(row.p95)}"
            assert re.search(rf"{row.llm_model} [^a-z]*{re.escape(shown)}", text), shown


def test_a_page_of_one_part_is_about_that_part(run, sample_store, tmp_path):
    out = tmp_path / "page.html"
    part = ("--project", "boarding-app", "--since", "2025-11-01")
    assert run("dashboard", out, *part, "--db", sample_store).exit_code == 0
    with connect(sample_store) as session:
        where = "project_id = 'boarding-app' AND executed_at >= '2025-11-01'"
        wanted = words.usd(session.sql(f"SELECT sum(cost_usd) AS usd FROM executions WHERE {where}")["usd"][0])
    text = Seen(out.read_text()).text
    assert f"Cost known {wanted} " in text and "only project boarding-app, since 2025-11-01" in text


@pytest.mark.parametrize(
    ("part", "said"),
    [
        (
            ("--project", "nosuch"),
            "There is no project 'nosuch' in the store. There are: boarding-app, ferry-booking, ",
        ),
        (("--since", "soon"), "since is a date such as '2026-01-31'"),
    ],
)
def test_a_part_that_is_not_there_is_one_line(run, sample_store, tmp_path, part, said):
    ran = run("dashboard", tmp_path / "page.html", *part, "--db", sample_store)
    assert ran.exit_code == 1 and said in ran.err and len(ran.err.splitlines()) == 1


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=60))
def test_a_text_in_a_picture_is_read_back_as_it_was(text):
    class Texts(HTMLParser):
        found = ""
        label = None

        def handle_starttag(self, tag, attrs):
            self.label = dict(attrs).get("class", self.label)

        def handle_data(self, data):
            self.found += data

    parser = Texts()
    parser.feed(svg.write_element("text", text, class_=text))
    parser.close()
    assert (parser.found, parser.label or "") == (text, text)


def test_every_picture_has_a_title_and_a_description(sample_page):
    pictures = re.findall(r"<svg role=\"img\"[^>]*>(<title>[^<]+</title><desc>[^<]+</desc>)?", sample_page)
    assert len(pictures) > 20 and all(pictures)


# --- the file and the verb --------------------------------------------------------------------------------------------


def test_the_verb_writes_beside_the_store_and_prints_where(run, empty_store):
    ran = run("dashboard", "--db", empty_store)
    path = empty_store.path.parent / "exports" / "dashboard.html"
    assert (ran.exit_code, ran.out.strip()) == (0, str(path))
    assert path.read_text().startswith("<!DOCTYPE html>") and 'http-equiv="refresh"' not in path.read_text()
    assert [child.name for child in path.parent.iterdir()] == ["dashboard.html"]


def test_a_page_that_cannot_be_written_is_one_line(run, empty_store, tmp_path):
    (tmp_path / "file").write_text("")
    ran = run("dashboard", tmp_path / "file" / "out.html", "--db", empty_store)
    assert ran.exit_code == 1 and ran.err.startswith("Error: The page cannot be written to ")
    assert len(ran.err.splitlines()) == 1


def test_the_old_page_stays_whole_when_the_new_one_fails(tmp_path, monkeypatch):
    path = tmp_path / "page.html"
    write_page(path, "old")

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(InputError, match="No space left"):
        write_page(path, "new")
    assert path.read_text() == "old" and len(list(tmp_path.iterdir())) == 1


def test_watching_makes_the_page_anew_and_ends_cleanly(run, empty_store, tmp_path, monkeypatch):
    out, waits = tmp_path / "page.html", []

    def sleep(seconds):
        waits.append(seconds)
        if len(waits) == 2:
            raise KeyboardInterrupt
        out.unlink()

    monkeypatch.setattr("time.sleep", sleep)
    ran = run("dashboard", out, "--watch", 30, "--db", empty_store)
    assert (ran.exit_code, waits) == (0, [30, 30])
    assert '<meta http-equiv="refresh" content="30">' in out.read_text()
    assert "Traceback" not in ran.err and "Stopped" in ran.err


def test_open_hands_the_page_to_the_browser(run, empty_store, tmp_path, monkeypatch):
    opened = []
    monkeypatch.setattr("click.launch", lambda address: opened.append(address) or 0)
    run("dashboard", tmp_path / "page.html", "--open", "--db", empty_store)
    assert opened == [(tmp_path / "page.html").as_uri()]


def test_the_dashboard_needs_no_chart_library(sample_store, tmp_path):
    import subprocess
    import sys

    code = (
        "import sys; from asp_analysis.dashboard import build_page; from asp_analysis.session import connect;"
        f"session = connect({sample_store.text!r}); build_page(session); session.close();"
        "sys.exit('matplotlib' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
