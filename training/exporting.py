"""Export: pairs (and SFT rows) as files that other trainers open, with a card that says what they are.

| format | files | opened by |
|---|---|---|
| trl | `CONFIG/SPLIT.jsonl` and `.parquet` | `datasets.load_dataset(FOLDER, CONFIG)`, or any of its files |
| llamafactory | `CONFIG_SPLIT.jsonl`, `dataset_info.json` | LLaMA-Factory, with `dataset_dir: FOLDER` |

CONFIG is the kind of the pairs, or `sft_planner`, `sft_responder`, `sft_joint`.  Rows stream; each file takes its place when all are
whole.  Parquet needs pyarrow, which comes with the extra `train`; without it only JSONL is written.  Nothing is filtered here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

from agents.errors import InputError, StorageError
from simulator.episode import Episode, StopReason, SupporterTurn
from simulator.splits import Split, split_of_scenario
from training.configs import Learner
from training.datacard import CARD, DataCard, card_text
from training.guards import LeakCheck
from training.pair import Pair, PairKind
from training.pairing import Making, prompting_of
from training.rows import Row, described_row, llamafactory_row, sft_rows

_BATCH = 500
"""Rows of a Parquet row group."""


class Format(StrEnum):
    """What the files are for."""

    TRL = "trl"
    LLAMAFACTORY = "llamafactory"


class Exporter:
    """Writes one dataset; use as a context manager: what it wrote takes its place at the end, or not at all.

    Args:
        folder: made when missing; files of an earlier export are replaced, other files stay.
        format: of the rows.
        card: what the README.md says beyond the counts, which are taken here.

    Raises:
        StorageError: the folder can't be written.
    """

    def __init__(self, folder: Path, format: Format, card: DataCard) -> None:
        self.folder, self.format, self.card = folder, format, card
        self.parquet = format is Format.TRL and find_spec("pyarrow") is not None
        """Whether Parquet is written."""
        self.unfit = 0
        """Rows that the format has no place for."""
        self._files: dict[tuple[str, Split], _Rows] = {}
        self._leaks = LeakCheck()

    def __enter__(self) -> Exporter:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(f"{self.folder} can't be written: {error.strerror}.", hint="Choose another --out.") from error
        return self

    def __exit__(self, failure: type[BaseException] | None, *_: object) -> None:
        try:
            for rows in self._files.values():
                rows.close()
            if failure is None:
                self._commit()
        except OSError as error:
            raise StorageError(f"{self.folder} can't be written: {error.strerror}.", hint="Check the folder and the disk.") from error
        finally:
            for rows in self._files.values():
                rows.discard()

    def pair(self, pair: Pair) -> None:
        """Add a pair; InputError where its scenario, persona or dialogue is in another split, too."""
        self._leaks.check(pair)
        if self._add(pair.kind.value, pair.split, described_row(pair)):
            self.card.add(pair)

    def lesson(self, learner: Learner, split: Split, row: Row) -> None:
        """Add an SFT row."""
        config = f"sft_{learner.value}"
        if self._add(config, split, row):
            self.card.rows[config, split] += 1

    def _add(self, config: str, split: Split, row: Row) -> bool:
        if self.format is Format.LLAMAFACTORY:
            converted = llamafactory_row(row)
            if converted is None:
                self.unfit += 1
                return False
            row = converted
        if (config, split) not in self._files:
            self._files[config, split] = _Rows(self._path(config, split), self.parquet)
        self._files[config, split].add(row)
        return True

    def _path(self, config: str, split: Split) -> Path:
        name = f"{config}/{split.value}.jsonl" if self.format is Format.TRL else f"{config}_{split.value}.jsonl"
        return self.folder / name

    def _commit(self) -> None:
        self._remove_stale()
        for rows in self._files.values():
            rows.place()
        configs: dict[str, list[Split]] = {}
        for config, split in sorted(self._files, key=lambda key: list(Split).index(key[1])):
            configs.setdefault(config, []).append(split)
        if self.format is Format.LLAMAFACTORY:
            _write(self.folder / "dataset_info.json", json.dumps(_dataset_info(configs), indent=2) + "\n")
        _write(self.folder / CARD, card_text(self.card, configs, None if self.format is Format.LLAMAFACTORY else self._suffix))

    @property
    def _suffix(self) -> str:
        return "parquet" if self.parquet else "jsonl"

    def _remove_stale(self) -> None:
        """Files that an earlier export made and this one does not: they would be taken for part of it."""
        configs = [*(kind.value for kind in PairKind), *(f"sft_{learner.value}" for learner in Learner)]
        for config in configs:
            for split in Split:
                path = self._path(config, split)
                if (config, split) not in self._files:
                    path.unlink(missing_ok=True)
                if (config, split) not in self._files or not self.parquet:
                    path.with_suffix(".parquet").unlink(missing_ok=True)


class _Rows:
    """One split of one config, in the making: JSONL, and Parquet beside it."""

    def __init__(self, path: Path, parquet: bool) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._partials = [path.with_suffix(f"{suffix}.partial") for suffix in ((".jsonl", ".parquet") if parquet else (".jsonl",))]
        self._file: IO[str] = self._partials[0].open("w", encoding="utf-8")
        self._batch: list[Row] = []
        self._writer: Any = None
        self._parquet = parquet

    def add(self, row: Row) -> None:
        self._file.write(json.dumps(row, ensure_ascii=False) + "\n")
        if self._parquet:
            self._batch.append(row)
            if len(self._batch) >= _BATCH:
                self._flush()

    def _flush(self) -> None:
        import pyarrow as pa  # noqa: PLC0415
        import pyarrow.parquet as pq  # noqa: PLC0415

        if self._batch:
            schema = self._writer.schema if self._writer else _schema(pa, self._batch)
            self._writer = self._writer or pq.ParquetWriter(self._partials[1], schema)
            self._writer.write_table(pa.Table.from_pylist(self._batch, schema=schema))
            self._batch = []

    def close(self) -> None:
        if self._parquet:
            self._flush()
            if self._writer is not None:
                self._writer.close()
        self._file.close()

    def place(self) -> None:
        for partial in self._partials:
            partial.replace(partial.with_suffix(""))

    def discard(self) -> None:
        self._file.close()
        for partial in self._partials:
            partial.unlink(missing_ok=True)


def _schema(pa: Any, batch: list[Row]) -> Any:
    """Column types of a batch; numbers that a first batch may leave out everywhere are named, lest they be taken for nothing at all."""
    numbers = {"value_gap": pa.float64(), "noise": pa.float64(), "rollouts": pa.int64(), "stars": pa.list_(pa.float64())}
    inferred = pa.Table.from_pylist(batch).schema
    return pa.schema([pa.field(column.name, numbers.get(column.name, column.type)) for column in inferred])


def _write(path: Path, text: str) -> None:
    partial = path.with_name(path.name + ".partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)


def _dataset_info(configs: dict[str, list[Split]]) -> dict[str, Any]:
    """LLaMA-Factory's `dataset_info.json`: a dataset a config and split."""
    info: dict[str, Any] = {}
    for config, splits in configs.items():
        for split in splits:
            columns = {"messages": "conversations", "system": "system"}
            entry: dict[str, Any] = {"file_name": f"{config}_{split.value}.jsonl", "formatting": "sharegpt"}
            if not config.startswith("sft_"):
                entry["ranking"] = True
                columns |= {"chosen": "chosen", "rejected": "rejected"}
            info[f"{config}_{split.value}"] = entry | {"columns": columns}
    return info


