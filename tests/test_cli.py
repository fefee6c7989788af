"""The command line as a whole: help, documentation, exit codes, output forms."""

import json
import re
import subprocess
import sys

import pytest

from asp_analysis import __version__
from asp_analysis.cli import GROUPS, VERBS


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_a_sentence_and_an_example(run, verb):
    helped = run(verb, "--help")
    assert helped.exit_code == 0
    assert "Example: asp-analysis " + verb in helped.out


def test_the_help_lists_the_verbs_in_their_groups_one_line_each(run):
    shown = run("--help").out.partition("\nStore:\n")[2]
    found = re.findall(r"^(\w+):$|^  (\w+)  +(.*)\.$", "Store:\n" + shown, re.MULTILINE)
    groups: dict[str, tuple[str, ...]] = {}
    for name, verb, sentence in found:
        if name:
            groups[name] = ()
        else:
            assert sentence and verb
            groups[list(groups)[-1]] += (verb,)
    assert groups == GROUPS
    assert len(found) == len([line for line in shown.splitlines() if line]) + 1  # no sentence takes two lines


def test_a_system_without_file_locks_gets_one_line_instead_of_a_traceback(tmp_path):
    without = "import sys; sys.modules['fcntl'] = None; from asp_analysis.cli import main; main()"
    ran = subprocess.run(
        [sys.executable, "-c", without, "init", "--db", str(tmp_path / "asp.db")], capture_output=True, text=True
    )
    assert ran.returncode == 1 and len(ran.stderr.splitlines()) == 1
    assert ran.stderr.startswith("Error: This system has no POSIX file locks") and "Linux" in ran.stderr


@pytest.mark.parametrize(
    "words",
    [["nosuch"], ["load"], ["sql"], ["sql", "SELECT 1", "--param", "x"], ["load", "f", "--map", "a=b", "--map", "a=c"]],
)
def test_wrong_usage_ends_with_2(run, words, sample_store):
    ran = run(*words, *(["--db", sample_store] if len(words) > 1 else []))
    assert ran.exit_code == 2 and "Usage" in ran.err and ran.out == ""


@pytest.mark.parametrize("verb", ["sql", "views", "rejects"])
def test_listings_have_json_and_csv(run, verb, sample_store):
    words = [verb, *(["SELECT 1 AS one, NULL AS two"] if verb == "sql" else [])]
    where = [] if verb == "views" else ["--db", sample_store]
    assert isinstance(run(*words, "--json", *where).json, list)
    assert run(*words, "--csv", *where).out.count("\n") >= 1


def test_unknown_is_null_in_json_and_empty_in_csv(run, sample_store):
    query = "SELECT 1 AS one, NULL AS two, 'a,b' AS three"
    assert run("sql", query, "--json", "--db", sample_store).json == [{"one": 1, "two": None, "three": "a,b"}]
    assert run("sql", query, "--csv", "--db", sample_store).out == 'one,two,three\n1,,"a,b"\n'


def test_parameters_of_sql_are_bound(run, sample_store):
    ran = run("sql", "SELECT $x AS x", "--param", "x=it's", "--json", "--db", sample_store)
    assert ran.json == [{"x": "it's"}]


def test_a_parameter_without_a_value_is_answered_with_how_to_give_it(run, sample_store):
    ran = run("sql", "SELECT $y AS y, $x AS x", "--db", sample_store)
    assert ran.refusal.startswith("Error: $x, $y has no value. Set it with --param x=VALUE")


def test_control_characters_do_not_reach_the_terminal(run, sample_store):
    ran = run("sql", "SELECT chr(27) || '[31mred' AS text", "--db", sample_store)
    assert "\x1b" not in ran.out and "\\x1b[31mred" in ran.out


def test_the_module_runs_as_the_command():
    ran = subprocess.run(
        [sys.executable, "-m", "asp_analysis", "--version"], capture_output=True, text=True, check=True
    )
    assert __version__ in ran.stdout


def test_a_closed_pipe_is_no_traceback(sample_store):
    query = "SELECT stg_executions.* FROM stg_executions, stg_roles"  # more than a pipe holds
    command = f"'{sys.executable}' -m asp_analysis sql '{query}' --csv --db '{sample_store.path}' | head -1"
    ran = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)
    assert ran.stdout.startswith("execution_id,") and "Traceback" not in ran.stderr


def test_database_url_of_the_environment_names_the_store(run, sample_store, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", sample_store.text)
    assert run("sql", "SELECT count(*) AS n FROM stg_tasks", "--json").json == [{"n": 50}]


def test_an_address_of_another_kind_is_one_line(run):
    ran = run("sql", "SELECT 1", "--db", "mysql://root:secret@host/db")
    assert ran.exit_code == 1 and "sqlite:///" in ran.err and "secret" not in ran.err


def test_load_prints_counts_that_add_up(run, empty_store, tmp_path):
    path = tmp_path / "runs.jsonl"
    good = {"timestamp": "2026-01-02", "task_id": "T", "agent_role": "Code", "cost_usd": 1}
    path.write_text("\n".join(map(json.dumps, [good, {**good, "cost_usd": -1}, good])))
    counts = run("load", path, "--json", "--db", empty_store).json
    assert counts["read"] == counts["written"] + counts["updated"] + counts["present"] + counts["rejected"] == 3
    said = run("load", path, "--db", empty_store).out
    assert "read 3 = 0 written, 0 updated, 2 present, 1 rejected" in said
