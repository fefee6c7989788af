"""Bills next to what was seen: planted errors are named, the rest matches, and nothing of a bill is stored."""

import csv
import json
import random
import sqlite3
from contextlib import closing
from datetime import datetime, timedelta
from functools import cache
from itertools import product

import pytest

from asp_analysis.billing.bill import model_key
from asp_analysis.config import parse_url
from asp_analysis.loading import load_file
from asp_analysis.store.database import create_store, open_store

DAYS = [f"2026-03-{day:02d}" for day in range(2, 12)]
MODELS = {"claude-sonnet-4-5": (3.0, 15.0), "claude-opus-4-5": (5.0, 25.0)}
MACHINES = {"m1": "ada", "m2": "ben"}


@cache
def executions():
    """Executions of two machines, in every hour of ten days, each hour different."""
    randomness, rows = random.Random(3), []
    for day, hour, (machine, person), (model, prices) in product(DAYS, range(24), MACHINES.items(), MODELS.items()):
        tokens = randomness.randint(1_000, 40_000), randomness.randint(100, 4_000)
        rows.append(
            {
                "executed_at": f"{day}T{hour:02d}:20:00Z", "task_id": f"T-{day}", "agent_role": "Code",
                "llm_model": model, "llm_provider": "anthropic", "machine": machine, "user_id": person,
                "tokens_in": tokens[0], "tokens_out": tokens[1],
                "cost_usd": sum(count * price for count, price in zip(tokens, prices, strict=True)) / 1e6,
            }
        )  # fmt: skip
    return rows


def day_of(row, shift_h=0):
    return (datetime.fromisoformat(row["executed_at"]) - timedelta(hours=shift_h)).date().isoformat()


def sums(rows, shift_h=0):
    """Return (day, model) -> tokens in, tokens out, cost."""
    found = {}
    for row in rows:
        place = (day_of(row, shift_h), row["llm_model"])
        former = found.get(place, (0, 0, 0.0))
        found[place] = tuple(a + row[b] for a, b in zip(former, ("tokens_in", "tokens_out", "cost_usd"), strict=True))
    return found


def anthropic(kind, cells, extra=()):
    """Return a report of the legacy API; `cells` are (day, result)."""
    buckets = {}
    for day, result in (*cells, *extra):
        ends = (datetime.fromisoformat(day) + timedelta(days=1)).date().isoformat()
        bucket = {"starting_at": f"{day}T00:00:00Z", "ending_at": f"{ends}T00:00:00Z", "results": []}
        buckets.setdefault(day, bucket)["results"].append(result)
    return {"data": [buckets[day] for day in sorted(buckets)], "has_more": False, "next_page": None}


def cost(model, usd, **others):
    return {
        "amount": f"{100 * usd:.6f}", "currency": "USD", "cost_type": "tokens", "model": model,
        "description": f"{model} usage", "service_tier": "standard", "token_type": "output_tokens", **others,
    }  # fmt: skip


def usage(model, tokens_in, tokens_out, **others):
    return {
        "uncached_input_tokens": tokens_in - 100, "cache_read_input_tokens": 60, "output_tokens": tokens_out,
        "cache_creation": {"ephemeral_5m_input_tokens": 30, "ephemeral_1h_input_tokens": 10},
        "server_tool_use": {"web_search_requests": 0}, "model": model, "service_tier": "standard", **others,
    }  # fmt: skip


def reports(rows, shift_h=0, factor=lambda day, model: 1.0, cents=None, **others):
    """Return what Anthropic would report of executions: usage and costs."""
    found = sums(rows, shift_h).items()
    dated = {model: f"{model}-20250929" for model in MODELS}
    spent = {(day, model): usd * factor(day, model) for (day, model), (_, _, usd) in found}
    if cents is not None:
        spent = {place: round(usd, cents) for place, usd in spent.items()}
    costs = anthropic("cost", [(day, cost(dated[model], usd, **others)) for (day, model), usd in spent.items()])
    tokens = [(day, usage(dated[model], one, two, **others)) for (day, model), (one, two, _) in found]
    return costs, anthropic("usage", tokens)


