"""VNC Authentication, RFC 6143 section 7.2.2: a challenge enciphered by DES with the password as its key.

Single DES is broken and the password has at most eight bytes: this keeps an honest neighbour on the same node
out, nobody else. It is what VNC servers have; a Unix socket of mode 0600 is the better lock.
"""

from __future__ import annotations

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.modes import ECB

CHALLENGE_SIZE = 16
KEY_SIZE = 8

# The standard numbers DES's key bits from the other end than VNC does, so each key byte is mirrored.
_MIRRORED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def vncauth_response(password: str, challenge: bytes) -> bytes:
    """Return the 16 bytes that answer `challenge` for `password`.

    Args:
        password: only the first eight bytes of its UTF-8 form count, as with every VNC server.
        challenge: the 16 bytes that the server sent.

    Raises:
        ValueError: the challenge is not 16 bytes long.
    """
    if len(challenge) != CHALLENGE_SIZE:
        raise ValueError(f"a VNC challenge has {CHALLENGE_SIZE} bytes, this one has {len(challenge)}")
    # surrogatepass: no password may raise here, because the exception would carry it.
    secret = password.encode("utf-8", errors="surrogatepass")[:KEY_SIZE].ljust(KEY_SIZE, b"\0")
    # Three times the same key makes Triple DES single DES, which the library offers no other way.
    cipher = Cipher(TripleDES(secret.translate(_MIRRORED) * 3), ECB())
    encryptor = cipher.encryptor()
    return encryptor.update(challenge) + encryptor.finalize()
