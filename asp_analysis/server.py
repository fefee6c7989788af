"""What a PostgreSQL server says, in one line: what is wrong, what to do next, and never a password."""

import re
from urllib.parse import unquote, urlsplit

from asp_analysis.config import StoreUrl

_REFUSALS = (
    ("password authentication failed", "it refuses the password", "Check PGPASSWORD, the password file or the address"),
    ("no password supplied", "it asks for a password", "Set it in PGPASSWORD, the password file or DATABASE_URL"),
    ("role .* does not exist", "it knows no such user", "Check the name in the address"),
    ("database .* does not exist", "it has no such database", "Make it with: createdb"),
    ("connection refused", "nothing answers there", "Check that the server runs, and its host and port"),
    ("could not translate|name or service not known|failed to resolve", "its host is not known", "Check the address"),
    ("timeout expired|timed out|no route to host", "it does not answer in time", "Check the address and the network"),
    (
        "closed the connection|connection is lost|connection is closed|terminating connection|lost synchron|"
        "consuming input failed|connection reset|broken pipe|connection (already closed|not open)|no connection",
        "the connection was lost",
        "Nothing of this was written; try again",
    ),
    ("starting up|shutting down|recovery mode", "it is starting or stopping", "Try again in a moment"),
    (
        "no space left|disk full|could not extend",
        "its disk is full",
        "Free some space there; nothing of this was written",
    ),
    ("lock timeout", "another writer has held it for too long", "Wait for it to finish"),
    ("statement timeout", "it stopped a statement that took too long", "Raise statement_timeout for this user"),
    ("read-only transaction", "it is read-only", "Name the primary server"),
    ("permission denied|must be owner", "this user may not do that", "GRANT asp_reader or asp_writer to the user"),
    ("too many connections|too many clients", "it takes no more connections", "Close some, or raise max_connections"),
)
_PASSWORD = re.compile(r"(password\s*=\s*)('(?:[^'\\]|\\.)*'|\S+)|(://[^:/@\s]*:)[^@\s]*@", re.IGNORECASE)


def explained(url: StoreUrl, text: str, action: str = "write to") -> str:
    """Return the error line for what a server or its driver said: known causes in our words, others on one line."""
    for pattern, found, remedy in _REFUSALS:
        if re.search(pattern, text, re.IGNORECASE):
            return f"Cannot {action} the store {url.shown}: {found}. {remedy}."
    return f"Cannot {action} the store {url.shown}: {without_password(text, url)}. Check the server's log."


def without_password(text: str, url: StoreUrl) -> str:
    """Put a text on one line and take out whatever is or looks like a password."""
    shown = _PASSWORD.sub(lambda found: f"{found[1] or found[3]}***{'@' if found[3] else ''}", " ".join(text.split()))
    for password in _passwords(url):
        shown = shown.replace(password, "***")
    return shown


def _passwords(url: StoreUrl) -> set[str]:
    written = urlsplit(url.text).password or ""
    return {word for word in (written, unquote(written)) if word}
