"""Coverage-guided fuzzing of every importer: whatever a file says, it ends in rows, rejects or one error.

`make fuzz` runs it. `seeds` builds the first inputs, `mutation` makes hostile ones of them, `targets` reads them.
"""
