"""YAML files for people: read into a pydantic model, with the file, the line and the nearest right key in every complaint.

Line numbers are looked up only when something is wrong, so a sound file costs one parse.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from agents.errors import InputError

M = TypeVar("M", bound=BaseModel)

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_LONGEST = 5_000_000


def read_text(path: Path) -> str:
    """A text file's content.

    Raises:
        InputError: missing, not readable, not UTF-8, or over 5 MB.
    """
    try:
        if path.stat().st_size > _LONGEST:
            raise InputError(f"{path} is larger than {_LONGEST // 1_000_000} MB.", hint="Is it the right file?")
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 text (byte {error.start}).", hint="Save it as UTF-8.") from error
    except OSError as error:
        raise InputError(f"{path} can't be read: {error.strerror}.", hint="Check the path.") from error


def read_yaml(path: Path) -> Any:
    """A YAML file's content; InputError with the line when it does not parse."""
    text = read_text(path)
    try:
        return yaml.load(text, Loader=_Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        problem = getattr(error, "problem", None) or "not YAML"
        raise InputError(f"{where}: {problem}.", hint="Mend the YAML there; quote text that holds ': '.") from error


def read_model(path: Path, model: type[M]) -> M:
    """A YAML file as an object of `model`.

    Raises:
        InputError: the first thing that is wrong, as `file:line: key: what`, with the nearest known key for an unknown one.
    """
    content = read_yaml(path)
    if not isinstance(content, dict):
        raise InputError(f"{path}:1: expected `key: value` lines, found {_kind(content)}.")
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise InputError(sentence_of(path, model, error)) from error


def sentence_of(path: Path, model: type[BaseModel], error: ValidationError) -> str:
    """One sentence for the first thing that is wrong, with file and line."""
    first = error.errors()[0]
    location = [part for part in first["loc"] if not (isinstance(part, str) and "[" in part)]
    line = _line_of(path, location)
    what = "missing" if first["type"] == "missing" else first["msg"].removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        what = "unknown key" + nearest(str(location[-1]), _keys_at(model, location[:-1]))
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    return f"{path}:{line}: {'.'.join(map(str, location)) or 'file'}: {what}{more}."


def nearest(word: str, known: Sequence[str]) -> str:
    """`; did you mean 'x'?`-style help for a mistyped word, or the list of what is known."""
    if match := difflib.get_close_matches(word, known, n=1, cutoff=0.6):
        return f", did you mean '{match[0]}'"
    return f", known are {', '.join(known)}" if known else ""


def _keys_at(model: type[BaseModel], location: Sequence[Any]) -> list[str]:
    current: type[BaseModel] = model
    for part in location:
        if isinstance(part, int):
            continue
        field = current.model_fields.get(str(part))
        inner = _model_in(field.annotation) if field else None
        if inner is None:
            return []
        current = inner
    return list(current.model_fields)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        if (found := _model_in(argument)) is not None:
            return found
    return None


def _line_of(path: Path, location: Sequence[Any]) -> int:
    node = yaml.compose(read_text(path), Loader=_Loader)
    line = 1
    for part in location:
        if isinstance(node, yaml.MappingNode):
            pair = next(((key, value) for key, value in node.value if key.value == str(part)), None)
            if pair is None:
                break
            line, node = pair[0].start_mark.line + 1, pair[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            break
    return line


def _kind(content: Any) -> str:
    return "nothing" if content is None else f"a {type(content).__name__}"
