"""The tag for moments."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from webui.templatetags.times import moment


def test_a_moment_is_said_in_utc_for_who_has_no_script() -> None:
    berlin = timezone(timedelta(hours=1))
    expected = '<time datetime="2026-03-01T12:00:05+00:00" data-local>2026-03-01 12:00:05 UTC</time>'
    assert moment(datetime(2026, 3, 1, 13, 0, 5, 999, tzinfo=berlin)) == expected
    assert moment(datetime(2026, 3, 1, 12, 0, 5, tzinfo=UTC)) == expected
