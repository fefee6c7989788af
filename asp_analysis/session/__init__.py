"""The one reader for analysis: DuckDB over the store, read only, with views that have our names.

Three layers: `raw` (the store's tables and columns, whatever is attached), staging views (`stg_*`, typed) and marts
(one per question). Everything above reads marts. The SQL is in `database/views/`.

`session` is what people open; `readers` chooses between memory, snapshot and live; `attaching` and `contract` know what
differs between SQLite, a server and the files of others; `guard` lets nothing but a SELECT pass.
"""

from asp_analysis.session.catalog import ViewColumn, describe_view, view_key, view_names
from asp_analysis.session.guard import split_statements
from asp_analysis.session.scope import Scope
from asp_analysis.session.session import Session, connect

__all__ = ["Scope", "Session", "ViewColumn", "connect", "describe_view", "split_statements", "view_key", "view_names"]
