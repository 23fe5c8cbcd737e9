"""A column of HTML pieces of which only those that changed are sent to the browser: a talk of 60 turns stays smooth."""

from __future__ import annotations

from collections.abc import Sequence

from nicegui import ui

from studio.debugger_html import Html


class Listed:
    """A column of HTML pieces; only those that changed are sent."""

    def __init__(self, holder: ui.element) -> None:
        self._holder = holder
        self._items: list[ui.html] = []

    def show(self, pieces: Sequence[Html]) -> None:
        """Show these, in this order."""
        for item, piece in zip(self._items, pieces, strict=False):
            item.set_content(str(piece))
        with self._holder:
            self._items += [ui.html(str(piece), sanitize=False) for piece in pieces[len(self._items) :]]
        for item in self._items[len(pieces) :]:
            item.delete()
        del self._items[len(pieces) :]
