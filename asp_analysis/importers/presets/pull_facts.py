"""What the JSON of a forge says of a change: its task, reviews, waiting and checks, before the rules of a preset."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from asp_analysis.records import read_instant

Found = dict[str, Any]

ISSUE_KEY = r"\b(?!(?:UTF|ISO|SHA|CVE|RFC|MD|GPT|PR|GH)-)[A-Z][A-Z0-9]+-[0-9]+\b"
"""An issue key such as PAY-12 in the name of a branch; not a word of our trade that looks like one."""

_RED = {"FAILURE", "TIMED_OUT", "STARTUP_FAILURE", "ERROR"}
_JUDGED = ("APPROVED", "CHANGES_REQUESTED")


class Bots:
    """Tells programs from persons, by what the forge says and by the logins that a preset lists."""

    def __init__(self, logins: Sequence[str]) -> None:
        self._logins = {login.casefold() for login in logins}

    def has(self, author: Any) -> bool:
        """Return whether an author is a program."""
        if not isinstance(author, dict):
            return False
        login = login_of(author)
        said = author.get("is_bot") is True or author.get("bot") is True or author.get("type") == "Bot"
        name = login.removeprefix("app/").removesuffix("[bot]").casefold()
        return said or login.startswith("app/") or login.endswith("[bot]") or name in self._logins


def login_of(author: Any) -> str:
    """Return the login of an author; empty where none is known: an account that was deleted."""
    login = author.get("login") or author.get("username") if isinstance(author, dict) else None
    return login if isinstance(login, str) else ""


def dicts(value: Any) -> list[Found]:
    """Return the objects of a list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def instant_of(value: Any) -> str | None:
    """Return an instant in the store's form; None for what is none, or for the year 1, which is written for unknown."""
    if not isinstance(value, str) or value.startswith("0001-"):
        return None
    try:
        read: str = read_instant(value)
        return read
    except ValueError:
        return None


