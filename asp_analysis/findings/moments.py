"""The newest record of a store: where nobody says as of when, that is the instant to look from."""

import pandas as pd

from asp_analysis.session import Session

NEWEST_SQL = """
    SELECT max(instant) AS newest_at
    FROM (
        SELECT max(executed_at) AS instant FROM executions
        UNION ALL SELECT greatest(max(created_at), max(completed_at)) FROM tasks
        UNION ALL SELECT greatest(max(found_at), max(fixed_at)) FROM defects
        UNION ALL SELECT max(measured_at) FROM learning_curve
    )
"""


def find_newest(session: Session) -> pd.Timestamp | None:
    """Return the end of the day (UTC) of the newest record that the session shows; None where there is none."""
    newest = session.sql(NEWEST_SQL).newest_at[0]
    return None if pd.isna(newest) else pd.Timestamp(newest).normalize() + pd.Timedelta(days=1)
