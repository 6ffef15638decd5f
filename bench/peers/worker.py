"""A worker whose memory is measured: ``python worker.py MODULE INTERFACE REQUESTS``.

It imports nothing before the application, so that what the application imports is in the figure.
"""

import sys
from importlib import import_module
from os.path import dirname


def resident():  # type: ignore[no-untyped-def] # typing is an import
    """Return the resident memory of this process, and its part of what is shared, in MiB."""
    sizes = {}
    with open("/proc/self/smaps_rollup", encoding="ascii") as file:
        for line in file:
            words = line.split()
            if words[-1] == "kB":
                sizes[words[0]] = int(words[1]) / 1024
    return sizes["Rss:"], sizes["Pss:"]


def check(status, body):  # type: ignore[no-untyped-def]
    """Leave if this is not the answer that was asked for."""
    if (int(status), body) != (200, b"Hello, World!"):
        sys.exit(f"answered {status}: {body[:300]!r}")


def ask_wsgi(application, requests):  # type: ignore[no-untyped-def]
    """Send requests over WSGI."""
    workloads = import_module("workloads")
    environ = workloads.environ_for("/")
    for _ in range(requests):
        status, _, body = workloads.ask(application, environ.copy())
        check(status[:3], body)


async def ask_asgi(application, requests):  # type: ignore[no-untyped-def]
    """Send requests over ASGI."""
    drive, workloads = import_module("peers.drive"), import_module("asgi_workloads")
    application = drive.callable_of(application)
    end = await drive.started(application)
    for _ in range(requests):
        start, body = await workloads.ask(application, workloads.scope_for("http", "/"))
        check(start["status"], body)
    await end()


async def ask_rsgi(application, requests):  # type: ignore[no-untyped-def]
    """Send requests over RSGI."""
    drive = import_module("peers.drive")
    headers = drive.headers_of(drive.BY_KEY["text"], "")
    for _ in range(requests):
        protocol = drive.Protocol()
        await application.__rsgi__(drive.Scope("http", "GET", "/", "", headers), protocol)
        check(protocol.status, protocol.sent)


def main(module, interface, requests):  # type: ignore[no-untyped-def]
    """Import the application, answer the requests, and print the memory after both, in JSON."""
    application = import_module(module).app
    found = [*resident()]
    if interface == "wsgi":
        ask_wsgi(application, requests)
    elif interface:
        asked = {"asgi": ask_asgi, "rsgi": ask_rsgi}[interface]
        import_module("asyncio").run(asked(application, requests))
    if interface:
        found += resident()
    print(f"\n{found}")


if __name__ == "__main__":
    sys.path.insert(0, dirname(__file__) + "/hello")
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
