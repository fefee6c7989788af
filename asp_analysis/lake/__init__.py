"""The lake: many stores published to one folder or bucket, and built into tables and marts that everybody reads.

`objects` holds objects, `heads` say what each writer has published, `builds` says what the present build consists of.
"""
