"""What the notebooks say: sentences, tables and charts that follow the frames at hand.

One module for the subject of each notebook. Its functions take frames and return a `Finding`; a part that the data
lacks is one sentence with what would fill it. Nothing here knows a file or a connection.
"""

from asp_analysis.findings.finding import Finding

__all__ = ["Finding"]
