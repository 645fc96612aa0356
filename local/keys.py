"""The laptop cloud's keys, generated once and stored in files that only their owner can read."""

import json
import os
import secrets
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from local.environment import MEDIA_KEY_ID, PROVIDER_KEYS
from local.stripe.keys import API_KEY, WEBHOOK_SECRET
from shared.core.clock import utc_now

ACCESS_KEY_ID = "local"  # the `kid` of access tokens


def secret_values(folder: Path) -> dict[str, str]:
    """Return the secrets that a deployment has in Secrets Manager, by name.

    The first run generates the keys into `folder`. Providers' keys come from this process's environment; an empty
    value means that there is no key.
    """
    signing = _stored(folder / "access-token.pem", lambda: _pem(ec.generate_private_key(ec.SECP256R1())))
    return {
        "access-token-signing-key": json.dumps({"kid": ACCESS_KEY_ID, "pem": signing}),
        "access-token-verification-keys": json.dumps({ACCESS_KEY_ID: _public_pem(signing)}),
        "refresh-token-key": _stored(folder / "refresh-token.hex", lambda: secrets.token_hex(32)),
        "cursor-key": _stored(folder / "cursor.hex", lambda: secrets.token_hex(32)),
        "media-signing-key": json.dumps({"kid": MEDIA_KEY_ID, "pem": media_signing_key(folder)}),
        **provenance(folder),
        "stripe-api-key": API_KEY,
        "stripe-webhook-secret": WEBHOOK_SECRET,
        # Without a key the planner does not offer the engines of a provider.
        **{name: os.environ.get(variable, "") for name, variable in PROVIDER_KEYS.items()},
    }


def provenance(folder: Path) -> dict[str, str]:
    """Return the key that signs the films' provenance, and its chain: the signer's certificate, then the authority's.

    C2PA refuses self-signed certificates for signing, so there are two keys. The authority's files stay in `folder`, so
    that a user can make a verifier trust this laptop.
    """
    authority_key = _stored(folder / "provenance-authority.pem", lambda: _pem(ec.generate_private_key(ec.SECP256R1())))
    signing_key = _stored(folder / "provenance.pem", lambda: _pem(ec.generate_private_key(ec.SECP256R1())))
    authority = _stored(
        folder / "provenance-authority.crt", lambda: certificate(None, authority_key, "Kinora laptop authority")
    )
    own = _stored(
        folder / "provenance.crt", lambda: certificate((authority, authority_key), signing_key, "Kinora laptop")
    )
    return {"provenance-signing-key": signing_key, "provenance-certificates": own + authority}


def certificate(authority: tuple[str, str] | None, key_pem: str, name: str) -> str:
    """Return a PEM certificate, valid for ten years: an authority's, or one that `authority` (certificate, key) signs.

    A signed certificate has the extended key usage "e-mail protection", which C2PA verifiers accept by default.
    """
    key = serialization.load_pem_private_key(key_pem.encode(), None)
    issuer_key = serialization.load_pem_private_key((authority[1] if authority else key_pem).encode(), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(issuer_key, ec.EllipticCurvePrivateKey):
        raise TypeError("certificates are made for elliptic keys")
    subject = x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, name), x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Kinora")]
    )
    issuer = x509.load_pem_x509_certificate(authority[0].encode()).subject if authority else subject
    usage = dict.fromkeys(
        ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
         "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"), False,
    ) | ({"digital_signature": True} if authority else {"key_cert_sign": True})  # fmt: skip
    begin = utc_now() - timedelta(days=1)
    builder = (
        x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=3650))
        .add_extension(x509.BasicConstraints(ca=authority is None, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(**usage), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )
    if authority:
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
    return builder.sign(issuer_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def media_signing_key(folder: Path) -> str:
    """Return the private key, PEM, that signs media URLs. The gateway checks them with its public half."""
    return _stored(folder / "media.pem", lambda: _pem(rsa.generate_private_key(65537, 2048)))


def _stored(path: Path, make: Callable[[], str]) -> str:
    """Return the file's text. Write it first if it is missing; processes that do so at once use the same text."""
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(make())
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text()


def _pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def _public_pem(private_pem: str) -> str:
    public = serialization.load_pem_private_key(private_pem.encode(), None).public_key()
    return public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
