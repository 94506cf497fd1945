"""Settings of the process: read once from a mapping (the environment) into one frozen value.

Nothing here reads the environment by itself: `load(os.environ)` is called at the edge. What the numbers
mean (horizon, time zone, lapse, currency) is in the definitions file, not here.
"""

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from config.setting_values import (
    read_brokers,
    read_choice,
    read_flag,
    read_name_prefix,
    read_optional,
    read_port,
    read_seconds,
    read_size,
    read_span_us,
    read_text,
    read_url,
    read_whole,
)

NATIVE_DEFINITIONS = Path(__file__).resolve().parent / "definitions" / "native.yaml"
"""Definitions for facts in the native format, shipped with the package."""


class SettingsError(ValueError):
    """Settings that cannot be used; `faults` has one sentence for each, with how to mend it."""

    def __init__(self, faults: list[str]) -> None:
        self.faults = tuple(faults)
        count = "1 setting is" if len(faults) == 1 else f"{len(faults)} settings are"
        super().__init__("\n".join([f"{count} not usable:", *(f"  - {fault}" for fault in faults)]))


SHARED_TOPICS = frozenset({
    "customer-events", "qos-signals", "service-status", "social-mentions", "survey-responses", "actions",
    "net-growth", "customer-health", "editions", "surge-verdicts",
})  # fmt: skip
"""Topics that all editions have in common; of any other each has its own."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything an operator sets for a process. Fields ending in `_us` are microseconds, in `_s` seconds."""

    kafka_brokers: tuple[str, ...]
    security_protocol: str
    sasl_mechanism: str | None
    sasl_user: str | None
    sasl_password: str | None = field(repr=False)
    tls_ca_file: str | None
    tls_cert_file: str | None
    tls_key_file: str | None
    tls_key_password: str | None = field(repr=False)
    tls_check_hostname: bool
    schema_registry: str | None
    schema_registry_login: str | None = field(repr=False)
    topic_prefix: str
    group_prefix: str
    edition: str
    partitions: int
    replication_factor: int
    create_topics: bool
    definitions: Path
    web_bind: str
    web_port: int
    keep_minutes_us: int
    keep_hours_us: int
    keep_days_us: int
    idle_after_us: int
    fresh_us: int
    commit_interval_s: float
    flush_interval_s: float
    session_timeout_s: float
    heartbeat_interval_s: float
    memory_budget: int
    max_record_bytes: int
    label_limit: int
    customer_ids: str
    notice: str | None
    pseudonym_key: str | None = field(repr=False)
    log_level: str
    log_format: str

    @property
    def uses_tls(self) -> bool:
        """Whether the connection to the brokers is encrypted."""
        return self.security_protocol in ("SSL", "SASL_SSL")

    @property
    def uses_sasl(self) -> bool:
        """Whether the client says who it is with a user and password."""
        return self.security_protocol.startswith("SASL_")

    def topic(self, name: str) -> str:
        """A topic's full name, with the prefix, and with the edition if it is of one."""
        return self.topic_prefix + name + ("" if name in SHARED_TOPICS else self._of_edition)

    def group(self, name: str) -> str:
        """A consumer group's full name, with the prefix and the edition."""
        return self.group_prefix + name + self._of_edition

    @property
    def _of_edition(self) -> str:
        return f"-{self.edition}" if self.edition else ""


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting as data: the table in docs/settings.md is made from these."""

    name: str
    field: str
    default: str  # as one would write it; "" is none
    read: Callable[[str], Any]
    about: str
    shown_default: str = ""


SETTINGS = (
    Setting("KAFKA_BROKERS", "kafka_brokers", "localhost:9092", read_brokers,
            "Kafka's bootstrap servers, `host:port` with commas between them"),
    Setting("NETGROWTH_SECURITY_PROTOCOL", "security_protocol", "PLAINTEXT",
            read_choice("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"),
            "how the brokers are spoken to: `PLAINTEXT`, `SSL`, `SASL_PLAINTEXT`, `SASL_SSL`"),
    Setting("NETGROWTH_SASL_MECHANISM", "sasl_mechanism", "",
            read_choice("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"),
            "with SASL: `PLAIN`, `SCRAM-SHA-256` or `SCRAM-SHA-512`"),
    Setting("NETGROWTH_SASL_USER", "sasl_user", "", read_optional, "with SASL: the user"),
    Setting("NETGROWTH_SASL_PASSWORD", "sasl_password", "", read_optional,
            "with SASL: the password; or name a file in `NETGROWTH_SASL_PASSWORD_FILE`"),
    Setting("NETGROWTH_TLS_CA_FILE", "tls_ca_file", "", read_optional,
            "with SSL: certificates to trust (PEM); without it those of the system"),
    Setting("NETGROWTH_TLS_CERT_FILE", "tls_cert_file", "", read_optional,
            "with SSL: the client's own certificate (PEM), when the brokers ask for one"),
    Setting("NETGROWTH_TLS_KEY_FILE", "tls_key_file", "", read_optional,
            "with SSL: the key of that certificate (PEM)"),
    Setting("NETGROWTH_TLS_KEY_PASSWORD", "tls_key_password", "", read_optional,
            "with SSL: the password of that key; or name a file in `NETGROWTH_TLS_KEY_PASSWORD_FILE`"),
    Setting("NETGROWTH_TLS_CHECK_HOSTNAME", "tls_check_hostname", "true", read_flag,
            "with SSL: whether a broker's certificate must bear its host name"),
    Setting("NETGROWTH_SCHEMA_REGISTRY", "schema_registry", "", read_url,
            "address of the schema registry by which records of own topics are read as Avro (the extra `avro`)"),
    Setting("NETGROWTH_SCHEMA_REGISTRY_LOGIN", "schema_registry_login", "", read_optional,
            "`user:password` for the registry; or name a file in `NETGROWTH_SCHEMA_REGISTRY_LOGIN_FILE`"),
    Setting("NETGROWTH_TOPIC_PREFIX", "topic_prefix", "", read_name_prefix,
            "stands before every topic's name"),
    Setting("NETGROWTH_GROUP_PREFIX", "group_prefix", "", read_name_prefix,
            "stands before every consumer group's name"),
    Setting("NETGROWTH_EDITION", "edition", "", read_name_prefix,
            "name of a count of its own beside the running one, which takes over when it has caught up; "
            "stands behind the names of its group and topics"),
    Setting("NETGROWTH_PARTITIONS", "partitions", "4", read_whole(1, 10_000),
            "partitions of the topics; fixed for life once there is data"),
    Setting("NETGROWTH_REPLICATION_FACTOR", "replication_factor", "1", read_whole(1, 100),
            "copies of each partition; 3 in production"),
    Setting("NETGROWTH_CREATE_TOPICS", "create_topics", "true", read_flag,
            "whether topics may be created; if not, see `netgrowth topics create --print`"),
    Setting("NETGROWTH_DEFINITIONS", "definitions", str(NATIVE_DEFINITIONS), Path,
            "the company's definitions file", "`config/definitions/native.yaml` of the package"),
    Setting("NETGROWTH_WEB_BIND", "web_bind", "127.0.0.1", read_text,
            "address that serves `/metrics`, health, page and API; `0.0.0.0` for all"),
    Setting("NETGROWTH_WEB_PORT", "web_port", "6066", read_port, "its port; 0 for any free one"),
    Setting("NETGROWTH_KEEP_MINUTES", "keep_minutes_us", "3d", read_span_us("2d", "60d"),
            "how long buckets of a minute are kept"),
    Setting("NETGROWTH_KEEP_HOURS", "keep_hours_us", "90d", read_span_us("61d", "1000d"),
            "how long buckets of an hour are kept"),
    Setting("NETGROWTH_KEEP_DAYS", "keep_days_us", "1830d", read_span_us("400d", "20000d"),
            "how long buckets of a day are kept"),
    Setting("NETGROWTH_IDLE_AFTER", "idle_after_us", "1s", read_span_us("100ms", "1h"),
            "a partition read to its end with nothing new for so long is idle"),
    Setting("NETGROWTH_FRESH", "fresh_us", "15m", read_span_us("1s", "1d"),
            "a record whose event time is at most so long before its append time is fresh"),
    Setting("NETGROWTH_COMMIT_INTERVAL", "commit_interval_s", "1s", read_seconds("50ms", "5m"),
            "how often state and offsets are made durable"),
    Setting("NETGROWTH_FLUSH_INTERVAL", "flush_interval_s", "1s", read_seconds("50ms", "5m"),
            "how often tables, `net-growth` and metrics follow what was counted"),
    Setting("NETGROWTH_SESSION_TIMEOUT", "session_timeout_s", "10s", read_seconds("2s", "10m"),
            "a worker silent for so long loses its partitions to the others"),
    Setting("NETGROWTH_HEARTBEAT_INTERVAL", "heartbeat_interval_s", "2s", read_seconds("100ms", "3m"),
            "how often a worker tells the group that it lives; at most a third of the session timeout"),
    Setting("NETGROWTH_MEMORY_BUDGET", "memory_budget", "64MiB", read_size("4MiB", "64GiB"),
            "bytes of records fetched and not yet counted, at most"),
    Setting("NETGROWTH_MAX_RECORD_BYTES", "max_record_bytes", "512KiB", read_size("1KiB", "64MiB"),
            "a longer record is a dead letter (`too_large`)"),
    Setting("NETGROWTH_LABEL_LIMIT", "label_limit", "100", read_whole(1, 100_000),
            "different values of one label on `/metrics`; the surplus becomes `other`"),
    Setting("NETGROWTH_CUSTOMER_IDS", "customer_ids", "pseudonym", read_choice("pseudonym", "real"),
            "how board, API and `netgrowth customers` name customers: `pseudonym`, or `real` for the company's ids"),
    Setting("NETGROWTH_NOTICE", "notice", "", read_optional,
            "a sentence that the board shows at its top, for example that its data are those of a trial"),
    Setting("NETGROWTH_PSEUDONYM_KEY", "pseudonym_key", "", read_optional,
            "secret from which pseudonyms are made, the same on all workers; or name a file in "
            "`NETGROWTH_PSEUDONYM_KEY_FILE`; without one each worker makes up its own when it starts"),
    Setting("NETGROWTH_LOG_LEVEL", "log_level", "INFO", read_choice("DEBUG", "INFO", "WARNING", "ERROR"),
            "`DEBUG`, `INFO`, `WARNING` or `ERROR`"),
    Setting("NETGROWTH_LOG_FORMAT", "log_format", "text", read_choice("text", "json"),
            "`text` for people, `json` for a log store: one object a line"),
)
"""Every setting but those that name a file with a secret in it."""

SECRET_FILES = {
    "NETGROWTH_SASL_PASSWORD_FILE": "NETGROWTH_SASL_PASSWORD",
    "NETGROWTH_TLS_KEY_PASSWORD_FILE": "NETGROWTH_TLS_KEY_PASSWORD",
    "NETGROWTH_SCHEMA_REGISTRY_LOGIN_FILE": "NETGROWTH_SCHEMA_REGISTRY_LOGIN",
    "NETGROWTH_PSEUDONYM_KEY_FILE": "NETGROWTH_PSEUDONYM_KEY",
}
"""Setting that names a file, to the setting that the file's first line stands for."""