class World:
    """A store, and bills in files next to it."""

    def __init__(self, folder, run, store=None):
        self.folder, self.run, self.store = folder, run, store or parse_url("store.db", folder)
        if store is None:
            create_store(self.store)

    def load(self, rows):
        file = self.folder / "runs.jsonl"
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))
        assert self.run("load", file, "--as", "executions", "--db", self.store).exit_code == 0

    def bill(self, *documents, suffix="json"):
        files = []
        for number, document in enumerate(documents):
            file = self.folder / f"bill-{number}.{suffix}"
            file.write_text(document if isinstance(document, str) else json.dumps(document))
            files.append(file)
        return self.run("reconcile", *files, "--json", "--db", self.store).json


@pytest.fixture
def world(tmp_path, run):
    return World(tmp_path, run)


@pytest.fixture(scope="module")
def full_store(tmp_path_factory):
    """A store that has all executions; tests only read it."""
    folder = tmp_path_factory.mktemp("full")
    url = parse_url("store.db", folder)
    create_store(url)
    file = folder / "runs.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in executions()))
    with open_store(url) as store:
        load_file(store, file, "executions")
    return url


@pytest.fixture
def full(full_store, tmp_path, run):
    return World(tmp_path, run, full_store)


def named(found):
    return {cause["cause"] for cause in found["causes"]}


def remainder(found):
    """Return the share of the bill that differs and has no cause."""
    differs = [row for row in found["cells"] if row["status"] != "matched" and row["cause"] is None]
    billed = sum(row["billed_usd"] or 0 for row in found["cells"])
    return sum(abs(row["difference_usd"]) for row in differs) / billed


# --- planted errors ---------------------------------------------------------------------------------------------------


def test_a_right_bill_matches_in_every_cell(full):
    found = full.bill(*reports(executions()))
    assert {row["status"] for row in found["cells"]} == {"matched"}
    assert len(found["cells"]) == len(DAYS) * len(MODELS) and not found["causes"]
    assert found["answer"].endswith("USD 0.00 has no cause (0.00% of the bill).")


def test_a_machine_that_was_not_loaded_on_some_days_is_named(world):
    missing = {DAYS[3], DAYS[4]}
    world.load([row for row in executions() if not (row["machine"] == "m2" and day_of(row) in missing)])
    found = world.bill(*reports(executions()))
    differs = [row for row in found["cells"] if row["status"] != "matched"]
    assert {row["day"] for row in differs} == missing and len(differs) == 4
    assert {row["status"] for row in differs} == {"usage differs"}
    assert named(found) == {"machine missing"} and all("m2 said" in cause["sentence"] for cause in found["causes"])
    assert remainder(found) < 0.001


def test_a_person_whom_the_bill_names_and_nobody_loaded_is_named(world):
    world.load([row for row in executions() if row["machine"] == "m1"])
    header = ["date", "username", "product", "sku", "model", "quantity", "unit_type", "gross_amount", "net_amount"]
    lines = [header]
    for row in executions():
        usd = f"{row['cost_usd']:.6f}"
        lines.append([day_of(row), row["user_id"], "Copilot", "AI credits", row["llm_model"], 1, "credits", usd, usd])
    text = "\n".join(",".join(map(str, line)) for line in lines) + "\n"
    found = world.bill(text, suffix="csv")
    assert named(found) == {"person missing"}
    assert all("ben" in cause["sentence"] and "ada" not in cause["sentence"] for cause in found["causes"])


def test_a_machine_that_was_never_loaded_is_missing_without_a_name(world):
    world.load([row for row in executions() if row["machine"] == "m1"])
    found = world.bill(*reports(executions()))
    assert named(found) == {"machine or person missing"}
    assert remainder(found) < 0.001


def test_a_day_that_comes_twice_in_the_bill_is_counted_once_and_named(full):
    costs, tokens = reports(executions())
    page = {**costs, "data": costs["data"][4:5]}
    found = full.bill(costs, page, tokens)
    assert {row["status"] for row in found["cells"]} == {"matched"}
    (cause,) = found["causes"]
    assert (cause["cause"], cause["day"]) == ("duplicate day", DAYS[4])
    assert cause["usd"] == pytest.approx(
        sum(usd for (day, _), (_, _, usd) in sums(executions()).items() if day == DAYS[4])
    )


