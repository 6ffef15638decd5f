"""Redis and Valkey: one server by TCP, TLS and unix socket, a cluster of three, and one behind a sentinel."""

from __future__ import annotations

import itertools
import shlex
import socket
import subprocess
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis

from store_servers import Running, Servers

_places = itertools.count()

# What servers and drivers say to each other, and what the tests ask.
_BESIDE = frozenset(
    {"hello", "client", "auth", "select", "info", "ping", "publish", "config", "cluster", "command", "echo", "monitor"}
    | {"replconf", "psync", "scan", "type", "script"}
)


def config_of(name: str, servers: Servers) -> dict[str, Any]:
    prefix = f"test{next(_places)}:"
    if name == "redis-decoded":
        port = server(servers).port
        client = redis.Redis(port=port, decode_responses=True)
        return {"SESSION_TYPE": "redis", "SESSION_REDIS": client, "SESSION_KEY_PREFIX": prefix}
    return {"SESSION_URL": url_of(name, servers), "SESSION_KEY_PREFIX": prefix}


def url_of(name: str, servers: Servers) -> str:
    """Return the address of the servers called *name*, which are started if they do not run yet."""
    if name == "redis-cluster":
        nodes = ",".join(f"127.0.0.1:{node.port}" for node in cluster(servers))
        return f"redis+cluster://{nodes}"
    if name == "redis-sentinel":
        return watched(servers).url
    if name == "valkey":
        return f"valkey://127.0.0.1:{server(servers, 'valkey').port}"
    running = server(servers)
    if name == "redis-tls":
        return f"rediss://127.0.0.1:{tls_port(servers)}?ssl_ca_certs={running.folder / 'ca.pem'}"
    if name == "redis-socket":
        return f"unix://{running.folder / 's'}"
    return f"redis://127.0.0.1:{running.port}"


def commands(name: str, servers: Servers) -> int:
    return sum(monitor.read()[0] for monitor in monitors(name, servers))


def bytes_received(name: str, servers: Servers) -> int:
    return sum(monitor.read()[1] for monitor in monitors(name, servers))


def dump(name: str, servers: Servers) -> bytes:
    return b"\n".join(_dump(port) for port in _ports(name, servers))


def _dump(port: int) -> bytes:
    read = {
        "hash": lambda name: client.hgetall(name),
        "zset": lambda name: client.zrange(name, 0, -1, withscores=True),
        "string": lambda name: {b"": client.get(name)},  # of the tests of extensions, on the same server
    }
    with redis.Redis(port=port) as client:
        kinds = {name: client.type(name).decode() for name in client.scan_iter(count=1000)}
        # As they are, and as Python shows them: what is searched for may be in either form.
        held = {name: read[kind](name) for name, kind in kinds.items() if kind != "none"}
        return b"\n".join([repr(held).encode(), *held, *(_flat(value) for value in held.values())])


def _flat(value: Any) -> bytes:
    pairs = value.items() if isinstance(value, dict) else value
    return b"\n".join(
        name + b" " + str(raw).encode() + b" " + (raw if isinstance(raw, bytes) else b"") for name, raw in pairs
    )


# -- servers --------------------------------------------------------------------------------------------------------


def program(servers: Servers, name: str = "redis") -> str:
    where = (
        "apt-get install -t bookworm-backports valkey-server" if name == "valkey" else "apt-get install redis-server"
    )
    return servers.require(f"{name}-server", where)


def plain(
    servers: Servers, *options: object, port: int = 0, folder: Path | None = None, name: str = "redis"
) -> Running:
    """Start a server that keeps nothing on the disk, and wait for it."""
    port = port or servers.free_port()
    folder = folder or servers.make_folder(name)
    command = [program(servers, name), "--bind", "127.0.0.1", "--dir", folder, "--save", "", "--appendonly", "no"]
    running = servers.start(*command, "--port", port, *options, port=port, folder=folder)
    running.wait(lambda: answers(port))
    return running


