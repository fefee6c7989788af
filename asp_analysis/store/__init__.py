"""The one writer: everything that is written anywhere passes through this package.

`database` creates and opens stores; `loads` writes batches of records with their load log; `rejects` keeps what could
not be taken; `upsert` decides for each record whether it is new, changed or already there; `log` reads what was loaded
before; `forecasts` keeps estimates with their task; `backups` and `restoring` copy a store away and back; `health`
measures its file. Import from the module that you need: a daily load that finds nothing new must not wait for
SQLAlchemy.
"""
