"""HTML of the debugger page, safe by construction: every plain string that goes into an element or an attribute is escaped.

Only `el` and `join` make `Html`, and only `Html` goes in as it is; so what models and people wrote can be nothing but text.  No Markdown,
no sanitizer.  Nothing here knows of sessions.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from html import escape
from typing import Any

_VOID = frozenset({"input", "br"})


class Html(str):
    """HTML that is known to be ours."""

    __slots__ = ()


Child = str | Html | None
Attribute = str | int | float | bool | None


def el(name: str, /, *children: Child, **attributes: Attribute) -> Html:
    """An element.

    Args:
        name: of the tag.
        children: Html as it is, other strings escaped, None left out.
        attributes: `cls` is class, `data_act` is data-act; True stands alone, False and None are left out.
    """
    head = name + "".join(_attribute(key, value) for key, value in attributes.items() if value is not None and value is not False)
    if name in _VOID:
        return Html(f"<{head}>")
    return Html(f"<{head}>{''.join(_child(child) for child in children)}</{name}>")


def join(parts: Iterable[Child]) -> Html:
    """Parts one after another."""
    return Html("".join(_child(part) for part in parts))


def _child(child: Child) -> str:
    return "" if child is None else child if isinstance(child, Html) else escape(child)


def _attribute(key: str, value: Attribute) -> str:
    name = {"cls": "class", "for_": "for", "view_box": "viewBox"}.get(key, key.replace("_", "-"))
    return f" {name}" if value is True else f' {name}="{escape(str(value))}"'


def button(text: Child, act: str, *, cls: str = "", key: str | None = None, off: bool = False, **values: Attribute) -> Html:
    """A button that does something.

    Args:
        text: on it.
        act: what it does (`studio/debugger_acts.py`).
        cls: CSS classes.
        key: the key on the keyboard that presses it.
        off: it can't be pressed now.
        values: given to the act.
    """
    data = {f"data_{name}": value for name, value in values.items() if not name.startswith("aria_")}
    aria = {name: value for name, value in values.items() if name.startswith("aria_")}
    shown = join([text, el("kbd", "Esc" if key == "Escape" else key, aria_hidden="true")]) if key else text
    name = ":".join([act, *(str(value) for value in values.values() if value is not None)])
    return el("button", shown, type="button", cls=cls or None, data_act=act, data_key=key, data_k=name, disabled=off, **data, **aria)


def field(label: str, control: Html, *, note: str = "") -> Html:
    """A control with its label."""
    return el("label", el("span", label, cls="label"), control, el("small", note) if note else None, cls="field")


def select(name: str, options: Iterable[tuple[str, str]], chosen: str = "", **attributes: Attribute) -> Html:
    """A list to choose one from: values and what they are called."""
    return el("select", *(el("option", text, value=value, selected=value == chosen) for value, text in options), name=name, **attributes)


def pretty(value: Any) -> str:
    """A JSON value to read."""
    return json.dumps(value, ensure_ascii=False, indent=1)


def fold(summary: Child, *inside: Child, key: str, is_open: bool = False, cls: str = "") -> Html:
    """Something that opens by a click, and stays as it was when the page changes around it."""
    return el("details", el("summary", summary), *inside, data_k=key, open=is_open, cls=cls or None)
