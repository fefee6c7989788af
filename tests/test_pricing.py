"""Prices hold on the day of the call, come with their source, and are never guessed."""

import json
from datetime import datetime

import genai_prices
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asp_analysis import pricing
from asp_analysis.errors import InputError
from asp_analysis.pricing import Tokens, price_list, price_tokens, read_prices

AT = "2026-01-02T03:04:05.000000Z"
MODELS = ["claude-opus-4-5-20251101", "claude-sonnet-4-5-20250929", "gpt-5.6-sol", "gemini-2.5-pro", "deepseek-chat"]


@settings(deadline=None)
@given(
    model=st.sampled_from(MODELS),
    day=st.sampled_from(["2025-06-01T03:00", "2026-08-20T20:00", "2026-08-25T20:00"]),
    fresh=st.integers(0, 300_000),
    read=st.integers(0, 300_000),
    write=st.integers(0, 50_000),
    write_1h=st.integers(0, 50_000),
    out=st.integers(0, 100_000),
)
def test_every_price_is_the_price_of_the_library(model, day, fresh, read, write, write_1h, out):
    tokens = Tokens(
        total_in=fresh + read + write + write_1h,
        out=out,
        cache_read=read,
        cache_write=write + write_1h,
        cache_write_1h=write_1h,
    )
    usage = genai_prices.Usage(
        input_tokens=tokens.total_in,
        output_tokens=out,
        cache_read_tokens=read,
        cache_write_tokens=tokens.cache_write,
        cache_write_1h_tokens=write_1h,
    )
    at = datetime.fromisoformat(f"{day}:00+00:00")
    wanted = genai_prices.calc_price(usage, model, genai_request_timestamp=at).total_price
    assert price_tokens(model, None, f"{day}:00.000000Z", tokens).cost_usd == pytest.approx(float(wanted), abs=2e-9)


@pytest.mark.parametrize("total", [199_999, 200_000, 200_001])
def test_a_step_of_the_price_lies_where_the_library_has_it(total):
    usage = genai_prices.Usage(input_tokens=total, output_tokens=1000)
    wanted = genai_prices.calc_price(usage, "claude-sonnet-4-5", genai_request_timestamp=datetime.fromisoformat(AT))
    found = price_tokens("claude-sonnet-4-5", None, AT, Tokens(total_in=total, out=1000))
    assert found.cost_usd == pytest.approx(float(wanted.total_price))


def test_both_kinds_of_cache_writes_have_their_price():
    for_5m = price_tokens(MODELS[0], "anthropic", AT, Tokens(total_in=1_000_000, out=0, cache_write=1_000_000))
    for_1h = price_tokens(
        MODELS[0],
        "anthropic",
        AT,
        Tokens(total_in=1_000_000, out=0, cache_read=0, cache_write=1_000_000, cache_write_1h=1_000_000),
    )
    assert (for_5m.cost_usd, for_1h.cost_usd) == (6.25, 10.0)


def test_web_searches_and_fast_answers_have_their_price():
    searched = price_tokens(MODELS[0], "anthropic", AT, Tokens(total_in=0, out=0, web_searches=3))
    assert searched.cost_usd == pytest.approx(0.03)
    usage = genai_prices.Usage(input_tokens=1000, output_tokens=100)
    at = datetime.fromisoformat(AT)
    context, tokens = {"speed": "fast"}, Tokens(total_in=1000, out=100, variant="speed=fast")
    wanted = genai_prices.calc_price(usage, "claude-opus-5", genai_request_timestamp=at, price_context=context)
    assert price_tokens("claude-opus-5", "anthropic", AT, tokens).cost_usd == pytest.approx(float(wanted.total_price))


def test_a_kind_of_service_that_the_list_does_not_know_is_unpriced_and_never_standard():
    assert price_tokens("claude-opus-4-7", "anthropic", AT, Tokens(total_in=1000, out=100)) is not None
    for variant in ("speed=fast", "service_tier=no-such-tier"):
        tokens = Tokens(total_in=1000, out=100, variant=variant)
        assert price_tokens("claude-opus-4-7", "anthropic", AT, tokens) is None


def test_a_search_without_a_price_makes_the_call_unpriced():
    assert price_tokens("deepseek-chat", None, AT, Tokens(total_in=10, out=1, web_searches=1)) is None


def test_a_price_names_its_source_model_and_date():
    found = price_tokens(MODELS[0], "anthropic", AT, Tokens(total_in=10, out=1))
    version = pricing.library_version()
    assert found.price == f"genai-prices {version} anthropic/claude-opus-4-5 on 2026-01-02"


@pytest.mark.parametrize(("model", "provider"), [("deepseek/deepseek-chat", None), ("glm-5", "anthropic")])
def test_a_model_is_found_behind_a_gateway(model, provider):
    assert price_tokens(model, provider, AT, Tokens(total_in=1000, out=10)).cost_usd > 0


