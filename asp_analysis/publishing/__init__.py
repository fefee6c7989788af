"""Publishes a store to a lake: its rows by days, as its views show them, in files that are never changed.

`publication` brings a writer up to date, `days` finds what changed, `day_files` writes Parquet, `writer_files` are what
the lake has of a writer, and `free_text` says what leaves the machine.
"""

from asp_analysis.publishing.publication import PublishOrder, PublishResult, publish, withdraw
from asp_analysis.publishing.writer_files import PublishedTable

__all__ = ["PublishOrder", "PublishResult", "PublishedTable", "publish", "withdraw"]
