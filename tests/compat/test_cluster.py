"""Both on a cluster, which neither original could."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from faults.cluster import Cluster, cluster_in

from queuekit.compat.hotqueue import HotQueue
from queuekit.compat.saferedisqueue import SafeRedisQueue
from queuekit.errors import TransportError

pytestmark = [pytest.mark.redis, pytest.mark.t2]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with cluster_in(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


def test_h12_hotqueue(cluster: Cluster) -> None:
    with HotQueue[Any]("jobs", url=cluster.url) as queue:
        queue.put(1, 2)
        assert [1, 2] == list(queue.consume(timeout=0.5))


def test_s17_a_name_in_braces(cluster: Cluster) -> None:
    with SafeRedisQueue[Any](name="{jobs}", url=cluster.url) as queue:
        uid = queue.put("a")
        assert (uid, "a") == queue.get(5)
        queue.fail(uid)
        assert (uid, "a") == queue.get(5)
        queue.ack(uid)
        assert (None, None) == queue.get(0.5)


def test_s17_a_name_without_braces_is_refused(cluster: Cluster) -> None:
    queue = SafeRedisQueue[Any](name="jobs", url=cluster.url)
    with queue, pytest.raises(TransportError):
        queue.put("a")
