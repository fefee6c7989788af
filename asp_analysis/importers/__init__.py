"""From files to batches of rows. `registry` lists the formats and detects from its content which one a file has.

`file` opens it once; `formats` has one module a format; `tables` and `transcripts` hold what formats of a kind share.
See docs/adding-a-format.md.
"""
