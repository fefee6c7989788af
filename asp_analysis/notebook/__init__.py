"""What a notebook needs of Jupyter: findings shown, an answer that follows the parameters, panels, tables that page.

The only home of IPython's display, ipywidgets and itables; the sentences are in `findings`.
"""

from asp_analysis.notebook.answer import Answer
from asp_analysis.notebook.panel import Panel
from asp_analysis.notebook.showing import browse, say, show, start

__all__ = ["Answer", "Panel", "browse", "say", "show", "start"]
