"""What a task will cost by all that is known of it: the own level, moved by deviations that nest in each other.

ln cost = own level + line of size + deviation of its class (task type, else project) + how the own series deviates in
that class + deviation that others saw at the same task + own deviation at that task. Each part is what the parts before
it left over, shrunk by how much is known of it: the mean of k leftovers counts k / (k + prior tasks). Deviations remove
that series have different prices: what cost the others twice their usual cost is expected to cost twice the own one.
(Partial pooling: Gelman and Hill 2007, chapter 12; the part of others is reference class forecasting, Flyvbjerg 2006.)

One pass over all starts and completions in time order: a task is forecast with what was completed when it started.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from asp_analysis.probe.history import Series

PRIOR_SIZE_TASKS, PRIOR_CLASS_TASKS, PRIOR_OTHERS, PRIOR_RUNS = 10.0, 3.0, 0.5, 0.7
"""Tasks, series and runs that the parts are worth before anything is known: a part starts at 0 and moves slowly where
single leftovers say little (a size, a class) and fast where they say much (the same task)."""

LEAST_LEVEL = 3
"""Tasks of a series before its leftovers say something about a task or class, and not about the series itself."""

LEAST_FORECAST = 2
"""Tasks of a series before it is forecast."""

LEAST_SIZES = 5
"""Tasks of known size before the line of size is used."""

PRIOR_SLOPE = 0.5
"""How much evidence (sum of squares of logs) the start of a slope at 1 is worth, for what classes and others say."""

KNOWLEDGE = ("nothing", "others' runs", "1 own run", "1 own run, others'", "own runs", "own runs, others'")
"""What was known of a task itself when it started, by code: 2 min(own runs, 2) + (1 if others ran it)."""


@dataclass(frozen=True, kw_only=True)
class KnownTask:
    """What is known of a task before it starts, besides its size: which tasks are like it. None is unknown."""

    task_id: str | None = None
    project_id: str | None = None
    task_type: str | None = None

    @property
    def kind(self) -> str | None:
        """Its class: the task type, else the project."""
        return _name_kind(self.task_type, self.project_id)


@dataclass(frozen=True, kw_only=True)
class NewTask:
    """A task to come: what is known of it, and ln of its size (NaN: unknown)."""

    task: KnownTask
    log_size: float = np.nan


@dataclass(frozen=True)
class Centres:
    """Forecasts of ln cost (NaN where the series is too short), and what was known of each task (`KNOWLEDGE`)."""

    log_cost: np.ndarray
    knowledge: np.ndarray


@dataclass(kw_only=True)
class _OwnLevel:
    """Running mean, squares and line of size of the log costs of one series."""

    count: int = 0
    mean: float = 0.0
    squares: float = 0.0
    sized: int = 0
    mean_x: float = 0.0
    mean_y: float = 0.0
    sxx: float = 0.0
    sxy: float = 0.0

    def add(self, x: float, y: float) -> None:
        self.count += 1
        step = y - self.mean
        self.mean += step / self.count
        self.squares += step * (y - self.mean)
        if x == x:
            self.sized += 1
            step = x - self.mean_x
            self.mean_x += step / self.sized
            self.mean_y += (y - self.mean_y) / self.sized
            self.sxx += step * (x - self.mean_x)
            self.sxy += step * (y - self.mean_y)

    def project(self, x: float) -> float:
        """The level at a size, with a slope that starts at 0 and is worth 10 tasks there."""
        if x != x or self.sized < LEAST_SIZES or self.sxx < 1e-9:
            return self.mean
        slope = self.sxy / (self.sxx * (1 + PRIOR_SIZE_TASKS / self.sized))
        return self.mean + slope * (x - self.mean_x)

    def weigh(self) -> float:
        """1 / variance: a series whose costs scatter widely says little about a task; 1 for 3 prior tasks."""
        return (self.count + LEAST_LEVEL) / (self.squares + LEAST_LEVEL)


@dataclass
class _Part:
    """Leftovers of one task or class: how many and their sum."""

    count: int = 0
    total: float = 0.0

    def add(self, leftover: float) -> None:
        self.count += 1
        self.total += leftover

    def shrink(self, prior: float) -> float:
        return self.total / (self.count + prior)


@dataclass
class _Slope:
    """How leftovers follow what a part said of them: a slope through 0 that starts at 1."""

    squares: float = 0.0
    products: float = 0.0

    def add(self, said: float, leftover: float) -> None:
        self.squares += said * said
        self.products += said * leftover

    def apply(self, said: float) -> float:
        return said * (self.products + PRIOR_SLOPE) / (self.squares + PRIOR_SLOPE)


@dataclass(slots=True, kw_only=True)
class _Said:
    """What the parts said of one task; centre is their sum, others and kind what its slopes learn from."""

    level: float
    kind: float
    in_kind: float
    others: float
    centre: float
    knowledge: int


@dataclass(slots=True, kw_only=True)
class _PastRun:
    """One past task of a series; row: its place there, order: that in the whole history."""

    known_at: int
    order: int
    source: int
    row: int
    task: str | None
    kind: str | None
    x: float
    y: float


@dataclass(kw_only=True)
class _State:
    """All that is known at one moment."""

    levels: defaultdict[int, _OwnLevel] = field(default_factory=lambda: defaultdict(_OwnLevel))
    usual: defaultdict[int, _OwnLevel] = field(default_factory=lambda: defaultdict(_OwnLevel))
    kinds: defaultdict[str, _Part] = field(default_factory=lambda: defaultdict(_Part))
    own_kinds: defaultdict[tuple[int, str], _Part] = field(default_factory=lambda: defaultdict(_Part))
    latest: defaultdict[str, dict[int, float]] = field(default_factory=lambda: defaultdict(dict))
    own_runs: defaultdict[tuple[int, str], _Part] = field(default_factory=lambda: defaultdict(_Part))
    kind_slopes: defaultdict[int, _Slope] = field(default_factory=lambda: defaultdict(_Slope))
    other_slopes: defaultdict[int, _Slope] = field(default_factory=lambda: defaultdict(_Slope))

    def say(self, source: int, task: str | None, kind: str | None, x: float) -> _Said:
        """What the parts say of a task of a series."""
        own = self.levels[source]
        level = own.project(x)
        of_kind = in_kind = 0.0
        if kind is not None and kind in self.kinds:
            of_kind = self.kind_slopes[source].apply(self.kinds[kind].shrink(PRIOR_CLASS_TASKS))
            in_kind = self.own_kinds[source, kind].shrink(PRIOR_CLASS_TASKS) if (source, kind) in self.own_kinds else 0
        centre = level + of_kind + in_kind
        others, count = self._ask_others(source, task, centre - own.mean)
        centre += self.other_slopes[source].apply(others)
        runs = self.own_runs.get((source, task)) if task is not None else None
        if runs is not None:
            centre += (runs.total - runs.count * centre) / (runs.count + PRIOR_RUNS)
        knowledge = 2 * min(runs.count if runs else 0, 2) + (count > 0)
        said = centre if own.count >= LEAST_FORECAST else np.nan
        return _Said(level=level, kind=of_kind, in_kind=in_kind, others=others, centre=said, knowledge=knowledge)

    def _ask_others(self, source: int, task: str | None, expected: float) -> tuple[float, int]:
        """By how much others' latest runs of the task deviated from their level beyond what is expected, and how many
        others there are."""
        total = weights = 0.0
        count = 0
        for other, y in self.latest.get(task, {}).items() if task is not None else ():
            usual = self.usual[other]
            if other != source and usual.count >= LEAST_LEVEL:
                weight = usual.weigh()
                weights += weight
                total += weight * (y - usual.mean)
                count += 1
        return ((total / weights - expected) * count / (count + PRIOR_OTHERS), count) if count else (0.0, 0)

    def learn_own(self, run: _PastRun, said: _Said) -> None:
        """Let the series take in what its task cost, with what was said of it at its start."""
        source, level = run.source, self.levels[run.source]
        if level.count >= LEAST_LEVEL:
            if run.kind is not None:
                self.own_kinds[source, run.kind].add(run.y - said.level - said.kind)
                if said.kind:
                    self.kind_slopes[source].add(said.kind, run.y - said.level)
            if said.others:
                self.other_slopes[source].add(said.others, run.y - said.level - said.kind - said.in_kind)
        level.add(run.x, run.y)
        if run.task is not None:
            self.own_runs[source, run.task].add(run.y)

    def learn_shared(self, run: _PastRun, said: _Said) -> None:
        """Let the other series take it in."""
        usual = self.usual[run.source]
        if run.kind is not None and usual.count >= LEAST_LEVEL:
            self.kinds[run.kind].add(run.y - said.level)
        usual.add(run.x, run.y)
        if run.task is not None:
            self.latest[run.task][run.source] = run.y


@dataclass(frozen=True)
class Nested:
    """Forecasts of every task of every series (`by_series`, in the order of the series), and what is known at the
    end."""

    by_series: tuple[Centres, ...]
    state: _State

    @classmethod
    def of(cls, every: list[Series]) -> Nested:
        """One pass over the starts and completions of all tasks.

        A task whose start is unknown is taken to start when the one before it in its series was over, and before the
        other series knew anything of the instant at which it was completed: the roles of one task are finished
        together, and none of them helps to forecast another.
        """
        state = _State()
        found = tuple(
            Centres(np.full(len(series.tasks), np.nan), np.zeros(len(series.tasks), dtype=int)) for series in every
        )
        said: dict[tuple[int, int], _Said] = {}
        learnt: set[tuple[int, int]] = set()
        for _, together in itertools.groupby(_list_events(every), key=lambda event: event[:2]):
            for _, phase, _, run in together:
                key = run.source, run.row
                if phase == _COMPLETION:
                    one = said.pop(key)
                    if key not in learnt:
                        state.learn_own(run, one)
                    state.learn_shared(run, one)
                    continue
                said[key] = one = state.say(run.source, run.task, run.kind, run.x)
                found[run.source].log_cost[run.row] = one.centre
                found[run.source].knowledge[run.row] = one.knowledge
                if phase == _EARLY_START:
                    state.learn_own(run, one)
                    learnt.add(key)
        return cls(found, state)

    def look_ahead(self, own: int, new: Sequence[NewTask]) -> Centres:
        """Return the past forecasts of series `own` and those of the tasks to come, shape (n + tasks to come,)."""
        said = [self.state.say(own, one.task.task_id, one.task.kind, one.log_size) for one in new]
        past = self.by_series[own]
        return Centres(
            np.append(past.log_cost, [one.centre for one in said]),
            np.append(past.knowledge, np.array([one.knowledge for one in said], dtype=int)),
        )


_EARLY_START, _COMPLETION, _START = range(3)
"""At one instant come: starts that are known as completions only, completions, starts."""

_Event = tuple[int, int, int, _PastRun]


def _list_events(every: list[Series]) -> list[_Event]:
    """Instant, phase, place in the history and run of every start and completion, in time order."""
    events: list[_Event] = []
    for source, series in enumerate(every):
        for run, started in zip(_list_runs(source, series), series.find_starts(), strict=True):
            is_known = started >= 0
            start = (started, _START) if is_known else (run.known_at, _EARLY_START)
            events.append((*start, run.order, run))
            events.append((run.known_at, _COMPLETION, run.order, run))
    events.sort(key=lambda event: event[:3])
    return events


def _list_runs(source: int, series: Series) -> Iterable[_PastRun]:
    tasks = series.tasks
    with np.errstate(divide="ignore"):
        x, y = np.log(series.size), np.log(series.cost)
    names = ("order", "task_id", "project_id", "task_type")
    columns = zip(series.find_completions(), *(tasks[name] for name in names), x.tolist(), y.tolist(), strict=True)
    for row, (known_at, order, task, project, task_type, size, cost) in enumerate(columns):
        yield _PastRun(
            known_at=known_at,
            order=order,
            source=source,
            row=row,
            task=task,
            kind=_name_kind(task_type, project),
            x=size,
            y=cost,
        )


def _name_kind(task_type: object, project: object) -> str | None:
    for prefix, name in (("type", task_type), ("project", project)):
        if isinstance(name, str):
            return f"{prefix} {name}"
    return None
