"""Broadcasts over every way that there is, and a Redis server that a test may end."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import pytest

from erlen.broadcast import Broadcast
from store_servers import Running, Servers, redis

RARER_WAYS = ["redis-tls", "redis-socket", "redis-cluster", "redis-sentinel", "valkey"]
_prefixes = itertools.count()


@pytest.fixture(params=["memory", "redis", *(pytest.param(way, marks=pytest.mark.soak) for way in RARER_WAYS)])
def make(request: pytest.FixtureRequest, servers: Servers) -> Callable[..., Broadcast]:
    """Return a function that makes a broadcast over one of the ways, in channels that only this test uses."""
    url = "memory://" if request.param == "memory" else redis.url_of(request.param, servers)
    prefix = f"test{next(_prefixes)}:"
    return lambda **options: Broadcast(url, **{"prefix": prefix, **options})


@pytest.fixture
def own_server(servers: Servers) -> Iterator[Running]:
    """A Redis server of this test alone."""
    running = redis.plain(servers)
    yield running
    running.kill()
