"""Apache Kafka as a managed cluster offers it: TLS, SCRAM, and users who may do only what they were granted."""

import shlex
import subprocess
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.certificates import require_openssl, self_signed, server_store
from tests.kafka.broker import KafkaCluster, libraries

ADMIN, USER, STRANGER = "admin", "netgrowth", "stranger"
PASSWORDS = {ADMIN: "of-the-admin", USER: "se=same o'pen", STRANGER: "of-a-stranger"}
"""The admin may do everything; the others may do nothing until a rule says so."""

SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
TOOLS = {
    "kafka-topics.sh": "org.apache.kafka.tools.TopicCommand",
    "kafka-acls.sh": "org.apache.kafka.tools.AclCommand",
}
"""Kafka's scripts and the classes that they start."""


class SecuredKafka:
    """One node whose clients come by SASL_SSL with SCRAM-SHA-256 or 512; its certificate is of an own authority.

    Args:
        folder: for certificates and the tools' settings.
    """

    def __init__(self, folder: Path) -> None:
        require_openssl()
        self._folder = folder
        authority = self_signed(folder, name="authority")
        self.authority = authority[0]
        self.another_authority = self_signed(folder, name="another")[0]
        listener = "listener.name.clients"
        settings = {
            f"{listener}.ssl.keystore.type": "PEM",
            f"{listener}.ssl.keystore.location": str(server_store(folder, authority)),
            f"{listener}.sasl.enabled.mechanisms": "SCRAM-SHA-256,SCRAM-SHA-512",
            f"{listener}.scram-sha-256.sasl.jaas.config": SCRAM,
            f"{listener}.scram-sha-512.sasl.jaas.config": SCRAM,
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            # Brokers among themselves have no name.
            "super.users": f"User:ANONYMOUS;User:{ADMIN}",
        }
        self.cluster = KafkaCluster(client_protocol="SASL_SSL", settings=settings, scram_users=PASSWORDS)

    def environment(self, user: str = USER, mechanism: str = "SCRAM-SHA-512") -> dict[str, str]:
        """The settings by which netgrowth logs in as this user."""
        return {
            "KAFKA_BROKERS": self.cluster.address,
            "NETGROWTH_SECURITY_PROTOCOL": "SASL_SSL",
            "NETGROWTH_SASL_MECHANISM": mechanism,
            "NETGROWTH_SASL_USER": user,
            "NETGROWTH_SASL_PASSWORD": PASSWORDS[user],
            "NETGROWTH_TLS_CA_FILE": str(self.authority),
        }

    def as_admin(self, commands: Iterable[str]) -> None:
        """Run commands of Kafka's own scripts, as `netgrowth topics create --print` shows them.

        Raises: subprocess.CalledProcessError, with what the tool said printed.
        """
        login = f'username="{ADMIN}" password="{PASSWORDS[ADMIN]}"'
        properties = self._folder / "admin.properties"
        properties.write_text(
            "security.protocol=SASL_SSL\nsasl.mechanism=SCRAM-SHA-512\n"
            f"sasl.jaas.config={SCRAM.replace('required', f'required {login}')}\n"
            f"ssl.truststore.type=PEM\nssl.truststore.location={self.authority}\n"
        )
        for command in commands:
            tool, *words = shlex.split(command)
            done = subprocess.run(
                ["java", "-Xmx128m", "-XX:TieredStopAtLevel=1", "-cp", f"{libraries()}/*", TOOLS[tool], *words,
                 "--command-config", str(properties)],
                capture_output=True, text=True, check=False,
            )  # fmt: skip
            if done.returncode:
                print(done.stdout, done.stderr)
                done.check_returncode()

    def __enter__(self) -> Self:
        self.cluster.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cluster.stop()
