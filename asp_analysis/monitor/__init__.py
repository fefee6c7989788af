"""Stay with SQLite or migrate: the criteria of the storage decision, measured on the store at hand.

`engines` measures what differs between a file and a server, `growth` what is in the store and when it reaches a limit,
`agents` how many work at once, `queries` how long the views take, and `verdict` compares all of it with `limits`.
"""

from asp_analysis.monitor.engines import EngineFacts, measure_engine
from asp_analysis.monitor.growth import forecast
from asp_analysis.monitor.verdict import Status, measure

__all__ = ["EngineFacts", "Status", "forecast", "measure", "measure_engine"]
