"""Writes the golden files: `python -m tests.golden CODE_DIR OUT_DIR [STORE...]`, from the code of CODE_DIR."""

import json
import sys
import tempfile
from pathlib import Path

from tests.golden.stores import SHARED_DATA, STORES, make_store
from tests.golden.summary import summarise


def main(code: Path, out: Path, names: list[str]) -> None:
    """Make each store in a temporary folder and write its summary."""
    out.mkdir(parents=True, exist_ok=True)
    for name in names or STORES:
        with tempfile.TemporaryDirectory() as folder:
            found = summarise(make_store(name, Path(folder) / name, code), code, SHARED_DATA)
        text = json.dumps(found, indent=1, sort_keys=True, ensure_ascii=False)
        (out / f"{name}.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]), sys.argv[3:])
