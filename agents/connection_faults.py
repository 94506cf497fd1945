"""Why no broker answers: a connection made by hand, since the clients try again and keep the reason to themselves."""

import asyncio
import ssl

from aiokafka import errors
from aiokafka.conn import create_conn

from agents.kafka_clients import aiokafka_options
from config.settings import Settings

TRIED_BROKERS = 3
TIMEOUT_MS = 5000

WRONG_NAME = frozenset({62, 64})
"""OpenSSL's codes of a certificate for another host name, and for another address."""


FINAL = (ssl.SSLCertVerificationError, errors.UnsupportedSaslMechanismError, errors.SaslAuthenticationFailed)
"""Refusals that no second try changes."""


def refused_login(settings: Settings) -> str | None:
    """A sentence if the brokers do not take these credentials, or these settings not the brokers' certificate.

    Clients would try again for long. None: nothing is known against it; a plain connection is not tried.
    """
    if not (settings.uses_tls or settings.uses_sasl):
        return None
    broker, error = asyncio.run(_first_answer(settings))
    return _refused(settings, broker, error) if isinstance(error, FINAL) else None


def no_broker_answers(settings: Settings) -> str:
    """A sentence for when a client found no broker: what a connection of these settings meets, and what to set."""
    broker, error = asyncio.run(_first_answer(settings))
    if error is None:
        return f"{broker} takes the connection and its credentials now; try again, and look at the brokers' logs"
    if isinstance(error, ssl.SSLError | errors.KafkaError):
        return _refused(settings, broker, error)
    return (
        f"no Kafka broker answers at {', '.join(settings.kafka_brokers)} ({str(error) or type(error).__name__}); set "
        "KAFKA_BROKERS to host:port of yours, or start one here with `netgrowth run` or `make kafka`"
    )


async def _first_answer(settings: Settings) -> tuple[str, Exception | None]:
    """Which broker says what: the first that does more than not listen, else the first of all."""
    silent: list[tuple[str, Exception]] = []
    for broker in settings.kafka_brokers[:TRIED_BROKERS]:
        try:
            await _connect(settings, broker)
        except (ssl.SSLError, errors.KafkaError) as error:
            return broker, error
        except (OSError, EOFError) as error:
            silent.append((broker, error))
        else:
            return broker, None
    return silent[0]


async def _connect(settings: Settings, broker: str) -> None:
    options = aiokafka_options(settings)
    del options["bootstrap_servers"]
    host, _, port = broker.rpartition(":")
    connection = await create_conn(host.strip("[]"), int(port), request_timeout_ms=TIMEOUT_MS, **options)
    connection.close()


def _refused(settings: Settings, broker: str, error: Exception) -> str:
    protocol, mechanism = settings.security_protocol, settings.sasl_mechanism
    if isinstance(error, errors.UnsupportedSaslMechanismError):
        return f"{broker} does not take NETGROWTH_SASL_MECHANISM {mechanism}; set one that it takes"
    if isinstance(error, errors.SaslAuthenticationFailed):
        return (
            f"{broker} refuses the user {settings.sasl_user}; check NETGROWTH_SASL_USER and NETGROWTH_SASL_PASSWORD, "
            f"and that the user has a password for {mechanism}"
        )
    if isinstance(error, ssl.SSLCertVerificationError):
        if error.verify_code in WRONG_NAME:
            return (
                f"the certificate of {broker} is for another host ({error.verify_message}); write the name that is "
                "in it into KAFKA_BROKERS, or set NETGROWTH_TLS_CHECK_HOSTNAME=false if that cannot be"
            )
        return (
            f"the certificate of {broker} is not trusted ({error.verify_message}); let NETGROWTH_TLS_CA_FILE "
            "name the certificate of the authority that signed it"
        )
    if isinstance(error, ssl.SSLError):
        return (
            f"no TLS connection to {broker} ({error.reason}); if it does not speak TLS there, "
            f"NETGROWTH_SECURITY_PROTOCOL must not be {protocol}; if it asks for a certificate, "
            "NETGROWTH_TLS_CERT_FILE names it"
        )
    return (
        f"{broker} ended the connection ({type(error).__name__}); NETGROWTH_SECURITY_PROTOCOL is {protocol}: is that "
        "what it speaks there, with or without TLS and SASL?"
    )
