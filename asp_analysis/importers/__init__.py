"""Source formats: one module each; `registry` lists them and tells from its content which one a file has.

A module gives `recognises`, which looks at the head of a file, and `read`, path -> `Transcript`. Plain tables (CSV,
JSON Lines, Parquet) come last: they are what a file is that nothing else recognises. See docs/adding-a-format.md.
"""
