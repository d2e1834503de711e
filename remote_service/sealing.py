"""Secrets in the database: tokens are stored hashed, what must be read again is stored sealed.

Sealed with Fernet (authenticated AES) under a key derived from SECRET_KEY by HKDF (RFC 5869), so that a copy of the
database alone gives nothing away.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from remote_service import details


class SealError(ValueError):
    """What was sealed cannot be opened: SECRET_KEY is another one now."""


def new_token() -> str:
    """A session's token: 256 random bits as text without whitespace."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    """What is stored of a token. It is random enough that a plain hash cannot be guessed back."""
    return hashlib.sha256(token.encode()).hexdigest()


def seal(text: str) -> str:
    """Seals a text for the database; an empty one stays empty."""
    return _box(settings.SECRET_KEY).encrypt(text.encode()).decode() if text else ""


def unseal(sealed: str) -> str:
    """Opens what `seal` gave.

    Raises:
        SealError: SECRET_KEY has changed since.
    """
    if not sealed:
        return ""
    try:
        return _box(settings.SECRET_KEY).decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise SealError(details.SEALED_WITH_ANOTHER_KEY) from None


def key_fingerprint() -> str:
    """By which another key can be told from ours; nobody finds the key by it."""
    return _derived(settings.SECRET_KEY, b"remote_service fingerprint of the key").hex()


def _derived(secret_key: str, purpose: bytes) -> bytes:
    return HKDF(SHA256(), length=32, salt=None, info=purpose).derive(secret_key.encode())


@lru_cache(maxsize=4)
def _box(secret_key: str) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(_derived(secret_key, b"remote_service sealed columns")))