def test_a_model_of_several_providers_says_what_the_others_ask():
    tokens = Tokens(total_in=1_000_000, out=100_000, cache_read=500_000)
    asked = {}
    for provider in ("zai", "zhipuai", "novita", "huggingface_together"):
        usage = genai_prices.Usage(input_tokens=1_000_000, output_tokens=100_000, cache_read_tokens=500_000)
        model = "zai-org/GLM-5" if "_" in provider or provider == "novita" else "glm-5"
        found = genai_prices.calc_price(usage, model, provider_id=provider)
        asked[provider] = float(found.total_price)
    priced = price_tokens("glm-5", None, AT, tokens)
    assumed = priced.assumption
    assert priced.cost_usd == pytest.approx(asked[assumed.provider])
    assert assumed.lowest * priced.cost_usd <= min(asked.values()) * 1.001
    assert assumed.highest * priced.cost_usd >= max(asked.values()) * 0.999 and assumed.highest > 1.2 * assumed.lowest
    assert f"assumed of {assumed.providers} providers" in priced.price
    assert price_tokens("glm-5", "zai", AT, tokens).assumption is None


@pytest.mark.parametrize("model", ["kimi-k2", "claude-sonnet-4-5", "gemini-2.5-pro"])
def test_nothing_is_assumed_where_the_providers_of_a_model_agree(model):
    assert price_tokens(model, None, AT, Tokens(total_in=1000, out=10)).assumption is None


def test_an_unknown_model_has_no_price():
    assert price_tokens("no-such-model", "anthropic", AT, Tokens(total_in=10, out=1)) is None
    assert price_tokens(None, None, AT, Tokens(total_in=10, out=1)) is None


def test_a_kind_of_usage_that_the_library_does_not_know_is_an_error(monkeypatch):
    def warns(**_):
        import warnings

        warnings.warn("Unsupported usage key for standard pricing: cache_write_1h_tokens", UserWarning, stacklevel=1)

    monkeypatch.setattr(genai_prices, "Usage", warns)
    with pytest.raises(InputError, match="cache_write_1h_tokens"):
        price_list._usage(1, 0, 0, 0, 1)


# --- one's own prices -------------------------------------------------------------------------------------------------

CSV = "model,valid_from,input,output,cache_read,cache_write,cache_write_1h\n"


def own(tmp_path, text, name="prices.csv"):
    path = tmp_path / name
    path.write_text(text)
    return read_prices(path)


def test_own_prices_hold_from_their_date_and_the_library_before(tmp_path):
    prices = own(tmp_path, CSV + f"{MODELS[0]},2026-01-01,1,2,,,\n{MODELS[0]},2026-02-01,4,8,,,\n")
    days = ("2025-12-31", "2026-01-31", "2026-02-01")
    tokens = Tokens(total_in=1_000_000, out=0)
    found = [prices.price_tokens(MODELS[0], "anthropic", f"{day}T00:00:00.000000Z", tokens) for day in days]
    assert [price.cost_usd for price in found] == [5.0, 1.0, 4.0]
    assert found[1].price == f"own prices.csv {MODELS[0]} from 2026-01-01"


def test_a_kind_that_ones_own_file_does_not_price_has_no_price(tmp_path):
    prices = own(tmp_path, CSV + "mine,,1,2,,,\n")
    assert prices.price_tokens("mine", None, AT, Tokens(total_in=10, out=1, cache_read=5)) is None
    assert prices.price_tokens("mine", None, AT, Tokens(total_in=10, out=0)).cost_usd == pytest.approx(1e-5)


def test_json_and_csv_say_the_same(tmp_path):
    record = {"model": "mine", "valid_from": "2026-01-01", "input": 1, "output": 2, "cache_read": 0.1}
    first = own(tmp_path, json.dumps([record]), "prices.json")
    second = own(tmp_path, CSV + "mine,2026-01-01,1,2,0.1,,\n")
    assert first.by_model == second.by_model


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "has no prices"),
        ("model,input,output,discount\nm,1,2,3\n", "discount"),
        (CSV + "m,,1,,,,\n", "Fill in all three"),
        (CSV + "m,,cheap,1,,,\n", "Record 1"),
        (CSV + "m,soon,1,1,,,\n", "Record 1"),
        (CSV + "m,,-1,1,,,\n", "not a price"),
        (CSV + "m,,nan,1,,,\n", "not a price"),
        ("[1]", "list of objects"),
        ("{", "not valid JSON"),
    ],
)
def test_a_file_that_holds_no_prices_is_one_clear_error(tmp_path, text, reason):
    with pytest.raises(InputError, match=reason):
        own(tmp_path, text)


# --- in the store -----------------------------------------------------------------------------------------------------


def transcript(tmp_path, model):
    message = {"id": "m", "model": model, "usage": {"input_tokens": 1_000_000, "output_tokens": 1}}
    line = {"type": "assistant", "sessionId": "S", "uuid": "u", "timestamp": AT, "message": message, "costUSD": 0.75}
    path = tmp_path / "session.jsonl"
    path.write_text(json.dumps(line) + "\n")
    return path


