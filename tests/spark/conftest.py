"""One cluster for all tests on Spark: it takes longer to start than most of them."""

import pytest

from tests.spark.cluster_processes import needed, running_cluster


@pytest.fixture(scope="session")
def cluster(tmp_path_factory):
    """A running cluster; skips with the reason where none can be started."""
    needed()
    with running_cluster(tmp_path_factory.mktemp("cluster")) as running:
        yield running
