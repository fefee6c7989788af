"""The folder of a Harbor trial: `result.json` next to `agent/trajectory.json`, and perhaps the agent's own transcript.

All three describe the same calls. The transcript knows most, then the trajectory, then the sums of the result: only the
best of them counts, and all name the same task.
"""

from pathlib import Path
from typing import Any

from asp_analysis.errors import InputError
from asp_analysis.importers.file import SourceFile, open_file

_OWN_TRANSCRIPTS = ("sessions/**/*.jsonl", "sessions/*.jsonl")


def result_of(file: SourceFile) -> dict[str, Any]:
    """Return the result of the trial that a trajectory belongs to; empty where it belongs to none."""
    path = file.path.absolute().parent.parent / "result.json"
    if file.path.absolute().parent.name != "agent" or not path.is_file():
        return {}
    try:
        with open_file(path) as result:
            document = next(iter(result.head.objects), {})
    except InputError:
        return {}
    return document if "trial_name" in document else {}


def has_transcript(agent: Path) -> bool:
    """Return whether the folder of an agent has a transcript of its own."""
    return any(True for pattern in _OWN_TRANSCRIPTS for _ in agent.glob(pattern))


def is_failed(result: dict[str, Any]) -> bool:
    """Return whether a trial ended with an exception, or with a reward of 0."""
    verified = result.get("verifier_result")
    rewards = verified.get("rewards") if isinstance(verified, dict) else None
    given = list(rewards.values()) if isinstance(rewards, dict) else []
    return bool(result.get("exception_info")) or (bool(given) and not any(given))
