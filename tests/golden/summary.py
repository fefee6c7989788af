"""Says what one store holds and what the commands answer, in numbers that do not depend on order, time or paths.

`summarise` starts this file as a process that imports `asp_analysis` from the folder that is asked, so that the code
under test may be another release. Of a view or a table: its rows, a hash of what stands together in them, and of every
column how many values are known; of numbers sum, least and greatest, of instants least, greatest and a hash, of all
else a hash. Of a command: its JSON.
"""

import hashlib
import io
import json
import math
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from contextlib import redirect_stderr, redirect_stdout
from datetime import datetime
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from tests.golden.stores import Store

OF_THE_LOAD = {"stg_loads": {"finished_at"}}
"""View -> columns that tell when the load ran: only counted."""

LEFT_OUT = {"loaded_at", "loaded_again_at", "size_bytes", "reject_id"}
"""Fields of JSON answers that tell when or how something was written, not what."""

_SUM_DIGITS, _ANSWER_DIGITS, _MOST_ROWS = 10, 8, 40
_OFFSET = 0.38196601125
_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][-+]?\d+)?")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")

COMMON = ("models", "rejects", "backtest", "estimate --size 12", "quality --table measures", "quality --table costs")
"""Command lines that every store is asked."""

_OF_DEFECTS = (
    "yields", "matrix", "reviews", "reviews-by-type", "fixes", "accepted", "types", "charts", "components",
    "task-types", "roles", "predictions",
)  # fmt: skip
_QUALITY = tuple(f"quality --table {name}" for name in _OF_DEFECTS)

OF_A_STORE = {
    "sample": (
        "estimate --size 30 --role Code --cost latency_ms --cost tokens_out --cost tool_calls",
        "estimate --size 5 --model claude-sonnet-4-5 --level 50",
        "estimate --size 12 --per attempt --method loglog",
        "estimate --size 12 --model no-such-model",
        "estimate --size 12 --compare",
        "probe --size 18",
        "probe --size 18 --planned 2.5 --judgement 2 --role Code",
        "probe",
        "complexity",
        *_QUALITY,
    ),
    "swebench": (
        "estimate --size 18 --model 'Minimax M2'",
        "estimate --size 3 --model 'Devstral (2512)' --cost tool_calls",
        "probe --size 18 --model 'Minimax M2'",
        "probe --size 18",
    ),
    "transcripts": (
        "estimate --role Code --cost tokens_out --model claude-opus-4-5-20251101",
        "estimate --size 12 --method loglog",
        "estimate --compare",
        "probe --size 12",
    ),
    "platform": (
        "estimate --size 10 --role Code --cost latency_ms --cost tokens_in --level 50",
        "estimate --size 10 --model gpt-5-mini --per attempt",
        "estimate --size 10 --model no-such-model",
        "probe --size 10 --role Code --cost latency_ms",
        "probe --size 10",
        *_QUALITY,
    ),
}
"""Store -> command lines that are asked of it alone; some of them are refused."""


def summarise(store: "Store", code: Path, shared: Path) -> dict[str, Any]:
    """Give the summary of a store as the code of `code` sees it."""
    from tests.golden.stores import environment

    words = [sys.executable, "-P", str(Path(__file__).resolve()), store.name, store.url, str(shared), str(code)]
    ran = subprocess.run(
        words, cwd=store.folder, env=environment(code, store.folder), capture_output=True, text=True, timeout=600
    )
    if ran.returncode:
        raise RuntimeError(f"The summary of {store.name} ended with {ran.returncode}: {ran.stderr[-3000:]}")
    places = {str(shared): "SHARED", str(store.folder.resolve()): "FOLDER"}
    loads = (condensed(_without_their_words(_placed(one, places))) for one in store.loads)
    return json.loads(ran.stdout) | {"loads": _numbered(loads)}


# --- columns ----------------------------------------------------------------------------------------------------------


def column_of(values: "pd.Series") -> dict[str, Any]:
    """Say what a column of a frame holds, whatever the order of its rows."""
    from pandas.api.types import is_bool_dtype, is_datetime64_any_dtype, is_numeric_dtype

    known = values.dropna()
    if not len(known):
        return {"known": 0}
    if is_datetime64_any_dtype(known):
        return _instants(known.dt.strftime("%Y-%m-%dT%H:%M:%S.%f"))
    if is_numeric_dtype(known) and not is_bool_dtype(known):
        return _numbers(known.astype(float))
    return _texts(known.astype(str))


def column_of_file(values: "pd.Series") -> dict[str, Any]:
    """Say what a column of a CSV file holds, all cells of which were read as text."""
    known = values.dropna()
    distinct = known.unique()
    if not len(distinct):
        return {"known": 0}
    if all(_NUMBER.fullmatch(text) for text in distinct):
        return _numbers(known.astype(float))
    if all(_INSTANT.fullmatch(text) for text in distinct):
        return _instants(known)
    return _texts(known)


