"""Estimation: PROBE as published, models for data as agents produce it, and the record that tells which to believe.

Frames in, frames and frozen results out; nothing here knows a file, a connection or a chart.

Published PROBE: `linear` (certified least squares), `policy` (every rule of choosing), `methods` (A to D with reasons),
`relative_size`, `complexity` (semantic complexity and the calibration of its weights).
Agents' data: `history` (what one past task is), `question` (which part of it is asked about), `models`, `fits`,
`reference_class`, `conformal` and `adaptive` (intervals), `backtest`, `scores`, `selection` and `choose` (which model
to ask), `estimate`, `unit_sums`, `compare`.
"""
