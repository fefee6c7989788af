"""Why a period cost more: terms that add up to the change, the planted cause first, and scatter called scatter."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asp_analysis.comparisons.spend_change import explain_spend
from asp_analysis.comparisons.spend_history import NOT_KNOWN, ORDINARY, UNUSUAL, judge_scatter
from asp_analysis.comparisons.spend_reading import SpendQuestion
from asp_analysis.dashboard.causes import list_causes
from asp_analysis.dashboard.parts import Note
from asp_analysis.effects.spend_terms import MAIN_CALLS, REWORK, SUB_AGENTS, TERMS, WITHOUT_TASK, divide_change
from asp_analysis.effects.token_weights import PRICED_TOKENS, USUAL_RATIO, find_weights
from asp_analysis.errors import InputError
from asp_analysis.periods import Period, find_last_week
from asp_analysis.session import connect
from benchmarks.why_bench import CAUSES, Week, divide, make_calls, measure_ranks, measure_scatter, sum_products

KINDS = (MAIN_CALLS, REWORK, SUB_AGENTS, WITHOUT_TASK)
NEWEST = pd.Timestamp("2026-03-12").date()


def cell(period="after", **values):
    known = {"kind": MAIN_CALLS, "llm_model": "m", "has_tokens": True, "calls": 10, "cost_usd": 1.0}
    return {"period": period, **known, **dict(zip(PRICED_TOKENS, (100.0, 800.0, 50.0, 30.0), strict=True)), **values}


def terms(*cells, before=2, after=2, weights=None):
    found = divide_change(pd.DataFrame(cells), {"before": before, "after": after}, weights or {})
    return found.terms.set_index("term")["change_usd"]


# --- the terms --------------------------------------------------------------------------------------------------------

AMOUNT = st.floats(0, 1e4, allow_subnormal=False).map(lambda value: 0.0 if value < 1e-6 else value)
CELL = st.fixed_dictionaries(
    {
        "period": st.sampled_from(["before", "after"]),
        "kind": st.sampled_from(KINDS),
        "llm_model": st.sampled_from(["a", "b", None]),
        "has_tokens": st.booleans(),
        "calls": st.integers(1, 1000),
        "cost_usd": AMOUNT,
        **dict.fromkeys(PRICED_TOKENS, AMOUNT),
    }
)


@given(st.lists(CELL, max_size=14), st.integers(1, 90), st.integers(1, 90))
@settings(max_examples=60)
def test_the_terms_add_up_to_the_change(cells, before, after):
    frame = pd.DataFrame(cells, columns=list(cell())).drop_duplicates(["period", "kind", "llm_model", "has_tokens"])
    frame.loc[frame["has_tokens"] & (frame[list(PRICED_TOKENS)].sum(axis=1) == 0), PRICED_TOKENS[0]] = 1.0
    periods = set(frame["period"])
    tasks = {"before": before * ("before" in periods), "after": after * ("after" in periods)}
    found = divide_change(frame, tasks, {})
    cost = frame.groupby("period")["cost_usd"].sum()
    change = cost.get("after", 0.0) - cost.get("before", 0.0)
    assert np.isfinite(found.terms["change_usd"]).all()
    assert abs(math.fsum(found.terms["change_usd"]) - change) <= 1e-9
    assert abs(math.fsum(found.leaves["change_usd"]) - change) <= 1e-9 * max(1.0, cost.sum())
    if found.before_usd > 0 and found.after_usd > 0:
        assert np.prod(found.terms["factor"]) == pytest.approx(found.after_usd / found.before_usd, rel=1e-6)


def test_both_periods_are_treated_alike():
    one, other = cell("before", cost_usd=3.0, calls=7), cell("after", tokens_out=90.0)
    there = terms(one, other, before=2, after=5)
    back = terms({**one, "period": "after"}, {**other, "period": "before"}, before=5, after=2)
    assert there.to_dict() == pytest.approx((-back).to_dict())


def test_the_index_is_that_of_the_worked_formula():
    """L(y, x) ln(y / x) with L(y, x) = (y - x) / ln(y / x), Ang 2005, equation 5: twice the tasks, all else equal."""
    one = cell("before")
    twice = {name: 2 * one[name] for name in (*PRICED_TOKENS, "calls", "cost_usd")}
    found = terms(one, cell(**twice), after=4)
    assert found["tasks"] == pytest.approx((2 - 1) / math.log(2) * math.log(2))
    mixed = terms(one, cell(**twice), after=3)
    mean = 1 / math.log(2)
    assert mixed["tasks"] == pytest.approx(mean * math.log(3 / 2))
    assert mixed["calls per task"] == pytest.approx(mean * math.log((20 / 3) / (10 / 2)))


@pytest.mark.parametrize(
    ("before", "after", "term"),
    [
        ((), (cell(),), "tasks"),
        ((cell("before"),), (), "tasks"),
        ((cell("before"),), (cell(), cell(kind=REWORK)), "retries and rework"),
        ((cell("before"),), (cell(), cell(kind=SUB_AGENTS)), "sub-agents"),
        ((cell("before"),), (cell(), cell(kind=WITHOUT_TASK)), "calls without a task"),
        ((cell("before"),), (cell(llm_model="new", cost_usd=9.0),), "model mix"),
        ((cell("before", cost_usd=0.0),), (cell(),), "price"),
        (
            (cell("before", tokens_fresh=900.0, tokens_cache_read=0.0, cost_usd=1.1125),),
            (cell(cost_usd=0.3925),),
            "cache hits",
        ),
        ((cell("before", has_tokens=False),), (cell(has_tokens=False, cost_usd=3.0),), "calls without tokens"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_new_or_gone_is_the_change_of_one_term(before, after, term):
    cells = [*before, *after]
    found = terms(*cells, before=2 if before else 0, after=2 if after else 0)
    assert found.abs().idxmax() == term
    assert found.drop(term).abs().max() < 1e-12


def test_a_term_that_did_not_change_is_zero_and_all_terms_are_listed():
    found = terms(cell("before"), cell("after"))
    assert set(found.index) == set(TERMS) and (found == 0).all()


# --- what tokens cost, found from costs -------------------------------------------------------------------------------


def test_prices_are_found_from_the_costs_of_calls_and_a_change_of_price_is_seen():
    rng = np.random.default_rng(5)
    before, after = make_calls(Week(tasks=10), rng), make_calls(Week(tasks=10), rng)
    calls = pd.concat([before.assign(period="before"), after.assign(period="after")])
    weights = find_weights(sum_products(calls))
    assert weights["before", "large"] * 1e6 == pytest.approx([5, 0.5, 6.25, 25], rel=1e-5)
    output = after["tokens_out"] * np.where(after["llm_model"] == "large", 25, 5) / 1e6
    dearer = divide(before, after.assign(cost_usd=after["cost_usd"] + output)).terms.set_index("term")["change_usd"]
    assert dearer["price"] == pytest.approx(output.sum(), rel=0.2)


def test_costs_that_prices_do_not_explain_are_divided_by_the_usual_ratio():
    calls = make_calls(Week(tasks=10), np.random.default_rng(5)).assign(period="after")
    scattered = calls.assign(cost_usd=np.random.default_rng(6).lognormal(size=len(calls)))
    assert next(iter(find_weights(sum_products(scattered)).values())) == pytest.approx(USUAL_RATIO)


# --- planted causes: benchmarks/why_bench.py has the full figures -----------------------------------------------------


@pytest.mark.parametrize("cause", CAUSES)
def test_the_planted_cause_is_first(cause):
    assert measure_ranks(cause, count=3, seed=3) >= 2 / 3


def test_weeks_without_a_cause_are_scatter():
    assert measure_scatter(Week(), count=6, seed=7) >= 5 / 6


def weeks(*costs):
    first = pd.Timestamp("2026-01-05")
    days = pd.DataFrame({"day": [first + pd.Timedelta(days=7 * n) for n in range(len(costs))], "cost_usd": costs})
    last = Period.read(str((first + pd.Timedelta(days=7 * (len(costs) - 1))).date()), NEWEST)
    week = Period.read(f"{last.first.isocalendar().year}-W{last.first.isocalendar().week}", NEWEST)
    return judge_scatter(days, week.before, week)


def test_the_control_chart_says_what_is_scatter_and_what_is_more():
    usual = (10.0, 12.0, 9.0, 11.0, 10.0, 12.0, 11.0, 10.0)
    assert weeks(*usual, 11.0).verdict == ORDINARY
    assert weeks(*usual, 40.0).verdict == UNUSUAL
    assert weeks(*usual[1:], 40.0).verdict == NOT_KNOWN
    assert weeks(*usual, 0.0).verdict == NOT_KNOWN


# --- periods ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "first", "last", "before"),
    [
        ("2026-W10", "2026-03-02", "2026-03-08", "2026-W09"),
        ("2026-W01", "2025-12-29", "2026-01-04", "2025-W52"),
        ("2026-03", "2026-03-01", "2026-03-31", "2026-02"),
        ("2026-Q1", "2026-01-01", "2026-03-31", "2025-Q4"),
        ("2026", "2026-01-01", "2026-12-31", "2025"),
        ("2026-03-01", "2026-03-01", "2026-03-01", "2026-02-28"),
        ("2026-03-01..2026-03-10", "2026-03-01", "2026-03-10", "2026-02-19..2026-02-28"),
        ("last-week", "2026-03-02", "2026-03-08", "2026-W09"),
        ("this-month", "2026-03-01", "2026-03-31", "2026-02"),
        ("yesterday", "2026-03-11", "2026-03-11", "2026-03-10"),
    ],
)
def test_a_period_is_read_and_knows_the_one_before(text, first, last, before):
    period = Period.read(text, NEWEST)
    assert (str(period.first), str(period.last), str(period.before)) == (first, last, before)
    assert str(period.before.after) == str(period) and Period.read(str(period), NEWEST) == period


@pytest.mark.parametrize("text", ["", "2026-W54", "2026-13", "2026-02-30", "week", "2026-03-10..2026-03-01", "0001-01"])
def test_what_is_no_period_is_refused(text):
    with pytest.raises(InputError, match="is not a period"):
        Period.read(text, NEWEST)


def test_the_days_of_a_period_are_those_of_the_time_zone():
    first, end = Period.read("2026-03-29", NEWEST).bounds("Europe/Berlin")
    assert (str(first), str(end)) == ("2026-03-28 23:00:00", "2026-03-29 22:00:00")


def test_the_last_week_is_over():
    assert str(find_last_week(pd.Timestamp("2026-03-08").date())) == "2026-W10"
    assert str(find_last_week(pd.Timestamp("2026-03-07").date())) == "2026-W09"


# --- on a store -------------------------------------------------------------------------------------------------------

RUNS = """executed_at,task_id,agent_role,llm_model,agent_iteration,tokens_in,tokens_out,cost_usd,user_id,labels
2026-03-02T10:00:00,T-1,Code,large,1,1000,100,1.00,ada,
2026-03-03T10:00:00,T-1,Code,large,2,1000,100,1.00,ada,
2026-03-08T23:30:00,T-2,Code,small,1,,,0.50,bob,"{""env"":""ci""}"
2026-03-09T10:00:00,T-3,Code,large,1,2000,100,2.00,ada,
2026-03-10T10:00:00,T-3,Code,large,1,2000,100,,ada,
2026-03-11T10:00:00,T-4,Code,new,1,2000,100,4.00,,"{""env"":""ci""}"
"""


@pytest.fixture(params=["file", "server"])
def store(request, run, tmp_path):
    url = request.getfixturevalue("postgres_url" if request.param == "server" else "empty_store")
    (tmp_path / "runs.csv").write_text(RUNS)
    assert run("init", "--db", url).exit_code == 0
    ran = run("load", tmp_path / "runs.csv", "--as", "executions", "--db", url)
    assert ran.exit_code == 0, ran.err
    return url


def test_the_two_weeks_of_a_store_are_compared(run, store):
    ran = run("why", "--from", "2026-W10", "--to", "2026-W11", "--json", "--db", store)
    assert ran.exit_code == 0, ran.err
    found = ran.json
    assert math.fsum(row["change_usd"] for row in found["terms"]) == pytest.approx(3.5, abs=1e-9)
    assert "2026-W11 cost USD 6.00, USD 3.50 more than 2026-W10" in found["answer"]
    assert any("1 of 3 in 2026-W11" in remark for remark in found["remarks"])
    assert any("1 call of 5 have a cost and no tokens" in remark for remark in found["remarks"])
    assert {row["by"]: row["name"] for row in found["movers"][::-1]}["task"] == "T-4"
    assert {row["llm_model"] for row in found["models"]} == {"large", "small", "new"}


def test_executions_can_be_chosen_by_any_name_and_days_are_those_of_a_zone(run, store):
    words = ("why", "--from", "2026-W10", "--to", "2026-W11", "--csv", "--db", store)
    chosen = run(*words, "--only", "label env=ci")
    assert sum(float(line.split(",")[1]) for line in chosen.out.splitlines()[1:]) == pytest.approx(3.5)
    nobody = run(*words, "--only", "person=", "--table", "movers", "--by", "task")
    assert nobody.out.splitlines()[1:] == ["task,T-4,0.0,4.0,4.0"]
    there = run(*words, "--time-zone", "Europe/Berlin", "--table", "movers", "--by", "person")
    assert "bob,0.0,0.5,0.5" in there.out  # 23:30 of Sunday in UTC is Monday in Berlin


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--to", "soon"), "is not a period"),
        (("--from", "2026-W10", "--to", "2026-03"), "overlap"),
        (("--by", "colour"), "cannot be grouped by"),
        (("--only", "colour=red"), "cannot be grouped by"),
        (("--time-zone", "Mars"), "is not an IANA time zone"),
    ],
)
def test_what_cannot_be_read_is_one_line(run, empty_store, words, said):
    assert said in run("why", *words, "--db", empty_store).refusal


def test_an_empty_store_is_one_sentence(run, empty_store):
    ran = run("why", "--db", empty_store)
    assert ran.exit_code == 0 and ran.out.endswith("has an execution with a known cost.\n"), "no table of nothing"
    assert "asp-analysis load FILE" in ran.err


def test_the_sample_is_explained_by_itself(sample_store):
    with connect(sample_store) as session:
        change = explain_spend(session)
        later = explain_spend(session, SpendQuestion(before=str(change.before)))
    assert (str(change.before), str(change.after)) == ("2025-W48", "2025-W49")
    assert later.answer == change.answer and change.is_ordinary
    assert abs(change.terms["change_usd"].sum() - change.change_usd) <= 1e-9
    assert change.terms.set_index("term")["change_usd"]["price"] == pytest.approx(0, abs=1e-4)
    assert change.answer in change._repr_html_()


def test_the_dashboard_has_a_line_where_nothing_is_known():
    assert isinstance(list_causes(None), Note)
