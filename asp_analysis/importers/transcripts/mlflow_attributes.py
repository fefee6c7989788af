"""What MLflow writes into the attributes of a span, under the names of OpenTelemetry: its values are JSON texts."""

from typing import Any

from asp_analysis.importers.json_text import read_json

_OPERATION_OF = {"CHAT_MODEL": "chat", "LLM": "chat", "EMBEDDING": "embeddings", "TOOL": "execute_tool"}
_OPERATION_OF |= {"AGENT": "invoke_agent", "CHAIN": "invoke_workflow"}
_USAGE_NAMES = {
    "input_tokens": "gen_ai.usage.input_tokens",
    "output_tokens": "gen_ai.usage.output_tokens",
    "total_tokens": "gen_ai.usage.total_tokens",
    "cache_read_input_tokens": "gen_ai.usage.cache_read.input_tokens",
    "cache_creation_input_tokens": "gen_ai.usage.cache_creation.input_tokens",
}
_TEXT_NAMES = {"mlflow.llm.model": "gen_ai.request.model", "mlflow.llm.provider": "gen_ai.provider.name"}


def with_standard_names(attributes: dict[str, Any]) -> dict[str, Any]:
    """Return the attributes of a span with those of MLflow under standard names too; others are as they were.

    A key of its usage without such a name keeps its own behind `gen_ai.usage.`, so that it is named as not understood.
    """
    kind = _plain(attributes.get("mlflow.spanType"))
    if kind is None:
        return attributes
    found: dict[str, Any] = {}
    if isinstance(kind, str) and kind in _OPERATION_OF:
        found["gen_ai.operation.name"] = _OPERATION_OF[kind]
    usage = _plain(attributes.get("mlflow.chat.tokenUsage"))
    for key, value in usage.items() if isinstance(usage, dict) else ():
        found[_USAGE_NAMES.get(key, f"gen_ai.usage.{key}")] = value
    for theirs, standard in _TEXT_NAMES.items():
        if isinstance(name := _plain(attributes.get(theirs)), str):
            found[standard] = name
    return {**found, **attributes}


def _plain(value: Any) -> Any:
    """Return what a JSON text holds; a value that is none is itself."""
    if not isinstance(value, str):
        return value
    try:
        return read_json(value)
    except ValueError:
        return value
