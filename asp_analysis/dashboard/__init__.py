"""The dashboard: learning, cost, estimates and defects on one self-contained HTML page.

`facts` reads the views, one module per section turns them into `parts` (with pictures from `svg` and numbers from
`words`), `page` renders and writes.
"""

from asp_analysis.dashboard.page import build_page, write_page

__all__ = ["build_page", "write_page"]