def test_a_day_that_was_loaded_twice_is_named(world):
    again = [{**row, "task_id": "other source"} for row in executions() if day_of(row) == DAYS[6]]
    world.load([*executions(), *again])
    found = world.bill(*reports(executions()))
    assert named(found) == {"counted twice here"} and {cause["day"] for cause in found["causes"]} == {DAYS[6]}
    assert remainder(found) < 0.001


def test_a_wrong_price_is_named_with_its_factor(full):
    found = full.bill(*reports(executions(), factor=lambda day, model: 1.2 if model == "claude-opus-4-5" else 1.0))
    assert named(found) == {"wrong price"}
    assert all(cause["model"] == "claude-opus-4-5" and "1.20 times" in cause["sentence"] for cause in found["causes"])
    assert {row["status"] for row in found["cells"] if row["model"] == "claude-opus-4-5"} == {"price differs"}
    assert remainder(found) < 0.001


@pytest.mark.parametrize("shift_h", [8, -5])
def test_days_that_begin_at_another_hour_are_named_and_then_match(full, shift_h):
    rows = [row for row in executions() if DAYS[1] <= day_of(row, shift_h) <= DAYS[-2]]
    found = full.bill(*reports(rows, shift_h))
    assert named(found) == {"time zone"}
    assert f"{shift_h % 24:02d}:00 UTC" in found["causes"][0]["sentence"]
    assert {row["status"] for row in found["cells"]} == {"matched"}


def test_rounding_to_cents_is_named_and_matches(full):
    found = full.bill(*reports(executions(), cents=2))
    assert named(found) == {"rounding"}
    assert {row["status"] for row in found["cells"]} == {"matched"}


def test_all_planted_errors_at_once_are_named_each_and_leave_less_than_a_thousandth(world):
    rows = [row for row in executions() if not (row["machine"] == "m2" and day_of(row) == DAYS[2])]
    world.load(rows)
    dear = ("claude-opus-4-5", DAYS[7])
    costs, tokens = reports(executions(), cents=2, factor=lambda day, model: 1.5 if (model, day) == dear else 1.0)
    extra = [{**costs, "data": costs["data"][5:6]}]
    found = world.bill(costs, tokens, *extra)
    assert named(found) == {"machine missing", "wrong price", "duplicate day", "rounding"}
    assert remainder(found) < 0.001


# --- other causes -----------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_model_without_a_price_is_named(world):
    world.load([{**row, "cost_usd": None, "llm_model": "claude-secret-9"} if row["llm_model"] == "claude-opus-4-5"
                else row for row in executions()])  # fmt: skip
    renamed = [{**row, "llm_model": "claude-secret-9" if row["llm_model"] == "claude-opus-4-5" else row["llm_model"]}
               for row in executions()]  # fmt: skip
    costs, tokens = anthropic("c", [(day, cost(model, usd)) for (day, model), (_, _, usd) in sums(renamed).items()]), \
        anthropic("u", [(day, usage(model, a, b)) for (day, model), (a, b, _) in sums(renamed).items()])  # fmt: skip
    assert named(world.bill(costs, tokens)) == {"unpriced model"}


@pytest.mark.slow
def test_a_discount_that_the_bill_lists_is_named(full):
    cells = sums(executions()).items()
    costs = [(day, cost(model, 0.9 * usd, list_amount=f"{100 * usd:.6f}")) for (day, model), (_, _, usd) in cells]
    found = full.bill(anthropic("cost", costs))
    assert named(found) == {"discount"} and "-10.0%" in found["causes"][0]["sentence"]


@pytest.mark.slow
def test_a_discount_on_all_models_is_named(full):
    assert named(full.bill(*reports(executions(), factor=lambda day, model: 0.85))) == {"discount"}


