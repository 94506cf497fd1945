"""Ports for a trial: the usual one, or a free one with a word about it when the usual one is taken."""

import socket


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a server may listen there now. Something that listens on all addresses counts as taking it."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        if probe.connect_ex((host, port)) == 0:
            return False
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            server.bind((host, port))
        except OSError:
            return False
    return True


def free_port(wanted: int, host: str = "127.0.0.1") -> int:
    """The wanted port if it is free, else any free one. 0 wants any."""
    if wanted and is_free(wanted, host):
        return wanted
    with socket.socket() as server:
        server.bind((host, 0))
        port: int = server.getsockname()[1]
    return port
