"""Runs each target in a process of its own for some seconds: `python -m tests.fuzz SECONDS [FORMAT...]`.

With `--runs N` instead of SECONDS each format reads the same N inputs every time: what decides whether a change lands
must not depend on chance. Runs by time look for what is not known yet.

An input that breaks an importer is kept in build/fuzz/; `python -m tests.fuzz --one FORMAT FILE` reads it again.
"""

import os
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

FOLDER = Path("build/fuzz")
_ALWAYS_THE_SAME = ("-seed=1",)
_LIMITS = ("-timeout=20", "-rss_limit_mb=2048", "-max_len=65536", "-print_final_stats=1", "-verbosity=0")


def main(words: list[str]) -> int:
    """Fuzz the named formats, or all; give the exit code."""
    from tests.fuzz.seeds import ALL_SEEDS

    if words[:1] == ["--one"]:
        return _fuzz(words[1], words[2:])
    if words[:1] == ["--runs"]:
        bound, words = (*_ALWAYS_THE_SAME, f"-runs={words[1]}"), words[1:]
    else:
        bound = (f"-max_total_time={words[0] if words else 8}",)
    failed = [name for name in words[1:] or ALL_SEEDS if not _ran_well(name, bound)]
    sys.stderr.write(f"Broken: {', '.join(failed)}; see {FOLDER}/\n" if failed else "No input broke an importer.\n")
    return bool(failed)


def _ran_well(name: str, bound: tuple[str, ...]) -> bool:
    from tests.fuzz.seeds import ALL_SEEDS

    corpus, broken = FOLDER / name / "corpus", FOLDER / name / "broken"
    if bound[0] in _ALWAYS_THE_SAME:
        shutil.rmtree(corpus, ignore_errors=True)  # what former runs found would be read too
    for folder in (corpus, broken):
        folder.mkdir(parents=True, exist_ok=True)
    (corpus / "seed").write_bytes(ALL_SEEDS[name]())
    words = [*bound, f"-artifact_prefix={broken}/", *_LIMITS, str(corpus)]
    command = [sys.executable, "-m", "tests.fuzz", "--one", name, *words]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | {"PYTHONHASHSEED": "0"})
    counted = [line for line in ran.stderr.splitlines() if "number_of_executed_units" in line]
    sys.stderr.write(f"{name}: {counted[0].split()[-1] if counted else 'no'} inputs\n")
    if ran.returncode:
        lines = [line for line in (ran.stderr + ran.stdout).splitlines() if not line.startswith(("INFO", "stat:"))]
        sys.stderr.write("\n".join(lines[-40:]) + "\n")
    return ran.returncode == 0


def _fuzz(name: str, words: list[str]) -> int:
    """Fuzz one format in this process, or read the files that are named."""
    import atheris

    with atheris.instrument_imports(include=["asp_analysis"]):
        from tests.fuzz.targets import read_as
    from tests.fuzz.mutation import mutate_cells, mutate_json, mutate_parquet, mutate_rows, mutate_xml
    from tests.fuzz.seeds import ALL_SEEDS

    seed = ALL_SEEDS[name]()
    is_json = seed.lstrip()[:1] in (b"{", b"[")
    by_magic = {b"SQLi": mutate_rows, b"PAR1": mutate_parquet, b"<tes": mutate_xml}
    mutate_one = mutate_json if is_json else by_magic.get(seed[:4], mutate_cells)

    path = Path(tempfile.mkdtemp(prefix="asp-fuzz-")) / "agent-1.jsonl"

    def take(data: bytes) -> None:
        path.write_bytes(data)
        read_as(name, path)

    def mutate(data: bytes, max_size: int, seed: int) -> bytes:
        chance = random.Random(seed)
        made = None
        if name not in ("xlsx", "inspect-ai-eval") and chance.random() < 0.8:
            made = mutate_one(data, chance)
        return atheris.Mutate(data, max_size) if made is None or len(made) > max_size else made

    atheris.Setup([sys.argv[0], *words], take, custom_mutator=mutate)
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
