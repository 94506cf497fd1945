import inspect
import ssl
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from faust import SASLCredentials, SSLCredentials
from faust.transport.drivers.aiokafka import credentials_to_aiokafka_auth
from kafka import KafkaProducer

from agents.kafka_clients import (
    aiokafka_options,
    faust_brokers,
    faust_credentials,
    kafka_python_options,
    ssl_context,
)
from config.settings import SettingsError, load
from tests.certificates import require_openssl, self_signed

SASL_SSL = {
    "KAFKA_BROKERS": "a:1,b:2",
    "NETGROWTH_SECURITY_PROTOCOL": "SASL_SSL",
    "NETGROWTH_SASL_MECHANISM": "SCRAM-SHA-256",
    "NETGROWTH_SASL_USER": "growth",
    "NETGROWTH_SASL_PASSWORD": "sesame",
}


def test_plain_connections_carry_brokers_only() -> None:
    settings = load({"KAFKA_BROKERS": "a:1,b:2"})
    plain = {"bootstrap_servers": ["a:1", "b:2"], "security_protocol": "PLAINTEXT"}
    assert kafka_python_options(settings) == aiokafka_options(settings) == plain
    assert faust_brokers(settings) == ["kafka://a:1", "kafka://b:2"]
    assert faust_credentials(settings) is None
    assert ssl_context(settings) is None


def test_sasl_over_tls_reaches_every_client_alike() -> None:
    settings = load(SASL_SSL)
    options = kafka_python_options(settings)
    assert isinstance(options.pop("ssl_context"), ssl.SSLContext)
    assert options == {
        "bootstrap_servers": ["a:1", "b:2"],
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-256",
        "sasl_plain_username": "growth",
        "sasl_plain_password": "sesame",
    }
    credentials = faust_credentials(settings)
    assert isinstance(credentials, SASLCredentials)
    through_faust = dict(credentials_to_aiokafka_auth(credentials))
    direct = aiokafka_options(settings)
    for name in ("security_protocol", "sasl_mechanism", "sasl_plain_username", "sasl_plain_password"):
        assert through_faust[name] == direct[name]


def test_the_clients_know_every_option_that_they_are_given() -> None:
    options = aiokafka_options(load(SASL_SSL))
    assert set(options) <= set(inspect.signature(AIOKafkaProducer.__init__).parameters)
    assert set(kafka_python_options(load(SASL_SSL))) <= set(KafkaProducer.DEFAULT_CONFIG)


def test_tls_alone_becomes_faust_ssl_credentials() -> None:
    assert isinstance(faust_credentials(load({"NETGROWTH_SECURITY_PROTOCOL": "SSL"})), SSLCredentials)


def test_the_check_of_host_names_can_be_turned_off_and_the_certificate_is_still_verified() -> None:
    checked = ssl_context(load({"NETGROWTH_SECURITY_PROTOCOL": "SSL"}))
    unchecked = ssl_context(
        load({"NETGROWTH_SECURITY_PROTOCOL": "SSL", "NETGROWTH_TLS_CHECK_HOSTNAME": "false"})
    )
    assert checked is not None
    assert unchecked is not None
    assert checked.check_hostname
    assert not unchecked.check_hostname
    assert unchecked.verify_mode is ssl.CERT_REQUIRED


@pytest.mark.parametrize("name", ["NETGROWTH_TLS_CA_FILE", "NETGROWTH_TLS_CERT_FILE"])
def test_files_that_are_no_certificates_are_named(name: str, tmp_path: Path) -> None:
    rubbish = tmp_path / "rubbish.pem"
    rubbish.write_text("no certificate\n", encoding="utf-8")
    environ = {"NETGROWTH_SECURITY_PROTOCOL": "SSL", name: str(rubbish)}
    if name == "NETGROWTH_TLS_CERT_FILE":
        environ["NETGROWTH_TLS_KEY_FILE"] = str(rubbish)
    with pytest.raises(SettingsError, match=name):
        ssl_context(load(environ))


def test_a_locked_key_is_opened_with_its_password_and_never_asks_the_terminal(tmp_path: Path) -> None:
    require_openssl()
    certificate, key = self_signed(tmp_path, password="sesame")
    environ = {
        "NETGROWTH_SECURITY_PROTOCOL": "SSL",
        "NETGROWTH_TLS_CERT_FILE": str(certificate),
        "NETGROWTH_TLS_KEY_FILE": str(key),
    }
    assert ssl_context(load({**environ, "NETGROWTH_TLS_KEY_PASSWORD": "sesame"})) is not None
    with pytest.raises(SettingsError, match="NETGROWTH_TLS_KEY_PASSWORD"):
        ssl_context(load(environ))
