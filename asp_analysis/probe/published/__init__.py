"""PROBE as PSP publishes it, for tasks that are finished and one that is to come.

`data` (the finished tasks), `linear` (certified least squares), `policy` (every rule of choosing), `methods` (A to D,
judged), `report` (what they say).
"""
