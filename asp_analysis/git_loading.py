"""From git repositories to the store: their changes, what became of them, and the sessions that worked on them."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from asp_analysis.importers.git.change_rows import PRODUCTION, Telling, change_batches
from asp_analysis.importers.git.links import AgentSession, find_links
from asp_analysis.importers.git.repository import Repository
from asp_analysis.importers.git.repository_history import History, read_history
from asp_analysis.load_options import LoadOptions
from asp_analysis.store.agent_sessions import StoredSession, has_role, stored_sessions, transcript_state
from asp_analysis.store.database import Store
from asp_analysis.store.issue_reports import issue_reports
from asp_analysis.store.loads import WriteRules, last_loads, write_loads
from asp_analysis.store.log import LoadedFile, LoadResult, unchanged_result
from asp_analysis.unloading import merge_of_load

LOADED_AS = "git"
"""What the load log says that a repository was loaded as."""

_READER = 2
"""Changes whenever the reader does: repositories are then read again though nothing new is in them."""


def load_repositories(store: Store, paths: Iterable[Path], options: LoadOptions) -> Iterator[LoadResult]:
    """Load repositories; each takes the place of its former load, so that a rewritten history leaves nothing behind.

    A repository that is as it was, with the same sessions in the store, is not read again.

    Raises:
        InputError: git cannot read one of them.
        StoreError: the store cannot be written; what was given before is written.
    """
    for path in paths:
        repository = Repository(path)
        stamps = dict(options.reading.stamps)
        repository.name = stamps.get("repository", repository.name)
        with store.transaction() as connection:
            reported = issue_reports(connection, repository.name)
            source = _source(repository, options, transcript_state(connection), reported)
        logged = last_loads(store).get(source.file)
        if logged is not None and (logged["sha256"], logged["loaded_as"]) == (source.sha256, LOADED_AS):
            yield unchanged_result(logged)
            continue
        with store.transaction() as connection:
            sessions = stored_sessions(connection)
            has_production = has_role(connection, PRODUCTION["agent_role"])
        history = read_history(repository, reported)
        known = {session.session_id: session for session in _sessions(sessions, repository)}
        telling = Telling(
            history=history,
            links=find_links(repository, history.changes, list(known.values())),
            sessions=known,
            task_from=options.reading.task_from,
            has_production=has_production,
        )
        yield _write(store, source, telling)


def _write(store: Store, source: LoadedFile, telling: Telling) -> LoadResult:
    source.found.update(_found(telling.history, {link.session_id for link in telling.links}, telling.sessions))
    source.notes.extend(_notes(telling.history, source.found))
    rules = WriteRules(may_count_again=True, merges=merge_of_load)
    (result,) = write_loads(store, [(source, change_batches(telling))], rules)
    result.notes = list(source.notes)  # that the former load was replaced holds for every load of a repository
    return result


def _source(repository: Repository, options: LoadOptions, state: int, reported: dict[int, int]) -> LoadedFile:
    """Return what the load log keeps: the fingerprint is of all references, the options, and the sessions and reports
    of issues that there are."""
    reports = hashlib.sha256(json.dumps(sorted(reported.items())).encode()).hexdigest()[:16]
    said = {
        "task_from": options.reading.task_from,
        "main": repository.main,
        "sessions": state,
        "reports": reports,
        "reader": _READER,
    }
    refs = repository.text("for-each-ref", "--format=%(objectname) %(refname)") + json.dumps(said)
    return LoadedFile(
        file=f"{repository.name} (git)",
        sha256=hashlib.sha256(refs.encode()).hexdigest(),
        size_bytes=0,
        format="git",
        loaded_as=LOADED_AS,
        options=said,
    )


def _sessions(stored: list[StoredSession], repository: Repository) -> Iterator[AgentSession]:
    """Gather what the store says of each session."""
    grouped: dict[str, list[StoredSession]] = defaultdict(list)
    for row in stored:
        grouped[row.session_id].append(row)
    for session_id, rows in grouped.items():
        yield AgentSession(
            session_id=session_id,
            tasks=frozenset(row.task_id for row in rows),
            branches=frozenset(row.branch for row in rows if row.branch),
            files=frozenset(path for row in rows for path in _paths(row.components_json)),
            first_at=min(_seconds(row.first_at) for row in rows),
            last_at=max(_seconds(row.last_at) for row in rows),
            cost_usd=_sum_of(row.cost_usd for row in rows),
            is_here=any(_is_of(row, repository) for row in rows),
        )


def _sum_of(costs: Iterable[float | None]) -> float | None:
    known = list(costs)
    return None if None in known else sum(cost for cost in known if cost is not None)


def _is_of(row: StoredSession, repository: Repository) -> bool:
    if row.repository is not None:
        return row.repository == repository.name
    return row.project_id in (repository.project, repository.name.rpartition("/")[2])


def _paths(components: Any) -> list[str]:
    found = json.loads(components) if isinstance(components, str) else components or []
    return [path for path in found if isinstance(path, str)]


def _seconds(instant: str) -> float:
    return datetime.fromisoformat(instant.replace("Z", "+00:00")).astimezone(UTC).timestamp()


def _found(history: History, linked: set[str], sessions: dict[str, AgentSession]) -> dict[str, Any]:
    here = {name for name, session in sessions.items() if session.is_here}
    flows: dict[str, int] = defaultdict(int)
    for change in history.changes:
        flows[change.flow] += 1
    return {
        "commits": history.commit_count,
        "changes": len(history.changes),
        "flows": dict(flows),
        "fixes": len(history.fixes),
        "fixes_with_origin": sum(bool(fix.blamed) for fix in history.fixes),
        "reverts": len(history.reverts),
        "sessions": len(here | linked),
        "sessions_linked": len(linked),
        "files_unread": len(history.unread),
    }


def _notes(history: History, found: dict[str, Any]) -> Iterator[str]:
    name = history.repository.name
    flows = ", ".join(f"{count:,} by {flow}" for flow, count in sorted(found["flows"].items(), key=lambda one: -one[1]))
    yield (
        f"{name}: changes: {found['changes']:,} ({flows}), commits: {found['commits']:,}, fixes: {found['fixes']:,} "
        f"({found['fixes_with_origin']:,} with the change that they correct), reverted: {found['reverts']:,}, "
        f"sessions: {found['sessions']:,} ({found['sessions_linked']:,} linked with a change)."
    )
    if history.repository.is_shallow:
        yield f"{name} is a shallow clone: what is older is unknown. Fetch it with: git fetch --unshallow"
    if history.unread:
        commit, path = history.unread[0]
        yield (
            f"{name}: the content of {len(history.unread):,} changed files is not in this clone ({path} in "
            f"{commit[:12]}, for one), and their lines are not counted. Fetch it with: git fetch --refetch --no-filter"
        )
