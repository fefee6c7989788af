"""What past work would have cost at another model's prices: the same tokens, priced as that model's are.

Prices are known, behaviour is not: another model makes other calls, writes other texts and fails on other tasks. So
the answer is a bill for the same tokens, never a forecast.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import pandas as pd

from asp_analysis import pricing
from asp_analysis.errors import EstimationRefusal, InputError
from asp_analysis.importers.transcripts.providers import provider_of
from asp_analysis.records import read_instant
from asp_analysis.session import Session
from asp_analysis.wording import write_factor, write_html_list, write_noun, write_usd

_HERE = Path(__file__).resolve().parent
_CALL_KINDS = (
    "tokens_in",
    "tokens_out",
    "tokens_cache_read",
    "tokens_cache_write",
    "tokens_cache_write_1h",
    "web_searches",
)

BASIS = "same tokens; the model itself would behave differently"
"""In every row: who reads the numbers alone shall know what they are."""


@dataclass(frozen=True, kw_only=True)
class PriceQuestion:
    """Whose tokens are priced as those of which models.

    as_if: names as the price list has them, or as `PROVIDER/MODEL`. model, role, task: only those executions; None for
    all. prices: the user's own, which come before the list's.
    """

    as_if: Sequence[str]
    model: str | None = None
    role: str | None = None
    task: str | None = None
    prices: pricing.OwnPrices | None = None


@dataclass(frozen=True)
class PricedAsIf:
    """The answer.

    frame: one row per model whose prices are taken (as_if) and per model that did the work (llm_model): tasks,
    executions [count] that are priced twice, executions_left_out; cost_usd as it was, as_if_usd at the other prices
    [USD], ratio; per task of these: cost_per_task_usd, as_if_per_task_usd; basis. sentences: one per model.
    """

    frame: pd.DataFrame
    sentences: tuple[str, ...]
    remarks: tuple[str, ...]

    def _repr_html_(self) -> str:
        said = "".join(f"<p>{escape(one)}</p>" for one in self.sentences)
        return f"{said}{self.frame.to_html(index=False)}{write_html_list(self.remarks)}"


def price_as_if(session: Session, question: PriceQuestion) -> PricedAsIf:
    """Price the tokens of past executions as if other models had used them, at the prices of the days of the calls.

    Executions count whose tokens and cost are known, and whose kinds of tokens the other model has prices for.

    Raises:
        InputError: a model has no price.
        EstimationRefusal: no execution is left; the message says why.
    """
    for name in question.as_if:
        _check_price(name, question)
    calls = session.sql(
        (_HERE / "model_calls.sql").read_text(encoding="utf-8"),
        model=question.model, role=question.role, task=question.task,
    )  # fmt: skip
    calls["llm_model"] = calls["llm_model"].astype(object).where(calls["llm_model"].notna(), "unknown")
    is_usable = calls["tokens_in"].notna() & calls["tokens_out"].notna() & calls["cost_usd"].notna()
    if not is_usable.any():
        raise EstimationRefusal(_explain_none(calls, question))
    frames, sentences, remarks = [], [], _remark_unusable(calls)
    for name in dict.fromkeys(question.as_if):
        priced, assumption = _price(calls[is_usable], name, question)
        frames.append(_sum_up(calls.assign(as_if_usd=priced.reindex(calls.index)), name))
        sentences.append(_write_sentence(frames[-1], name))
        remarks += _remark(priced, name, assumption)
    return PricedAsIf(pd.concat(frames, ignore_index=True), tuple(sentences), tuple(remarks))


# --- prices -----------------------------------------------------------------------------------------------------------


def _ask(name: str, at: str, tokens: pricing.Tokens, question: PriceQuestion) -> pricing.Priced | None:
    ask = question.prices.price_tokens if question.prices else pricing.price_tokens
    return ask(name, provider_of(name), at, tokens)


def _check_price(name: str, question: PriceQuestion) -> None:
    if _ask(name, read_instant(pd.Timestamp.now("UTC").isoformat()), pricing.Tokens(total_in=1, out=1), question):
        return
    near = pricing.find_alike(name)
    listed = f"Names like it: {', '.join(near)}." if near else "The price list has no name like it."
    raise InputError(f"{name!r} has no price. {listed} Give a price of your own with --prices FILE.")


def _price(calls: pd.DataFrame, name: str, question: PriceQuestion) -> tuple[pd.Series, pricing.Assumption | None]:
    """Return what each call would cost [USD], NaN where a kind of its tokens has no price, and what is assumed."""
    found, assumption = [], None
    kinds = calls[[*_CALL_KINDS]].fillna(0).astype("int64").to_numpy().tolist()
    for at, counts in zip(calls["executed_at"].dt.strftime("%Y-%m-%dT%H:%M:%S"), kinds, strict=True):
        priced = _ask(name, at, _read_tokens(counts), question)
        found.append(math.nan if priced is None else priced.cost_usd)
        if priced is not None and priced.assumption is not None:
            assumption = priced.assumption.join(assumption) if assumption else priced.assumption
    return pd.Series(found, index=calls.index, dtype=float), assumption


def _read_tokens(counts: list[int]) -> pricing.Tokens:
    total_in, out, cache_read, cache_write, cache_write_1h, web_searches = counts
    return pricing.Tokens(
        total_in=total_in,
        out=out,
        cache_read=cache_read,
        cache_write=cache_write,
        cache_write_1h=cache_write_1h,
        web_searches=web_searches,
    )


# --- the answer -------------------------------------------------------------------------------------------------------


def _sum_up(calls: pd.DataFrame, name: str) -> pd.DataFrame:
    is_priced = calls["as_if_usd"].notna()
    every = calls.groupby("llm_model")["llm_model"].size()
    grouped = calls[is_priced].groupby("llm_model")
    frame = grouped.agg(
        tasks=("task_id", "nunique"),
        executions=("as_if_usd", "size"),
        cost_usd=("cost_usd", "sum"),
        as_if_usd=("as_if_usd", "sum"),
    ).reindex(every.index)
    frame = frame.astype({"tasks": "Int64", "executions": "Int64"}).fillna({"tasks": 0, "executions": 0})
    frame["executions_left_out"] = every - frame["executions"]
    frame["ratio"] = frame["as_if_usd"] / frame["cost_usd"].where(frame["cost_usd"] > 0)
    with_task = calls[is_priced & calls["task_id"].notna()].groupby("llm_model")[["cost_usd", "as_if_usd"]].sum()
    per_task = with_task.reindex(frame.index).div(frame["tasks"].where(frame["tasks"] > 0).astype(float), axis=0)
    frame["cost_per_task_usd"], frame["as_if_per_task_usd"] = per_task["cost_usd"], per_task["as_if_usd"]
    frame = frame.sort_values("cost_usd", ascending=False, kind="stable").reset_index()
    frame.insert(0, "as_if", name)
    columns = ["as_if", "llm_model", "tasks", "executions", "executions_left_out"]
    return frame[[*columns, *(one for one in frame if one not in columns)]].assign(basis=BASIS)


def _write_sentence(frame: pd.DataFrame, name: str) -> str:
    cost, as_if = float(frame["cost_usd"].sum()), float(frame["as_if_usd"].sum())
    count = int(frame["executions"].sum())
    if not count:
        return f"At the prices of {name} no execution can be priced: a kind of its tokens has no price there."
    times = f", {_write_ratio(as_if / cost)} as much" if cost > 0 else ""
    return (
        f"The tokens of {write_noun(count, 'execution')} cost {write_usd(cost)}; at the prices of {name} they would "
        f"cost {write_usd(as_if)}{times}. This prices the same tokens. {name} would behave differently: other calls, "
        "other texts, tokens that are counted in another way, and other failures. Let it do some of the tasks, then "
        "ask for the cost per accepted result: asp-analysis estimate --compare --margin 0.05"
    )


def _write_ratio(ratio: float) -> str:
    return write_factor(ratio) if ratio >= 0.95 else f"{ratio:.2g} times"


def _remark(priced: pd.Series, name: str, assumption: pricing.Assumption | None) -> list[str]:
    without = int(priced.isna().sum())
    said = [f"{name} has no price for a kind of tokens of {write_noun(without, 'execution')}: left out."] * bool(
        without
    )
    if assumption is not None:
        said.append(
            f"{name} is priced as {assumption.provider} asks; {assumption.providers} providers ask "
            f"{assumption.lowest:.2f} to {assumption.highest:.2f} times that."
        )
    return said


def _remark_unusable(calls: pd.DataFrame) -> list[str]:
    is_counted = calls["tokens_in"].notna() & calls["tokens_out"].notna()
    without_tokens, without_cost = int((~is_counted).sum()), int((is_counted & calls["cost_usd"].isna()).sum())
    said = []
    if without_tokens:
        said.append(f"{write_noun(without_tokens, 'execution')} without a count of tokens: left out.")
    if without_cost:
        said.append(f"{write_noun(without_cost, 'execution')} without a known cost to compare with: left out.")
    return said


def _explain_none(calls: pd.DataFrame, question: PriceQuestion) -> str:
    asked = ((word, getattr(question, word)) for word in ("model", "role", "task"))
    chosen = " and ".join(f"{word} {value!r}" for word, value in asked if value is not None)
    if calls.empty:
        return f"There is no execution{f' of {chosen}' if chosen else ''} to price. Load some: asp-analysis load FILE"
    return (
        f"None of {write_noun(len(calls), 'execution')} can be priced again: {' '.join(_remark_unusable(calls))} "
        "Load tokens and costs: asp-analysis load FILE"
    )
