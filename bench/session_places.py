"""Where the sessions of the bench are kept: the servers of the tests, asked directly and through proxies that count."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import redis

import store_servers
from serving import find_free_port, find_program
from store_servers import Servers, memcached, sql
from store_servers.proxy import CountingProxy

_ADDRESS = re.compile(r"127\.0\.0\.1:(\d+)")


class Missing(Exception):
    """A program that a store needs is not installed."""


@dataclass
class Place:
    """One store, ready to be used."""

    direct: dict[str, Any]
    """Settings of an application that speaks with the server itself."""
    counted: dict[str, Any]
    """Settings of one that speaks with it through :attr:`proxies`."""
    commands: Callable[[], int] | None = None
    """Returns how many commands the server has had."""
    proxies: list[CountingProxy] = field(default_factory=list)

    def traffic(self) -> tuple[int, int, int, int]:
        """Return the commands, round trips, bytes sent and bytes received so far."""
        return (
            self.commands() if self.commands else 0,
            sum(proxy.round_trips for proxy in self.proxies),
            sum(proxy.bytes_received for proxy in self.proxies),
            sum(proxy.bytes_answered for proxy in self.proxies),
        )


@contextmanager
def running() -> Iterator[Servers]:
    """Give the servers, which start when they are asked for, and end them all at the end."""
    servers = Servers(_require, find_free_port)
    try:
        yield servers
    finally:
        servers.close()


def _require(program: str, install: str) -> str:
    path = find_program(program)
    if path is None:
        raise Missing(f"{program} is missing: {install}")
    return path


def place(name: str, servers: Servers) -> Place:
    """Return an empty store called *name*, as the tests of the stores call it."""
    made = _OWN[name](servers) if name in _OWN else _by_address(store_servers.config_of(name, servers))
    if store_servers.counts(name):
        made.commands = lambda: store_servers.commands(name, servers)
        made.commands()  # what counts begins with the first question
    return made


def _by_address(config: dict[str, Any]) -> Place:
    """Return a place whose ``SESSION_URL`` names the server, if it has one."""
    url = config.get("SESSION_URL", "")
    found = _ADDRESS.search(url)
    if found is None:
        return Place(config, config)
    proxy = CountingProxy(int(found[1]))
    return Place(config, config | {"SESSION_URL": _ADDRESS.sub(f"127.0.0.1:{proxy.port}", url)}, proxies=[proxy])


def _cluster(servers: Servers) -> Place:
    """Return a cluster, whose servers tell their clients where they are: the counted client translates that."""
    config = store_servers.config_of("redis-cluster", servers)
    ports = [int(port) for port in _ADDRESS.findall(config["SESSION_URL"])]
    proxies = {port: CountingProxy(port) for port in ports}
    client = redis.RedisCluster(
        host="127.0.0.1", port=ports[0], address_remap=lambda where: (where[0], proxies[where[1]].port)
    )
    rest = {key: value for key, value in config.items() if key != "SESSION_URL"}
    counted = rest | {"SESSION_TYPE": "redis", "SESSION_REDIS": client}
    return Place(config, counted, proxies=list(proxies.values()))


def _memcached(servers: Servers) -> Place:
    """Return one memcached on a port, which writes down what it is asked, and one that does not, to be timed."""
    node = memcached.start(servers)
    servers.shared["memcached"] = [node]
    port = servers.free_port()
    quiet = servers.start(node.command[0], "-l", "127.0.0.1", "-p", port, "-U", "0", port=port)
    quiet.wait()
    made = _by_address({"SESSION_URL": f"memcached://127.0.0.1:{node.port}"})
    made.direct = {"SESSION_URL": f"memcached://127.0.0.1:{quiet.port}"}
    return made


def _postgresql(servers: Servers) -> Place:
    """Return a PostgreSQL without the proxy that the tests have before it."""
    url = sql.postgresql_url(sql.postgresql(servers).port)
    return _by_address(store_servers.config_of("postgresql", servers) | {"SESSION_URL": url})


_OWN: dict[str, Callable[[Servers], Place]] = {
    "redis-cluster": _cluster,
    "memcached": _memcached,
    "postgresql": _postgresql,
}
