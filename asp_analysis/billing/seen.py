"""What the store has seen of a period, summed by hour: hours become the days of a bill, whose ever these are."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from asp_analysis.session import Session

_WEB_SEARCH_USD = 0.01
"""What Anthropic and OpenAI list for one web search, USD 10 a thousand."""

_SEEN = """
SELECT
    date_trunc('hour', executed_at) AS hour,
    llm_model, llm_provider, tool, machine, user_id,
    json_extract_string(metadata_json, '$.billing') AS billing,
    CAST(count(*) AS BIGINT) AS executions,
    CAST(count(*) - count(cost_usd) AS BIGINT) AS unpriced,
    CAST(sum(CAST(cost_usd AS DECIMAL(38, 12))) AS DOUBLE) AS cost_usd,
    CAST(sum(tokens_in) AS BIGINT) AS tokens_in,
    CAST(sum(tokens_out) AS BIGINT) AS tokens_out,
    CAST(COALESCE(sum(TRY_CAST(json_extract_string(metadata_json, '$.web_searches') AS INTEGER)), 0) AS BIGINT)
        AS web_searches
FROM stg_executions
WHERE executed_at >= CAST($since AS TIMESTAMP) AND executed_at < CAST($until AS TIMESTAMP)
GROUP BY ALL
ORDER BY ALL
"""


@dataclass(frozen=True, kw_only=True)
class SeenHour:
    """The executions of one hour (UTC) that have the same model, machine, person and way of paying."""

    hour: datetime
    llm_model: str | None
    llm_provider: str | None
    tool: str | None
    machine: str | None
    user_id: str | None
    billing: str | None
    executions: int
    unpriced: int
    cost_usd: float | None
    tokens_in: int | None
    tokens_out: int | None
    web_searches: int

    def day(self, shift_h: int) -> str:
        """Return its day where days begin `shift_h` hours after midnight UTC."""
        return (self.hour - timedelta(hours=shift_h)).date().isoformat()

    @property
    def search_usd(self) -> float:
        """What its web searches cost by the list; `cost_usd` holds it."""
        return self.web_searches * _WEB_SEARCH_USD


def read_seen(session: Session, first_day: str, last_day: str) -> list[SeenHour]:
    """Return what was seen from a day before the first to a day after the last one: days of a bill may begin elsewhere.

    Raises:
        StoreError: the store cannot be read.
    """
    since = datetime.fromisoformat(first_day) - timedelta(days=1)
    until = datetime.fromisoformat(last_day) + timedelta(days=2)
    frame = session.sql(_SEEN, since=since, until=until)
    return [SeenHour(**_clean(row)) for row in frame.to_dict("records")]


def _clean(row: dict[Any, Any]) -> dict[str, Any]:
    return {str(name): None if value is None or value != value else value for name, value in row.items()}
