"""Where a server is to listen: checked before it starts, so that a mistake is said in words."""

from __future__ import annotations

import errno
import os
import socket
import stat
from pathlib import Path

from erlen.errors import ServerError

__all__ = ["check_address", "check_certificate", "check_pid_file", "check_unix_socket"]


def check_address(host: str, port: int) -> int:
    """Return the port to listen on: *port*, or a free one if that is 0.

    :raises ServerError: if it is in use, or cannot be listened on
    """
    if not 0 <= port <= 65535:
        raise ServerError(f"There is no port {port}: ports go from 0 to 65535.")
    try:
        return _try(host, port)
    except socket.gaierror as error:
        raise ServerError(
            f"The host {host!r} is no address of this machine: {error.strerror}. Write 127.0.0.1 to be reached from "
            "this machine only, or 0.0.0.0 from everywhere."
        ) from error
    except OSError as error:
        raise ServerError(_advice(host, port, error)) from error


def _try(host: str, port: int) -> int:
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, kind, protocol) as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port whose last user has just left is free
        tried.bind(address)
        found: int = tried.getsockname()[1]
        return found


def _advice(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        free = _free_port(host, port)
        return f"Port {port} is in use by another program.{f' Port {free} is free: --port {free}.' if free else ''}"
    if error.errno == errno.EACCES:
        return f"Port {port} is for privileged programs alone. Take one from 1024 on: --port 8000, for instance."
    if error.errno == errno.EADDRNOTAVAIL:
        return f"The host {host!r} is no address of this machine. Write 127.0.0.1, or 0.0.0.0 for all of its addresses."
    return f"It is not possible to listen on {host}:{port}: {error.strerror}."


def _free_port(host: str, port: int) -> int | None:
    for candidate in range(port + 1, min(port + 200, 65536)):
        try:
            return _try(host, candidate)
        except OSError:
            continue
    return None


def check_unix_socket(path: Path) -> None:
    """See that a unix socket can be made at *path*; one that a dead server has left behind is removed.

    :raises ServerError: if a server answers there, or something else stands there
    """
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        if not path.absolute().parent.is_dir():
            raise ServerError(f"The folder of the unix socket {path} does not exist: mkdir -p {path.parent}") from None
        return
    if not stat.S_ISSOCK(mode):
        raise ServerError(f"{path} is there already, and it is no socket. Give another path, or move that away.")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as tried:
        try:
            tried.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
            return
        except OSError as error:
            raise ServerError(f"The unix socket {path} cannot be used: {error.strerror}.") from error
    raise ServerError(f"Another server is listening on the unix socket {path}. Stop it first, or give another path.")


def check_pid_file(path: Path) -> None:
    """See that *path* can hold the server's process number.

    :raises ServerError: if a server that lives has written its own there, or the file is none of that kind
    """
    if not path.absolute().parent.is_dir():
        raise ServerError(f"The folder of the PID file {path} does not exist: mkdir -p {path.parent}")
    try:
        pid = int(path.read_text())
    except FileNotFoundError:
        return
    except (OSError, ValueError) as error:
        raise ServerError(f"{path} is there already, and it is no PID file. Give another path.") from error
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        path.unlink()
        return
    except OSError:
        pass  # it lives, and belongs to another user
    raise ServerError(f"The server whose PID file is {path} is running, as process {pid}. Stop it first: kill {pid}")


def check_certificate(certificate: Path | None, key: Path | None) -> None:
    """See that certificate and key are there, both or none.

    :raises ServerError: if one is missing
    """
    if (certificate is None) is not (key is None):
        given, missing = ("--cert", "--key") if key is None else ("--key", "--cert")
        raise ServerError(f"{given} was given without {missing}: https needs the certificate and its private key.")
    for path in (certificate, key):
        if path is not None and not path.is_file():
            raise ServerError(f"There is no file {path}.")
