"""`export --format focus` keeps the rules of FOCUS 1.2, read from its specification."""

import csv
import json
import re
from decimal import Decimal
from pathlib import Path

import pytest

from asp_analysis.config import parse_url
from asp_analysis.store.database import create_store

REFERENCE = json.loads((Path(__file__).parent / "reference" / "focus_1_2.json").read_text())
COLUMNS = REFERENCE["columns"]
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
"""What the attribute Date/Time Format asks for: ISO 8601 in UTC."""

EXECUTIONS = """\
executed_at,task_id,agent_role,llm_model,llm_provider,project_id,tokens_in,tokens_out,cost_usd
2026-01-31T23:30:00Z,T1,Code,claude-sonnet-4-5,anthropic,shop,1000,100,0.5
2026-01-31T22:30:00Z,T1,Review,claude-sonnet-4-5,anthropic,shop,500,,0.25
2026-02-01T00:30:00Z,T2,Code,claude-sonnet-4-5,anthropic,,10,1,0.125
2026-02-01T01:30:00Z,T2,Code,,,=shop,,,3
2026-02-01T02:30:00Z,T2,Code,secret-9,anthropic,shop,10,1,
"""


def broken_rules(rows):
    """Return what of the rules of FOCUS 1.2 the rows of a dataset break, each with its column."""
    names = set(rows[0])
    broken = [
        f"{name} is missing" for name, about in COLUMNS.items() if about["level"] == "Mandatory" and name not in names
    ]
    broken += [
        f"{name} is no column, nor begins with x_" for name in names - COLUMNS.keys() if not name.startswith("x_")
    ]
    for row in rows:
        for name in names & COLUMNS.keys():
            broken += _broken_cell(name, row[name])
        broken += _broken_row(row)
    return broken


def _broken_cell(name, value):
    about = COLUMNS[name]
    if value == "":
        return [] if about["allows_nulls"] else [f"{name} is null"]
    if about["type"] == "Decimal" and not re.fullmatch(r"-?\d+(\.\d+)?([eE][+-]?\d+)?", value):
        return [f"{name}: {value!r} is not a number"]
    if about["type"] == "Date/Time" and not INSTANT.fullmatch(value):
        return [f"{name}: {value!r} is not an instant"]
    if "values" in about and value not in about["values"]:
        return [f"{name}: {value!r} is not allowed"]
    return []


def _broken_row(row):
    """The rules between columns that a row of use has to keep."""
    if row["ChargeCategory"] == "Usage" and row["ChargeClass"] == "":
        for name in ("PricingQuantity", "PricingUnit", "ConsumedQuantity", "ConsumedUnit"):
            if not row.get(name):
                yield f"{name} is null in a row of use"
    if not row["ChargePeriodStart"] < row["ChargePeriodEnd"] or not row["BillingPeriodStart"] < row["BillingPeriodEnd"]:
        yield "a period ends before it begins"
    if not row["BillingPeriodStart"] <= row["ChargePeriodStart"] < row["BillingPeriodEnd"]:
        yield "the charge is outside its billing period"
    if "ListUnitPrice" not in row and row["ListCost"] != row["BilledCost"]:
        yield "ListCost differs from BilledCost where there is no list price"
    if "ContractedUnitPrice" not in row and row["ContractedCost"] != row["BilledCost"]:
        yield "ContractedCost differs from BilledCost where there is no contracted price"
    if bool(row["SubAccountId"]) != bool(row["SubAccountType"]):
        yield "SubAccountType is null where SubAccountId is not, or the other way round"
    if row["ServiceSubcategory"] not in REFERENCE["subcategories_of_ai"]:
        yield "the subcategory is none of its category"
    if not re.fullmatch("[A-Z]{3}", row["BillingCurrency"]):
        yield "the currency is no code of ISO 4217"


@pytest.fixture
def exported(tmp_path, run):
    def export(*options):
        url = parse_url("store.db", tmp_path)
        if not url.path.exists():
            create_store(url)
            file = tmp_path / "runs.csv"
            file.write_text(EXECUTIONS)
            assert run("load", file, "--as", "executions", "--db", url).exit_code == 0
        out = tmp_path / f"out-{len(options)}"
        ran = run("export", "--format", "focus", "--out", out, "--db", url, *options)
        assert ran.exit_code == 0 and "without a known cost are left out" in ran.err
        with (out / "cost_and_usage.csv").open(newline="") as stream:
            return list(csv.DictReader(stream))

    return export


def test_an_export_keeps_every_rule(exported):
    assert broken_rules(exported()) == []


def test_an_export_of_the_sample_keeps_every_rule(run, sample_store, tmp_path):
    assert run("export", "--format", "focus", "--out", tmp_path / "out", "--db", sample_store).exit_code == 0
    with (tmp_path / "out" / "cost_and_usage.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) > 50 and broken_rules(rows) == []
    (known,) = run("sql", "SELECT sum(cost_usd) AS usd FROM executions", "--json", "--db", sample_store).json
    assert float(sum(Decimal(row["BilledCost"]) for row in rows)) == pytest.approx(known["usd"], abs=1e-9)


BROKEN = (
    ("BilledCost", ""), ("BilledCost", "1,5"), ("ChargePeriodStart", "2026-02-01"), ("ChargeCategory", "Use"),
    ("PricingQuantity", ""), ("ServiceSubcategory", "Databases"), ("BillingCurrency", "US$"), ("ListCost", "9"),
    ("ChargePeriodEnd", "2020-01-01T00:00:00Z"), ("BillingPeriodEnd", "2026-01-02T00:00:00Z"),
)  # fmt: skip


def test_every_broken_rule_is_found(exported):
    first, *others = exported()
    for name, value in BROKEN:
        assert broken_rules([{**first, name: value}, *others]), name


def test_a_row_is_a_day_of_a_model_and_a_project(exported):
    rows = exported()
    shown = ("x_Model", "SubAccountId", "BilledCost", "PricingQuantity", "PricingUnit")
    found = [(row["ChargePeriodStart"][:10], *map(row.get, shown), row["BillingPeriodStart"][:10]) for row in rows]
    assert found == [
        ("2026-01-31", "claude-sonnet-4-5", "shop", "0.75", "1600", "Tokens", "2026-01-01"),
        ("2026-02-01", "claude-sonnet-4-5", "", "0.125", "11", "Tokens", "2026-02-01"),
        ("2026-02-01", "unknown", "'=shop", "3", "1", "Requests", "2026-02-01"),
    ]


def test_a_period_can_be_chosen(exported):
    assert [row["BilledCost"] for row in exported("--since", "2026-02-01")] == ["0.125", "3"]


def test_other_parts_of_an_export_do_not_go_with_it(run, sample_store):
    for option in (("--views",), ("--table", "people"), ("--as", "platform")):
        assert run("export", "--format", "focus", *option, "--db", sample_store).exit_code == 2
