"""Lists of changes and issues that GitHub's and GitLab's tools write as JSON, with what follows from each entry.

Each record keeps its own columns and gets those that begin with `derived.`. Changes that share a task become one.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from asp_analysis.importers.presets.preset import PresetUse
from asp_analysis.importers.presets.pull_facts import (
    Bots,
    Found,
    check_facts,
    dicts,
    instant_of,
    join_facts,
    minutes_between,
    review_facts,
    task_key,
)
from asp_analysis.importers.tables.raw import BATCH_RECORDS, RawBatch

DERIVED = "derived."
"""What the columns begin with that a reader makes."""

_GITHUB_URL = re.compile(r"https?://[^/]+/([^/\s]+/[^/\s]+)/(?:pull|issues)/\d+")
_GITLAB_URL = re.compile(r"https?://[^/]+/(.+?)/-/merge_requests/\d+")
_FILES_LISTED = 100
_TEXT_READ = 100_000
_ADDRESS = re.compile(r"\w+://\S+")
_FILE_NAME = re.compile(r"((?:[\w.-]{1,100}/){1,20}[\w-]{1,100}\.[A-Za-z]\w{0,4}\b)|`([\w-]{1,100}\.[A-Za-z]\w{0,4})`")


class ForgeList:
    """The records of one file; `notes` says what its user should know, when all is read."""

    def __init__(self, name: str, use: PresetUse, notes: list[str]) -> None:
        self._name, self._use, self._notes = name, use, notes
        self._bots = Bots(use.preset.bots)
        self._cut_files = self._without_repository = 0

    def read(self, raws: Iterable[RawBatch]) -> Iterator[RawBatch]:
        """Yield the records, one for each task."""
        self._cut_files = self._without_repository = 0
        derive = {"github": self._github, "gitlab": self._gitlab}[self._use.preset.reader]
        by_task: dict[str, list[tuple[Found, Found, int, str]]] = {}
        unreadable = []
        for raw in raws:
            unreadable += raw.unreadable
            for number in range(raw.record_count):
                record = {name: values[number] for name, values in raw.columns.items()}
                facts = derive(record)
                kept = (record, facts, raw.line_numbers[number], raw.raw_text(number))
                by_task.setdefault(facts["task"] or f" {len(by_task)}", []).append(kept)  # one without a name is alone
        self._tell(sum(map(len, by_task.values())))
        tasks = list(by_task.values())
        for start in range(0, max(1, len(tasks)), BATCH_RECORDS):
            yield _batch(tasks[start : start + BATCH_RECORDS], unreadable if start == 0 else [])

    def _tell(self, count: int) -> None:
        self._notes += self._use.preset.tell_cut(self._name, count)
        if self._without_repository:
            self._notes.append(
                f"{self._name} does not name its repository: tasks are called such as #12. Export url too, or say "
                "--set repository=OWNER/NAME; numbers of several repositories would meet."
            )
        if self._cut_files:
            changes = "1 change has" if self._cut_files == 1 else f"{self._cut_files:,} changes have"
            self._notes.append(f"{changes} exactly {_FILES_LISTED} files: GitHub lists no more, some are missing.")

    def _named(self, record: Found, url: re.Pattern[str], sign: str, address: str) -> tuple[str | None, str | None]:
        """Return the repository of a record, and its own name: that with its number; None where it has no number."""
        found = url.match(str(record.get(address) or ""))
        repository = self._use.inputs.get("repository") or (found[1] if found else None)
        self._without_repository += repository is None
        number = record.get("iid" if sign == "!" else "number")
        return repository, f"{repository or ''}{sign}{number}" if isinstance(number, int) else None

    def _github(self, record: Found) -> Found:
        repository, name = self._named(record, _GITHUB_URL, "#", "url")
        commits, files = dicts(record.get("commits")), dicts(record.get("files"))
        self._cut_files += len(files) == _FILES_LISTED
        created, merged = instant_of(record.get("createdAt")), instant_of(record.get("mergedAt"))
        state = str(record.get("state") or "").casefold()
        facts: Found = {
            "task": task_key(record.get("headRefName"), self._use.task_from) or name,
            "name": name,
            "repository": repository,
            "pulls": [name] if name else [],
            "state": "draft" if state == "open" and record.get("isDraft") is True else state,
            "created_at": created,
            "started_at": _first_commit(commits, merged or instant_of(record.get("closedAt"))),
            "merged_at": merged,
            "additions": record.get("additions"),
            "deletions": record.get("deletions"),
            "commits": len(commits) if record.get("commits") is not None else None,
            "files": [path for file in files if isinstance(path := file.get("path"), str)],
            "is_cut": len(files) == _FILES_LISTED or None,
            "labels": _labels(record),
            "closes": [one.get("number") for one in dicts(record.get("closingIssuesReferences"))],
            "open_minutes": minutes_between(created, merged),
            "is_of_bot": self._bots.has(record["author"]) if record.get("author") else None,
            "text_length": _length(record, "title", "body"),
            "files_named": _count_files(record.get("body")),
            "is_human_reviewed": None,
            **check_facts(dicts(record.get("statusCheckRollup"))),
        }
        if record.get("reviews") is not None:
            about = {"author": record.get("author"), "created_at": created, "merged_at": merged}
            facts |= review_facts(dicts(record["reviews"]), commits, about, self._bots)
        for item in (*facts.get("changes_requested", ()), *facts["red_checks"]):
            item |= {"name": f"{name}:{item['name']}", "pull": name}
        return facts

    def _gitlab(self, record: Found) -> Found:
        repository, name = self._named(record, _GITLAB_URL, "!", "web_url")
        created, merged = instant_of(record.get("created_at")), instant_of(record.get("merged_at"))
        state = str(record.get("state") or "").casefold()
        is_draft = record.get("draft") is True or record.get("work_in_progress") is True
        state = {"opened": "draft" if is_draft else "open", "locked": "open"}.get(state, state)
        approvals = [one.get("user") for one in dicts(record.get("approved_by"))]
        reviewed = [user for user in approvals if user and not self._bots.has(user)]
        paths = [one.get("new_path") for one in dicts(record.get("changes"))]
        return {
            "task": task_key(record.get("source_branch"), self._use.task_from) or name,
            "name": name,
            "repository": repository,
            "pulls": [name] if name else [],
            "state": state,
            "created_at": created,
            "started_at": None,
            "merged_at": merged,
            "additions": record.get("additions"),
            "deletions": record.get("deletions"),
            "files": [path for path in paths if isinstance(path, str)],
            "labels": _labels(record),
            "open_minutes": minutes_between(created, merged),
            "is_of_bot": self._bots.has(record["author"]) if record.get("author") else None,
            "text_length": _length(record, "title", "description"),
            "is_human_reviewed": True if reviewed else None,
        }


def _batch(tasks: list[list[tuple[Found, Found, int, str]]], unreadable: list[Any]) -> RawBatch:
    records = []
    for changes in tasks:
        record = min(changes, key=lambda change: change[1]["created_at"] or "9")[0]
        facts = join_facts([change[1] for change in changes])
        records.append({**record, **{f"{DERIVED}{name}": value for name, value in facts.items()}})
    names = dict.fromkeys(name for record in records for name in record)
    texts = [changes[0][3] for changes in tasks]
    return RawBatch(
        columns={name: [record.get(name) for record in records] for name in names},
        line_numbers=[changes[0][2] for changes in tasks],
        raw_text=texts.__getitem__,
        unreadable=unreadable,
    )


def _first_commit(commits: list[Found], ended: str | None) -> str | None:
    """Return when the first commit was written; None where that is after the end, as after a rebase by hand."""
    first = min(filter(None, (instant_of(commit.get("authoredDate")) for commit in commits)), default=None)
    return None if first and ended and first > ended else first


def _labels(record: Found) -> list[str]:
    labels = record.get("labels")
    found = [one.get("name") if isinstance(one, dict) else one for one in labels] if isinstance(labels, list) else []
    return [label for label in found if isinstance(label, str)]


def _length(record: Found, *names: str) -> int | None:
    texts = [text for name in names if isinstance(text := record.get(name), str)]
    return sum(map(len, texts)) if texts else None


def _count_files(text: Any) -> int | None:
    """Count the files that a text names: paths with a folder, or names with an ending in backticks; not addresses."""
    if not isinstance(text, str):
        return None
    own = _ADDRESS.sub(" ", text[:_TEXT_READ])
    return len({name.removeprefix("./") for found in _FILE_NAME.findall(own) for name in found if name})
