"""Files belong to whoever made them, with the rights that their umask leaves: telemetry is nobody else's business."""

import os
import stat
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

MAKE = (
    ("init", "--sample"),
    ("dashboard",),
    ("backup",),
    ("export",),
    ("export", "--format", "parquet"),
    ("rejects", "--export", "rejects.txt"),
)
SNAPSHOT = """
from asp_analysis.session import connect, readers
readers.COPIED_ROWS = 10
connect("data/store.db").close()
"""


@pytest.mark.parametrize("umask", [0o077, 0o027], ids=oct)
def test_every_file_that_is_made_keeps_to_the_umask(tmp_path, umask):
    environment = {**os.environ, "DATABASE_URL": "sqlite:///data/store.db"}
    kept = {"cwd": tmp_path, "env": environment, "umask": umask, "check": True, "capture_output": True}
    for words in MAKE:
        subprocess.run([sys.executable, "-m", "asp_analysis", *words], **kept)
    subprocess.run([sys.executable, "-c", SNAPSHOT], **kept)
    made = [path for path in tmp_path.rglob("*") if path.is_file()]
    suffixes = {path.suffix for path in made}
    assert {".db", ".html", ".csv", ".parquet", ".duckdb", ".json"} <= suffixes
    too_open = {str(path): oct(stat.S_IMODE(path.stat().st_mode)) for path in made if path.stat().st_mode & umask}
    assert too_open == {}
