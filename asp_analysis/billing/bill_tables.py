"""Bills that are tables: GitHub's usage report of AI credits, and FOCUS 1.x.

Sources of the columns: docs.github.com, Billing reports reference; the specification of FOCUS, version 1.2.
"""

from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import Any

from asp_analysis.billing.bill import OTHER, TOKEN_USE, Bill, BillLine, read_amount
from asp_analysis.errors import InputError
from asp_analysis.importers.file import SourceFile
from asp_analysis.importers.formats import csv_file, parquet_file
from asp_analysis.importers.tables.table_options import TableOptions

Row = dict[str, Any]

_COPILOT = {"date", "sku", "quantity", "net_amount"}
_FOCUS = {"BilledCost", "EffectiveCost", "ChargePeriodStart", "BillingCurrency"}
_ONE_TOKEN = ("token", "tokens")


def read_bill_table(file: SourceFile, *, is_parquet: bool) -> Bill | None:
    """Return a table as a bill; None where its columns are those of no bill.

    Raises:
        InputError: a cell cannot be read.
    """
    rows = list(_rows(file, is_parquet))
    names = set(rows[0][1]) if rows else set()
    if names >= _FOCUS:
        return _bill(file.name, "FOCUS", None, _read_rows(file.name, rows, _focus_line))
    if names >= _COPILOT:
        return _bill(file.name, "GitHub Copilot", ("tool", "copilot"), _read_rows(file.name, rows, _copilot_line))
    return None


def _bill(name: str, form: str, scope: tuple[str, str] | None, lines: list[BillLine]) -> Bill:
    return Bill(name=name, form=form, scope=scope, lines=lines)


def _rows(file: SourceFile, is_parquet: bool) -> Iterator[tuple[int, Row]]:
    read = parquet_file.FORMAT.read_table if is_parquet else csv_file.FORMAT.read_table
    for batch in read(file, TableOptions()):
        if batch.unreadable:
            first = batch.unreadable[0]
            raise InputError(f"{file.name}, line {first.line_number}: {first.reasons[0]}. Export the bill again.")
        names = list(batch.columns)
        for number, *values in zip(batch.line_numbers, *batch.columns.values(), strict=True):
            yield number, dict(zip(names, values, strict=True))


def _read_rows(name: str, rows: list[tuple[int, Row]], read: Callable[[Row], BillLine | None]) -> list[BillLine]:
    lines = []
    for number, row in rows:
        try:
            line = read(row)
        except (ValueError, TypeError, OverflowError) as error:
            raise InputError(f"{name}, line {number}: {error}. Export the bill again.") from None
        if line is not None:
            lines.append(line)
    return lines


def _copilot_line(row: Row) -> BillLine | None:
    product = str(row.get("product") or "copilot").lower()
    if "copilot" not in product and "copilot" not in str(row.get("sku")).lower():
        return None  # Actions, storage and others are in the same report
    return BillLine(
        day=_day(row["date"]),
        model=_text(row.get("model")) or _text(row.get("sku")),
        cost_usd=_amount(row.get("net_amount")),
        list_usd=_amount(row.get("gross_amount")),
        person=_text(row.get("username")),
        identity=repr(sorted(row.items())),
    )


def _focus_line(row: Row) -> BillLine | None:
    currency = _text(row.get("BillingCurrency"))
    if currency not in (None, "USD"):
        raise ValueError(f"BillingCurrency is {currency}, and the store has US dollars")
    model = next(filter(None, (_text(row.get(name)) for name in ("x_Model", "x_model", "SkuMeter", "SkuId", "ResourceName"))), None)  # fmt: skip  # noqa: E501
    unit = (_text(row.get("ConsumedUnit")) or "").lower()
    return BillLine(
        day=_day(row["ChargePeriodStart"]),
        model=model,
        kind=TOKEN_USE if row.get("ChargeCategory") in (None, "", "Usage") else OTHER,
        cost_usd=_amount(row.get("EffectiveCost")),
        list_usd=_amount(row.get("ListCost")),
        tokens_in=_count(row.get("x_TokensIn")) if unit in _ONE_TOKEN else None,
        tokens_out=_count(row.get("x_TokensOut")) if unit in _ONE_TOKEN else None,
        identity=repr(sorted(row.items(), key=lambda item: item[0])),
    )


def _day(value: Any) -> str:
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    return date.fromisoformat(str(value).strip()[:10]).isoformat()


def _amount(value: Any) -> float | None:
    return None if value is None or value == "" else read_amount(value)


def _count(value: Any) -> int | None:
    return None if value is None or value == "" else int(read_amount(value))


def _text(value: Any) -> str | None:
    return str(value) if value not in (None, "") else None
