"""The parts of the report: each takes the run's data and returns HTML in which every word from outside is escaped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import yaml

from agents.words import STRATEGIES
from evaluation.esconv import STRATEGIES_BY_FIFTH
from simulator.episode import Episode, SeekerTurn, SupporterTurn
from studio.charts import dots, legend, lines, stacks
from studio.report_data import RunData
from studio.worddiff import word_diff

PARTS = (("people", "Held-out people in known scenarios"), ("stories", "Held-out scenarios"))
_NAMES = [strategy.value for strategy in STRATEGIES]


def lead(data: RunData) -> str:
    """What happened, in two sentences."""
    metrics = data.metrics
    last, found = metrics["models"][-1]["name"], metrics["final"]["people"]["last_against_first"]
    refused = [item for item in metrics["promotions"] if not item["promoted"]]
    end = f" {refused[0]['to'].upper()} was not promoted: {refused[0]['why']}" if refused else " Every round was promoted."
    words = (
        f"{len(metrics['promotions'])} round(s) of self-evolution from {data.recipe['base']}. "
        f"On {found['talks']} casts that no round had met, {last.upper()} against M0: errors a supporter turn "
        f"{_span(found['errors'])}, emotion change {_span(found['change'])} (negative is relief).{end}"
    )
    return f'<p class="lead">{escape(words)}</p>'


def rounds(data: RunData) -> str:
    """The table of models, for both kinds of held-out casts."""
    names = [model["name"] for model in data.metrics["models"]]
    found = "".join(_models_table(data, names, part, title) for part, title in PARTS)
    verdicts = "".join(_verdict(item) for item in data.metrics["promotions"])
    warnings = "".join(
        f'<p class="bad">{name.upper()}: {escape(warning)}</p>' for name, dev in data.metrics["dev"].items() for warning in dev["warnings"]
    )
    return found + "<h3>Promotion (on dev casts)</h3>" + verdicts + warnings


def _verdict(item: Mapping[str, Any]) -> str:
    tone, words = ("good", "promoted") if item["promoted"] else ("bad", "not promoted")
    return f'<p><b class="{tone}">{item["to"].upper()} {words}.</b> {escape(_gates(item))}</p>'


def _gates(item: Mapping[str, Any]) -> str:
    return " ".join(f"{'✓' if gate['passed'] else '✗'} {gate['why']}" for gate in item["gates"]) or "No gate was asked for."


def _models_table(data: RunData, names: Sequence[str], part: str, title: str) -> str:
    head = ("model", "talks", "emotion change", "relieved", "gave up", "errors a turn", "Q", "B", "entropy")
    rows = []
    for name in names:
        found, dev = data.metrics["final"][part][name], data.metrics["dev"][name]
        planner = dev["planner"]
        rows.append(
            (
                name.upper(),
                str(found["talks"]),
                _with_span(found["change"]),
                _with_span(found["relieved"]),
                _with_span(found["gave_up"]),
                f"{found['errors']:.3f}",
                _with_interval(planner, "macro_f1"),
                _with_interval(planner, "preference_bias"),
                f"{dev['entropy']:.2f}",
            )
        )
    last = data.metrics["final"][part]["last_against_first"]
    words = (
        f"{names[-1].upper()} minus M0 on the same {last['talks']} casts, with 95% intervals: emotion change {_span(last['change'])}, "
        f"relieved {_span(last['relieved'])}, errors a supporter turn {_span(last['errors'])}."
    )
    return f"<h3>{escape(title)}</h3>{_table(head, rows)}<p>{escape(words)}</p>"


def outcome(data: RunData) -> str:
    """Dots with intervals and the arcs of emotion."""
    names = [model["name"] for model in data.metrics["models"]]
    found = []
    for part, title in PARTS:
        final = data.metrics["final"][part]
        found.append(dots(f"Emotion change: {title.lower()}", [_point(name, final[name]["change"]) for name in names], zero=True))
        by_seed = {name: [(float(seed), figures[name]["errors"]) for seed, figures in enumerate(final["by_seed"])] for name in names}
        if len(final["by_seed"]) > 1:
            found.append(lines(f"Errors a supporter turn by seed: {title.lower()}", by_seed, digits=3, horizontal="seed"))
        else:
            rates = [(name.upper(), final[name]["errors"], final[name]["errors"], final[name]["errors"]) for name in names]
            found.append(dots(f"Errors a supporter turn: {title.lower()}", rates, digits=3))
        arcs = {name.upper(): _arc(final[name]["slices"]["all"]["arc"]) for name in names}
        found.append(lines(f"Emotion by fifth of the talk: {title.lower()}", arcs, horizontal="fifth of the talk"))
    return f'<div class="charts">{"".join(found)}</div>' + _slices(data, names)


def _slices(data: RunData, names: Sequence[str]) -> str:
    """Outcome by kind of persona."""
    people = data.metrics["final"]["people"]
    kinds = [kind for kind in people[names[0]]["slices"] if kind != "all"]
    rows = []
    for kind in kinds:
        some = [people[name]["slices"].get(kind) for name in names]
        rows.append((kind, *(_with_span(one["measures"]["change"]) if one else "-" for one in some)))
    return "<h3>Emotion change by persona (held-out people)</h3>" + _table(("persona", *(name.upper() for name in names)), rows)


def _arc(values: Sequence[float]) -> list[tuple[float, float]]:
    return [(float(place + 1), value) for place, value in enumerate(values)]


def _point(name: str, figures: Mapping[str, float]) -> tuple[str, float, float, float]:
    return name.upper(), figures["mean"], figures["low"], figures["high"]


def strategies(data: RunData) -> str:
    """The mix by fifth of the talk, beside ESConv's."""
    human = [[fifth[strategy] for strategy in STRATEGIES] for fifth in STRATEGIES_BY_FIFTH]
    charts = [_mix_chart("ESConv (valid)", human)]
    charts += [_mix_chart(name.upper(), mix) for name, mix in data.mixes.items()]
    words = "Share of each strategy in each fifth of the talk, on held-out people; ESConv's valid split beside it."
    return f'<p class="soft">{words}</p><div class="charts">{"".join(charts)}</div>{legend(_NAMES)}'


