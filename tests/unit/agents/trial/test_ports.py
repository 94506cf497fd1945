import socket

from agents.trial.ports import free_port, is_free


def test_a_free_port_is_given_as_wanted_and_a_taken_one_is_not() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        port = server.getsockname()[1]
        server.listen()
        assert not is_free(port)
        assert free_port(port) != port
    assert free_port(port) == port


def test_a_server_on_all_addresses_takes_the_port() -> None:
    with socket.socket() as server:
        server.bind(("0.0.0.0", 0))
        server.listen()
        assert not is_free(server.getsockname()[1])


def test_none_wanted_gives_any_that_is_free() -> None:
    assert is_free(free_port(0))
