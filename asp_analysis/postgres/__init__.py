"""Moves a SQLite store to PostgreSQL: one pass over it, one transaction on the server, compared before it is kept.

`tables` says what is carried, `source` reads the file in one snapshot, `values` turns its values into the server's,
`dirty` finds the rows that the server could not take, `reading` joins the three. `tally` and `hashes` sum up both
sides, `target` is the server, `migration` puts them together.
"""

from asp_analysis.postgres.migration import Migration, Progress, migrate
from asp_analysis.postgres.tally import Check

__all__ = ["Check", "Migration", "Progress", "migrate"]