@pytest.mark.slow
def test_a_batch_tier_is_named(full):
    assert named(full.bill(*reports(executions(), factor=lambda *_: 0.5, service_tier="batch"))) == {"tier"}


@pytest.mark.slow
def test_fees_for_web_searches_are_named(full):
    costs, tokens = reports(executions())
    fee = {"amount": "250", "currency": "USD", "cost_type": "web_search", "model": None, "description": "Web Search"}
    costs["data"][0]["results"].append(fee)
    found = full.bill(costs, tokens)
    assert named(found) == {"web search fee"} and found["causes"][0]["usd"] == pytest.approx(2.5)


@pytest.mark.slow
def test_what_is_not_billed_is_only_ours(full):
    found = full.bill(*reports([row for row in executions() if not (
        day_of(row) == DAYS[5] and row["llm_model"] == "claude-opus-4-5")]))  # fmt: skip
    assert named(found) == {"not in this bill"}
    assert [row["status"] for row in found["cells"] if row["status"] != "matched"] == ["only ours"]


# --- other forms ------------------------------------------------------------------------------------------------------


def openai_rows():
    return [{**row, "llm_provider": "openai", "llm_model": f"gpt-{5 if 'opus' in row['llm_model'] else 4}.1"}
            for row in executions()]  # fmt: skip


@pytest.mark.slow
def test_openai_usage_and_costs_match(world):
    world.load(openai_rows())
    buckets = {"usage": {}, "costs": {}}
    for (day, model), (one, two, usd) in sums(openai_rows()).items():
        began = int(datetime.fromisoformat(f"{day}T00:00:00+00:00").timestamp())
        dated = f"{model}-2025-04-14"
        said = {"input_tokens": one, "input_cached_tokens": 50, "output_tokens": two, "model": dated, "batch": None}
        buckets["usage"].setdefault(began, []).append(said)
        for item, share in (("input", 0.25), ("output", 0.75)):
            amount = {"amount": {"value": share * usd, "currency": "usd"}, "line_item": f"{dated}, {item}"}
            buckets["costs"].setdefault(began, []).append(amount)
    pages = [{"object": "page", "data": [{"start_time": began, "end_time": began + 86_400, "results": results}
              for began, results in found.items()], "has_more": False} for found in buckets.values()]  # fmt: skip
    found = world.bill(*pages)
    assert {row["status"] for row in found["cells"]} == {"matched"} and not found["causes"]


@pytest.mark.slow
def test_usage_alone_is_compared_by_tokens(full):
    found = full.bill(reports(executions())[1])
    assert {row["status"] for row in found["cells"]} == {"matched"}
    assert found["answer"].startswith("The bill has tokens and no money. 20 of 20")


@pytest.mark.slow
def test_costs_without_models_are_compared_by_day(full):
    by_day = {}
    for (day, _), (_, _, usd) in sums(executions()).items():
        by_day[day] = by_day.get(day, 0) + usd
    found = full.bill(anthropic("cost", [(day, cost(None, usd, cost_type=None)) for day, usd in by_day.items()]))
    assert [row["status"] for row in found["cells"]] == ["matched"] * len(DAYS)


@pytest.mark.slow
def test_what_focus_exports_reconciles_with_its_own_store(full):
    out = full.folder / "focus"
    assert full.run("export", "--format", "focus", "--out", out, "--db", full.store).exit_code == 0
    found = full.run("reconcile", out / "cost_and_usage.csv", "--json", "--db", full.store).json
    assert {row["status"] for row in found["cells"]} == {"matched"} and len(found["cells"]) == 20


@pytest.mark.slow
@pytest.mark.parametrize("name", ["cursor_csv/usage.csv", "cursor_admin_api/page.json", "openrouter_csv/activity.csv"])
def test_samples_of_dashboards_are_bills(world, real_data, name):
    found = world.run("reconcile", real_data / "samples" / name, "--json", "--db", world.store).json
    assert found["cells"] and {row["status"] for row in found["cells"]} == {"only theirs"}


