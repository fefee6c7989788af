"""`%%sql` binds the notebook's variables, stores results and raises real errors."""

import pytest

from asp_analysis.errors import QueryError
from asp_analysis.magic import run_cell
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
