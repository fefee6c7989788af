"""Golden files: what the release of 2026-11 says of four stores, for a storage that changes and must say the same.

`stores` makes the stores by the command line, `summary` says what they hold, `comparing` tells two summaries apart.
`python -m tests.golden CODE_DIR OUT_DIR` writes the files anew.
"""
