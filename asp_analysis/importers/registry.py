"""Which formats there are, and which one a file has: detected from its content, never from its name.

Other packages may add formats: an entry point of the group `asp_analysis.formats` names a `TranscriptFormat` or a
`TableFormat`. See docs/adding-a-format.md.
"""

from functools import cache
from importlib.metadata import EntryPoint, entry_points

from asp_analysis.errors import InputError
from asp_analysis.importers.file import SourceFile
from asp_analysis.importers.format import Format, ReadOptions
from asp_analysis.importers.formats import (
    amp,
    claude_code,
    claude_run,
    cline,
    codex,
    copilot_cli,
    crush,
    csv_file,
    cursor,
    droid,
    gemini_cli,
    gh_aw,
    goose,
    harbor,
    inspect_ai,
    json_file,
    jsonl,
    kimi,
    langfuse,
    litellm,
    mini_swe_agent,
    mlflow,
    openclaw,
    opencode,
    openhands,
    openrouter,
    otlp,
    parquet_file,
    pi,
    platform_file,
    qwen_code,
    swe_agent,
    xlsx,
    zed,
)

ENTRY_POINT_GROUP = "asp_analysis.formats"
"""The group of entry points by which other packages add formats."""

_TRANSCRIPTS: tuple[Format, ...] = (
    qwen_code.FORMAT,
    claude_code.FORMAT,
    codex.FORMAT,
    openclaw.FORMAT,
    openclaw.TRAJECTORY_FORMAT,
    pi.FORMAT,
    gemini_cli.FORMAT,
    otlp.FORMAT,
    mlflow.FORMAT,
    langfuse.FORMAT,
    mini_swe_agent.FORMAT,
    swe_agent.FORMAT,
    opencode.FORMAT,
    opencode.JSON_FORMAT,
    copilot_cli.FORMAT,
    copilot_cli.EVENTS_FORMAT,
    crush.FORMAT,
    goose.FORMAT,
    zed.FORMAT,
    cursor.FORMAT,
    cursor.API_FORMAT,
    openrouter.FORMAT,
    litellm.FORMAT,
    litellm.CSV_FORMAT,
    cline.FORMAT,
    cline.CLI_FORMAT,
    kimi.FORMAT,
    amp.FORMAT,
    droid.FORMAT,
    droid.SESSION_FORMAT,
    harbor.FORMAT,
    harbor.RESULT_FORMAT,
    openhands.FORMAT,
    openhands.CONVERSATION_FORMAT,
    openhands.COMPLETION_FORMAT,
    inspect_ai.FORMAT,
    inspect_ai.ARCHIVE_FORMAT,
    claude_run.FORMAT,
    gh_aw.FORMAT,
)
_TABLES: tuple[Format, ...] = (
    parquet_file.FORMAT,
    platform_file.FORMAT,
    xlsx.FORMAT,
    json_file.FORMAT,
    jsonl.FORMAT,
    csv_file.EMPTY,
    csv_file.FORMAT,
)


@cache
def list_formats() -> tuple[Format, ...]:
    """Return all formats in the order in which they are asked: transcripts, other packages' formats, plain tables.

    Raises:
        InputError: a format of another package cannot be loaded, or has a name that is taken.
    """
    formats = [*_TRANSCRIPTS]
    names = {form.name for form in (*_TRANSCRIPTS, *_TABLES)}
    for point in sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda point: point.name):
        form = _load_format(point)
        if form.name in names:
            raise InputError(
                f"{_described(point)} calls itself {form.name!r}, as another format does. Rename it there."
            )
        names.add(form.name)
        formats.append(form)
    return (*formats, *_TABLES)


def _load_format(point: EntryPoint) -> Format:
    try:
        form = point.load()
    except Exception as error:  # noqa: BLE001 - whatever the other package does when it is imported
        raise InputError(
            f"{_described(point)} cannot be loaded: {type(error).__name__}: {error}. Upgrade or uninstall that package."
        ) from None
    if not isinstance(form, Format):
        raise InputError(
            f"{_described(point)} is a {type(form).__name__}, a TranscriptFormat or a TableFormat is needed. "
            "Upgrade or uninstall that package."
        )
    return form


def _described(point: EntryPoint) -> str:
    package = point.dist.name if point.dist else "another package"
    return f"The format {point.name!r} of the package {package}"


def find_format(file: SourceFile, options: ReadOptions, *, is_named: bool) -> Format | None:
    """Return the format of a file; None where nothing recognises it.

    is_named: the user named the file himself, so that it may be a table whatever it is called.

    Raises:
        InputError: the file cannot be read, or is one JSON document that is too large.
    """
    for form in list_formats():
        is_possible = is_named or form.is_looked_for(file.path)
        if is_possible and (form.is_table or not options.is_of_tables) and form.is_format_of(file.head):
            return form
    return None


def explain_unknown(file: SourceFile, *, is_named: bool) -> str:
    """Return why no format recognises a file, and what its owner can do."""
    from asp_analysis.importers.presets.recognised import recognise_document, tell_preset

    if preset := recognise_document(file.head):
        return tell_preset(file.name, preset)
    is_meant_as_table = is_named or any(form.is_table and form.is_looked_for(file.path) for form in list_formats())
    if not (file.size_bytes and is_meant_as_table):
        return "its content is of no format that is known" if file.size_bytes else "it is empty"
    if file.head.text.startswith("<?xml"):
        return f"{file.name} is XML, which is not read. Convert it to CSV, JSON Lines or Parquet."
    return f"{file.name} is binary, and no format that is known. Convert it to CSV, JSON Lines or Parquet."
