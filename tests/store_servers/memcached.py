"""memcached: one on a unix socket, and three on ports.

Started with ``-vv`` it writes each command that it receives into its log, which is counted there: its own statistics
count the names in a command, and a session is read together with its server's generation.
"""

from __future__ import annotations

import itertools
import re
import socket
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

from store_servers import Running, Servers

_COMMAND = re.compile(rb"^<\d+ (?:gets?|set|add|cas|delete|touch|incr|decr|m[gsdna]) ", re.MULTILINE)
_places = itertools.count()


def config_of(name: str, servers: Servers) -> dict[str, Any]:
    nodes = running(name, servers)
    where = socket_of(nodes[0]) if name == "memcached" else ",".join(f"127.0.0.1:{node.port}" for node in nodes)
    return {"SESSION_URL": f"memcached://{where}", "SESSION_KEY_PREFIX": f"test{next(_places)}:"}


def running(name: str, servers: Servers) -> list[Running]:
    """Return the servers of *name*, started if they do not run yet."""
    if name not in servers.shared:
        count = 3 if name == "memcached-nodes" else 1
        servers.shared[name] = [start(servers, on_socket=name == "memcached") for _ in range(count)]
    nodes: list[Running] = servers.shared[name]
    return nodes


def start(servers: Servers, *options: object, on_socket: bool = False, port: int = 0) -> Running:
    """Start a memcached, on a free port or on a socket in its folder."""
    program = servers.require("memcached", "apt-get install memcached")
    folder = servers.make_folder("memcached")
    if on_socket:
        where: tuple[object, ...] = ("-s", folder / "socket", "-a", "0666")
    else:
        port = port or servers.free_port()
        where = ("-l", "127.0.0.1", "-p", port, "-U", "0")
    node = servers.start(program, *where, "-m", "64", "-t", "2", "-vv", *options, port=port, folder=folder)
    node.wait((lambda: b"STAT" in ask(node, b"stats\r\n")) if on_socket else None)
    return node


def socket_of(node: Running) -> Path:
    return node.folder / "socket"


def ask(node: Running, command: bytes, end: bytes = b"END\r\n") -> bytes:
    """Send one command on a connection of its own and return its answer, up to *end*; nothing if nobody answers."""
    answer = b""
    try:
        with socket.socket(socket.AF_INET if node.port else socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(10)
            connection.connect(("127.0.0.1", node.port) if node.port else str(socket_of(node)))
            connection.sendall(command)
            while not answer.endswith(end) and (more := connection.recv(65536)):
                answer += more
    except OSError:
        return b""
    return answer


def commands(name: str, servers: Servers) -> int:
    return sum(len(_COMMAND.findall(node.log_file.read_bytes())) for node in running(name, servers))


def dump(name: str, servers: Servers) -> bytes:
    """Return the names and values of all items."""
    held = []
    for node in running(name, servers):
        names = re.findall(rb"^key=(\S+)", ask(node, b"lru_crawler metadump all\r\n"), re.MULTILINE)
        held += [ask(node, b"get %b\r\n" % unquote_to_bytes(item)) for item in names]
    return b"".join(held)


def bytes_received(name: str, servers: Servers) -> int:
    """Return the bytes that the servers have read, this question's own among them: 7 for each server."""
    answers = [ask(node, b"stats\r\n") for node in running(name, servers)]
    return sum(int(re.findall(rb"STAT bytes_read (\d+)", answer)[0]) for answer in answers)
