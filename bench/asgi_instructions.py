"""Count the CPU instructions of what is asked over ASGI, Erlen beside Starlette: ``python3 dev.py bench async``.

As ``instructions.py`` does over WSGI: in process, 200 warm requests of each workload, or messages of a WebSocket. What
sending takes is in every figure and stands in the rows "bare".
"""

from __future__ import annotations

from importlib.metadata import version
from platform import python_version

from asgi_workloads import PLAIN, SOCKETS, VIEWS
from instructions import measure


def main() -> None:
    """Measure all and print the table."""
    erlen, starlette = measure("asgi_erlen", "asgi_workloads.py"), measure("asgi_starlette", "asgi_workloads.py")
    print("Thousand instructions per request or message, in process over ASGI\n")
    print("| | Erlen | Starlette | Erlen / Starlette |")
    print("|---|---:|---:|---:|")
    for name in ["bare", *VIEWS, *PLAIN, "bare WebSocket, a message", *SOCKETS]:
        print(f"| {name} | {erlen[name]:.1f} | {starlette[name]:.1f} | {erlen[name] / starlette[name]:.2f} |")
    print(f"\nPython {python_version()}, starlette {version('starlette')}, anyio {version('anyio')}")


if __name__ == "__main__":
    main()
