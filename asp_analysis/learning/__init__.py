"""Bootstrap learning: when may an agent act alone, by the published rule and by one that evidence supports.

`telemetry` cuts the data at an instant, `rates` and `detection` turn them into evidence, `sound` decides, `standings`
puts both rules side by side; `areas` ranks error-prone areas, `prediction` predicts defect types.
"""

from asp_analysis.learning.areas import error_prone_areas
from asp_analysis.learning.lives import simulate
from asp_analysis.learning.rule import MODES, SoundRule
from asp_analysis.learning.standings import (
    LearningReport,
    criteria,
    learning_history,
    learning_report,
    status,
)
from asp_analysis.learning.telemetry import Telemetry

__all__ = [
    "MODES",
    "LearningReport",
    "SoundRule",
    "Telemetry",
    "criteria",
    "error_prone_areas",
    "learning_history",
    "learning_report",
    "simulate",
    "status",
]
