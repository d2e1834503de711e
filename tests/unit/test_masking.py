"""Tests of masking: what is named like a secret goes, what is known for one goes, the rest stays readable."""

from __future__ import annotations

from remote_service.masking import MASK, Masker, without_secrets


def test_short_words_are_not_taken_for_secrets() -> None:
    assert Masker.of(["", "abc", "abcd", "abcdef"]).mask("abc abcdef abcd") == f"abc {MASK} {MASK}"


def test_what_is_named_like_a_secret_is_masked_and_told() -> None:
    masked: set[str] = set()
    options = {"size": "800x600", "api_key": "K-1", "deep": [{"password": 4711, "token": None, "auth": True}]}
    assert without_secrets(options, masked) == {
        "size": "800x600",
        "api_key": MASK,
        "deep": [{"password": MASK, "token": None, "auth": True}],
    }
    assert masked == {"K-1", "4711"}


def test_a_secret_is_masked_as_json_writes_it_too() -> None:
    assert Masker.of(['a "b" c']).mask_texts({"plain": ['a "b" c'], "written": 'a \\"b\\" c', "number": 5}) == {
        "plain": [MASK],
        "written": MASK,
        "number": 5,
    }