def rows_of(frame: "pd.DataFrame") -> str:
    """Hash which values stand together in a row, whatever the order of rows and columns and the columns' names."""
    import numpy as np

    total = np.zeros(len(frame), dtype="uint64")
    for name in frame.columns:
        total += _cells(frame[name])
    return hashlib.sha256(np.sort(total).tobytes()).hexdigest()[:16]


def _cells(values: "pd.Series") -> Any:
    """Hash every cell of a column; an unknown one is 0, so that a column without values changes nothing."""
    import numpy as np
    import pandas as pd
    from pandas.api.types import is_bool_dtype, is_datetime64_any_dtype, is_numeric_dtype

    found = np.zeros(len(values), dtype="uint64")
    known = values.dropna()
    if is_datetime64_any_dtype(known):
        plain = known.astype("datetime64[us]").astype("int64")
    elif is_numeric_dtype(known) and not is_bool_dtype(known):
        plain = _coarse(known.astype(float))
    else:
        plain = known.astype(str).map({text: _canonical(text) for text in known.astype(str).unique()})
    found[values.notna().to_numpy()] = pd.util.hash_pandas_object(plain, index=False).to_numpy(dtype="uint64")
    return found


def _coarse(known: "pd.Series") -> "pd.Series":
    """Cut numbers to eight digits, as whole numbers.

    They are cut at no decimal place: a sum of prices lies on one often, and its last bit would tell.
    """
    import numpy as np

    powers = np.floor(np.log10(known.abs().where(known != 0, 1.0)) + _OFFSET) - _ANSWER_DIGITS + 1
    return (np.floor(known / 10.0**powers + _OFFSET) * 1000 + powers).astype("int64")


def _numbers(known: "pd.Series") -> dict[str, Any]:
    found = {"sum": math.fsum(known), "min": float(known.min()), "max": float(known.max())}
    return {"known": len(known)} | {name: _rounded(value, _SUM_DIGITS) for name, value in found.items()}


def _instants(known: "pd.Series") -> dict[str, Any]:
    return {
        "known": len(known),
        "min": known.min(),
        "max": known.max(),
        **_hashed(Counter(known.value_counts().to_dict())),
    }


def _texts(known: "pd.Series") -> dict[str, Any]:
    counts: Counter[str] = Counter()
    for text, count in known.value_counts().items():
        counts[_canonical(text)] += count
    return {"known": len(known), **_hashed(counts)}


def _hashed(counts: Counter[str]) -> dict[str, Any]:
    lines = "\n".join(f"{text}\t{count}" for text, count in sorted(counts.items()))
    return {"distinct": len(counts), "sha256": hashlib.sha256(lines.encode()).hexdigest()[:16]}


def _canonical(text: str) -> str:
    """Write JSON anew with its keys in order; any other text stays as it is."""
    parsed = _parsed(text)
    return text if parsed is None else json.dumps(parsed, sort_keys=True, ensure_ascii=False)


def _parsed(text: str) -> Any:
    if text[:1] not in "{[" or not text:
        return None
    try:
        return json.loads(text)
    except ValueError:
        return None


def _rounded(value: float, digits: int) -> float | int | None:
    if not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    short = float(f"{value:.{digits}g}")
    return int(short) if short.is_integer() and abs(short) < 1e15 else short


# --- answers ----------------------------------------------------------------------------------------------------------


def condensed(answer: Any) -> Any:
    """Round an answer's numbers, name its rows instead of counting them, and sum up what has many rows."""
    if isinstance(answer, bool) or answer is None:
        return answer
    if isinstance(answer, int | float):
        return _rounded(float(answer), _ANSWER_DIGITS)
    if isinstance(answer, str):
        parsed = _parsed(answer)
        return answer if parsed is None else condensed(parsed)
    if isinstance(answer, dict):
        return {name: condensed(value) for name, value in answer.items() if name not in LEFT_OUT}
    if answer and all(isinstance(row, dict) for row in answer):
        return _table(answer) if len(answer) > _MOST_ROWS else _named(answer)
    return [condensed(value) for value in answer]


