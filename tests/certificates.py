"""Certificates for tests, made by OpenSSL: an authority, and keys signed by themselves or by it."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

HOST = "127.0.0.1"
DAYS = "2"


def require_openssl() -> None:
    """Skip the test where OpenSSL is not installed; where all must pass (CI=true) that is a failure."""
    if shutil.which("openssl") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("openssl is not installed; on Debian: apt-get install openssl")
        pytest.skip("openssl is not installed")


def self_signed(folder: Path, *, name: str = "netgrowth", password: str = "") -> tuple[Path, Path]:
    """Certificate and key (PEM) in the folder; with a password the key is locked."""
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    locked = ["-passout", f"pass:{password}"] if password else ["-nodes"]
    _openssl(
        "req", "-x509", "-newkey", "rsa:2048", *locked, "-keyout", str(key), "-out", str(certificate),
        "-days", DAYS, "-subj", f"/CN={name}",
    )  # fmt: skip
    return certificate, key


def server_store(folder: Path, authority: tuple[Path, Path], host: str = HOST) -> Path:
    """Key and certificate of a server at the IP address, signed by the authority: a PEM key store for Kafka."""
    request, key = folder / f"{host}.csr", folder / f"{host}.key"
    certificate, names = folder / f"{host}.pem", folder / f"{host}.names"
    names.write_text(f"subjectAltName=IP:{host}\n", encoding="utf-8")
    _openssl(
        "req", "-newkey", "rsa:2048", "-nodes", "-keyout", str(key), "-out", str(request), "-subj", f"/CN={host}"
    )
    _openssl(
        "x509", "-req", "-in", str(request), "-CA", str(authority[0]), "-CAkey", str(authority[1]),
        "-CAcreateserial", "-days", DAYS, "-extfile", str(names), "-out", str(certificate),
    )  # fmt: skip
    store = folder / f"{host}.store.pem"
    store.write_text(key.read_text(encoding="utf-8") + certificate.read_text(encoding="utf-8"), encoding="utf-8")
    return store


def _openssl(*words: str) -> None:
    done = subprocess.run(["openssl", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.fail(f"openssl {words[0]} failed:\n{done.stderr}")
