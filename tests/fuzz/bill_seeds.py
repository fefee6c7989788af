"""Small bills in each form that `reconcile` reads: a name -> the maker of its file."""

import json

_DAY = "2026-03-02T00:00:00Z"


def _report(*results: dict, **bucket: object) -> bytes:
    return json.dumps({"data": [{**bucket, "results": list(results)}], "has_more": True}).encode()


def _anthropic() -> bytes:
    cost = {"amount": "123.45", "list_amount": "150.00", "currency": "USD", "cost_type": "tokens", "account_id": "a"}
    fee = {"amount": "1.5", "currency": "USD", "cost_type": "web_search", "model": None}
    return _report({**cost, "model": "claude-sonnet-4-5-20250929", "service_tier": "batch"}, fee, starting_at=_DAY)


def _anthropic_usage() -> bytes:
    created = {"ephemeral_5m_input_tokens": 30, "ephemeral_1h_input_tokens": 10}
    used = {"uncached_input_tokens": 100, "cache_read_input_tokens": 60, "output_tokens": 7, "cache_creation": created}
    return _report({**used, "model": "claude-opus-4-5", "service_tier": "standard"}, starting_at=_DAY)


def _openai() -> bytes:
    used = {"input_tokens": 100, "output_tokens": 5, "model": "gpt-5", "user_id": "u", "batch": True}
    cost = {"amount": {"value": 1.25, "currency": "usd"}, "line_item": "gpt-5, output", "project_id": "p"}
    return _report(used, cost, start_time=1_772_409_600)


def _copilot() -> bytes:
    header = "date,username,product,sku,model,quantity,net_amount,gross_amount"
    return f"{header}\n2026-03-02,ada,copilot,copilot_premium_request,gpt-5,3,0.12,0.20\n".encode()


def _focus() -> bytes:
    header = "BilledCost,EffectiveCost,ListCost,BillingCurrency,ChargePeriodStart,ChargePeriodEnd,ChargeCategory,"
    header += "ServiceName,SkuId,ConsumedQuantity,ConsumedUnit,x_Model,x_TokensIn,x_TokensOut"
    row = f"1.5,1.25,2,USD,{_DAY},2026-03-03T00:00:00Z,Usage,Claude,opus,100,Tokens,claude-opus-4-5,90,10"
    return f"{header}\n{row}\n".encode()


BILLS = {
    "bill-anthropic": _anthropic,
    "bill-anthropic-usage": _anthropic_usage,
    "bill-openai": _openai,
    "bill-copilot": _copilot,
    "bill-focus": _focus,
}