def minutes_between(first: str | None, second: str | None) -> int | None:
    """Return the whole minutes from one instant to a later one; None where one is unknown, or they are reversed."""
    if first is None or second is None or second < first:
        return None
    return int((datetime.fromisoformat(second) - datetime.fromisoformat(first)).total_seconds() // 60)


def task_key(branch: Any, task_from: str | None) -> str | None:
    """Return the key of the task in the name of a branch, as --task-from finds it in those of transcripts."""
    if not isinstance(branch, str) or task_from == "branch":
        return branch if isinstance(branch, str) and branch else None
    found = re.search(task_from or ISSUE_KEY, branch)
    return next((group for group in found.groups() if group), found[0]) or None if found else None


def review_facts(reviews: list[Found], commits: list[Found], about: Found, bots: Bots) -> Found:
    """Return what the reviews of one change say.

    about: its author, created_at and merged_at. Reviews of the author are none.
    """
    author = login_of(about["author"])
    dated = [(at, one) for one in reviews if (at := instant_of(one.get("submittedAt")))]
    others = [(at, one) for at, one in sorted(dated, key=lambda pair: pair[0]) if login_of(one.get("author")) != author]
    by_person = [(at, one) for at, one in others if not bots.has(one.get("author"))]
    judged = [one for _, one in by_person if one.get("state") in _JUDGED]
    pushes = sorted(filter(None, (instant_of(commit.get("committedDate")) for commit in commits)))
    return {
        "reviews_by_persons": len(by_person),
        "reviews_by_bots": len(others) - len(by_person),
        "is_human_reviewed": True if judged else False if about["merged_at"] else None,
        "review_rounds": _count_rounds(others, pushes),
        "waiting_minutes": minutes_between(about["created_at"], by_person[0][0]) if by_person else None,
        "changes_requested": _changes_requested(others, about | {"pushes": pushes}, bots),
    }


def _count_rounds(reviews: list[tuple[str, Found]], pushes: list[str]) -> int:
    """Count the reviews between which something was pushed; without pushes, those that each asked for changes."""
    if not reviews:
        return 0
    if not pushes:
        asked = sum(one.get("state") == "CHANGES_REQUESTED" for _, one in reviews)
        return asked + (reviews[-1][1].get("state") != "CHANGES_REQUESTED")
    return len({sum(push <= at for push in pushes) for at, _ in reviews})


def _changes_requested(reviews: list[tuple[str, Found]], about: Found, bots: Bots) -> list[Found]:
    """Return one finding for each review that asked for changes before the merge, and when it was settled."""
    merged = about["merged_at"]
    found: list[Found] = []
    for at, one in reviews:
        if one.get("state") != "CHANGES_REQUESTED" or (merged and at > merged):
            continue
        login = login_of(one.get("author"))
        approved = [
            later
            for later, other in reviews
            if later > at and other.get("state") == "APPROVED" and login_of(other.get("author")) == login
        ]
        settled = min(filter(None, [*approved[:1], merged]), default=None)
        same = sum(item["at"] == at for item in found)
        found.append(
            {
                "name": f"review:{at}" + (f":{same + 1}" if same else ""),
                "at": at,
                "settled_at": settled,
                "is_of_bot": bots.has(one.get("author")),
                **(_judge_finding(at, reviews, about, bots) if bots.has(one.get("author")) else {}),
            }
        )
    return found


def _judge_finding(at: str, reviews: list[tuple[str, Found]], about: Found, bots: Bots) -> Found:
    """Return what a person made of a finding before the merge, by acts: approved after a commit that followed it, it
    is confirmed; approved and merged though none followed, it is refuted; else nobody decided."""
    merged, pushes = about["merged_at"], about["pushes"]
    approvals = [
        later
        for later, one in reviews
        if merged and at < later <= merged and one.get("state") == "APPROVED" and not bots.has(one.get("author"))
    ]
    followed = [push for push in pushes if merged and at < push <= merged]
    is_confirmed = bool(approvals and followed and approvals[-1] > followed[0])
    return {"is_confirmed": is_confirmed, "is_refuted": bool(pushes and approvals and not followed)}


def check_facts(checks: list[Found]) -> Found:
    """Return how the checks ended, and those that were red and then green."""
    runs: dict[str, list[tuple[str, str]]] = defaultdict(list)
    ended: dict[str, str] = {}
    for check in checks:
        words = (check.get("workflowName"), check.get("name") or check.get("context"))
        name = " / ".join(filter(None, map(_word, words)))
        times = (instant_of(check.get(key)) for key in ("completedAt", "startedAt", "createdAt"))
        result = _word(check.get("conclusion") or check.get("state")).upper()
        if name and result:
            runs[name].append((next(filter(None, times), ""), result))
    mended: list[Found] = []
    for name, results in runs.items():
        results.sort(key=lambda pair: pair[0])
        ended[name] = results[-1][1]
        mended += _mended(name, results)
    passed = sum(result == "SUCCESS" for result in ended.values())
    failed = sum(result in _RED for result in ended.values())
    return {"checks": {"passed": passed, "failed": failed} if ended else None, "red_checks": mended}


def _mended(name: str, results: list[tuple[str, str]]) -> list[Found]:
    """Return the first red run of a check that a later one turned green; none where none did."""
    red = next((at for at, result in results if result in _RED and at), None)
    green = next((at for at, result in results if result == "SUCCESS" and red and at > red), None)
    return [{"name": f"check:{name}:{red}", "check": name, "at": red, "settled_at": green}] if green else []


def _word(value: Any) -> str:
    return value if isinstance(value, str) else ""


_ADDED_UP = (
    "additions", "deletions", "commits", "reviews_by_persons", "reviews_by_bots", "review_rounds", "waiting_minutes",
    "open_minutes", "text_length",
)  # fmt: skip
_UNITED = ("pulls", "files", "labels", "closes", "changes_requested", "red_checks")
_OF_ALL = ("pulls", "changes_requested")
_STATES = ("open", "draft", "merged", "closed")


def join_facts(pulls: list[Found]) -> Found:
    """Return the facts of one task from those of all its changes; abandoned ones only where no other was merged."""
    if len(pulls) == 1:
        return pulls[0]
    counted = [pull for pull in pulls if pull["state"] != "closed"] or pulls
    first = min(counted, key=lambda pull: pull["created_at"] or "9")
    joined = dict(first)
    for name in _ADDED_UP:
        joined[name] = _added([pull.get(name) for pull in counted])
    for name in _UNITED:
        joined[name] = _united(pull.get(name) for pull in (pulls if name in _OF_ALL else counted))
    joined["state"] = min((pull["state"] for pull in counted), key=_STATES.index)
    joined["started_at"] = min(filter(None, (pull["started_at"] for pull in counted)), default=None)
    ends = [pull["merged_at"] for pull in counted]
    joined["merged_at"] = max(filter(None, ends), default=None) if joined["state"] == "merged" else None
    reviewed = [pull["is_human_reviewed"] for pull in counted]
    joined["is_human_reviewed"] = None if None in reviewed else all(reviewed)
    return joined


def _added(values: list[Any]) -> Any:
    known = [value for value in values if value is not None]
    return sum(known) if known and len(known) == len(values) else None


def _united(lists: Iterable[Any]) -> list[Any]:
    united: list[Any] = []
    for one in lists:
        united += [item for item in one or () if item not in united]
    return united
