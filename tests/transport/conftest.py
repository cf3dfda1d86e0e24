"""Certificates of our own for the vendor's side, made once."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass
class Certificates:
    """`server`: our CA's, for 127.0.0.1. `misnamed`: for another host. `trusting`: a client that knows the CA."""

    server: ssl.SSLContext
    misnamed: ssl.SSLContext
    trusting: ssl.SSLContext


def _openssl(directory: Path, *arguments: str) -> None:
    command = [shutil.which("openssl") or "openssl", *arguments]
    subprocess.run(command, cwd=directory, check=True, capture_output=True)


def _leaf(directory: Path, name: str, alternative: str) -> ssl.SSLContext:
    (directory / f"{name}.ext").write_text(f"subjectAltName={alternative}\n")
    _openssl(
        directory, "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", f"/CN={name}",
        "-keyout", f"{name}.key", "-out", f"{name}.csr",
    )  # fmt: skip
    _openssl(
        directory, "x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial",
        "-days", "2", "-extfile", f"{name}.ext", "-out", f"{name}.crt",
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / f"{name}.crt", directory / f"{name}.key")
    return context


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    if shutil.which("openssl") is None:
        pytest.skip("certificates are made with the openssl command, which is not here")
    directory = tmp_path_factory.mktemp("certificates")
    _openssl(
        directory, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
        "-subj", "/CN=Test CA", "-days", "2", "-keyout", "ca.key", "-out", "ca.crt",
    )  # fmt: skip
    return Certificates(
        server=_leaf(directory, "server", "IP:127.0.0.1"),
        misnamed=_leaf(directory, "misnamed", "DNS:elsewhere.example"),
        trusting=ssl.create_default_context(cafile=str(directory / "ca.crt")),
    )
