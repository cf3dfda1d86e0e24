"""Certificates of our own for the vendor's side, made once."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID


@dataclass
class Certificates:
    """`server`: our CA's, for 127.0.0.1. `misnamed`: for another host. `trusting`: a client that knows the CA."""

    server: ssl.SSLContext
    misnamed: ssl.SSLContext
    trusting: ssl.SSLContext


class Authority:
    """A CA as strict clients want it (Python 3.13's default): its key named in what it signs."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name("Test CA")
        self._key_id = x509.SubjectKeyIdentifier.from_public_key(self._key.public_key())
        own = self._unsigned(self._name, self._key).add_extension(self._key_id, critical=False)
        own = own.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        own = own.add_extension(_may(sign_others=True), critical=True)
        self.certificate = own.sign(self._key, SHA256())

    def server(self, at: Path, name: x509.GeneralName) -> ssl.SSLContext:
        """A server of that name; its certificate and key are left in the file."""
        key = ec.generate_private_key(ec.SECP256R1())
        issuer = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(self._key_id)
        leaf = self._unsigned(_name("server"), key).add_extension(issuer, critical=False)
        leaf = leaf.add_extension(x509.SubjectAlternativeName([name]), critical=False)
        leaf = leaf.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        leaf = leaf.add_extension(_may(sign_others=False), critical=True)
        secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        at.write_bytes(leaf.sign(self._key, SHA256()).public_bytes(Encoding.PEM) + secret)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(at)
        return context

    def _unsigned(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return x509.CertificateBuilder(
            subject_name=subject, issuer_name=self._name, public_key=key.public_key(),
            serial_number=x509.random_serial_number(), not_valid_before=now - timedelta(days=1),
            not_valid_after=now + timedelta(days=2),
        )  # fmt: skip


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _may(*, sign_others: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not sign_others, key_cert_sign=sign_others, crl_sign=sign_others, content_commitment=False,
        key_encipherment=False, data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    directory = tmp_path_factory.mktemp("certificates")
    ours = Authority()
    return Certificates(
        server=ours.server(directory / "server.pem", x509.IPAddress(ip_address("127.0.0.1"))),
        misnamed=ours.server(directory / "misnamed.pem", x509.DNSName("elsewhere.example")),
        trusting=ssl.create_default_context(cadata=ours.certificate.public_bytes(Encoding.PEM).decode()),
    )
