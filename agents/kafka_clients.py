"""What each Kafka client must be told of brokers and credentials, from the one set of settings."""

import logging
import ssl
from typing import Any

from faust import SASLCredentials, SSLCredentials

from config.settings import Settings, SettingsError

# What aiokafka says of it asks again by itself; without a handler a command would show it as if it were an error.
logging.getLogger("aiokafka").addHandler(logging.NullHandler())


def ssl_context(settings: Settings) -> ssl.SSLContext | None:
    """The TLS context of the settings; None when the connection is plain.

    Raises: SettingsError when a certificate or key cannot be used.
    """
    if not settings.uses_tls:
        return None
    try:
        context = ssl.create_default_context(cafile=settings.tls_ca_file)
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(
            [f"NETGROWTH_TLS_CA_FILE names {settings.tls_ca_file}: no PEM certificates there ({error}); check it"]
        ) from error
    # Since Python 3.13 the default also refuses certificates that lack extensions, as those of many companies' own
    # authorities do; Kafka's own clients take them.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.check_hostname = settings.tls_check_hostname
    if settings.tls_cert_file and settings.tls_key_file:
        # Given as a function, so that a key with an unstated password fails instead of asking the terminal.
        password = settings.tls_key_password or ""
        try:
            context.load_cert_chain(settings.tls_cert_file, settings.tls_key_file, lambda: password)
        except (OSError, ssl.SSLError) as error:
            raise SettingsError(
                [
                    f"NETGROWTH_TLS_CERT_FILE and NETGROWTH_TLS_KEY_FILE cannot be used together ({error}); "
                    "both are PEM, the key belongs to the certificate, "
                    "and NETGROWTH_TLS_KEY_PASSWORD opens it if it is locked"
                ]
            ) from error
    return context


def kafka_python_options(settings: Settings) -> dict[str, Any]:
    """Keyword arguments that every class of kafka-python takes."""
    return _client_options(settings)


def aiokafka_options(settings: Settings) -> dict[str, Any]:
    """Keyword arguments that every class of aiokafka takes."""
    return _client_options(settings)


def faust_brokers(settings: Settings) -> list[str]:
    """Broker addresses as Faust's `broker` wants them."""
    return [f"kafka://{broker}" for broker in settings.kafka_brokers]


def faust_credentials(settings: Settings) -> SASLCredentials | SSLCredentials | None:
    """Credentials as Faust's `broker_credentials` wants them; None when the connection is plain."""
    context = ssl_context(settings)
    if settings.uses_sasl:
        return SASLCredentials(
            username=settings.sasl_user,
            password=settings.sasl_password,
            ssl_context=context,
            mechanism=settings.sasl_mechanism,
        )
    return SSLCredentials(context) if context is not None else None


def _client_options(settings: Settings) -> dict[str, Any]:
    options: dict[str, Any] = {
        "bootstrap_servers": list(settings.kafka_brokers),
        "security_protocol": settings.security_protocol,
    }
    context = ssl_context(settings)
    if context is not None:
        options["ssl_context"] = context
    if settings.uses_sasl:
        options["sasl_mechanism"] = settings.sasl_mechanism
        options["sasl_plain_username"] = settings.sasl_user
        options["sasl_plain_password"] = settings.sasl_password
    return options
