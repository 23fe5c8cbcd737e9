"""Reading a corpus: the format is found by the first row that fits one, then every row is a dialogue or is passed over with a reason."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from pydantic import ValidationError

from agents.errors import InputError
from simulator.corpora import decoupledesc, empathetic, esconv, esd_cot, record
from simulator.corpora.files import Row, misnamed, rows_of
from simulator.corpora.notes import Notes
from simulator.corpora.turns import Turns
from simulator.dialogue import Dialogue
from simulator.store import EPISODES


class Format(Protocol):
    """What a module of this package offers."""

    NAME: str

    def fits(self, row: Mapping[str, Any]) -> bool:
        """Whether a row looks like this format."""

    def read(self, row: Mapping[str, Any], name: str, turns: Turns) -> Dialogue:
        """One row as a Dialogue; `name` is its id where it has none; ValueError, KeyError or TypeError with what is wrong."""

    def write(self, dialogue: Dialogue, lost: Notes) -> Any:
        """One dialogue in this format; what it can't hold is counted in `lost`."""


FORMATS: dict[str, Format] = {module.NAME: module for module in (record, esconv, decoupledesc, esd_cot, empathetic)}


class Corpus:
    """An open corpus; iterate it for its dialogues, as often as you like.  The counts are those of the last time.

    Args:
        path: a file, or a run folder.
        verbatim: leave whitespace in turns as it is; otherwise runs of it become one space.
    """

    def __init__(self, path: Path, *, verbatim: bool = False) -> None:
        self.path = path / EPISODES if path.is_dir() else path
        if path.is_dir() and not self.path.exists():
            raise InputError(f"{path} is a folder without {EPISODES}.", hint="Give a file of dialogues, or a run folder.")
        self.verbatim = verbatim
        self.format = ""
        """Found by the first row that fits one."""
        self.read = 0
        self.skipped = Notes()
        """Dialogues that were passed over."""
        self.mended = Notes()
        """Turns that were left out or taken with something missing."""
        self.misnamed = misnamed(self.path)
        """A sentence when the file is not what its name says, but could be read."""

    def __iter__(self) -> Iterator[Dialogue]:
        """The dialogues.

        Raises:
            InputError: the file can't be read, is of no known format, or holds not one dialogue that can be used.
        """
        self.read, self.skipped, self.mended, seen = 0, Notes(), Notes(), set[str]()
        with rows_of(self.path) as rows:
            for number, row in enumerate(rows):
                dialogue = self._dialogue(row, f"{_stem(self.path)}-{number:04d}")
                if dialogue is None:
                    continue
                if dialogue.id in seen:
                    self.skipped.add("dialogues whose id was there before", row.where)
                    continue
                seen.add(dialogue.id)
                self.read += 1
                yield dialogue
        if not self.read:
            first = next(iter(self.skipped.first.items()), ("nothing in it", self.path.name))
            raise InputError(f"{self.path} holds no dialogue that can be used: {first[0]} ({first[1]}).", hint=_KNOWN)

    def notes(self) -> list[str]:
        """Lines for people: what was odd about the file, what was passed over, what was mended."""
        lines = [self.misnamed] if self.misnamed else []
        if self.skipped.total:
            lines.append(f"{self.path.name}: {self.skipped.total:,} of {self.skipped.total + self.read:,} dialogues passed over:")
            lines += [f"  {line}" for line in self.skipped.lines()]
        return lines + [f"{self.path.name}: {line}" for line in self.mended.lines()]

    def _dialogue(self, row: Row, name: str) -> Dialogue | None:
        if row.broken or not isinstance(row.value, Mapping):
            self.skipped.add(row.broken or "rows that are no object", row.where)
            return None
        found = FORMATS.get(self.format) or next((option for option in FORMATS.values() if option.fits(row.value)), None)
        if found is None or not found.fits(row.value):
            self.skipped.add(f"rows that are no {found.NAME}" if found else "rows of no known format", row.where)
            return None
        try:
            dialogue = found.read(row.value, name, Turns(row.where, self.mended, verbatim=self.verbatim))
        except ValidationError as error:
            first = error.errors()[0]
            self.skipped.add(f"{'.'.join(map(str, first['loc'])) or 'dialogue'}: {first['msg']}", row.where)
            return None
        except KeyError as error:
            self.skipped.add(f"no {error.args[0]}", row.where)
            return None
        except (ValueError, TypeError, AttributeError) as error:
            self.skipped.add(str(error), row.where)
            return None
        self.format = found.NAME
        return dialogue


_KNOWN = f"Known formats are {', '.join(FORMATS)}; see simulator/corpora."


def read_corpus(path: Path, *, verbatim: bool = False) -> Corpus:
    """A corpus of any known format (see Corpus); InputError when there is no such file."""
    return Corpus(path, verbatim=verbatim)


def _stem(path: Path) -> str:
    """The name without its endings, the start of the ids of dialogues that have none."""
    return path.name.split(".")[0] or "dialogue"