_SECRETS = frozenset(SECRET_FILES.values())


def load(environ: Mapping[str, str]) -> Settings:
    """Settings out of a mapping of names to texts, usually `os.environ`; an empty text is as good as none.

    Raises: SettingsError with every fault found, each with how to mend it.
    """
    faults: list[str] = []
    texts = {
        name: text if name in _SECRETS else text.strip() for name, text in environ.items() if text.strip()
    }
    for file_name, name in SECRET_FILES.items():
        _read_secret_file(texts, file_name, name, faults)
    values: dict[str, Any] = {}
    for setting in SETTINGS:
        text = texts.get(setting.name, setting.default)
        try:
            values[setting.field] = setting.read(text) if text else _nothing(setting)
        except ValueError as error:
            faults.append(f"{setting.name} {error}")
    _check_security(texts, values, faults)
    _check_together(values, faults)
    if faults:
        raise SettingsError(faults)
    return Settings(**values)


COMPILED = "NETGROWTH_COMPILED"
"""Whether compiled pieces are used: no setting of a run, but read where they are imported (`streams/compiled.py`)."""


def unrecognised(environ: Mapping[str, str]) -> list[str]:
    """A sentence for each `NETGROWTH_` name that is no setting, with the nearest one.

    Not a fault, since Kubernetes puts names such as `NETGROWTH_SERVICE_HOST` there by itself.
    """
    known = [setting.name for setting in SETTINGS] + list(SECRET_FILES) + [COMPILED]
    sentences = []
    for name in sorted(environ):
        if not name.startswith("NETGROWTH_") or name in known or "_SERVICE_" in name or "_PORT_" in name:
            continue
        near = difflib.get_close_matches(name, known, n=1)
        sentences.append(f"{name} is no setting" + (f"; did you mean {near[0]}?" if near else ""))
    return sentences