@pytest.mark.slow
def test_a_dashboard_that_was_loaded_matches_itself(world, real_data):
    bill = real_data / "samples" / "openrouter_csv" / "activity.csv"
    assert world.run("load", bill, "--db", world.store).exit_code == 0
    found = world.run("reconcile", bill, "--json", "--db", world.store).json
    assert {row["status"] for row in found["cells"]} == {"matched"}


@pytest.mark.slow
def test_litellm_logs_are_bills(full):
    logs = [{"request_id": f"r{number}", "call_type": "completion", "spend": row["cost_usd"],
             "startTime": row["executed_at"], "endTime": row["executed_at"], "model": f"anthropic/{row['llm_model']}",
             "prompt_tokens": row["tokens_in"], "completion_tokens": row["tokens_out"]}
            for number, row in enumerate(executions())]  # fmt: skip
    found = full.bill("".join(json.dumps(log) + "\n" for log in logs))
    assert {row["status"] for row in found["cells"]} == {"matched"} and len(found["cells"]) == 20


# --- doors ------------------------------------------------------------------------------------------------------------


def test_nothing_of_a_bill_is_stored(full):
    before = full.store.path.read_bytes()
    full.bill(*reports(executions()))
    assert full.store.path.read_bytes() == before
    with closing(sqlite3.connect(full.store.path)) as connection:
        assert connection.execute("SELECT count(*) FROM task_metadata WHERE task_id LIKE 'bill%'").fetchone() == (0,)


def test_people_read_what_differs_and_why(world):
    world.load([row for row in executions() if not (row["machine"] == "m2" and day_of(row) == DAYS[3])])
    file = world.folder / "bill.json"
    file.write_text(json.dumps(reports(executions())[0]))
    ran = world.run("reconcile", file, "--db", world.store)
    assert "18 of 20 days and models match" in ran.out and "machine missing (2026-03-05 claude-opus-4-5): m2" in ran.out
    listed = list(csv.DictReader(world.run("reconcile", file, "--csv", "--db", world.store).out.splitlines()))
    assert len(listed) == 20


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "is no bill"),
        ("a,b\n1,2\n", "is no bill"),
        ('{"data": []}', "is no bill"),
        ('{"data": [{"starting_at": "2026-01-01T00:00:00Z", "results": []}]}', "has no lines"),
        ('{"data": [{"starting_at": "never", "results": [{"amount": "1"}]}]}', "cannot be read"),
        ('{"data": [{"starting_at": "2026-01-01T00:00:00Z", "results": [{"amount": "x"}]}]}', "is not an amount"),
        ('{"data": [{"starting_at": "2026-01-01T00:00:00Z", "results": [{"amount": "1", "currency": "EUR"}]}]}',
         "not US dollars"),
        ('{"data": [{"start_time": 1e99, "results": [{"amount": {"value": 1}}]}]}', "cannot be read"),
        ("date,sku,quantity,net_amount\nnever,copilot,1,2\n", "line 2"),
        ("date,sku,quantity,net_amount\n2026-03-02,copilot,1,1e400\n", "line 2: '1e400' is not an amount"),
        ('{"data": [{"starting_at": "2026-01-01T00:00:00Z", "results": [{"amount": "nan"}]}]}', "is not an amount"),
        ("BilledCost,EffectiveCost,ChargePeriodStart,BillingCurrency\n1,1,2026-01-01,EUR\n", "US dollars"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_bill_is_refused(world, run, content, reason):
    file = world.folder / "bill"
    file.write_text(content)
    assert reason in run("reconcile", file, "--db", world.store).refusal


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("claude-sonnet-4-5-20250929", "claude-sonnet-4-5"), ("anthropic/claude-sonnet-4.6", "claude-sonnet-4-6"),
        ("gpt-4o-2024-08-06", "gpt-4o"), ("Claude Opus 4.5", "claude-opus-4-5"),
        ("openai/gpt-oss-120b:free", "gpt-oss-120b"), ("claude-3-5-haiku-latest", "claude-3-5-haiku"), (None, ""),
    ],
)  # fmt: skip
def test_a_model_has_one_key_however_it_is_spelt(theirs, ours):
    assert model_key(theirs) == model_key(ours)
