"""Moves a SQLite store to PostgreSQL: one pass over it, one transaction on the server, compared before it is kept.

`carried_tables` says what is copied, `sqlite_source` reads the file in one snapshot, `server_values` turns its values
into the server's, `dirty` finds the rows that the server could not take, `carried_rows` joins the three. `tally` and
`hashes` sum up both sides, `target` is the server, `migration` puts them together.
"""

from asp_analysis.postgres.migration import Migration, migrate
from asp_analysis.postgres.tally import TableCheck

__all__ = ["Migration", "TableCheck", "migrate"]
