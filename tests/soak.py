"""Eight writers, four readers, a backup a minute and random kills, for as long as you like: `make soak` (an hour).

    python -m tests.soak [MINUTES] [FOLDER]

Each transaction writes two costs that sum to a constant. At the end the store holds every pair whose commit was
acknowledged, whole and once; what was killed between its commit and its acknowledgement may be there too. Meanwhile
memory and open files of the processes that live throughout, and the size of the write-ahead log, are sampled into
`samples.csv` and drawn as `soak.png`. A check that fails ends with exit status 1 and says which.
"""

import csv
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from asp_analysis.config import StoreUrl, parse_url
from asp_analysis.session import connect
from asp_analysis.store.database import create_store
from tests.test_writers_and_readers import READER, WRITER

WRITERS, LASTING_WRITERS, READERS = 8, 2, ("memory", "snapshot", "live", "live")
PAUSE_S, SAMPLE_S, BACKUP_S, KILL_S = "0.2", 5.0, 60.0, 8.0
MOST_LOG_MB, GROWTH = 64, 1.25
"""The write-ahead log may reach so much, and the memory of a process grow by so much between the halves of the run."""


@dataclass
class Soak:
    """One run: the processes by their names, what was killed and backed up, and the samples."""

    url: StoreUrl
    folder: Path
    running: dict[str, subprocess.Popen[str]] = field(default_factory=dict)
    kills: int = 0
    backups: int = 0
    samples: list[dict[str, float | str]] = field(default_factory=list)

    def start(self, name: str, *words: str) -> None:
        """Start a process, and wait until it says that it is ready."""
        process = subprocess.Popen([sys.executable, "-c", *words], stdout=subprocess.PIPE, text=True)
        while process.stdout is not None and process.stdout.readline() not in ("ready\n", ""):
            pass
        self.running[name] = process

    def start_writer(self, name: str) -> None:
        self.start(name, WRITER, self.url.text, name, str(self.folder), PAUSE_S)

    def replace_writer(self, randomness: random.Random) -> None:
        """Kill a writer at once, and let another take its place."""
        old = randomness.choice([name for name in self.running if name.startswith("killed")])
        process = self.running.pop(old)
        process.kill()
        process.wait()
        self.kills += 1
        self.start_writer(f"killed-{self.kills}-{old.rpartition('-')[2]}")

    def back_up(self) -> None:
        """Back the store up as a person would, and keep the newest backup only."""
        done = _command("backup", "--db", self.url.text)
        made = Path(done.stdout.split()[-1])
        with connect(str(made)) as session:
            check_pairs(session, f"backup {made.name}")
        made.unlink()
        self.backups += 1

    def sample(self, seconds: float) -> None:
        """Write down memory and open files of the processes that live throughout, and the sizes of the files."""
        assert self.url.path is not None
        log = self.url.path.with_name(f"{self.url.path.name}-wal")
        sizes = {"log_mb": _size_mb(log), "store_mb": _size_mb(self.url.path)}
        for name, process in self.running.items():
            if not name.startswith("killed"):
                memory_mb, files = _process(process.pid)
                self.samples.append({"s": round(seconds), "name": name, "mb": memory_mb, "files": files, **sizes})


def main(minutes: float, folder: Path) -> None:
    """Run, check, draw."""
    soak = Soak(parse_url("soak.db", folder), folder)
    create_store(soak.url)
    (folder / "committed").touch()
    for number in range(WRITERS):
        soak.start_writer(f"writer-{number}" if number < LASTING_WRITERS else f"killed-0-{number}")
    for number, mode in enumerate(READERS):
        soak.start(f"reader-{mode}-{number}", READER, soak.url.text, mode, str(folder))
    _go_on(soak, minutes * 60)
    (folder / "stop").touch()
    problems = [name for name, process in soak.running.items() if process.wait(timeout=300) != 0]
    problems += list(_problems(soak))
    _report(soak, folder)
    for problem in problems:
        print(f"FAILED: {problem}")
    sys.exit(bool(problems))


def _go_on(soak: Soak, lasts_s: float) -> None:
    randomness, began = random.Random(1), time.monotonic()
    due = {"sample": 0.0, "backup": BACKUP_S, "kill": KILL_S}
    while (now := time.monotonic() - began) < lasts_s:
        if now >= due["sample"]:
            soak.sample(now)
            due["sample"] = now + SAMPLE_S
        if now >= due["kill"]:
            soak.replace_writer(randomness)
            due["kill"] = now + randomness.uniform(0.5, 1.5) * KILL_S
        if now >= due["backup"]:
            soak.back_up()
            due["backup"] = now + BACKUP_S
        time.sleep(0.1)


