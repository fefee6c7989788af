"""The dashboard: money, tasks, learning, estimates and defects on one self-contained HTML page.

`facts` and `usage` read the views, one module per section turns them into `parts` (with pictures from `svg` and numbers
from `words`), `page` renders and writes. `page.js` sorts and filters what can be read without it.
"""

from asp_analysis.dashboard.page import build_page, narrow_page, write_page

__all__ = ["build_page", "narrow_page", "write_page"]
