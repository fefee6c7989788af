"""A table that is loaded again says when executions without a name of their own are counted a second time."""

import pytest

HEAD = "timestamp,task_id,agent_role,cost_usd,seconds\n"
LINES = [f"2026-01-0{day} 10:00,T-{day},Code,{day},{day}\n" for day in range(1, 7)]


@pytest.fixture
def load_lines(run, empty_store, tmp_path):
    def load(lines, *options, name="runs.csv", head=HEAD):
        path = tmp_path / name
        path.write_text(head + "".join(lines))
        ran = run("load", path, "--as", "executions", *options, "--again", "--db", empty_store)
        assert ran.exit_code == (" 0 written, 0 updated, 0 present, " in ran.out), ran.err
        return "\n".join(line for line in ran.err.splitlines() if "was loaded before" in line)

    return load


def test_other_options_are_noted_with_what_counts_anew_and_what_to_do(load_lines, tmp_path):
    assert load_lines(LINES) == ""
    said = load_lines(LINES, "--map", "latency_ms=seconds")
    assert said.startswith(f"{tmp_path / 'runs.csv'} was loaded before (20")
    assert "UTC) with other options; 6 rows without execution_id count as new executions. " in said
    assert said.endswith("Name them with --map execution_id=COLUMN, then corrected rows replace the old ones.")
    assert load_lines(LINES, "--map", "latency_ms=seconds") == ""


def test_the_same_content_under_another_name_is_known_again(load_lines, tmp_path):
    load_lines(LINES)
    assert f"before as {tmp_path / 'runs.csv'} (" in load_lines(LINES, "--set", "user_id=me", name="copy.csv")


@pytest.mark.parametrize("place", [0, 3, 5])
def test_a_corrected_row_is_noted(load_lines, place):
    load_lines(LINES)
    corrected = [*LINES[:place], LINES[place].replace(",Code,", ",Code,9"), *LINES[place + 1 :]]
    assert "with other content; 1 row without execution_id counts as new executions" in load_lines(corrected)


@pytest.mark.parametrize(
    "later",
    [LINES, [*reversed(LINES)], LINES[3:], LINES[1:5], LINES[5:], LINES[:3]],
    ids=["grown", "grown above", "replaced", "rolled on", "replaced by one", "the same"],
)
def test_a_file_that_grew_or_was_replaced_is_not_noted(load_lines, later):
    assert load_lines(LINES[:3]) == ""
    assert load_lines(later) == ""


def test_rows_that_are_taken_only_now_are_not_noted(load_lines):
    load_lines([*LINES[:3], LINES[3].replace("10:00", "later")])
    assert load_lines([LINES[0].replace("2026-01-01 10:00", "2026-01-01T10:00"), *LINES[1:]]) == ""


def test_executions_with_names_are_updated_without_a_note(load_lines):
    load_lines(LINES, "--map", "execution_id=task_id")
    corrected = [LINES[0].replace(",Code,", ",Code,9"), *LINES[1:]]
    assert load_lines(corrected, "--map", "execution_id=task_id", "--map", "latency_ms=seconds") == ""


def test_a_load_that_took_nothing_is_no_load_before(load_lines):
    load_lines(LINES, "--time-format", "%d/%m/%Y", "--map", "cost_usd=task_id")
    assert load_lines(LINES) == ""


def test_without_the_option_nothing_is_written_and_what_to_do_is_said(load_lines, run, empty_store, tmp_path):
    load_lines(LINES)
    path = tmp_path / "runs.csv"
    path.write_text(HEAD + "".join([LINES[0].replace(",Code,", ",Code,9"), *LINES[1:]]))
    refusal = run("load", path, "--as", "executions", "--db", empty_store).refusal
    assert "1 row without execution_id would count a second time. Nothing of it was written." in refusal
    assert "--replace" in refusal and "--again" in refusal and "--map execution_id=COLUMN" in refusal
    query = "SELECT count(*) AS n, sum(cost_usd) AS usd FROM executions"
    assert run("sql", query, "--json", "--db", empty_store).json == [{"n": 6, "usd": 21.0}]
    assert len(run("loads", "--json", "--db", empty_store).json) == 1


@pytest.mark.parametrize("times", [1, 2])
def test_a_corrected_file_takes_the_place_of_its_former_loads(load_lines, run, empty_store, tmp_path, times):
    for number in range(times):
        load_lines([*LINES, "2026-02-01 10:00,T-9,Code,1,1\n"] if number else LINES)
    path = tmp_path / "runs.csv"
    path.write_text(HEAD + "".join([LINES[0].replace(",Code,", ",Code,9"), *LINES[1:]]))
    ran = run("load", path, "--as", "executions", "--replace", "--db", empty_store)
    assert ran.exit_code == 0 and f"{path}: replaced load {'2, 1' if times == 2 else '1'}." in ran.err
    query = "SELECT count(*) AS n, sum(cost_usd) AS usd, count(DISTINCT load_id) AS loads FROM executions"
    assert run("sql", query, "--json", "--db", empty_store).json == [{"n": 6, "usd": 111.0, "loads": 1}]
    assert len(run("loads", "--json", "--db", empty_store).json) == 1
    assert run("sql", "FROM tasks WHERE task_id = 'T-9'", "--json", "--db", empty_store).json == []


def test_a_replacement_that_is_refused_leaves_the_former_load(load_lines, run, empty_store, tmp_path):
    load_lines(LINES)
    path = tmp_path / "runs.csv"
    path.write_text(HEAD + LINES[0].replace(",Code,", ",Code,x"))
    assert run("load", path, "--as", "executions", "--replace", "--strict", "--db", empty_store).exit_code == 1
    query = "SELECT count(*) AS n FROM executions"
    assert run("sql", query, "--json", "--db", empty_store).json == [{"n": 6}]
    ran = run("load", path, "--as", "executions", "--replace", "--dry-run", "--db", empty_store)
    assert "replaced load 1" in ran.err and "Nothing was written" in ran.err
    assert run("sql", query, "--json", "--db", empty_store).json == [{"n": 6}]


def test_a_file_without_a_former_load_says_so(run, empty_store, tmp_path):
    path = tmp_path / "runs.csv"
    path.write_text(HEAD + LINES[0])
    ran = run("load", path, "--as", "executions", "--replace", "--db", empty_store)
    assert ran.exit_code == 0 and "no former load to replace" in ran.err
