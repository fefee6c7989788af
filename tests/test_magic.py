"""`%%sql` binds the notebook's variables, stores results and raises real errors."""

import pandas as pd
import pytest

from asp_analysis.errors import QueryError
from asp_analysis.magic import run_cell, run_line
from asp_analysis.session import connect


@pytest.fixture
def variables(sample_store):
    with connect(sample_store) as session:
        yield {"db": session, "role": "Code"}


def test_a_cell_gives_its_rows(variables):
    assert len(run_cell("", "SELECT DISTINCT agent_role FROM executions WHERE agent_role = $role", variables)) == 1


def test_a_result_can_be_named(variables):
    assert run_cell("costs <<", "SELECT 1 AS one", variables) is None
    assert variables["costs"]["one"].tolist() == [1]


def test_a_session_can_be_named(variables):
    variables["other"] = variables["db"]
    assert len(run_cell("other x <<", "SELECT 1 AS one", variables) or variables["x"]) == 1


def test_two_sessions_must_be_told_apart(variables, sample_store):
    with connect(sample_store) as second:
        variables["second"] = second
        with pytest.raises(QueryError, match="has 2"):
            run_cell("", "SELECT 1", variables)


def test_an_unknown_variable_is_named(variables):
    with pytest.raises(QueryError, match=r"\$rolle"):
        run_cell("", "SELECT $rolle", variables)


def test_a_dollar_in_a_text_or_comment_is_no_variable(variables):
    frame = run_cell("", "SELECT '$price' AS a, 'it''s $x' AS b -- $comment", variables)
    assert frame.iloc[0].tolist() == ["$price", "it's $x"]


def test_wrong_sql_raises(variables):
    with pytest.raises(QueryError, match="nosuch"):
        run_cell("", "SELECT * FROM nosuch", variables)


def test_a_notebook_without_session_is_told_how_to_open_one():
    with pytest.raises(QueryError, match=r"asp\.connect"):
        run_cell("", "SELECT 1", {})


@pytest.mark.parametrize(
    "line", ["SELECT 1 AS one", "db SELECT 1 AS one", "x << SELECT 1 AS one", "db x << SELECT 1 AS one"]
)
def test_a_line_of_sql_runs_with_the_words_of_a_cell(variables, line):
    found = run_line(line, variables)
    assert (variables["x"] if found is None else found)["one"].tolist() == [1]


@pytest.mark.parametrize("line", ["--frames df", "--frames=df,other", "db --frames df", "db --frames df x <<"])
def test_a_frame_that_is_handed_over_can_be_read(variables, line):
    variables["df"] = pd.DataFrame({"agent_role": ["Code", "Test"], "rate": [2.0, None]})
    variables["other"] = variables["df"]
    query = "SELECT DISTINCT rate FROM df JOIN executions USING (agent_role) WHERE agent_role = $role"
    found = run_cell(line, query, variables)
    assert (variables["x"] if found is None else found)["rate"].tolist() == [2.0]
    with pytest.raises(QueryError, match="df"):
        run_cell("", "FROM df", variables)
    assert len(run_line("--frames df FROM df", variables)) == 2


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("--frames nosuch", "There is no variable 'nosuch'"),
        ("--frames role", "'role' is a str, not a DataFrame"),
        ("--frames executions", "'executions' is the name of a view"),
        ("--frames", "is not [SESSION] [--frames NAME,...] [NAME <<]"),
    ],
)
def test_what_is_no_frame_is_refused_by_name(variables, line, said):
    variables["executions"] = pd.DataFrame({"n": [1]})
    with pytest.raises(QueryError) as refused:
        run_cell(line, "SELECT 1", variables)
    assert said in str(refused.value)


def test_a_shift_of_bits_is_no_name_of_a_result(variables):
    assert run_line("SELECT n << 2 AS four FROM (SELECT 1 AS n)", variables)["four"].tolist() == [4]
    assert run_line("rows << SELECT 1 << 3 AS eight", variables) is None and variables["rows"]["eight"].tolist() == [8]


def test_a_frame_opens_no_way_out(variables):
    variables["df"] = pd.DataFrame({"n": [1]})
    for query in ("DROP VIEW df", "CREATE TABLE t AS FROM df", "SELECT * FROM df, read_text('/etc/hosts')"):
        with pytest.raises(QueryError):
            run_cell("--frames df", query, variables)


def test_a_typo_in_a_cell_is_two_lines(sample_store):
    from IPython.core.interactiveshell import InteractiveShell
    from IPython.utils.capture import capture_output

    shell = InteractiveShell()
    shell.run_cell("%load_ext asp_analysis.magic")
    with connect(sample_store) as session, capture_output() as printed:
        shell.user_ns["db"] = session
        ran = shell.run_cell("%%sql\nSELECT cost_us FROM executions")
        assert shell.run_cell("n = %sql SELECT count(*) AS n FROM executions").success
    assert not ran.success and isinstance(ran.error_in_exec, QueryError)
    lines = printed.stdout.strip().splitlines()
    assert len(lines) == 2 and "cost_usd" in lines[0] and "db.views('executions')" in lines[1]
    assert shell.user_ns["n"]["n"].tolist() == [385]


def test_the_columns_of_a_view_are_listed_with_every_word(variables):
    listed = variables["db"].views("executions")
    assert list(listed.columns) == ["name", "unit", "meaning", "is_key"] and len(listed) > 20
    html = listed._repr_html_()
    assert all(meaning.split("(")[0][:60] in html.replace("&#x27;", "'") for meaning in listed["meaning"])
    assert "..." not in variables["db"].views()._repr_html_()
    with pytest.raises(QueryError, match="Views: "):
        variables["db"].views("nosuch")
