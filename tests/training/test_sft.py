"""Supervised fine-tuning through its door: what carries loss, what must be the same, what a killed training comes to, and the seat."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tests.training.small import furthest, label, need_trl, rows, sft_config, weights

need_trl()

from agents.chat.port import Message, Request, Role, Sampling  # noqa: E402  after the skip
from agents.chat.templating import Template  # noqa: E402
from agents.errors import InputError  # noqa: E402
from agents.words import STRATEGIES  # noqa: E402
from training.configs import Learner, LoraSettings, Precision, Progress  # noqa: E402
from training.encoding import Encoder  # noqa: E402
from training.folder import TrainingError  # noqa: E402
from training.scratch import make_scratch, make_tokenizer, scratch_size, shape_for  # noqa: E402
from training.sft import train_sft  # noqa: E402


@pytest.fixture(scope="module")
def planner(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train_sft(sft_config(tmp_path_factory.mktemp("sft") / "planner", base="scratch:200k", lr=5e-3, epochs=20.0)).folder


def test_only_the_answer_carries_loss_and_its_stop_token_does() -> None:
    from training.collating import SftCollator, sft_examples

    tokenizer = make_tokenizer(["I am low. That is hard."], 300)
    row = {"prompt": [{"role": "user", "content": "I am low."}], "completion": [{"role": "assistant", "content": "Others"}]}
    encoded, summary = Encoder(Template(tokenizer, "x", "x", None), None, 8).sft([row])
    ids = tokenizer.convert_tokens_to_ids
    assert encoded[0].prompt[0] == ids("<|user|>")
    assert encoded[0].prompt[-2:] == [ids("<|end|>"), ids("<|assistant|>")]
    assert encoded[0].answers == ([ids("Others"), ids("<|end|>")],), "a label is one token; the stop token follows"
    batch = SftCollator(tokenizer.pad_token_id)(sft_examples(encoded))
    assert batch["token"].tolist() == [ids("Others"), ids("<|end|>")]
    assert [token for token in batch["input_ids"][0].tolist() if token != ids("<|pad|>")] == [*encoded[0].prompt, ids("Others")]
    assert (summary.answer_tokens, summary.tokens) == (2, len(encoded[0].prompt) + 2)


def test_the_template_marks_the_same_tokens_for_trl() -> None:
    tokenizer = make_tokenizer(["I am low. That is hard."], 300)
    messages = [{"role": "user", "content": "I am low."}, {"role": "assistant", "content": "That is hard."}]
    told = tokenizer.apply_chat_template(messages, return_dict=True, return_assistant_tokens_mask=True)
    marked = [token for token, mark in zip(told["input_ids"], told["assistant_masks"], strict=True) if mark]
    assert tokenizer.decode(marked) == "That is hard.<|end|>"


def test_a_batch_of_8_is_8_of_1(tmp_path: Path) -> None:
    one = train_sft(sft_config(tmp_path / "a", learner=Learner.RESPONDER, max_steps=3)).folder
    eight = train_sft(sft_config(tmp_path / "b", learner=Learner.RESPONDER, max_steps=3, micro_batch=1)).folder
    assert furthest(one, eight) < 2e-5, "a mean over the tokens of the whole step, not of means"


def test_two_identical_trainings_give_identical_weights_and_another_seed_does_not(tmp_path: Path) -> None:
    one, two, other = (
        train_sft(sft_config(tmp_path / name, max_steps=3, seed=seed)).folder for name, seed in (("a", 4), ("b", 4), ("c", 5))
    )
    assert furthest(one, two) == 0.0
    assert furthest(one, other) > 0.0


class Killed(Exception):
    """Stands for the end of a process."""


def test_killed_and_gone_on_with_it_ends_where_an_unbroken_training_does(tmp_path: Path) -> None:
    def die(progress: Progress) -> None:
        if progress.step == 7:
            raise Killed

    settings: dict[str, Any] = {"epochs": 3.0, "save_steps": 2}
    whole = train_sft(sft_config(tmp_path / "whole", **settings))
    with pytest.raises(Killed):
        train_sft(sft_config(tmp_path / "cut", on_progress=die, **settings))
    torn = tmp_path / "cut" / "work" / "checkpoint-8"
    torn.mkdir()
    (torn / "trainer_state.json").write_text("{")
    steps: list[int] = []
    again = train_sft(sft_config(tmp_path / "cut", on_progress=lambda progress: steps.append(progress.step), **settings))
    assert steps[0] == 7, "it goes on after the last whole checkpoint, 6; the torn one is passed over"
    assert furthest(whole.folder, again.folder) < 1e-6
    lines = [json.loads(line)["step"] for line in (again.folder / "metrics.jsonl").read_text().splitlines()]
    assert lines == sorted(lines)
    assert set(lines) >= set(range(1, whole.steps + 1)), "no step is missing, none is told twice"
    assert not (again.folder / "work").exists()


def test_a_finished_model_is_found_again_and_other_settings_are_refused(planner: Path) -> None:
    before = weights(planner)
    assert train_sft(sft_config(planner, base="scratch:200k", lr=5e-3, epochs=20.0)).found
    assert all((before[name] == tensor).all() for name, tensor in weights(planner).items())
    with pytest.raises(InputError, match=r"another training: lr was 0.005, is 0.5"):
        train_sft(sft_config(planner, base="scratch:200k", epochs=20.0, lr=0.5))
    with pytest.raises(InputError, match="rows_sha256"):
        train_sft(sft_config(planner, base="scratch:200k", lr=5e-3, epochs=20.0, rows=rows(Learner.PLANNER, 23)))


def test_a_planner_learns_its_labels_and_chooses_them_in_the_seat(planner: Path) -> None:
    from agents.chat.local import LocalChat

    chat = LocalChat(f"local:{planner}")
    labels = [strategy.value for strategy in STRATEGIES]

    async def choose(row: dict[str, Any]) -> str:
        messages = tuple(Message(**message) for message in row["prompt"])
        choice = await chat.choose(Request(Role.PLANNER, "p", messages, "f", 1), labels)
        return max(choice.probabilities, key=lambda name: choice.probabilities[name])

    async def all_of_them() -> list[str]:
        return [await choose(row) for row in rows(Learner.PLANNER, 24)]

    right = sum(found == label(number).value for number, found in enumerate(asyncio.run(all_of_them())))
    assert right >= 20, "what it was taught, as the log-likelihood of the label after the very same prompt"


def test_a_responder_says_what_it_was_taught_and_stops(tmp_path: Path) -> None:
    from agents.chat.local import LocalChat

    taught = rows(Learner.RESPONDER, 12)
    folder = train_sft(sft_config(tmp_path / "r", learner=Learner.RESPONDER, rows=taught, epochs=40.0, prompt_loss=0.1)).folder
    chat = LocalChat(f"local:{folder}", {Role.RESPONDER: Sampling(temperature=0.0, max_tokens=30)})
    messages = tuple(Message(**message) for message in taught[0]["prompt"])
    said = asyncio.run(chat.complete(Request(Role.RESPONDER, "r", messages, "f", 1)))
    assert said.text == taught[0]["completion"][0]["content"]
    assert said.usage.completion_tokens < 30, "the stop token was learned"


def test_an_adapter_learns_and_its_base_stays(planner: Path, tmp_path: Path) -> None:
    before = weights(planner)
    folder = train_sft(sft_config(tmp_path / "lora", base=str(planner), lora=LoraSettings(rank=4), max_steps=2)).folder
    assert (folder / "adapter_config.json").exists()
    assert not (folder / "model.safetensors").exists()
    assert all((before[name] == tensor).all() for name, tensor in weights(planner).items())


def test_the_manifest_tells_what_made_the_model_and_no_path(planner: Path) -> None:
    text = (planner / "training.json").read_text() + (planner / "README.md").read_text()
    content = json.loads((planner / "training.json").read_text())
    assert content["settings"]["base"] == "scratch:200k"
    assert content["data"]["kept"] == 24
    assert content["metrics"]["loss"] < content["first_metrics"]["loss"]
    assert str(planner.parent) not in text
    assert "not a substitute for care" in text


def test_long_rows_lose_their_oldest_turns_as_in_the_seat_and_are_counted() -> None:
    _, tokenizer = make_scratch("scratch:50k", rows(Learner.PLANNER, 8), vocabulary=400, context=130, seed=1)
    template = Template(tokenizer, "x", "x", 130)
    long = rows(Learner.PLANNER, 3)
    encoded, summary = Encoder(template, 130, 10).sft(long)
    assert summary.shortened >= 1
    assert all(row.longest <= 130 for row in encoded)
    seat = [Message(**message) for message in long[2]["prompt"]]
    assert encoded[2].prompt == template.fitting(seat, 10)[1], "the very tokens that the local backend will ask"


def test_an_answer_that_does_not_fit_is_dropped_and_counted(tmp_path: Path) -> None:
    some = rows(Learner.RESPONDER, 3)
    some[1] = {**some[1], "completion": [{"role": "assistant", "content": "and so on " * 200}]}
    trained = train_sft(sft_config(tmp_path / "m", learner=Learner.RESPONDER, rows=some, max_steps=1, answer_room=20))
    assert (trained.data.given, trained.data.kept, trained.data.dropped) == (3, 2, 1)
    with pytest.raises(InputError, match="None of 1 rows fits into 256 tokens"):
        train_sft(sft_config(tmp_path / "n", learner=Learner.RESPONDER, rows=some[1:2]))


def test_a_prompt_that_is_no_token_prefix_is_refused() -> None:
    tokenizer = make_tokenizer(["I am low."], 300)
    tokenizer.chat_template = (
        "{% for message in messages %}<|{{ message.role }}|>{{ message.content }}<|end|>{% endfor %}"
        "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
    )
    row = {"prompt": [{"role": "user", "content": "I am low."}], "completion": [{"role": "assistant", "content": "Others"}]}
    with pytest.raises(InputError, match="row 1: the prompt is not a token prefix"):
        Encoder(Template(tokenizer, "x", "x", None), None, 8).sft([row])


def test_a_template_without_a_stop_token_is_refused() -> None:
    tokenizer = make_tokenizer(["I am low."], 300)
    tokenizer.chat_template = "{% for message in messages %}\n{{ message.role }}: {{ message.content }}{% endfor %}{% if add_generation_prompt %}\nassistant: {% endif %}"
    row = {"prompt": [{"role": "user", "content": "I am low."}], "completion": [{"role": "assistant", "content": "Others"}]}
    with pytest.raises(InputError, match="never learn to stop"):
        Encoder(Template(tokenizer, "x", "x", None), None, 8).sft([row])


def test_nan_ends_it_in_a_sentence_and_saves_nothing(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"(loss|grad_norm) is (nan|inf) at step \d+; nothing of it was saved"):
        train_sft(sft_config(tmp_path / "m", lr=1e38, epochs=20.0, warmup=0.0, schedule="constant"))
    assert not (tmp_path / "m" / "training.json").exists()


def test_a_full_disk_leaves_no_model_and_the_same_command_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from agents.errors import StorageError
    from training import running

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(running, "_save", full)
        with pytest.raises(StorageError, match="No space left on device"):
            train_sft(sft_config(tmp_path / "m", max_steps=3, save_steps=1))
    assert not list((tmp_path / "m").glob("*.safetensors"))
    steps: list[int] = []
    train_sft(sft_config(tmp_path / "m", max_steps=3, save_steps=1, on_progress=lambda progress: steps.append(progress.step)))
    assert 1 not in steps, "nothing is trained twice"
    assert (tmp_path / "m" / "training.json").exists()


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"rows": []}, "There is no row to train on"),
        ({"rows": [{"prompt": "hello", "completion": []}]}, "row 1: its prompt is no list of messages"),
        ({"rows": [{**rows(Learner.PLANNER, 1)[0], "completion": []}]}, "row 1: its completion is not exactly one assistant message"),
        ({"base": "scratch:ten"}, "no scratch model"),
        ({"base": "./nowhere"}, "there is no folder ./nowhere"),
        ({"report": ("tensorboard",)}, "unknown tracker"),
        ({"device": "tpu"}, "this machine has none"),
        ({"batch": 8, "micro_batch": 3}, "batch 8 is no multiple of micro_batch 3"),
        ({"lora": LoraSettings()}, "an adapter needs a base that stays"),
    ],
)
def test_bad_input_is_told_in_a_sentence(tmp_path: Path, more: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        train_sft(sft_config(tmp_path / "m", **more))


def test_a_base_without_a_chat_template_is_told(tmp_path: Path) -> None:
    from tests.models import tiny_model

    base = tiny_model(tmp_path / "base", template=None)
    with pytest.raises(InputError, match="no chat template"):
        train_sft(sft_config(tmp_path / "m", base=str(base)))


def test_bf16_is_refused_where_it_would_be_imitated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    from training.configs import SftConfig

    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    config = SftConfig(
        learner=Learner.PLANNER,
        base="scratch:50k",
        out=tmp_path / "m",
        rows=rows(Learner.PLANNER, 4),
        precision=Precision.BF16,
        device="cpu",
    )
    with pytest.raises(InputError, match="precision bf16: this machine does not have it"):
        train_sft(config)


def test_two_trainings_of_one_folder_at_once_are_refused(tmp_path: Path) -> None:
    def second(progress: Progress) -> None:
        with pytest.raises(InputError, match="in use by another holdspace"):
            train_sft(sft_config(tmp_path / "m", max_steps=1))

    train_sft(sft_config(tmp_path / "m", max_steps=1, on_progress=second))


@pytest.mark.parametrize("size", ["50k", "500k", "2m", "10m", "100m"])
def test_a_scratch_model_has_about_the_size_it_is_named_for(size: str) -> None:
    asked = scratch_size(f"scratch:{size}")
    assert shape_for(asked, 400 if asked < 100_000 else 4096 if asked < 8e6 else 8192).parameters == pytest.approx(asked, rel=0.12)