def _mix_chart(name: str, mix: Sequence[Sequence[float]]) -> str:
    return stacks(name, {str(place + 1): shares for place, shares in enumerate(mix)}, _NAMES)


def beside(data: RunData) -> str:
    """Talks of M0 and of the last model with the same seeker."""
    last = data.metrics["models"][-1]["name"].upper()
    found = []
    for place, (before, after) in enumerate(data.beside):
        persona = before.persona
        head = f"{persona.age}, {persona.gender}, {persona.occupation}; {persona.resistance.value}; {before.problem_type}"
        talks = f'<div class="talks">{_talk("M0", before)}{_talk(last, after)}</div>'
        shut = talks if place == 0 else f"<details><summary>Read both talks</summary>{talks}</details>"
        found.append(f'<h3>{escape(head)}</h3><p class="soft">{escape(before.situation)}</p>{shut}')
    return "".join(found) or '<p class="nothing">No cast on which both talks ended by themselves.</p>'


def _talk(name: str, episode: Episode) -> str:
    turns = "".join(_turn(turn) for turn in episode.turns)
    first, end = episode.survey.seeker.initial_emotion_intensity, episode.survey.seeker.final_emotion_intensity
    head = f"{name}: emotion {first} to {end} ({episode.outcome.intensity_change:+.2f}), {episode.stop.reason.value}"
    return f'<div class="talk"><h3>{escape(head)}</h3>{turns}</div>'


def _turn(turn: SeekerTurn | SupporterTurn) -> str:
    if isinstance(turn, SeekerTurn):
        return f'<p><span class="who">Seeker · {turn.mind.intensity:.1f}</span>{escape(turn.text)}</p>'
    return f'<p class="supporter"><span class="who">Supporter · {escape(turn.strategy.value)}</span>{escape(turn.text)}</p>'


def refined(data: RunData) -> str:
    """Word diffs of drafts and what was said instead."""
    found = []
    for item in data.refined:
        pieces = "".join(_piece(kind, text) for kind, text in word_diff(item.draft, item.said))
        why = escape("; ".join(item.findings))
        head = f"Round {item.round}. Seeker: {item.seeker}"
        found.append(f'<div class="refined"><p class="soft">{escape(head)}</p><p>{pieces}</p><p class="bad">{why}</p></div>')
    return "".join(found)


def _piece(kind: str, text: str) -> str:
    mark = {"gone": "del", "new": "ins"}.get(kind)
    return f"<{mark}>{escape(text)}</{mark}>" if mark else escape(text)


