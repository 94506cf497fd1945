"""What is said of brokers that cannot be used; tests/kafka/test_credentials.py asks Apache Kafka the same."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from agents.connection_faults import no_broker_answers, refused_login
from config.settings import Settings, load
from tests.certificates import require_openssl, self_signed, server_store


@contextmanager
def listening(context: ssl.SSLContext | None = None) -> Iterator[str]:
    """A listener that takes each connection, with TLS if it has a context, says something odd and ends it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                try:
                    with context.wrap_socket(connection, server_side=True) if context else connection as spoken:
                        spoken.recv(1)
                        spoken.sendall(b"220 mail.example\r\n")
                except OSError:
                    connection.close()

        threading.Thread(target=serve, daemon=True).start()
        yield address
        server.shutdown(socket.SHUT_RDWR)


def settings_of(brokers: str, **more: str) -> Settings:
    return load({"KAFKA_BROKERS": brokers, **{f"NETGROWTH_{name}": text for name, text in more.items()}})


def test_where_nobody_listens_the_addresses_are_named() -> None:
    settings = settings_of("127.0.0.1:1,127.0.0.1:2")
    told = no_broker_answers(settings)
    assert told.startswith("no Kafka broker answers at 127.0.0.1:1, 127.0.0.1:2 (")
    assert "set KAFKA_BROKERS" in told
    assert refused_login(settings_of("127.0.0.1:1", SECURITY_PROTOCOL="SSL")) is None


def test_another_broker_is_asked_when_one_does_not_listen() -> None:
    with listening() as address:
        told = no_broker_answers(settings_of(f"127.0.0.1:1,{address}"))
        assert told.startswith(f"{address} ended the connection")
        assert "NETGROWTH_SECURITY_PROTOCOL is PLAINTEXT" in told


def test_a_listener_without_tls_is_told() -> None:
    with listening() as address:
        settings = settings_of(address, SECURITY_PROTOCOL="SSL")
        told = no_broker_answers(settings)
        assert told.startswith(f"no TLS connection to {address}")
        assert "NETGROWTH_SECURITY_PROTOCOL must not be SSL" in told
        assert refused_login(settings) is None


def test_a_certificate_of_another_host_or_authority_is_told(tmp_path: Path) -> None:
    require_openssl()
    authority = self_signed(tmp_path, name="authority")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(server_store(tmp_path, authority, "127.0.0.2"))
    with listening(context) as address:
        trusted = {"SECURITY_PROTOCOL": "SSL", "TLS_CA_FILE": str(authority[0])}
        told = refused_login(settings_of(address, **trusted))
        assert told is not None
        assert f"the certificate of {address} is for another host" in told
        assert "NETGROWTH_TLS_CHECK_HOSTNAME=false" in told
        unchecked = settings_of(address, **trusted, TLS_CHECK_HOSTNAME="false")
        assert refused_login(unchecked) is None
        assert "ended the connection" in no_broker_answers(unchecked)
        told = refused_login(settings_of(address, SECURITY_PROTOCOL="SSL"))
        assert told is not None
        assert "is not trusted" in told
        assert "NETGROWTH_TLS_CA_FILE" in told
