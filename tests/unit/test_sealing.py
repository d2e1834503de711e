"""Tokens are stored hashed, other secrets sealed."""

from __future__ import annotations

import re
from typing import Any

import pytest

from remote_service.sealing import SealError, key_fingerprint, new_token, seal, token_hash, unseal


def test_a_token_is_short_text_without_whitespace_and_never_the_same() -> None:
    tokens = {new_token() for _ in range(100)}
    assert len(tokens) == 100
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{43}", token) for token in tokens)


def test_what_is_stored_of_a_token_is_its_sha_256() -> None:
    assert token_hash("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@pytest.mark.parametrize("text", ["secret12", "pässwörd", " ", "x" * 100_000])
def test_what_was_sealed_can_be_opened(text: str) -> None:
    sealed = seal(text)
    assert text not in sealed or text == " "
    assert unseal(sealed) == text


def test_keys_are_told_apart_by_fingerprints_that_do_not_give_them_away(settings: Any) -> None:
    ours = key_fingerprint()
    assert ours == key_fingerprint()
    assert re.fullmatch(r"[0-9a-f]{64}", ours)
    settings.SECRET_KEY += "x"
    assert key_fingerprint() != ours


def test_the_same_text_is_never_sealed_the_same_way() -> None:
    assert seal("secret12") != seal("secret12")


def test_nothing_stays_nothing() -> None:
    assert seal("") == ""
    assert unseal("") == ""


def test_another_secret_key_opens_nothing(settings: Any) -> None:
    sealed = seal("secret12")
    settings.SECRET_KEY = "another key"
    with pytest.raises(SealError) as caught:
        unseal(sealed)
    assert str(caught.value) == "A sealed secret cannot be opened: SECRET_KEY has changed since it was stored."
    assert caught.value.__suppress_context__


def test_what_was_tampered_with_is_not_opened() -> None:
    sealed = seal("secret12")
    with pytest.raises(SealError):
        unseal(sealed[:-4] + "AAA=")
