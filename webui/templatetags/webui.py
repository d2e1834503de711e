"""Tags for icons and for scripts that are fetched ahead, and a filter for what rows keep in English."""

from __future__ import annotations

from django import template
from django.templatetags.static import static
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from webui.modules import import_closure
from webui.words import stored_words

register = template.Library()


@register.simple_tag
def icon(name: str, css_class: str = "icon") -> SafeString:
    """A symbol of our sprite; it says nothing to a screen reader, so a text has to stand beside it."""
    return format_html(
        '<svg class="{}" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>',
        css_class,
        static("webui/icons.svg"),
        name,
    )


@register.filter
def stored(text: str) -> str:
    """What stands in a row, in the page's language as far as it is a sentence of ours."""
    return stored_words(text)


@register.simple_tag
def modulepreloads(entry: str) -> SafeString:
    """Links that have a browser fetch and compile a module and all that it imports, at once."""
    return _links("modulepreload", entry)


@register.simple_tag
def prefetches(entry: str) -> SafeString:
    """Links that have an idle browser fetch what the next page needs of modules."""
    return _links("prefetch", entry)


def _links(relation: str, entry: str) -> SafeString:
    return format_html_join(
        "\n", '<link rel="{}" href="{}">', ((relation, static(name)) for name in import_closure(entry))
    )
