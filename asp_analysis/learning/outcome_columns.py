"""What a column of a table of outcomes holds: how cases ended, when, and how large they were."""

import numpy as np
import pandas as pd

from asp_analysis.errors import InputError
from asp_analysis.intervals import Floats

_YES = frozenset({"1", "1.0", "true", "yes", "y", "ok", "success", "pass", "passed", "accepted", "completed", "merged"})
_NO = frozenset(
    {"0", "0.0", "false", "no", "n", "failure", "fail", "failed", "rejected", "error", "reverted", "closed"}
)
_OPEN = frozenset({"", "open", "pending", "in_progress", "unknown", "nan", "none", "<na>", "nat"})


def read_outcomes(values: pd.Series, name: str) -> Floats:
    """Return outcomes as numbers from 0 to 1; NaN where a row has none yet.

    Raises:
        InputError: a value is no outcome.
    """
    if values.dtype == bool:
        return values.to_numpy(dtype=float)
    words = values.astype(str).str.strip().str.lower()
    numbers = pd.to_numeric(values, errors="coerce").astype(float)
    found = pd.Series(np.where(words.isin(_YES), 1.0, np.where(words.isin(_NO), 0.0, numbers)), index=values.index)
    wrong = (found.isna() & values.notna() & ~words.isin(_OPEN)) | (found < 0) | (found > 1)
    if wrong.any():
        raise InputError(
            f"{name} holds {str(values[wrong].iloc[0])!r}, which is no outcome. Outcomes are yes or no, true or false, "
            "accepted or failed, or shares from 0 to 1."
        )
    return np.asarray(found, dtype=np.float64)


def read_times(frame: pd.DataFrame, column: str | None) -> pd.Series:
    """Return the instants of a column (UTC, without zone): ISO 8601 or numbers since 1970; NaT without a column.

    Raises:
        InputError: a value is no instant.
    """
    if column is None:
        return pd.Series(pd.NaT, index=frame.index, dtype="datetime64[ns]")
    if pd.api.types.is_numeric_dtype(frame[column]) and not pd.api.types.is_bool_dtype(frame[column]):
        times = _read_epochs(frame[column])
    else:
        times = pd.to_datetime(frame[column], errors="coerce", utc=True, format="ISO8601")
    wrong = times.isna() & frame[column].notna()
    if wrong.any():
        raise InputError(
            f"{column} holds {str(frame[column][wrong].iloc[0])!r}, which is no date. Write 2026-01-31 or "
            "2026-01-31T08:00:00Z."
        )
    return times.dt.tz_localize(None)


def read_sizes(frame: pd.DataFrame, column: str | None) -> pd.Series:
    """Return the sizes of a column; NaN where unknown, and without a column.

    Raises:
        InputError: a value is no number.
    """
    if column is None:
        return pd.Series(np.nan, index=frame.index)
    sizes = pd.to_numeric(frame[column], errors="coerce").astype(float)
    wrong = (sizes.isna() & frame[column].notna()) | sizes.abs().eq(np.inf)
    if wrong.any():
        raise InputError(
            f"{column} holds {str(frame[column][wrong].iloc[0])!r}, which is no size. A size is a number; "
            "--column size=none uses none."
        )
    return sizes


def _read_epochs(numbers: pd.Series) -> pd.Series:
    """Read seconds, milliseconds, microseconds or nanoseconds since 1970; the size shows which, as in `records`."""
    values = numbers.astype("Float64").to_numpy(dtype=float, na_value=np.nan)
    largest = np.nanmax(np.abs(values), initial=0.0)
    per_second = next((unit for unit in (1.0, 1e3, 1e6, 1e9) if 1e8 <= largest / unit <= 1e10), np.nan)
    return pd.to_datetime(pd.Series(values / per_second, index=numbers.index), unit="s", errors="coerce", utc=True)
