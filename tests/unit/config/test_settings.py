import dataclasses
from pathlib import Path

import pytest

from agents.topics import TOPICS, Direction
from config.settings import SETTINGS, Settings, SettingsError, load, settings_table, unrecognised

SASL = {
    "NETGROWTH_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
    "NETGROWTH_SASL_MECHANISM": "scram-sha-512",
    "NETGROWTH_SASL_USER": "growth",
    "NETGROWTH_SASL_PASSWORD": " open sesame",
}


def faults_of(environ: dict[str, str]) -> str:
    with pytest.raises(SettingsError) as caught:
        load(environ)
    return str(caught.value)


def test_nothing_set_gives_the_documented_defaults() -> None:
    settings = load({})
    assert settings.kafka_brokers == ("localhost:9092",)
    assert (settings.web_bind, settings.web_port) == ("127.0.0.1", 6066)
    assert settings.partitions == 4
    assert settings.idle_after_us == 1_000_000
    assert settings.fresh_us == 900_000_000
    assert settings.keep_minutes_us == 3 * 86_400_000_000
    assert settings.keep_hours_us == 90 * 86_400_000_000
    assert settings.keep_days_us >= 5 * 366 * 86_400_000_000
    assert not settings.uses_tls
    assert not settings.uses_sasl


def test_every_field_of_settings_has_exactly_one_setting() -> None:
    assert [setting.field for setting in SETTINGS] == [f.name for f in dataclasses.fields(Settings)]


def test_an_edition_has_a_group_and_state_of_its_own_and_shares_the_rest() -> None:
    first = load({"NETGROWTH_TOPIC_PREFIX": "a."})
    second = load({"NETGROWTH_TOPIC_PREFIX": "a.", "NETGROWTH_EDITION": "v2"})
    assert second.group("netgrowth") == "netgrowth-v2"
    own = {topic.name for topic in TOPICS if second.topic(topic.name) != first.topic(topic.name)}
    shared = {"net-growth", "customer-health", "editions", "surge-verdicts"}
    assert own == {topic.name for topic in TOPICS if topic.direction is not Direction.IN} - shared
    assert second.topic("ledger-changelog") == "a.ledger-changelog-v2"


def test_the_page_in_docs_shows_the_table_of_the_code() -> None:
    page = Path(__file__).resolve().parents[3] / "docs" / "settings.md"
    assert settings_table() in page.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "text", "field", "value"),
    [
        pytest.param("KAFKA_BROKERS", "a:1, b:2 ,", "kafka_brokers", ("a:1", "b:2"), id="several_brokers"),
        pytest.param("KAFKA_BROKERS", "kafka://a:1", "kafka_brokers", ("a:1",), id="scheme_is_dropped"),
        pytest.param("KAFKA_BROKERS", "[::1]:9092", "kafka_brokers", ("[::1]:9092",), id="ipv6"),
        pytest.param("KAFKA_BROKERS", "  ", "kafka_brokers", ("localhost:9092",), id="blank_is_unset"),
        pytest.param("NETGROWTH_TOPIC_PREFIX", "growth.", "topic_prefix", "growth.", id="prefix"),
        pytest.param("NETGROWTH_CREATE_TOPICS", "No", "create_topics", False, id="flag"),
        pytest.param("NETGROWTH_FRESH", "1.5m", "fresh_us", 90_000_000, id="fraction_of_a_minute"),
        pytest.param("NETGROWTH_COMMIT_INTERVAL", "250ms", "commit_interval_s", 0.25, id="seconds"),
        pytest.param("NETGROWTH_MEMORY_BUDGET", "1GiB", "memory_budget", 1 << 30, id="size"),
        pytest.param("NETGROWTH_LOG_LEVEL", "debug", "log_level", "DEBUG", id="choice_in_any_case"),
    ],
)
def test_a_setting_is_read(name: str, text: str, field: str, value: object) -> None:
    assert getattr(load({name: text}), field) == value


