"""`holdspace score reflection | seeker | judge`: the flags; the work is in `studio/scoring_seeker.py` and `studio/judging.py`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print JSON for a machine.")]


def add_reflection(score: typer.Typer) -> None:
    """Put `score reflection` on the command line."""

    @score.command()
    def reflection(
        run: Annotated[Path, typer.Argument(help="A run folder, or an episodes.jsonl.", metavar="RUN")],
        json_: Json = False,
    ) -> None:
        """The critic's inferred profile, emotion, intensity and need against the seeker's hidden ones, beside chance."""
        from studio.scoring_seeker import show_reflection

        show_reflection(run, as_json=json_)


def add_seeker(score: typer.Typer) -> None:
    """Put `score seeker` on the command line."""

    @score.command()
    def seeker(
        run: Annotated[Path, typer.Argument(help="A run, or a corpus of human talks as a control.", metavar="RUN")],
        examples: Annotated[int, typer.Option(help="How many flagged turns to print.")] = 8,
        blind: Annotated[bool, typer.Option(help="Also let a blind reader guess the hidden mind from the words.")] = True,
        json_: Json = False,
    ) -> None:
        """The simulated seeker itself: leaks, contradictions, repetition, loops, role flips, endings; each tag with its severity."""
        from studio.scoring_seeker import show_seeker

        show_seeker(run, examples=examples, blind=blind, as_json=json_)


def add_judge(score: typer.Typer) -> None:
    """Put `score judge` on the command line."""

    @score.command()
    def judge(
        source: Annotated[Path, typer.Argument(help="A run, a corpus, a pair file, or lines with context and reply.", metavar="SOURCE")],
        judge: Annotated[str, typer.Option(help="Model spec of the judge: rehearsal, openai:MODEL[@URL], local:PATH.")],
        against: Annotated[Path | None, typer.Option(help="A second run on the same seeds: compare the two, talk by talk.")] = None,
        pairwise: Annotated[bool, typer.Option("--pairwise", help="Compare two replies to the same instead of rating one.")] = False,
        whole: Annotated[bool, typer.Option("--whole", help="Rate whole talks instead of replies.")] = False,
        reference: Annotated[bool, typer.Option(help="Show the judge the human reply where there is one.")] = True,
        rated: Annotated[bool, typer.Option("--rated", help="Only replies that a human seeker gave stars.")] = False,
        self_judge: Annotated[bool, typer.Option("--self-judge", help="Let a model judge what it wrote itself.")] = False,
        author: Annotated[str | None, typer.Option(help="Model spec that wrote the replies, where the file does not say.")] = None,
        sample: Annotated[int, typer.Option(help="How many items are judged at most.")] = 200,
        repeats: Annotated[int, typer.Option(help="How often each item is judged, each time with a seed of its own.")] = 1,
        seed: Annotated[int, typer.Option(help="Seed of the sample and of the judge.")] = 1,
        language: Annotated[str, typer.Option(help="Language of the judge's reasons.")] = "English",
        concurrency: Annotated[int, typer.Option(help="Questions at once.")] = 8,
        timeout: Annotated[float, typer.Option(help="Seconds that a served model may take for one answer.")] = 120.0,
        budget: Annotated[str | None, typer.Option(help="Stop before more is spent: 5.00 (with --prices), or 500k tokens.")] = None,
        prices: Annotated[Path | None, typer.Option(help="A price table (YAML), for a money budget.")] = None,
        cache: Annotated[Path | None, typer.Option(help="Keep answers in this file; of a run: in its folder.")] = None,
        out: Annotated[Path | None, typer.Option(help="Write every verdict here, one a line.")] = None,
        json_: Json = False,
    ) -> None:
        """Fluency, professionalism, empathy, helpfulness (0 to 5) by a judge, or which of two is better, in both orders."""
        from studio.judging import Judging, run_judging

        asked = Judging(
            source=source,
            judge=judge,
            against=against,
            pairwise=pairwise,
            whole=whole,
            reference=reference,
            rated=rated,
            self_judge=self_judge,
            author=author,
            sample=sample,
            repeats=repeats,
            seed=seed,
            language=language,
            concurrency=concurrency,
            timeout=timeout,
            budget=budget,
            prices=prices,
            cache=cache,
            out=out,
            json=json_,
        )
        run_judging(asked)


def add_simulation_scores(score: typer.Typer) -> None:
    """Put all three on the command line."""
    add_reflection(score)
    add_seeker(score)
    add_judge(score)
