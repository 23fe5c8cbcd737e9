"""All words of the terminal face: here those that change a session, or keep something of it."""

from __future__ import annotations

from pathlib import Path

from rich.text import Text

from agents.chat.port import Role
from agents.errors import InputError, StorageError
from agents.yamlfile import nearest, read_text
from simulator.intent import Move
from simulator.store import EPISODES, EpisodeStore, stored_ids
from studio import terminal_views as views
from studio.marking import mark
from studio.terminal_looking import Looking
from studio.terminal_words import (
    is_strategy,
    plain,
    role_of,
    strategy_of,
    value_of,
    words_of,
)

_SHORT = {"s": "step", "c": "continue", "t": "turn", "b": "break", "h": "history", "q": "quit", "?": "help", "i": "inspect", "exit": "quit"}


class Commands(Looking):
    """Everything that can be typed."""

    async def do_edit(self, rest: str) -> None:
        """edit PATH VALUE [@N]
        Change the state, such as: edit mind.trust 0.8, edit plan.strategy "Question", edit turns.0.text Hello.  At checkpoint N it makes a
        branch; here it changes this one.
        """
        path, _, value = rest.partition(" ")
        head, _, last = value.rpartition(" ")
        at = self._where(last[1:]) if last.startswith("@") and last[1:].lstrip("t").isdecimal() else None
        value = (head if at else value).strip()
        if not value:
            raise InputError("What shall stand there?", hint="edit mind.trust 0.8")
        await self.session.edit(path, value_of(value), at)
        self._print([views.tree(None if path == "stop" and value == "null" else value_of(value), path)])
        self._at_head()

    async def do_fork(self, rest: str) -> None:
        """fork [N | tN] [STRATEGY] [SEAT=SPEC ...] [name=NAME]
        Begin a branch at a checkpoint (t3: before the reply of turn 3), and go to it; the branch it comes from stays as it was.  With a
        strategy: what if the planner had chosen that?
        """
        at, asked, seats, name = None, None, dict[Role, str](), None
        for word in words_of(rest):
            key, mark_, value = word.partition("=")
            if mark_ and key == "name":
                name = value
            elif mark_:
                seats[role_of(key)] = value
            elif word.isdecimal() or (word[:1] == "t" and word[1:].isdecimal()):
                at = self._where(word)
            else:
                asked = strategy_of(word)
        await self.session.fork(at, strategy=asked, seats=seats, name=name)
        self._at_head()

    async def do_go(self, rest: str) -> None:
        """go BRANCH
        Go to another branch.
        """
        await self.session.select(rest or "main")
        self._at_head()

    async def do_back(self, rest: str) -> None:
        """back [N | tN]
        Go back one checkpoint in this branch, or to N.  What came after stays, as a branch NAME-was.
        """
        line = self.session.history()
        if not rest and len(line) < 2:
            raise InputError("This is the beginning.")
        await self.session.rewind(self._where(rest) if rest else line[-2].number)
        self._at_head()

    async def do_seat(self, rest: str) -> None:
        """seat [SEAT SPEC]
        Put a model on a seat of this branch from now on, such as: seat responder openai:qwen3@http://127.0.0.1:8000/v1; or list the seats.
        """
        if words := words_of(rest):
            if len(words) != 2:
                raise InputError("Which seat, and which model?", hint="seat responder local:PATH")
            await self.session.swap(role_of(words[0]), words[1])
        self._print(views.seats(self.session.specs(), self.session.current))

    async def do_prompt(self, rest: str) -> None:
        """prompt [NAME [FILE]]
        List the prompts, show one, or put the text of a file in its place in this branch.  The rehearsal backend does not read prompts.
        """
        words = words_of(rest)
        prompts = self.session.prompts()
        if not words:
            self._print(Text(f"  {name}{'  (changed)' if name in self.session.current.prompts else ''}") for name in prompts)
            return
        if len(words) > 1:
            await self.session.set_prompt(words[0], read_text(Path(words[1])))
        elif words[0] not in prompts:
            raise InputError(f"There is no prompt {words[0]!r}{nearest(words[0], list(prompts))}.", hint=f"There are {', '.join(prompts)}.")
        self._print([Text(plain(self.session.prompts()[words[0]]))])

    async def do_take(self, rest: str) -> None:
        """take SEAT
        Sit down as seeker, planner or responder; its node then waits for you to say something.
        """
        await self.session.take(role_of(rest))
        self._print(views.seats(self.session.specs(), self.session.current))

    async def do_give(self, rest: str) -> None:
        """give SEAT
        Give a seat back to its model.
        """
        await self.session.give_back(role_of(rest))
        self._print(views.seats(self.session.specs(), self.session.current))

    async def do_say(self, rest: str) -> None:
        """say TEXT   (as the planner: say STRATEGY [why])
        Speak on the seat that you hold and whose turn it is.  As the seeker, "say /close TEXT" takes leave and "say /leave TEXT" gives up.
        """
        since = self.session.checkpoints()[-1].number
        if self.session.waiting() is Role.PLANNER:
            name = next((rest[:end] for end in (len(rest), rest.find(" ")) if end > 0 and is_strategy(rest[:end])), rest)
            halt = await self.session.say(strategy=strategy_of(name), reason=rest[len(name) :].strip())
        else:
            move = next((item for item in (Move.CLOSE, Move.LEAVE) if rest.startswith(f"/{item.value} ")), None)
            halt = await self.session.say(rest[len(move.value) + 2 :] if move else rest, move=move)
        await self._ran(halt, since)

    async def do_mark(self, rest: str) -> None:
        """mark BETTER WORSE [why]
        Keep a preference pair: the first reply in which the two branches differ is better in the first one.
        """
        better, worse, *why = [*rest.split(maxsplit=2), "", ""][:3] if rest.split() else ["", ""]
        if not worse:
            raise InputError("Which branch is better than which?", hint="mark question-3 main It asks first.")
        marked = await self.session.mark_pair(better, worse, annotator=self.annotator, reason=" ".join(why).strip())
        dialogue = self.session.episode.id if self.session.episode else self.session.name
        pairs = mark(self.sessions.run, marked, self.session.recipe, dialogue)
        kinds = " and ".join(pair.kind.value for pair in pairs)
        self.console.print(f"Kept in {self.sessions.run}/pairs/marked.jsonl: {kinds}.", highlight=False, markup=False, soft_wrap=True)

    async def do_export(self, rest: str) -> None:
        """export [FILE]
        Append this branch, whose talk is over, to an episodes.jsonl (the session's own without FILE) that holdspace show reads.
        """
        episode = await self.session.export()
        path = Path(rest) if rest else self.sessions.run / "sessions" / self.session.name / EPISODES
        if path.is_dir():
            raise StorageError(f"{path} is a folder.", hint="Name a file.")
        if episode.id not in stored_ids(path):
            with EpisodeStore(path) as store:
                store.append(episode)
        self.console.print(f"{episode.id} is in {path}.", highlight=False, markup=False, soft_wrap=True)
