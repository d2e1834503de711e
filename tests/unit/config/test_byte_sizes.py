"""Amounts of memory, read and written as people do."""

from __future__ import annotations

import pytest

from remote_service.config.byte_sizes import bytes_of, in_words


@pytest.mark.parametrize(
    ("written", "amount"),
    [
        ("0", 0),
        ("123456", 123456),
        ("1K", 1024),
        ("512M", 512 * 1024**2),
        ("512 MiB", 512 * 1024**2),
        ("8G", 8 * 1024**3),
        ("8GB", 8 * 1024**3),
        ("1.5T", 3 * 1024**4 // 2),
    ],
)
def test_it_reads_them(written: str, amount: int) -> None:
    assert bytes_of(written) == amount


@pytest.mark.parametrize("written", ["", "G", "8g", "8 gigabytes", "-1G", "8G8", "1e9", "half"])
def test_what_is_none_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="is no amount of memory; expected a number and a unit, such as '8G'") as error:
        bytes_of(written)
    assert str(error.value).startswith(repr(written))


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        (0, "0 B"),
        (1, "1 B"),
        (1023, "1023 B"),
        (1024, "1 KiB"),
        (64 * 1024**2, "64 MiB"),
        (8 * 1024**3, "8 GiB"),
        (3 * 1024**4 // 2, "1.5 TiB"),
        (2**60, "1.049e+06 TiB"),
    ],
)
def test_it_writes_them(amount: int, words: str) -> None:
    assert in_words(amount) == words
