"""Past tokens at another model's prices: the sums, what is left out, and the sentence that it is no forecast."""

import pytest

from asp_analysis.comparisons.model_prices import BASIS
from asp_analysis.pricing import Tokens, price_tokens

HEADER = "executed_at,task_id,agent_role,llm_model,tokens_in,tokens_out,tokens_cache_read,cost_usd\n"


@pytest.fixture
def calls(run, tmp_path):
    """A store of three priced calls, one without tokens and one without a cost."""
    file, db = tmp_path / "calls.csv", f"sqlite:///{tmp_path}/calls.db"
    file.write_text(
        HEADER
        + "2026-03-01,A,Code,big,1000000,100000,0,20\n"
        + "2026-03-02,A,Code,big,2000000,0,1000000,10\n"
        + "2026-03-02,B,Review,other,1000,0,0,1\n"
        + "2026-03-03,B,Review,big,,,,5\n"
        + "2026-03-04,B,Review,big,1000,100,0,\n"
    )
    assert run("init", "--db", db).exit_code == 0
    assert run("load", file, "--as", "executions", "--db", db).exit_code == 0
    return db


def test_the_same_tokens_are_priced_twice(run, calls):
    done = run("estimate", "--compare", "--as-if", "claude-sonnet-4-5", "--json", "--db", calls)
    rows = {row["llm_model"]: row for row in done.json}
    big = rows["big"]
    expected = [
        price_tokens("claude-sonnet-4-5", "anthropic", "2026-03-01", tokens).cost_usd
        for tokens in (Tokens(total_in=1_000_000, out=100_000), Tokens(total_in=2_000_000, out=0, cache_read=1_000_000))
    ]
    assert big["as_if_usd"] == pytest.approx(sum(expected)) and big["cost_usd"] == 30
    assert big["ratio"] == pytest.approx(sum(expected) / 30)
    assert (big["executions"], big["executions_left_out"], big["tasks"]) == (2, 2, 1)
    assert big["as_if_per_task_usd"] == pytest.approx(sum(expected)) and big["basis"] == BASIS
    assert "would behave differently" in done.err and "1 execution without a count of tokens: left out." in done.err
    assert "1 execution without a known cost to compare with: left out." in done.err


def test_own_prices_come_first_and_a_kind_without_a_price_is_left_out(run, calls, tmp_path):
    prices = tmp_path / "prices.csv"
    prices.write_text("model,input,output\nmine,1,2\n")
    done = run("estimate", "--compare", "--as-if", "mine", "--prices", prices, "--db", calls, "--json")
    rows = {row["llm_model"]: row for row in done.json}
    assert rows["big"]["as_if_usd"] == pytest.approx(1.2) and rows["big"]["cost_usd"] == 20
    assert "mine has no price for a kind of tokens of 1 execution: left out." in done.err


def test_role_and_task_choose_the_executions(run, calls):
    done = run("estimate", "--compare", "--as-if", "gpt-5-mini", "--role", "Review", "--db", calls)
    assert "The tokens of 1 execution cost USD 1.00" in done.out and "0.00025 times as much" in done.out


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--as-if", "gpt-5-mni"], "'gpt-5-mni' has no price. Names like it: gpt-5-mini"),
        (["--as-if", "zzzzzzzzzzz"], "The price list has no name like it."),
        (["--as-if", "gpt-5", "--role", "Plan"], "There is no execution of role 'Plan' to price."),
        (["--as-if", "gpt-5", "--task", "no"], "There is no execution of task 'no' to price."),
    ],
)
def test_what_cannot_be_priced_is_refused(run, calls, words, reason):
    assert reason in run("estimate", "--compare", *words, "--db", calls).refusal


def test_without_tokens_the_answer_says_what_is_missing(run, tmp_path):
    file, db = tmp_path / "calls.csv", f"sqlite:///{tmp_path}/calls.db"
    file.write_text("executed_at,task_id,agent_role,llm_model,cost_usd\n2026-03-01,A,Code,big,20\n")
    assert run("init", "--db", db).exit_code == 0
    assert run("load", file, "--as", "executions", "--db", db).exit_code == 0
    refusal = run("estimate", "--compare", "--as-if", "gpt-5", "--db", db).refusal
    assert "None of 1 execution can be priced again: 1 execution without a count of tokens: left out." in refusal


def test_options_that_do_not_go_together_are_wrong_usage(run):
    for words in (["--as-if", "gpt-5"], ["--compare", "--prices", "x.csv"]):
        assert run("estimate", *words).exit_code == 2
    assert run("estimate", "--compare", "--as-if", "gpt-5", "--size", "3").exit_code == 2
    assert run("estimate", "--compare", "--as-if", "gpt-5", "--margin", "0.1").exit_code == 2
