"""Ports that nobody listens on."""

import socket


def free_port() -> int:
    """Return a free port of this machine; another process could take it before its user does, but hardly will."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
