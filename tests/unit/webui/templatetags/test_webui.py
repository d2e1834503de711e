"""Tests of our template tags."""

from __future__ import annotations

from django.template import Context, Template


def render(source: str, **context: str) -> str:
    return Template("{% load webui %}" + source).render(Context(context))


def test_an_icon_is_a_reference_into_the_sprite() -> None:
    assert render('{% icon "cube" %}') == (
        '<svg class="icon" aria-hidden="true" focusable="false"><use href="/static/webui/icons.svg#cube"></use></svg>'
    )


def test_an_icons_name_is_escaped() -> None:
    assert "<b>" not in render("{% icon name %}", name='"><b>')


def test_modules_are_preloaded_with_all_that_they_import() -> None:
    links = render('{% modulepreloads "webui/picker.js" %}').split("\n")
    assert links[0] == '<link rel="modulepreload" href="/static/webui/picker.js">'
    assert '<link rel="modulepreload" href="/static/webui/confirm.js">' in links


def test_modules_of_the_next_page_are_fetched_when_there_is_time() -> None:
    assert '<link rel="prefetch" href="/static/vendor/novnc/core/rfb.js">' in render(
        '{% prefetches "webui/viewer.js" %}'
    )
