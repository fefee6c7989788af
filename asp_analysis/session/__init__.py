"""The one reader for analysis: DuckDB over the store, read only, with views that carry our names.

Three layers: `raw` (the store's tables and columns, whatever is attached), staging views (`stg_*`, typed) and marts
(one per question). Everything above reads marts. The SQL stands in `database/views/`.

`reading` holds the session; `readers` chooses between memory, snapshot and live; `attaching` and `raw` know what
differs between SQLite, a server and the files of others; `guard` lets nothing but a SELECT pass.
"""

from asp_analysis.session.catalog import Column, describe_view, view_key, view_names
from asp_analysis.session.reading import Session, connect
from asp_analysis.session.scope import Scope

__all__ = ["Column", "Scope", "Session", "connect", "describe_view", "view_key", "view_names"]