def test_reported_and_computed_cost_stand_apart_and_the_reported_one_counts(run, empty_store, tmp_path):
    run("load", transcript(tmp_path, "claude-opus-4-5"), "--db", empty_store)
    (row,) = run("sql", "SELECT cost_usd, metadata_json FROM executions", "--json", "--db", empty_store).json
    noted = json.loads(row["metadata_json"])
    assert (row["cost_usd"], noted["cost_reported_usd"]) == (0.75, 0.75)
    assert noted["cost_computed_usd"] == pytest.approx(5.000025)
    assert noted["price"].startswith("genai-prices")


def test_a_load_says_which_models_are_priced_by_one_provider_of_several(run, empty_store, tmp_path):
    path = transcript(tmp_path, "glm-5")
    path.write_text(path.read_text().replace(', "costUSD": 0.75', ""))
    ran = run("load", path, "--json", "--db", empty_store)
    said = ran.json["assumed_prices"]["glm-5"]
    assert said["lowest"] < said["highest"] and said["providers"] > 1
    assert f"glm-5 is priced as {said['provider']} does, for no call names its provider" in ran.err
    known = run("load", transcript(tmp_path, "glm-5"), "--json", "--db", empty_store)  # it says what it cost
    assert "assumed_prices" not in known.json


def test_own_prices_come_before_the_reported_cost(run, empty_store, tmp_path):
    prices = tmp_path / "prices.csv"
    prices.write_text(CSV + "claude-opus-4-5,,2,2,,,\n")
    run("load", transcript(tmp_path, "claude-opus-4-5"), "--prices", prices, "--db", empty_store)
    (row,) = run("sql", "SELECT cost_usd FROM executions", "--json", "--db", empty_store).json
    assert row["cost_usd"] == pytest.approx(2.000002)


def test_the_tokens_of_a_model_are_empty_where_none_is_known(run, empty_store, tmp_path):
    path = tmp_path / "runs.csv"
    path.write_text("timestamp,task_id,agent_role,llm_model,cost_usd\n2026-03-02,A,Code,m,1.25\n")
    run("load", path, "--as", "executions", "--db", empty_store)
    (model,) = run("models", "--json", "--db", empty_store).json
    assert (model["tokens_in"], model["tokens_out"], model["cost_usd"]) == (None, None, 1.25)
    assert run("models", "--csv", "--db", empty_store).out.splitlines()[1] == "m,,1,,,1.25,0"


def test_a_model_without_a_price_is_counted_listed_and_priced_later(run, empty_store, tmp_path):
    path = transcript(tmp_path, "in-house-7b")
    path.write_text(path.read_text().replace(', "costUSD": 0.75', ""))
    ran = run("load", path, "--json", "--db", empty_store)
    assert ran.json["transcripts"]["calls_without_price"] == 1
    (model,) = run("models", "--unpriced", "--json", "--db", empty_store).json
    assert (model["llm_model"], model["executions_without_price"], model["cost_usd"]) == ("in-house-7b", 1, None)
    prices = tmp_path / "prices.csv"
    prices.write_text(CSV + "in-house-7b,,2,2,,,\n")
    again = run("load", path, "--prices", prices, "--json", "--db", empty_store).json
    assert again["updated"] == 1 and again["transcripts"]["calls_without_price"] == 0
    (model,) = run("models", "--json", "--db", empty_store).json
    assert model["cost_usd"] == pytest.approx(2.000002)


def test_the_columns_that_ones_own_price_lacks_are_named_with_the_model(run, empty_store, tmp_path):
    path, prices = transcript(tmp_path, "in-house-7b"), tmp_path / "prices.csv"
    cached = '"output_tokens": 1, "cache_read_input_tokens": 5'
    path.write_text(path.read_text().replace(', "costUSD": 0.75', "").replace('"output_tokens": 1', cached))
    prices.write_text(CSV + "in-house-7b,,2,2,,,\n")
    said = run("load", path, "--prices", prices, "--db", empty_store).err
    assert "prices.csv has no cache_read for in-house-7b. Fill it, and load again." in said
    assert "asp-analysis models --unpriced" in said


def test_a_cost_that_is_stored_stays_where_the_present_prices_know_none(run, empty_store, tmp_path):
    path, prices = transcript(tmp_path, "in-house-7b"), tmp_path / "prices.csv"
    path.write_text(path.read_text().replace(', "costUSD": 0.75', ""))
    prices.write_text(CSV + "in-house-7b,,2,2,,,\n")
    run("load", path, "--prices", prices, "--db", empty_store)
    said = run("load", path, "--db", empty_store).err
    (row,) = run("sql", "SELECT cost_usd FROM executions", "--json", "--db", empty_store).json
    assert row["cost_usd"] == pytest.approx(2.000002) and "a cost that is stored already stays" in said


def test_prices_of_a_spreadsheet_have_semicolons_and_decimal_points(tmp_path):
    prices = own(tmp_path, CSV.replace(",", ";") + "mine;;1.5;2;;;\n")
    assert prices.price_tokens("mine", None, AT, Tokens(total_in=1_000_000, out=0)).cost_usd == 1.5
    with pytest.raises(InputError, match="1,5 has a comma, write a decimal point"):
        own(tmp_path, CSV.replace(",", ";") + "mine;;1,5;2;;;\n")
