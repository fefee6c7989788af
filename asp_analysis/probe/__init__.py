"""Estimation: one question to the past, answered by PROBE as published and by models for data as agents produce it.

Frames in, frames and frozen results out; nothing here knows a file, a connection or a chart.

`question` is what is asked, `history` what the past says, `complexity` how large a task is. `backtest`, `estimate` and
`compare` answer a question with `models`, `published` with PROBE. `choice` says why a model is asked, `unit_sums` adds
the units of a task up, `answers` holds what an estimate says, `scores` how good estimates were.
"""
