"""What people bind to `$name` in a query, as DuckDB takes it: scalars and arrays of NumPy and pandas are values too."""

from typing import Any

from asp_analysis.errors import QueryError


def check_whole(query: str) -> None:
    """Check that DuckDB would read a query to its end: it stops at U+0000.

    Raises:
        QueryError: the query holds one.
    """
    if (place := query.find("\0")) >= 0:
        raise QueryError(
            f"The query has the character U+0000 at place {place + 1}, where DuckDB would stop reading. Remove it; "
            "within a text, write chr(0)."
        )


def make_bindable(value: Any) -> Any:
    """Return a value as DuckDB takes it. A missing value of a Series is unknown, as in SQL."""
    if isinstance(value, list | tuple):
        return [make_bindable(inner) for inner in value]
    if hasattr(value, "isna") and hasattr(value, "to_list"):  # a Series or an Index
        pairs = zip(value.to_list(), value.isna(), strict=True)
        return [None if is_missing else make_bindable(inner) for inner, is_missing in pairs]
    kind = getattr(getattr(value, "dtype", None), "kind", None)
    if kind is None or not hasattr(value, "tolist"):
        return value
    if kind in "mM":  # as numbers they would lose their unit
        return list(value) if value.ndim else value
    return make_bindable(value.tolist())
