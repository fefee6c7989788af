"""Takes telemetry over HTTP (OTLP): a request is on the disk before it is answered, and a second process loads it.

`bodies` turns the body of a request into OTLP/JSON, `received_spill` keeps it, `door` answers; `settling` reads what is
kept, `pending` waits until a trace is whole, and only then its calls go to the store, as those of a file would.
"""