def export_lessons(episodes: Iterable[Episode], making: Making, learners: Iterable[Learner], exporter: Exporter, *, crisis: bool) -> None:
    """Write SFT rows of what was said in simulated talks, in the split of their scenario; failed talks are left out.

    Args:
        episodes: taken one at a time.
        making: which prompts, in which language.
        learners: whose rows.
        exporter: where to.
        crisis: take talks that the gate flagged, too, up to the flag.
    """
    for episode in episodes:
        if episode.stop.reason is StopReason.FAILED or (episode.crisis and not crisis):
            continue
        split, prompting = split_of_scenario(episode.scenario.name), making.prompting or prompting_of(episode)
        for learner in learners:
            for index, row in sft_rows(episode.talk(), learner, prompting=prompting, language=making.language):
                turn = episode.turns[index]
                if isinstance(turn, SupporterTurn) and turn.plan is not None:
                    exporter.lesson(learner, split, row)


def export_pairs(pairs: Iterable[Pair], exporter: Exporter) -> None:
    """Write all pairs; InputError when there is none."""
    count = 0
    for count, pair in enumerate(pairs, start=1):  # noqa: B007
        exporter.pair(pair)
    if not count:
        raise InputError("There is no pair to export.", hint="Make pairs first, or choose other --kinds.")
