"""When the issues of a repository were reported, as a tracker's list that was loaded says."""

import json
from datetime import UTC, datetime

from sqlalchemy import Connection

from asp_analysis.records import read_instant
from asp_analysis.store.statements import execute


def issue_reports(connection: Connection, repository: str) -> dict[int, int]:
    """Return when the issues of a repository (`owner/name`) were reported, by their numbers: seconds since 1970.

    Pull requests and changes have names of the same form; they are no reports.
    """
    query = (
        "SELECT task_id, created_at, metadata_json FROM task_metadata WHERE substr(task_id, 1, ?) = ? "
        "AND metadata_json IS NOT NULL"
    )
    prefix = f"{repository}#"
    found = {}
    for task_id, created_at, metadata in execute(connection, query, (len(prefix), prefix)).all():
        about = json.loads(metadata) if isinstance(metadata, str) else metadata
        number = task_id.removeprefix(prefix)
        if number.isascii() and number.isdigit() and not {"pull_requests", "git"} & about.keys():
            at = datetime.fromisoformat(read_instant(created_at).replace("Z", "+00:00"))
            found[int(number)] = int(at.astimezone(UTC).timestamp())
    return found
