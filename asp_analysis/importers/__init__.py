"""Source formats: one module each, and the registry that tells from its content which one a file has.

A module gives `recognises`, which looks at the head of a file, and `read`, path -> `Transcript`. Plain tables (CSV,
JSON Lines, Parquet) come last: they are what a file is that nothing else recognises. See docs/adding-a-format.md.
"""

from asp_analysis.importers.registry import FORMATS, TABLE_FORMATS, Format, detect

__all__ = ["FORMATS", "TABLE_FORMATS", "Format", "detect"]
