"""DynamoDB: moto, which knows its commands."""

from __future__ import annotations

import functools
import itertools
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import botocore.loaders
import botocore.session

from store_servers import Running, Servers
from store_servers.proxy import CountingProxy

INSTALL = "python3 -m venv .servers && .servers/bin/pip install 'moto[server,dynamodb]'"
REGION = "eu-central-1"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
# As the program moto_server does it, but without threads: DynamoDB's commands are atomic, and moto's are not.
_ONE_AFTER_THE_OTHER = """
import sys
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import run_simple
run_simple("127.0.0.1", int(sys.argv[1]), DomainDispatcherApplication(create_backend_app), threaded=False)
"""
_numbers = itertools.count(1)
# Each client would read the description of all of AWS anew, which takes longer than most tests of this store.
botocore.session.create_loader = functools.cache(botocore.loaders.create_loader)


@dataclass
class Dynamo:
    """The server of the run, behind a proxy that counts."""

    url: str = ""
    commands: int = 0
    received: int = 0

    def parser(self) -> Callable[[bytes], None]:
        """Return a function that finds the requests in what one connection sends."""
        buffer = bytearray()

        def look(data: bytes) -> None:
            buffer.extend(data)
            while (end := buffer.find(b"\r\n\r\n")) >= 0:
                found = _LENGTH.search(buffer, 0, end)
                length = end + 4 + (int(found[1]) if found else 0)
                if len(buffer) < length:
                    return
                del buffer[:length]
                self.commands += 1
                self.received += length

        return look


def server(servers: Servers) -> Dynamo:
    """Return the server of the run."""
    # Where boto3 looks for them; moto takes any. Each time, because a test that takes them away may have come first.
    os.environ.setdefault("AWS_ACCESS_KEY_ID", "testing")
    os.environ.setdefault("AWS_SECRET_ACCESS_KEY", "testing")
    made: Dynamo | None = servers.shared.get("dynamodb")
    if made is None:
        port = servers.free_port()
        start(servers, port).wait()
        made = servers.shared["dynamodb"] = Dynamo()
        proxy = CountingProxy(port, made.parser)
        servers.at_close.append(proxy.close)
        made.url = f"http://127.0.0.1:{proxy.port}"
    return made


def start(servers: Servers, port: int) -> Running:
    """Start a moto of its own at *port*."""
    python = Path(servers.require("moto_server", INSTALL)).parent / "python3"
    return servers.start(python, "-c", _ONE_AFTER_THE_OTHER, port, port=port, ourselves=True)


def config_of(name: str, servers: Servers) -> dict[str, Any]:
    table = f"sessions_{next(_numbers)}"
    return {
        "SESSION_TYPE": name,
        "SESSION_URL": f"dynamodb://{REGION}/{table}?endpoint={server(servers).url}",
        "SESSION_STORE_TIMEOUT": 10,  # moto takes milliseconds for each item of a scan
    }


def commands(name: str, servers: Servers) -> int:
    return server(servers).commands


def dump(name: str, servers: Servers) -> bytes:
    """Return the names and values of all items of all tables."""
    client = boto3.client("dynamodb", region_name=REGION, endpoint_url=server(servers).url)
    tables = client.list_tables()["TableNames"]
    held = [client.scan(TableName=table)["Items"] for table in tables]
    client.close()
    return b"\n".join(_texts(held))


def _texts(value: Any) -> Iterator[bytes]:
    if isinstance(value, dict):
        value = [*value.keys(), *value.values()]
    if isinstance(value, list):
        for each in value:
            yield from _texts(each)
    else:
        yield value if isinstance(value, bytes) else str(value).encode()


def bytes_received(name: str, servers: Servers) -> int:
    """Return the bytes of the requests, with their headers and signatures."""
    return server(servers).received