def answers(port: int, want: Callable[[Any], bool] = lambda client: bool(client.ping())) -> bool:
    """Tell whether the server at *port* is there and *want* is true of it."""
    with redis.Redis(port=port, socket_timeout=5) as client:
        try:
            return want(client)
        except (redis.ConnectionError, redis.ResponseError):
            return False


def server(servers: Servers, name: str = "redis") -> Running:
    """Return the single server of the run; Redis listens by TLS and on a socket too."""
    if name not in servers.shared:
        folder = servers.make_folder(name)
        options: list[object] = []
        if name == "redis":
            servers.shared["redis-tls"] = servers.free_port()
            certify(servers, folder)
            options = ["--tls-port", servers.shared["redis-tls"], "--tls-cert-file", folder / "cert.pem"]
            options += ["--tls-key-file", folder / "key.pem", "--tls-ca-cert-file", folder / "ca.pem"]
            options += ["--tls-auth-clients", "no", "--unixsocket", folder / "s", "--unixsocketperm", "777"]
        servers.shared[name] = plain(servers, *options, folder=folder, name=name)
    running: Running = servers.shared[name]
    return running


def tls_port(servers: Servers) -> int:
    server(servers)
    port: int = servers.shared["redis-tls"]
    return port


def certify(servers: Servers, folder: Path) -> None:
    """Make a certificate authority and a certificate of 127.0.0.1 in *folder*."""
    openssl = servers.require("openssl", "apt-get install openssl")
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1\n")
    for line in (
        "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=authority -keyout ca.key -out ca.pem",
        "req -newkey rsa:2048 -nodes -subj /CN=127.0.0.1 -keyout key.pem -out request.pem",
        "x509 -req -in request.pem -days 2 -CA ca.pem -CAkey ca.key -CAcreateserial -extfile names -out cert.pem",
    ):
        subprocess.run([openssl, *shlex.split(line)], cwd=folder, check=True, capture_output=True, timeout=60)
    for path in folder.iterdir():
        servers.give(path)


def cluster(servers: Servers) -> list[Running]:
    """Return the three masters of the cluster of the run."""
    if "redis-cluster" not in servers.shared:
        nodes = [
            plain(
                servers,
                *("--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf", "--cluster-node-timeout", "2000"),
                *("--cluster-port", servers.free_port()),
            )
            for _ in range(3)
        ]
        bounds = [(0, 5460), (5461, 10922), (10923, 16383)]
        for node, (first, last) in zip(nodes, bounds, strict=True):
            with redis.Redis(port=node.port) as client:
                client.execute_command("CLUSTER", "ADDSLOTSRANGE", first, last)
                client.execute_command("CLUSTER", "SET-CONFIG-EPOCH", nodes.index(node) + 1)
        with redis.Redis(port=nodes[0].port) as client:
            for other in nodes[1:]:
                bus = other.command[other.command.index("--cluster-port") + 1]
                client.execute_command("CLUSTER", "MEET", "127.0.0.1", other.port, bus)
        for node in nodes:
            node.wait(lambda port=node.port: answers(port, is_whole))  # type: ignore[misc]
        servers.shared["redis-cluster"] = nodes
    running: list[Running] = servers.shared["redis-cluster"]
    return running


def is_whole(client: Any) -> bool:
    """Tell whether a cluster knows a node for every slot."""
    info = client.execute_command("CLUSTER INFO")
    return "cluster_state:ok" in str(info) or (isinstance(info, dict) and info.get("cluster_state") == "ok")


@dataclass
class Watched:
    """A master, its replica, and the sentinel that watches over them."""

    master: Running
    replica: Running
    sentinel: Running

    @property
    def url(self) -> str:
        return f"redis+sentinel://127.0.0.1:{self.sentinel.port}/erlen"