def settings_table() -> str:
    """The settings as a Markdown table, as docs/settings.md shows them."""
    lines = ["| name | default | what it sets |", "| --- | --- | --- |"]
    for setting in SETTINGS:
        default = setting.shown_default or (f"`{setting.default}`" if setting.default else "none")
        lines.append(f"| `{setting.name}` | {default} | {setting.about} |")
    return "\n".join(lines)


def _nothing(setting: Setting) -> Any:
    return "" if setting.read is read_name_prefix else None


def _read_secret_file(texts: dict[str, str], file_name: str, name: str, faults: list[str]) -> None:
    path = texts.get(file_name)
    if path is None:
        return
    if name in texts:
        faults.append(f"{name} and {file_name} are both set; keep one")
        return
    try:
        secret = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        faults.append(f"{file_name} names {path}, which cannot be read ({_why(error)}); check it")
        return
    if not secret or not secret[0]:
        faults.append(f"{file_name} names {path}, whose first line is empty; write the secret there")
        return
    texts[name] = secret[0]


def _check_security(texts: Mapping[str, str], values: dict[str, Any], faults: list[str]) -> None:
    protocol = values.get("security_protocol")
    if protocol is None:
        return
    sasl = [n for n in texts if n.startswith("NETGROWTH_SASL_") and n not in SECRET_FILES]
    tls = [n for n in texts if n.startswith("NETGROWTH_TLS_") and n not in SECRET_FILES]
    if protocol.startswith("SASL_"):
        needed = ("NETGROWTH_SASL_MECHANISM", "NETGROWTH_SASL_USER", "NETGROWTH_SASL_PASSWORD")
        faults.extend(f"{name} is not set; {protocol} needs it" for name in needed if name not in texts)
    elif sasl:
        faults.append(
            f"{', '.join(sorted(sasl))} set, but NETGROWTH_SECURITY_PROTOCOL is {protocol}; "
            "set it to SASL_SSL (or SASL_PLAINTEXT), or take them away"
        )
    if not protocol.endswith("SSL") and tls:
        faults.append(
            f"{', '.join(sorted(tls))} set, but NETGROWTH_SECURITY_PROTOCOL is {protocol}; "
            "set it to SSL or SASL_SSL, or take them away"
        )
    for setting in SETTINGS:
        path = values.get(setting.field) if setting.name.startswith("NETGROWTH_TLS_") else None
        if setting.name.endswith("_FILE") and path is not None and not Path(path).is_file():
            faults.append(f"{setting.name} names {path}, which is no file; check the path")
    if (values.get("tls_cert_file") is None) != (values.get("tls_key_file") is None):
        faults.append("NETGROWTH_TLS_CERT_FILE and NETGROWTH_TLS_KEY_FILE go together; set both or none")


def _check_together(values: dict[str, Any], faults: list[str]) -> None:
    heartbeat, session = values.get("heartbeat_interval_s"), values.get("session_timeout_s")
    if heartbeat is not None and session is not None and heartbeat * 3 > session:
        faults.append(
            f"NETGROWTH_HEARTBEAT_INTERVAL is {heartbeat:g}s, more than a third of NETGROWTH_SESSION_TIMEOUT "
            f"({session:g}s); lower the first or raise the second"
        )
    budget, record = values.get("memory_budget"), values.get("max_record_bytes")
    if budget is not None and record is not None and record > budget:
        faults.append(
            f"NETGROWTH_MAX_RECORD_BYTES ({record}) is above NETGROWTH_MEMORY_BUDGET ({budget}); "
            "lower the first or raise the second"
        )


def _why(error: Exception) -> str:
    return error.strerror or type(error).__name__ if isinstance(error, OSError) else "not UTF-8 text"