@pytest.mark.parametrize(
    ("name", "text", "wanted"),
    [
        pytest.param("KAFKA_BROKERS", "kafka", "host:port", id="no_port"),
        pytest.param("KAFKA_BROKERS", "kafka:99999", "host:port", id="port_out_of_range"),
        pytest.param("KAFKA_BROKERS", "http://kafka:9092", "host:port", id="another_scheme"),
        pytest.param("NETGROWTH_PARTITIONS", "0", "from 1 to", id="no_partition"),
        pytest.param("NETGROWTH_PARTITIONS", "four", "whole number", id="a_word"),
        pytest.param("NETGROWTH_WEB_PORT", "tcp://10.0.0.1:80", "enableServiceLinks", id="kubernetes_service_link"),
        pytest.param("NETGROWTH_IDLE_AFTER", "1", "ms, s, m, h or d", id="span_without_unit"),
        pytest.param("NETGROWTH_IDLE_AFTER", "-1s", "ms, s, m, h or d", id="negative_span"),
        pytest.param("NETGROWTH_KEEP_MINUTES", "1d", "from 2d", id="too_short_for_24h_beside_24h"),
        pytest.param("NETGROWTH_MEMORY_BUDGET", "lots", "KiB, MiB or GiB", id="no_size"),
        pytest.param("NETGROWTH_TOPIC_PREFIX", "my topics/", "letters, digits", id="not_a_topic_name"),
        pytest.param("NETGROWTH_LOG_FORMAT", "xml", "text, json", id="unknown_choice"),
        pytest.param("NETGROWTH_TLS_CHECK_HOSTNAME", "maybe", "true or false", id="neither_yes_nor_no"),
        pytest.param("NETGROWTH_HEARTBEAT_INTERVAL", "9s", "a third of", id="heartbeat_too_slow"),
        pytest.param("NETGROWTH_MAX_RECORD_BYTES", "64MiB", None, id="a_record_fits_the_budget"),
    ],
)
def test_a_fault_names_the_setting_and_what_is_wanted(name: str, text: str, wanted: str | None) -> None:
    if wanted is None:
        load({name: text})
        return
    message = faults_of({name: text})
    assert name in message
    assert wanted in message


def test_all_faults_are_told_at_once() -> None:
    message = faults_of({"KAFKA_BROKERS": "x", "NETGROWTH_PARTITIONS": "x", "NETGROWTH_LOG_LEVEL": "x"})
    assert message.startswith("3 settings are not usable:")
    assert message.count("\n  - ") == 3


def test_sasl_is_read_and_its_password_stays_out_of_repr() -> None:
    settings = load(SASL)
    assert settings.uses_sasl
    assert settings.sasl_mechanism == "SCRAM-SHA-512"
    assert settings.sasl_password == " open sesame"
    assert "sesame" not in repr(settings)


def test_sasl_needs_mechanism_user_and_password() -> None:
    message = faults_of({"NETGROWTH_SECURITY_PROTOCOL": "SASL_SSL"})
    for name in ("NETGROWTH_SASL_MECHANISM", "NETGROWTH_SASL_USER", "NETGROWTH_SASL_PASSWORD"):
        assert f"{name} is not set; SASL_SSL needs it" in message


def test_credentials_that_would_be_sent_nowhere_are_a_fault() -> None:
    message = faults_of({"NETGROWTH_SASL_USER": "growth", "NETGROWTH_SASL_PASSWORD": "sesame"})
    assert "NETGROWTH_SASL_PASSWORD, NETGROWTH_SASL_USER set" in message
    assert "sesame" not in message


def test_a_password_may_stand_in_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("open sesame\n", encoding="utf-8")
    environ = {name: text for name, text in SASL.items() if name != "NETGROWTH_SASL_PASSWORD"}
    settings = load({**environ, "NETGROWTH_SASL_PASSWORD_FILE": str(secret)})
    assert settings.sasl_password == "open sesame"
    assert "keep one" in faults_of({**SASL, "NETGROWTH_SASL_PASSWORD_FILE": str(secret)})
    secret.write_text("\n", encoding="utf-8")
    assert "first line is empty" in faults_of({**environ, "NETGROWTH_SASL_PASSWORD_FILE": str(secret)})
    assert "No such file" in faults_of({**environ, "NETGROWTH_SASL_PASSWORD_FILE": str(tmp_path / "no")})


def test_tls_files_must_exist_and_go_together(tmp_path: Path) -> None:
    certificate = tmp_path / "client.pem"
    certificate.write_text("x", encoding="utf-8")
    message = faults_of(
        {
            "NETGROWTH_SECURITY_PROTOCOL": "SSL",
            "NETGROWTH_TLS_CA_FILE": str(tmp_path / "ca.pem"),
            "NETGROWTH_TLS_CERT_FILE": str(certificate),
        }
    )
    assert "NETGROWTH_TLS_CA_FILE names" in message
    assert "go together" in message
    assert "NETGROWTH_TLS_CERT_FILE names" not in message


def test_prefixes_stand_before_names() -> None:
    settings = load({"NETGROWTH_TOPIC_PREFIX": "a.", "NETGROWTH_GROUP_PREFIX": "b."})
    assert settings.topic("customer-events") == "a.customer-events"
    assert settings.group("ledger") == "b.ledger"


def test_a_slip_of_the_pen_is_told_with_the_nearest_name() -> None:
    assert unrecognised({"NETGROWTH_PARTITION": "4", "NETGROWTH_SERVICE_HOST": "10.0.0.1", "PATH": "/bin"}) == [
        "NETGROWTH_PARTITION is no setting; did you mean NETGROWTH_PARTITIONS?"
    ]


def test_the_choice_of_compiled_pieces_is_no_unknown_setting() -> None:
    assert unrecognised({"NETGROWTH_COMPILED": "0"}) == []