def check_pairs(session, where: str) -> int:
    """Return the number of pairs in a store; each must be whole, in each view as many.

    Raises:
        AssertionError: one is not.
    """
    query = """
    SELECT count(*) AS n, coalesce(sum(cost_usd), 0) AS usd, count(DISTINCT execution_id) AS names,
        (SELECT coalesce(sum(written), 0) FROM stg_loads) AS logged
    FROM stg_executions
    """
    found = session.sql(query).iloc[0]
    assert found["n"] == found["names"] == found["logged"], (where, dict(found))
    assert found["n"] % 2 == 0 and found["usd"] == 50 * found["n"], (where, dict(found))
    return int(found["n"]) // 2


def _problems(soak: Soak) -> Iterator[str]:
    committed = (soak.folder / "committed").stat().st_size
    with connect(soak.url) as session:
        pairs = check_pairs(session, "store")
    print(f"{pairs:,} pairs, {committed:,} acknowledged, {soak.kills} kills, {soak.backups} backups")
    if not committed <= pairs <= committed + soak.kills:
        yield f"{pairs} pairs are stored, {committed} were acknowledged and {soak.kills} writers killed"
    if (most := max(float(one["log_mb"]) for one in soak.samples)) > MOST_LOG_MB:
        yield f"the write-ahead log reached {most:.0f} MB"
    for name, memory_mb, files in _by_process(soak):
        half = len(memory_mb) // 2
        before, after = statistics.median(memory_mb[half // 2 : half]), statistics.median(memory_mb[half:])
        print(f"{name}: memory {before:.0f} MB, then {after:.0f} MB; open files {min(files):.0f} to {max(files):.0f}")
        if not name.startswith("reader") and after > before * GROWTH:
            yield f"{name} grew from {before:.0f} to {after:.0f} MB"
        if statistics.median(files[half:]) > statistics.median(files[:half]) + 2:
            yield f"{name} opened more and more files: {files[0]:.0f}, then {files[-1]:.0f}"


def _by_process(soak: Soak) -> Iterator[tuple[str, list[float], list[float]]]:
    for name in sorted({str(one["name"]) for one in soak.samples}):
        own = [one for one in soak.samples if one["name"] == name]
        yield name, [float(one["mb"]) for one in own], [float(one["files"]) for one in own]


def _report(soak: Soak, folder: Path) -> None:
    with (folder / "samples.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, list(soak.samples[0]))
        table.writeheader()
        table.writerows(soak.samples)
    _draw(soak, folder / "soak.png")
    print(f"{folder / 'samples.csv'} and {folder / 'soak.png'} show it over time.")


def _draw(soak: Soak, path: Path) -> None:
    import matplotlib.pyplot as plt

    from asp_analysis.charts.style import use_style

    use_style()
    fig, (memory, log) = plt.subplots(2, 1, sharex=True, figsize=(8, 6))
    for name, memory_mb, _ in _by_process(soak):
        minutes = [float(one["s"]) / 60 for one in soak.samples if one["name"] == name]
        memory.plot(minutes, memory_mb, label=name)
    first = [one for one in soak.samples if one["name"] == soak.samples[0]["name"]]
    log.plot([float(one["s"]) / 60 for one in first], [float(one["log_mb"]) for one in first], label="write-ahead log")
    log.plot([float(one["s"]) / 60 for one in first], [float(one["store_mb"]) for one in first], label="store")
    memory.set(ylabel="Memory (MB)", title=f"{soak.kills} kills and {soak.backups} backups change no process")
    log.set(xlabel="Minutes", ylabel="Size (MB)")
    for axes in (memory, log):
        axes.set_ylim(bottom=0)
        axes.legend(fontsize=8)
    fig.savefig(path)


def _size_mb(path: Path) -> float:
    return path.stat().st_size / 2**20 if path.exists() else 0.0


def _process(pid: int) -> tuple[float, int]:
    about = Path(f"/proc/{pid}/status").read_text()
    resident = next(line for line in about.splitlines() if line.startswith("VmRSS"))
    return int(resident.split()[1]) / 1024, len(list(Path(f"/proc/{pid}/fd").iterdir()))


def _command(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "asp_analysis", *words]
    return subprocess.run(command, capture_output=True, text=True, check=True)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="asp-analysis-soak-") as made:
        target = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(made)
        target.mkdir(parents=True, exist_ok=True)
        main(float(sys.argv[1]) if len(sys.argv) > 1 else 60.0, target)
