"""`holdspace convert`: a corpus of any known format in another one, and what the other one can't hold."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from rich.console import Console

from agents.errors import InputError
from simulator.corpora import read_corpus, write_corpus
from simulator.corpora.reading import FORMATS


def convert_corpus(source: Path, out: Path, to: str, *, as_json: bool) -> None:
    """Read, write, and say what was passed over, mended and lost.

    Raises:
        InputError: nothing to convert, an unknown format, or `out` is there already.
        StorageError: `out` can't be written.
    """
    if to not in FORMATS:
        raise InputError(f"--to {to}: unknown format.", hint=f"Known are {', '.join(FORMATS)}.")
    if out.exists():
        raise InputError(f"{out} is there already.", hint="Choose another name, or delete it.")
    corpus = read_corpus(source, verbatim=True)
    written = write_corpus(corpus, out, to)
    if as_json:
        content = {
            "from": corpus.format,
            "to": to,
            "read": corpus.read,
            "written": written.dialogues,
            "skipped": corpus.skipped.counts,
            "mended": corpus.mended.counts,
            "lost": written.lost.counts,
        }
        sys.stdout.write(json.dumps(content, ensure_ascii=False) + "\n")
        return
    console = Console(stderr=True)
    for line in corpus.notes():
        console.print(line, style="yellow", highlight=False, markup=False, soft_wrap=True)
    console = Console()
    told = f"{written.dialogues:,} dialogues: {source} ({corpus.format}) to {out} ({to})."
    console.print(told, highlight=False, markup=False, soft_wrap=True)
    if written.lost.total:
        console.print(f"What {to} can't hold was left behind:", highlight=False, markup=False)
        for line in written.lost.lines():
            console.print(f"  {line}", highlight=False, markup=False, soft_wrap=True)
