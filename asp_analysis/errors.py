"""What the workbench says when it cannot do what was asked: one line, never a traceback for a user.

Every message reads `<what is wrong, with names and numbers>. <what is allowed>. <what to do next>.`
"""


class AnalysisError(Exception):
    """Something that the caller can put right; the command line prints it as `Error: ...` and exits with 1."""


class ConfigError(AnalysisError):
    """A setting, a URL or a path that names no usable store."""


class StoreError(AnalysisError):
    """The store cannot be opened, read or written."""


class InputError(AnalysisError):
    """A file or an option that cannot be understood as a whole (single bad records are rejected, not raised)."""


class QueryError(AnalysisError):
    """A query that is wrong, or one that asks for more than reading."""


class EstimationRefusal(AnalysisError):
    """The data cannot support the estimate; the message names what is missing and the next best thing."""
