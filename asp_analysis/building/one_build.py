"""One build of a lake, from the heads of its writers to the pointer that everybody reads."""

import resource
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from asp_analysis.building.delta import commit, require_delta
from asp_analysis.building.lease import Lease, leased
from asp_analysis.building.marts import Rebuild, build_marts, reaches_back
from asp_analysis.building.on_spark import build_marts_on
from asp_analysis.building.plan import TablePlan, plan_tables
from asp_analysis.building.purge import Purged, purge
from asp_analysis.building.retention import EXECUTION_ROWS, first_kept_day, keep, keep_again, leaves_more_out, left_out
from asp_analysis.building.tables import build_table, show_tables
from asp_analysis.building.workshop import MissingFile, Workshop, opened
from asp_analysis.config import StoreUrl
from asp_analysis.errors import StoreError
from asp_analysis.lake.builds import CURRENT, LakeBuild, LakeTable, Publication, read_build
from asp_analysis.lake.heads import WriterHead, read_heads
from asp_analysis.lake.objects import Storage, open_storage
from asp_analysis.spark import SparkCluster, wanted_cluster
from asp_analysis.sql import digest_views

_TRIES = 3
"""A writer that publishes during a build takes its former files away; the build begins again with its new head."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """What a build is to do besides.

    purge_days: files that no build names are removed when they are so old. keep_days: executions are kept for so long,
    None for ever.
    """

    purge_days: float = 7
    keep_days: float | None = None


@dataclass(frozen=True, kw_only=True)
class Built:
    """What a build did. is_new: whether anything had changed; changed: table -> how many periods were made again."""

    build: LakeBuild
    is_new: bool
    changed: dict[str, int]
    purged: Purged
    cpu_s: float


@dataclass(frozen=True, kw_only=True)
class _Job:
    """What one build is made of: the heads, what they change, the build before, and the cluster that makes marts."""

    url: StoreUrl
    storage: Storage
    heads: list[WriterHead]
    plans: Mapping[str, TablePlan]
    former: LakeBuild | None
    kept_since: str | None
    cluster: SparkCluster | None

    def is_needed(self) -> bool:
        """Return whether anything is other than in the build before."""
        if self.former is None or _list_writers(self.heads) != self.former.writers:
            return True
        if self.former.views_digest != digest_views():
            return True
        if leaves_more_out(self.plans[EXECUTION_ROWS], self.former, self.kept_since):
            return True
        return any(plan.is_touched for plan in self.plans.values())


def build(url: StoreUrl, order: Order | None = None) -> Built:
    """Build a lake, and return what was done; a lake that is as its writers published it stays as it is.

    Where SPARK_REMOTE is set, a Spark cluster makes the marts, else this process.

    Raises:
        ConfigError: SPARK_REMOTE is no address, or what speaks to a cluster is not installed.
        StoreError: the lake or the cluster cannot be reached, nobody has published to it, another builder is at work,
            a writer is of a newer workbench, or a file is not what its head says.
    """
    require_delta()
    storage = open_storage(url)
    order = order or Order()
    for _ in range(_TRIES - 1):
        with suppress(MissingFile):
            return _build(url, storage, order)
    return _build(url, storage, order)


def _build(url: StoreUrl, storage: Storage, order: Order) -> Built:
    began_s, cluster = _cpu_s(), wanted_cluster()
    former = read_build(storage)
    heads = read_heads(storage)
    if not heads and former is None:
        raise StoreError(
            f"Nobody has published to {url.shown} yet. Publish a store first: asp-analysis publish {url.shown}"
        )
    with leased(storage, former.build if former else 0) as lease:
        former = read_build(storage)  # another build may have ended meanwhile
        plans = {plan.table: plan for plan in plan_tables(heads, former)}
        since = first_kept_day(order.keep_days)
        keep_again(plans[EXECUTION_ROWS], former, since)
        job = _Job(url=url, storage=storage, heads=heads, plans=plans, former=former, kept_since=since, cluster=cluster)
        present = former
        if job.is_needed() or present is None:
            present = _point(storage, _make(job, lease), lease, _cpu_s() - began_s)
        purged = purge(storage, present, order.purge_days)
    changed = {name: len(plan.changed | plan.gone) for name, plan in plans.items() if plan.is_touched}
    is_new = present is not former
    return Built(build=present, is_new=is_new, changed=changed, purged=purged, cpu_s=_cpu_s() - began_s)


def _make(job: _Job, lease: Lease) -> LakeBuild:
    """Write all files of a build, and return what its pointer will say."""
    with opened(job.url, job.storage, lease.number) as shop:
        tables, links = _make_tables(shop, job, lease)
        show_tables(shop, tables)
        if _reaches_what_was_left_out(shop, job, tables):
            plan = job.plans[EXECUTION_ROWS]
            plan.changed.update(left_out(plan, job.former.kept_since if job.former else None))
            tables[EXECUTION_ROWS], links[EXECUTION_ROWS] = build_table(shop, plan, tables[EXECUTION_ROWS])
            show_tables(shop, tables)
        kept = keep(tables[EXECUTION_ROWS], job.plans[EXECUTION_ROWS], job.kept_since)
        rebuild = Rebuild(plans=job.plans, former=_with_marts_of_today(job.former), tables=tables, kept=kept)
        marts = build_marts_on(job.cluster, shop, rebuild, lease.renew) if job.cluster else build_marts(shop, rebuild)
        tables[EXECUTION_ROWS] = kept
    lease.renew()
    sources = {f"{name} {period}": sum_ for name, plan in job.plans.items() for period, sum_ in plan.digests.items()}
    return LakeBuild(
        build=lease.number,
        built_at=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}",
        engine="spark" if job.cluster else "duckdb",
        writers=_list_writers(job.heads),
        tables={name: _commit_table(job.url, name, table) for name, table in tables.items()},
        marts=marts,
        sources=sources,
        kept_since=job.kept_since,
        views_digest=digest_views(),
        links={name: tuple(sorted(pairs)) for name, pairs in links.items() if pairs},
    )


def _make_tables(
    shop: Workshop, job: _Job, lease: Lease
) -> tuple[dict[str, LakeTable], dict[str, set[tuple[str, str]]]]:
    tables, links = {}, {}
    for name, plan in job.plans.items():
        tables[name], links[name] = build_table(shop, plan, job.former.tables.get(name) if job.former else None)
        lease.renew()
    return tables, links


def _reaches_what_was_left_out(shop: Workshop, job: _Job, tables: Mapping[str, LakeTable]) -> bool:
    """Return whether sums are to be made of executions that the former build left out."""
    plan, since = job.plans[EXECUTION_ROWS], job.former.kept_since if job.former else None
    if since is None or not left_out(plan, since) - plan.changed:
        return False
    former = _with_marts_of_today(job.former)
    rebuild = Rebuild(plans=job.plans, former=former, tables=tables, kept=tables[EXECUTION_ROWS])
    return job.cluster is not None or reaches_back(shop, rebuild, since)  # a cluster makes sums whole


def _with_marts_of_today(former: LakeBuild | None) -> LakeBuild | None:
    """Return a build without its marts where views have other texts today; all are made again then."""
    if former is None or former.views_digest == digest_views():
        return former
    return replace(former, marts={})


def _commit_table(url: StoreUrl, name: str, table: LakeTable) -> LakeTable:
    return LakeTable(columns=table.columns, files=table.files, delta_version=commit(url, name, table))


def _point(storage: Storage, made: LakeBuild, lease: Lease, cpu_s: float) -> LakeBuild:
    """Replace the pointer: from here on everybody reads this build."""
    lease.renew()
    pointed = LakeBuild(**{**vars(made), "cpu_s": round(cpu_s, 3)})
    storage.replace(CURRENT, pointed.write())
    return pointed


def _list_writers(heads: list[WriterHead]) -> dict[str, Publication]:
    return {
        head.writer: Publication(
            published_at=head.published_at, files=len(head.files), rows=sum(file.rows for file in head.files)
        )
        for head in heads
    }


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
