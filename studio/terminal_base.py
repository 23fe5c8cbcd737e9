"""The words of the terminal face: how a line becomes a method, and the words that run nodes.

The docstring of a `do_` method is its help: the first line says how it is written, the rest what it does.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import Any

from rich.console import Console, RenderableType
from rich.text import Text

from agents.errors import InputError
from agents.yamlfile import nearest
from graphs.session import Session
from graphs.session_editing import editable
from graphs.session_words import Break, Event, Halt
from graphs.sessions import Sessions
from studio import terminal_views as views
from studio.terminal_words import (
    break_of,
    number_of,
    plain,
    words_of,
)

_SHORT = {"s": "step", "c": "continue", "t": "turn", "b": "break", "h": "history", "q": "quit", "?": "help", "i": "inspect", "exit": "quit"}


_RUNNING = frozenset({"step", "continue", "turn"})
"""Words that run nodes, which first have to read what is kept in files."""


class Leave(Exception):
    """The person wants to go."""


class Stepping:
    """What can be typed.

    Args:
        sessions: of the run.
        session: the one that is open.
        console: where answers go.
        annotator: in whose name pairs are marked.
    """

    def __init__(self, sessions: Sessions, session: Session, console: Console, annotator: str) -> None:
        self.sessions = sessions
        self.session = session
        self.console = console
        self.annotator = annotator
        self._forget = session.listen(self._heard)
        self._status: Any = None
        self._warm = False

    def prompt(self) -> str:
        """What stands before the line: branch, checkpoint, turn, what is next."""
        head, seat = self.session.head(), self.session.waiting()
        follows = f"you as {seat.value}" if seat else head.next or "over"
        return f"({self.session.current.name} {head.number} t{head.coming} > {follows}) "

    def known(self) -> dict[str, list[str]]:
        """What completion can offer."""
        return {
            "commands": self.names(),
            "branches": [branch.name for branch in self.session.branches],
            "prompts": list(self.session.prompts()),
            "paths": editable(),
        }

    def names(self) -> list[str]:
        """All words."""
        return [name.removeprefix("do_") for name, _ in inspect.getmembers(type(self), inspect.isfunction) if name.startswith("do_")]

    def word(self, line: str) -> str:
        """The word that a line begins with, in full."""
        first = line.split(maxsplit=1)[0] if line.split() else ""
        return _SHORT.get(first, first)

    def halt(self) -> None:
        """Ctrl-C."""
        self.session.stop()

    async def do(self, line: str) -> None:
        """Do a line.

        Raises:
            Leave: the person wants to go.
            InputError: an unknown word, or a line that can't be done.
        """
        name = self.word(line)
        method = getattr(self, f"do_{name}", None) if name.isidentifier() else None
        if name in _RUNNING and not self._warm:
            with self.console.status("Reading the library ..."):
                await self.sessions.warm()
            self._warm = True
        if method is None:
            raise InputError(f"There is no command {plain(name)!r}{nearest(name, self.names())}.", hint="See: help")
        await method(line.strip().partition(" ")[2].strip())

    def _print(self, lines: Iterable[RenderableType]) -> None:
        for line in lines:
            self.console.print(line, highlight=False)

    def _heard(self, event: Event) -> None:
        """While a node runs, say which: a model can take its time."""
        if event.kind == "node" and self.console.is_terminal:
            if self._status is None:
                self._status = self.console.status("")
                self._status.start()
            self._status.update(f"{event.node} ... (Ctrl-C halts)")
        if event.kind == "halt" and self._status is not None:
            self._status.stop()
            self._status = None

    async def _ran(self, halt: Halt, since: int) -> None:
        """Show what a run of nodes has come to."""
        state = await self.session.state()
        views.show_steps(self.console, [at for at in self.session.history() if at.number > since], state)
        if text := views.halted(halt, state):
            self.console.print(text, highlight=False)

    def _where(self, word: str) -> int:
        """A checkpoint's number from `12`, or `t3`: before the reply of turn 3 is planned."""
        if word[:1] == "t" and word[1:].isdecimal():
            return self.session.at(int(word[1:]), "screen").number
        return self.session.checkpoint(number_of(word, "checkpoint")).number

    # Stepping

    async def do_step(self, rest: str) -> None:
        """step [N]
        Run the next node, or N nodes.  Short: s, or Enter.
        """
        for _ in range(number_of(rest, "count of steps") if rest else 1):
            since = self.session.checkpoints()[-1].number
            halt = await self.session.step()
            await self._ran(halt, since)
            if halt.why != "step":
                return

    async def do_continue(self, rest: str) -> None:
        """continue [CONDITION ...]
        Run until a breakpoint, your turn, the end, or Ctrl-C; with a condition, until that holds (see: help break).  Short: c.
        """
        since = self.session.checkpoints()[-1].number
        await self._ran(await self.session.run_to(*([break_of(words_of(rest))] if rest else [])), since)

    async def do_turn(self, rest: str) -> None:
        """turn [N]
        Run until turn N begins, or the next one.  Short: t.
        """
        since = self.session.checkpoints()[-1].number
        wanted = number_of(rest, "turn") if rest else self.session.head().coming + 1
        await self._ran(await self.session.run_to(Break(turn=wanted)), since)

    async def do_break(self, rest: str) -> None:
        """break [CONDITION ... | clear [N]]
        Set a breakpoint, clear one or all, or list them.  Conditions, all of which must hold: a node's name (halts before it runs),
        turn=3, strategy=question, error=template, emotion<2.5 (the hidden intensity), crisis.
        """
        breaks, words = self.session.breaks, words_of(rest)
        if words[:1] == ["clear"]:
            gone = number_of(words[1], "breakpoint") if len(words) > 1 else None
            await self.session.set_breaks(tuple(item for number, item in enumerate(breaks, start=1) if gone not in (None, number)))
        elif words:
            await self.session.set_breaks((*breaks, break_of(words)))
        self._print(Text(f"{number}  {item}") for number, item in enumerate(self.session.breaks, start=1))
        if not self.session.breaks:
            self.console.print("No breakpoints.", style="dim")

    def _at_head(self) -> None:
        head = self.session.head()
        text = f"{self.session.current.name} stands at {head.number}, turn {head.coming}, next {head.next or 'nothing'}."
        self.console.print(text, highlight=False, markup=False, style="yellow")