def watched(servers: Servers) -> Watched:
    """Return the server behind a sentinel of the run."""
    if "redis-sentinel" not in servers.shared:
        # Nobody fails over here, and a busy machine must not look like a dead master.
        servers.shared["redis-sentinel"] = watch(servers, down_after=60_000)
    pair: Watched = servers.shared["redis-sentinel"]
    return pair


def watch(servers: Servers, down_after: int = 500) -> Watched:
    """Start a master with a replica and a sentinel.

    :param down_after: after so many milliseconds without an answer the sentinel takes the master for dead
    """
    master = plain(servers, "--repl-diskless-sync-delay", "0")
    replica = plain(servers, "--replicaof", "127.0.0.1", master.port)
    replica.wait(lambda: answers(replica.port, lambda client: client.info()["master_link_status"] == "up"))
    port, folder = servers.free_port(), servers.make_folder("sentinel")
    config = folder / "sentinel.conf"
    config.write_text(
        f"port {port}\nbind 127.0.0.1\ndir {folder}\n"
        f"sentinel monitor erlen 127.0.0.1 {master.port} 1\n"
        f"sentinel down-after-milliseconds erlen {down_after}\nsentinel failover-timeout erlen 2000\n"
    )
    servers.give(config)
    sentinel = servers.start(program(servers), config, "--sentinel", port=port, folder=folder)
    # It knows of the replica by asking the master.
    sentinel.wait(lambda: answers(port, lambda client: len(client.sentinel_slaves("erlen")) == 1))
    return Watched(master, replica, sentinel)


# -- counting -------------------------------------------------------------------------------------------------------


class Monitor:
    """Counts what the clients of a server send it, in commands and in bytes; what scripts do there is not counted."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self._lines = self._socket.makefile("rb")
        self._socket.sendall(b"MONITOR\r\n")
        assert self._lines.readline() == b"+OK\r\n"
        self._marks = redis.Redis(port=port, socket_timeout=10)
        self.seen: list[list[bytes]] = []
        """The commands, in words."""
        weakref.finalize(self, _close, self._marks, self._lines, self._socket)

    def read(self) -> tuple[int, int]:
        mark = b"mark %d" % time.monotonic_ns()
        self._marks.echo(mark)
        while True:
            head, _, said = self._lines.readline().partition(b"] ")
            words = _words(said)
            if words[-1] == mark:
                break
            if not head.endswith(b" lua") and words[0].lower().decode() not in _BESIDE:
                self.seen.append(words)
        return len(self.seen), sum(_size(words) for words in self.seen)


def _close(*closable: Any) -> None:
    for each in closable:
        each.close()


def _words(said: bytes) -> list[bytes]:
    text = said.decode("ascii").strip()
    return [bytes(word[1:-1], "ascii").decode("unicode_escape").encode("latin-1") for word in _quoted(text)]


def _quoted(text: str) -> list[str]:
    found, start, at = [], None, 0
    while at < len(text):
        if text[at] == "\\":
            at += 1
        elif text[at] == '"':
            if start is None:
                start = at
            else:
                found.append(text[start : at + 1])
                start = None
        at += 1
    return found


def _size(words: list[bytes]) -> int:
    """Return how many bytes a command has on its way."""
    return len(b"*%d\r\n" % len(words)) + sum(len(b"$%d\r\n" % len(word)) + len(word) + 2 for word in words)


def _ports(name: str, servers: Servers) -> list[int]:
    if name == "redis-cluster":
        return [node.port for node in cluster(servers)]
    if name == "redis-sentinel":
        return [watched(servers).master.port]
    return [server(servers, "valkey" if name == "valkey" else "redis").port]


def monitors(name: str, servers: Servers) -> list[Monitor]:
    """Return what counts on each server of *name*."""
    kept: dict[int, Monitor] = servers.shared.setdefault("redis-monitors", {})
    for port in _ports(name, servers):
        if port not in kept:
            kept[port] = Monitor(port)
    return [kept[port] for port in _ports(name, servers)]
