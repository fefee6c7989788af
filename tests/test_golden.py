"""The code says of four stores what the golden files hold: every view, the answers, the exported files.

`ASP_GOLDEN_CODE=/folder/of/a/release` asks the code of another folder. Where a change of meaning is wanted,
`python -m tests.golden . tests/golden` writes the files again, and the commit says which values changed and why.
"""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.golden.comparing import differences
from tests.golden.stores import SHARED_DATA, STORES, make_store, needs_shared_data
from tests.golden.summary import summarise

pytestmark = pytest.mark.golden
GOLDEN = Path(__file__).parent / "golden"
CODE = Path(os.environ.get("ASP_GOLDEN_CODE", GOLDEN.parents[1])).resolve()
_MOST_LINES = 30


def _summary(name, folder):
    return summarise(make_store(name, folder, CODE), CODE, SHARED_DATA)


@pytest.fixture(scope="module")
def summaries(request, tmp_path_factory):
    """The summaries that are asked for in the making, two at a time: store -> what will be its summary."""
    folder = tmp_path_factory.mktemp("golden")
    asked = {item.callspec.params["name"] for item in request.session.items if item.path == Path(__file__)}
    names = [name for name in STORES if name in asked and (SHARED_DATA.is_dir() or not needs_shared_data(name))]
    longest_first = sorted(names, key=needs_shared_data, reverse=True)
    with ThreadPoolExecutor(max_workers=2) as workers:
        yield {name: workers.submit(_summary, name, folder / name) for name in longest_first}


@pytest.mark.parametrize("name", STORES)
def test_a_store_says_what_it_said_in_the_release(name, summaries):
    if name not in summaries:
        pytest.skip(f"the real data sets are not here ({SHARED_DATA.parent.name}/{SHARED_DATA.name} is missing)")
    was = json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))
    found = list(differences(was, summaries[name].result(), (name,)))
    if found:
        lines = "\n".join(found[:_MOST_LINES])
        pytest.fail(f"{len(found)} values differ from the release, the first are:\n{lines}", pytrace=False)