def _table(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Sum up rows by column, as a view is."""
    import pandas as pd

    names = sorted({name for row in rows for name in row} - LEFT_OUT)
    columns = {name: pd.Series([_cell(row.get(name)) for row in rows]).infer_objects() for name in names}
    return {"rows": len(rows), "columns": {name: column_of(values) for name, values in columns.items()}}


def _cell(value: Any) -> Any:
    return json.dumps(value, sort_keys=True, ensure_ascii=False) if isinstance(value, dict | list) else value


def _named(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Name each row by as many of its first texts as tell it from the others, else by its place in order."""
    short = [condensed(row) for row in rows]
    for count in (1, 2, 3):
        firsts = [list(row.values())[:count] for row in short]
        names = {" / ".join(map(str, first)) for first in firsts if all(isinstance(x, str | None) for x in first)}
        if len(names) == len(rows):
            return {" / ".join(map(str, first)): row for first, row in zip(firsts, short, strict=True)}
    return _numbered(sorted(short, key=lambda row: json.dumps(row, sort_keys=True)))


def _numbered(values: Iterable[Any]) -> dict[str, Any]:
    return {f"{number:02}": value for number, value in enumerate(values, start=1)}


def _without_their_words(load: dict[str, Any]) -> dict[str, Any]:
    """Hash what a load says of the columns of the files, which are not ours."""
    hashed = {"found", "notes", "reason"}
    lists = {name: value for name, value in load.items() if isinstance(value, list)}
    return load | {
        name: [
            {key: _hash(value) if key in hashed and value else value for key, value in row.items()}
            if isinstance(row, dict)
            else row
            for row in rows
        ]
        for name, rows in lists.items()
    }


def _hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def _placed(value: Any, places: dict[str, str]) -> Any:
    """Replace what stands for a folder of this machine by a word."""
    text = json.dumps(value)
    for place, word in places.items():
        text = text.replace(json.dumps(place)[1:-1], word)
    return json.loads(text)


# --- in the process that imports the code under test ------------------------------------------------------------------


def _say(name: str, url: str, shared: str, code: str) -> dict[str, Any]:
    import asp_analysis

    if not Path(asp_analysis.__file__).is_relative_to(Path(code).resolve()):
        raise RuntimeError(f"asp_analysis of {code} is needed, {asp_analysis.__file__} was imported.")
    places = {shared: "SHARED", str(Path.cwd()): "FOLDER"}
    views, newest = _views(url, places)
    asked = [*COMMON, f"learning --as-of {newest:%Y-%m-%d}", *OF_A_STORE[name]]
    answers = {line: condensed(_placed(_answer(line, url), places)) for line in asked}
    made_with = {"genai-prices": metadata.version("genai-prices")}
    return {"views": views, "answers": answers, "export": _export(url), "made_with": made_with}


def _views(url: str, places: dict[str, str]) -> tuple[dict[str, Any], datetime]:
    """Sum up every view, and give the newest instant of the store."""
    import asp_analysis

    names = [row["view"] for row in _command(["views", "--json"])["out"]]
    found, newest = {}, datetime.min
    with asp_analysis.connect(url) as session:
        for name in names:
            frame = session.view(name)
            found[name] = _view(frame, OF_THE_LOAD.get(name, set()), places)
            instants = frame.drop(columns=list(OF_THE_LOAD.get(name, ()))).select_dtypes("datetime").max().dropna()
            newest = max([newest, *(instant.to_pydatetime() for instant in instants)])
    return found, newest


def _view(frame: "pd.DataFrame", of_the_load: set[str], places: dict[str, str]) -> dict[str, Any]:
    paths = {name: frame[name].map(lambda text: _placed(text, places)) for name in frame.columns if name == "file"}
    columns = {
        name: {"known": int(values.notna().sum())} if name in of_the_load else column_of(paths.get(name, values))
        for name, values in frame.items()
    }
    linked = frame.drop(columns=list(of_the_load)).assign(**paths)
    return {"rows": len(frame), "rows_sha256": rows_of(linked), "columns": columns}


def _answer(line: str, url: str) -> dict[str, Any]:
    import shlex

    answer = _command([*shlex.split(line), "--json", "--db", url])
    return {name: value for name, value in answer.items() if value not in ("", [], 0)}


def _command(words: list[str]) -> dict[str, Any]:
    """Run a command line in this process: what it printed (as JSON, where it is), what it said, how it ended."""
    from asp_analysis import cli

    out, err, code = io.StringIO(), io.StringIO(), 0
    sys.argv = ["asp-analysis", *words]
    with redirect_stdout(out), redirect_stderr(err):
        try:
            cli.main()
        except SystemExit as stop:
            code = int(stop.code or 0)
    printed = out.getvalue()
    return {"out": json.loads(printed) if printed else "", "err": err.getvalue().splitlines(), "exit": code}


def _export(url: str) -> dict[str, Any]:
    """Export to CSV, and sum up each file beside what the command says of it."""
    import pandas as pd

    folder = Path.cwd() / "exported"
    said = _command(["export", "--out", str(folder), "--json", "--db", url])["out"]
    found = {}
    for one in said:
        frame = pd.read_csv(one["file"], dtype=str, keep_default_na=False, na_values=[""])
        columns = {name: column_of_file(frame[name]) for name in frame.columns}
        told = {name: value for name, value in one.items() if name not in {*LEFT_OUT, "file", "table"}}
        found[Path(one["file"]).name] = {"said": told, "rows": len(frame), "columns": columns}
    return found


if __name__ == "__main__":
    json.dump(_say(*sys.argv[1:]), sys.stdout)
