"""MongoDB: SecantusDB, which speaks its protocol, or the real server that ``ERLEN_TEST_MONGODB_URI`` names."""

from __future__ import annotations

import itertools
import os
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import bson
from pymongo import MongoClient
from pymongo.uri_parser import parse_uri

from store_servers import Servers
from store_servers.proxy import CountingProxy

INSTALL = "python3 -m venv .servers && .servers/bin/pip install secantusdb"
DATABASE = f"erlen_test_{os.getpid()}"

# What drivers say of their own accord.
_OF_THE_DRIVER = {
    b"hello",
    b"isMaster",
    b"ismaster",
    b"ping",
    b"endSessions",
    b"buildInfo",
    b"saslStart",
    b"saslContinue",
}
_OP_MSG = 2013
_numbers = itertools.count(1)


@dataclass
class Mongo:
    """The server of the run, behind a proxy that counts."""

    url: str = ""
    commands: int = 0
    received: int = 0

    def parser(self) -> Callable[[bytes], None]:
        """Return a function that finds the messages in what one connection sends."""
        buffer = bytearray()

        def look(data: bytes) -> None:
            buffer.extend(data)
            while len(buffer) >= 4 and len(buffer) >= (length := struct.unpack_from("<i", buffer)[0]):
                message = bytes(buffer[:length])
                del buffer[:length]
                if struct.unpack_from("<i", message, 12)[0] != _OP_MSG:
                    continue
                # Behind the header stand flags, the kind of the section, the length of the document and the type of
                # its first element, whose name is the command.
                name = message[16 + 4 + 1 + 4 + 1 :].partition(b"\0")[0]
                if name not in _OF_THE_DRIVER:
                    self.commands += 1
                    self.received += length

        return look


def server(servers: Servers) -> Mongo:
    """Return the server of the run."""
    made: Mongo | None = servers.shared.get("mongodb")
    if made is None:
        made = servers.shared["mongodb"] = _start(servers)
    return made


def _start(servers: Servers) -> Mongo:
    uri = os.environ.get("ERLEN_TEST_MONGODB_URI")
    mongo = Mongo()
    if uri is None:
        host, port, user, options = "127.0.0.1", servers.free_port(), "", ""
        start(servers, port).wait()
    else:
        # The proxy stands between: the first server is spoken to alone, and without TLS.
        host, port = parse_uri(uri)["nodelist"][0]
        rest = uri.partition("://")[2]
        user = rest.rpartition("@")[0] + "@" if "@" in rest else ""
        options = "&" + rest.partition("?")[2] if "?" in rest else ""
    proxy = CountingProxy(port, mongo.parser, host)
    mongo.url = f"mongodb://{user}127.0.0.1:{proxy.port}/?directConnection=true{options}"
    if uri is not None:
        servers.at_close.append(lambda: _drop(mongo.url))
    servers.at_close.append(proxy.close)
    return mongo


def start(servers: Servers, port: int) -> Any:
    """Start a SecantusDB of its own at *port*."""
    program = servers.require("secantusd-py", INSTALL)
    return servers.start(
        program, "--host", "127.0.0.1", "--port", port, "--storage-path", ":memory:", port=port, ourselves=True
    )


def _drop(url: str) -> None:
    with MongoClient[Any](url) as client:
        client.drop_database(DATABASE)


def config_of(name: str, servers: Servers) -> dict[str, Any]:
    return {
        "SESSION_TYPE": name,
        "SESSION_URL": server(servers).url,
        "SESSION_MONGODB_DB": DATABASE,
        "SESSION_MONGODB_COLLECT": f"sessions_{next(_numbers)}",
    }


def commands(name: str, servers: Servers) -> int:
    return server(servers).commands


def dump(name: str, servers: Servers) -> bytes:
    """Return all documents of all collections."""
    with MongoClient[Any](server(servers).url) as client:
        database = client[DATABASE]
        return b"".join(
            bson.encode(each) for found in database.list_collection_names() for each in database[found].find()
        )


def bytes_received(name: str, servers: Servers) -> int:
    """Return the bytes of the commands; what the driver says of its own accord is left out."""
    return server(servers).received
