"""No text that comes from data acts on a terminal or in the page, and `--json` and `--csv` give it back exactly."""

import csv
import io
import json
import shutil
import sqlite3
from html.parser import HTMLParser
from pathlib import Path

import pytest

from asp_analysis import dashboard
from asp_analysis.cli.printing import visible
from asp_analysis.config import StoreUrl, parse_url

ATTACK = "\x1b]0;owned\x07\x1b[2J\r\u009b31m\u202e\u2066[red]<script>alert(1)</script>\" onload='alert(2)' x=\n=1+1;"
"""Sets a terminal's title, clears it, turns text around, is markup of rich and of HTML, and a formula."""


@pytest.fixture(scope="module")
def hostile_store(sample_store, tmp_path_factory) -> StoreUrl:
    """The sample with the attack before every text of every table that is no time and no word of a vocabulary."""
    url = parse_url("hostile.db", tmp_path_factory.mktemp("hostile"))
    shutil.copy(sample_store.path, url.path)
    connection = sqlite3.connect(url.path)
    connection.executescript("PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON;")
    connection.execute("UPDATE agent_cost_vector SET machine = 'm', tool = 't', tool_version = 'v', labels = '{}'")
    for table, column in text_columns(connection):
        if column.endswith("_json") or column == "labels":
            new = f"json_set({column}, '$.' || json_quote(:attack), :attack)"
        else:
            new = f":attack || {column}"
        connection.execute(f"UPDATE {table} SET {column} = {new} WHERE {column} IS NOT NULL", {"attack": ATTACK})
    connection.commit()
    connection.close()
    return url


def text_columns(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    closed_vocabularies = ("status", "mode", "severity", "bootstrap_phase")
    query = """
        SELECT m.name, c.name FROM sqlite_schema AS m, pragma_table_info(m.name) AS c
        WHERE m.type = 'table' AND c.type = 'TEXT' AND m.name NOT LIKE 'sqlite%' AND m.name <> 'asp_schema'
    """
    found = connection.execute(query).fetchall()
    return [
        (table, name) for table, name in found if not name.endswith(("_at", "_day")) and name not in closed_vocabularies
    ]


def test_the_attack_stands_in_many_columns(hostile_store):
    with sqlite3.connect(hostile_store.path) as connection:
        assert len(text_columns(connection)) > 35


@pytest.mark.parametrize(
    "words",
    [
        ["models"],
        ["sql", "FROM executions"],
        ["sql", "FROM task_costs"],
        ["sql", "FROM defects"],
        ["sql", "FROM stg_loads"],
        ["sql", "PIVOT (SELECT agent_role, cost_usd FROM executions) ON agent_role USING sum(cost_usd)"],
        ["learning"],
        ["quality"],
        ["complexity"],
        ["estimate", "--size", "18"],
        ["estimate", "--size", "18", "--compare"],
        ["probe", "--size", "18"],
        ["backtest"],
        ["rejects"],
    ],
    ids=" ".join,
)
def test_nothing_that_a_verb_prints_for_people_steers_the_terminal(run, hostile_store, words):
    ran = run(*words, "--db", hostile_store)
    assert ran.exit_code in (0, 1), ran.err
    steering = {char for char in ran.out + ran.err if not char.isprintable()} - {"\n"}
    assert not steering
    assert ran.exit_code == 0 or (ran.err.startswith("Error: ") and ran.err.count("\n") == 1)


def test_what_steers_a_terminal_is_shown_as_an_escape(run, hostile_store):
    ran = run("sql", "SELECT task_id FROM task_costs LIMIT 1", "--db", hostile_store)
    assert "\\x1b]0;owned\\x07\\x1b[2J \\x9b31m\\u202e\\u2066[red]<script>" in ran.out


def test_columns_named_by_data_are_shown_and_are_no_markup(run, hostile_store):
    ran = run("sql", 'SELECT 1 AS "[red]\x1b[31m[/nothing]"', "--db", hostile_store)
    assert "[red]\\x1b[31m[/nothing]" in ran.out


def test_json_and_csv_are_exact(run, hostile_store):
    query = "SELECT task_id FROM task_costs ORDER BY 1 LIMIT 3"
    from_json = [row["task_id"] for row in run("sql", query, "--json", "--db", hostile_store).json]
    text = run("sql", query, "--csv", "--db", hostile_store).out
    assert from_json == [row[0] for row in csv.reader(io.StringIO(text, newline=""))][1:]
    assert all(task_id.startswith(ATTACK) for task_id in from_json)


def test_rejected_text_and_reasons_are_shown_and_given_back_exactly(run, empty_store, tmp_path):
    path = tmp_path / "runs.jsonl"
    attack = ATTACK.replace("\n", "")
    record = {"timestamp": attack, "task_id": "T", "agent_role": "Code", "cost_usd": attack}
    path.write_text(json.dumps(record, ensure_ascii=False) + "\n", newline="")
    run("load", path, "--as", "executions", "--db", empty_store)
    listed = run("rejects", "--db", empty_store)
    assert listed.exit_code == 0 and {char for char in listed.out if not char.isprintable()} == {"\n"}
    run("rejects", "--export", tmp_path / "back.jsonl", "--db", empty_store)
    assert (tmp_path / "back.jsonl").read_bytes() == path.read_bytes()


def test_an_error_about_a_query_is_one_visible_line(run, hostile_store):
    ran = run("sql", "SELECT \x1b]0;x\x07\nnothing", "--db", hostile_store)
    assert ran.exit_code == 1 and ran.err.count("\n") == 1 and ran.err[:-1].isprintable()


def test_a_wrong_use_is_told_visibly(run, tmp_path):
    ran = run("load", "--\x1b]0;x\x07")
    assert ran.exit_code == 2 and "\x1b" not in ran.err and "\x07" not in ran.err


class _Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[str] = []
        self.scripts: list[str] = []
        """The texts of scripts that a browser runs; a block of data (`type="application/json"`) is none."""
        self._is_data = False
        self.feed(text)

    def handle_starttag(self, tag, attrs) -> None:
        self.tags.append(tag)
        self._is_data = dict(attrs).get("type") == "application/json"
        self.attributes += [name for name, _ in attrs]

    def handle_data(self, data) -> None:
        if self.cdata_elem == "script" and not self._is_data:
            self.scripts.append(data)


def test_the_page_holds_the_attack_only_as_text(run, hostile_store, sample_store, tmp_path):
    pages = []
    for name, store in (("hostile", hostile_store), ("sample", sample_store)):
        path = tmp_path / f"{name}.html"
        assert run("dashboard", path, "--db", store).exit_code == 0
        pages.append(_Page(path.read_text()))
    hostile, harmless = pages
    assert "alert(1)" in (tmp_path / "hostile.html").read_text()
    ours = Path(dashboard.__file__).with_name("page.js").read_text().strip()
    assert "".join(hostile.scripts).strip() == ours and "alert" not in ours
    assert set(hostile.tags) <= set(harmless.tags)
    assert set(hostile.attributes) <= set(harmless.attributes)


def test_every_character_that_is_not_printable_becomes_visible():
    text = "".join(map(chr, [*range(0xD800), *range(0xE000, 0x110000)])) + "\ud800"
    assert visible(text).isprintable()


def test_printable_text_stays_as_it_is():
    assert visible("Grüße, 東京 → 50 %") == "Grüße, 東京 → 50 %"
