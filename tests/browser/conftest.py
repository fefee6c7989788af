"""Tests in a real browser are left out unless they are asked for: `make browser`, or `pytest -m browser`.

They need `chromium` on the path and playwright in this Python (or in a folder on PYTHONPATH); they skip with the
reason else. What they see is kept in `build/pictures/`.
"""

import shutil
from pathlib import Path

import pytest

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
FLAGS += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]


def pytest_collection_modifyitems(config, items):
    """Deselect them in an ordinary run, which must need nothing beyond the environment."""
    if "browser" in (config.option.markexpr or ""):
        return
    left_out = [item for item in items if item.get_closest_marker("browser")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


@pytest.fixture(scope="session")
def browser():
    """One chromium for all tests; each takes a context of its own, which shares nothing with the others."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed in this Python")
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is not installed")
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=chromium, args=FLAGS)
        yield started
        started.close()


@pytest.fixture(scope="session")
def pictures():
    """The folder for pictures of what was seen, for a person to look at."""
    folder = Path(__file__).resolve().parents[2] / "build" / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