def pairs(data: RunData) -> str:
    """What the rounds' talks gave, and why candidates were dropped."""
    found = []
    for name, stage in data.stages.items():
        if not name.startswith("pairs-"):
            continue
        made = stage["made"]
        rows = [(kind, "kept", str(count)) for kind, count in made["kept"].items()]
        rows += [(*(part.strip() for part in what.split(":", 1)), str(count)) for what, count in made["dropped"].items()]
        title = f"Round {name.removeprefix('pairs-')}: {made['supporter_turns']} supporter turns"
        found.append(f"<h3>{escape(title)}</h3>{_table(('kind', 'what became of it', 'candidates'), rows)}")
    return "".join(found)


_CURVES = (("loss", "loss"), ("rewards/margins", "reward margins"), ("logps/chosen", "log-probability of the chosen answers"))


def curves(data: RunData) -> str:
    """Training curves, a chart a figure."""
    found = []
    for name, points in data.curves.items():
        for key, words in _CURVES:
            line = [(float(point["step"]), float(point[key])) for point in points if key in point and "step" in point]
            if len(line) > 1:
                found.append(lines(f"{name}: {words}", {name: line}, horizontal="step"))
    note = "Reward accuracy is not shown as a success: it rises while a planner collapses. The gates look at outcome, errors, Q and B."
    return f'<p class="soft">{note}</p><div class="charts">{"".join(found)}</div>'


def lineage(data: RunData) -> str:
    """Which data, seeds and parents made each model, and what each stage cost."""
    rows = []
    for name, stage in data.stages.items():
        made = stage["made"]
        what = ", ".join(
            f"{key} {made[key]}" for key in ("talks", "failed", "rows", "dropped", "steps", "n") if isinstance(made.get(key), int)
        )
        rows.append((name, f"{stage['seconds']:.0f} s", str(stage["from"]), what + (f"; {made['stopped']}" if made.get("stopped") else "")))
    total = sum(stage["seconds"] for stage in data.stages.values())
    settings = escape(yaml.safe_dump(dict(data.recipe), sort_keys=False, allow_unicode=True))
    return (
        f"<p>All stages together: {total / 60:.1f} minutes. Seeds of talks and trainings derive from seed {data.recipe['seed']}.</p>"
        f"{_table(('stage', 'time', 'made from', 'what it made'), rows)}"
        f"<h3>Recipe</h3><details><summary>All settings</summary><pre>{settings}</pre></details>"
    )


def limits(data: RunData) -> str:
    """What these figures can't say."""
    talk = data.recipe["talk"]
    items = [
        f"Seeker: {talk['seeker']}; critic: {talk['critic']}. Both are frozen, and the errors are counted by rules, so a model can learn "
        "those rules; the seeker's hidden mind is the measure that did not make the pairs.",
        "Held-out people talk about scenarios whose facts the model has met in training; the held-out scenarios are the harder test.",
        "Intervals are bootstraps over talks of one run; they do not hold the variance of training with another seed.",
        "Q and B are measured against " + ("human" if data.recipe["measured"]["corpus"] else "the rehearsal supporter's") + " choices.",
    ]
    return "<ul>" + "".join(f"<li>{escape(item)}</li>" for item in items) + "</ul>"


def _with_span(figures: Mapping[str, float]) -> str:
    return f"{figures['mean']:+.2f}|{figures['low']:+.2f} to {figures['high']:+.2f}"


def _with_interval(planner: Mapping[str, Any], key: str) -> str:
    value, interval = planner[key], planner["intervals"].get(key)
    if value is None:
        return "undefined"
    return f"{value:.3f}" + (f"|{interval[0]:.3f} to {interval[1]:.3f}" if interval else "")


def _span(figures: Mapping[str, float]) -> str:
    return f"{figures['mean']:+.3f} [{figures['low']:+.3f}, {figures['high']:+.3f}]"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of plain words; what stands behind a `|` in a cell is set small below."""
    top = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    body = "".join("<tr>" + "".join(_cell(cell) for cell in row) + "</tr>" for row in rows)
    return f'<div class="scroll"><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'


def _cell(words: str) -> str:
    value, bar, small = words.partition("|")
    return f"<td>{escape(value)}{f'<small>{escape(small)}</small>' if bar else ''}</td>"
