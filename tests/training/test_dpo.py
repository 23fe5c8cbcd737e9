"""DPO through its door: the reference, the shared prompt against trl's own trainer, and what pairs must be."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from tests.training.small import dpo_config, furthest, need_trl, pairs, rows, sft_config

need_trl()

import torch  # noqa: E402  after the skip

from agents.chat.templating import Template  # noqa: E402
from agents.errors import InputError  # noqa: E402
from training.configs import Learner, LoraSettings, Progress  # noqa: E402
from training.dpo import build, train_dpo  # noqa: E402
from training.encoding import Encoder  # noqa: E402
from training.folder import WORK  # noqa: E402
from training.running import quiet_training  # noqa: E402
from training.sft import train_sft  # noqa: E402


@pytest.fixture(scope="module")
def m0(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train_sft(sft_config(tmp_path_factory.mktemp("m0") / "planner", epochs=4.0)).folder


def firsts(folder: Path) -> dict[str, float]:
    found: dict[str, float] = json.loads((folder / "training.json").read_text())["first_metrics"]
    return found


def test_step_0_of_every_round_is_ln_2_for_full_weights(m0: Path, tmp_path: Path) -> None:
    m1 = train_dpo(dpo_config(tmp_path / "m1", m0)).folder
    m2 = train_dpo(dpo_config(tmp_path / "m2", m1)).folder
    for folder in (m1, m2):
        assert firsts(folder)["loss"] == pytest.approx(math.log(2), abs=1e-6)
        assert firsts(folder)["rewards/margins"] == pytest.approx(0.0, abs=1e-6)
    assert furthest(m0, m1) > 1e-4
    assert furthest(m1, m2) > 1e-4
    assert firsts(m2)["logps/chosen"] != pytest.approx(firsts(m1)["logps/chosen"], abs=1e-3), "M1 is the reference now, not M0"


def test_step_0_of_every_round_is_ln_2_for_adapters(m0: Path, tmp_path: Path) -> None:
    m1 = train_dpo(dpo_config(tmp_path / "m1", m0, lora=LoraSettings(rank=4), lr=3e-2)).folder
    m2 = train_dpo(dpo_config(tmp_path / "m2", f"{m1}@{m0}", lr=3e-2)).folder
    for folder in (m1, m2):
        assert firsts(folder)["loss"] == pytest.approx(math.log(2), abs=1e-6)
        assert not (folder / "ref").exists(), "the reference adapter is no part of the model"
    assert firsts(m2)["logps/chosen"] != pytest.approx(firsts(m1)["logps/chosen"], abs=1e-3), (
        "the adapter itself is the reference, not its base"
    )


def test_preferences_are_learned(m0: Path, tmp_path: Path) -> None:
    trained = train_dpo(dpo_config(tmp_path / "m1", m0, epochs=8.0, lr=1e-2, dev=pairs(Learner.PLANNER, 8)))
    assert trained.metrics["loss"] < 0.6
    assert trained.metrics["dev_rewards/accuracies"] > 0.7


def test_a_batch_of_8_is_8_of_1_and_sharing_the_prompt_changes_nothing(m0: Path, tmp_path: Path) -> None:
    settings: dict[str, Any] = {
        "max_steps": 2,
        "balanced": True,
        "sft_weight": 0.2,
        "prior_aware": 0.5,
        "replay": rows(Learner.PLANNER, 12),
    }
    whole = train_dpo(dpo_config(tmp_path / "a", m0, **settings)).folder
    split = train_dpo(dpo_config(tmp_path / "b", m0, micro_batch=1, **settings)).folder
    apart = train_dpo(dpo_config(tmp_path / "c", m0, share_prompt=False, **settings)).folder
    assert furthest(whole, split) < 2e-5
    assert furthest(whole, apart) < 2e-5


def test_killed_and_gone_on_with_the_reference_is_still_m0(m0: Path, tmp_path: Path) -> None:
    def die(progress: Progress) -> None:
        if progress.step == 5:
            raise KeyboardInterrupt

    for lora in (None, LoraSettings(rank=4)):
        settings: dict[str, Any] = {"epochs": 4.0, "save_steps": 2, "lora": lora, "lr": 1e-2}
        name = "lora" if lora else "full"
        whole = train_dpo(dpo_config(tmp_path / f"{name}-whole", m0, **settings))
        with pytest.raises(KeyboardInterrupt):
            train_dpo(dpo_config(tmp_path / f"{name}-cut", m0, on_progress=die, **settings))
        again = train_dpo(dpo_config(tmp_path / f"{name}-cut", m0, **settings))
        assert furthest(whole.folder, again.folder) < 1e-6
        assert again.metrics["rewards/margins"] == pytest.approx(whole.metrics["rewards/margins"], abs=1e-5)


@pytest.mark.parametrize("learner", [Learner.PLANNER, Learner.RESPONDER])
@pytest.mark.parametrize(("loss_type", "ours"), [("sigmoid", {}), ("sigmoid_norm", {"length_normalised": True})])
def test_loss_and_gradients_are_trls(m0: Path, tmp_path: Path, learner: Learner, loss_type: str, ours: dict[str, Any]) -> None:
    """One step from a policy that has left its reference: ours with the shared prompt, trl's DPOTrainer as it comes."""
    config = dpo_config(tmp_path / "m", m0, learner, pairs=pairs(learner, 8), beta=0.3, share_prompt=True, **ours)
    (tmp_path / "m" / WORK).mkdir(parents=True)
    with quiet_training():
        built = build(config)
        theirs = _trl(m0, built.trainer.train_dataset, tmp_path / "trl", loss_type)
        trainers = (built.trainer, theirs)
        _leave(trainers)
        found = [_loss_and_gradients(trainer) for trainer in trainers]
    (loss, gradients), (expected, their_gradients) = found
    assert loss == pytest.approx(expected, abs=1e-4)
    assert abs(loss - math.log(2)) > 1e-3, "they have left the reference"
    assert gradients.keys() == their_gradients.keys()
    assert max(float((gradients[name] - their_gradients[name]).abs().max()) for name in gradients) < 1e-4


def _trl(base: Path, examples: Any, out: Path, loss_type: str) -> Any:
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from trl import DPOConfig, DPOTrainer

    class Tokenised(DPOTrainer):  # type: ignore[misc]
        """trl's, given the same token ids; it would make them again from the messages."""

        def _prepare_dataset(self, dataset: Any, *_: Any) -> Any:
            return dataset

        def _send_telemetry(self) -> None: ...

    args = DPOConfig(
        output_dir=str(out), per_device_train_batch_size=8, beta=0.3, loss_type=loss_type, bf16=False, use_cpu=True, report_to=[],
        precompute_ref_log_probs=True, max_length=None, gradient_checkpointing=False, disable_tqdm=True,
    )  # fmt: skip
    plain = examples.remove_columns(["ref_chosen_logps", "ref_rejected_logps"])
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    return Tokenised(model=model, args=args, train_dataset=plain, processing_class=AutoTokenizer.from_pretrained(base))


def _leave(trainers: tuple[Any, Any]) -> None:
    """Move both policies away from the reference by the same step."""
    for trainer in trainers:
        generator = torch.Generator().manual_seed(5)
        with torch.no_grad():
            for weight in trainer.model.parameters():
                weight.add_(0.2 * torch.randn(weight.shape, generator=generator))


def _loss_and_gradients(trainer: Any) -> tuple[float, dict[str, torch.Tensor]]:
    trainer.model.train()
    batch = trainer.data_collator([dict(example) for example in trainer.train_dataset])
    loss = trainer.compute_loss(trainer.model, batch)
    loss.backward()
    return float(loss.detach()), {name: weight.grad.clone() for name, weight in trainer.model.named_parameters()}


def test_an_answer_is_scored_as_the_seat_scores_it(m0: Path) -> None:
    """The label's tokens in training are those that `choose` adds up, and the stop token after them."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(m0)
    template = Template(tokenizer, "x", "x", 256)
    encoded, _ = Encoder(template, 256, 10).pairs(pairs(Learner.PLANNER, 16))
    for pair in encoded:
        text = tokenizer.decode(pair.prompt)
        shared, tails = template.options(text, pair.prompt, list(pair.texts))
        assert shared == pair.prompt
        assert [*map(list, pair.answers)] == [[*tail, tokenizer.eos_token_id] for tail in tails]


def test_it_stops_when_the_chosen_answers_fall(m0: Path, tmp_path: Path) -> None:
    trained = train_dpo(dpo_config(tmp_path / "m", m0, epochs=60.0, lr=2e-2, stop_fall=0.05))
    assert "nats a token while margins rose" in trained.stopped
    assert trained.steps < 120
    assert trained.stopped in (trained.folder / "README.md").read_text()


@pytest.mark.parametrize(
    ("learner", "more", "says"),
    [
        (Learner.PLANNER, {"pairs": []}, "There is no pair to train on"),
        (Learner.PLANNER, {"pairs": [{**pairs(Learner.PLANNER, 1)[0], "rejected": pairs(Learner.PLANNER, 1)[0]["chosen"]}]}, "pair 1: chosen equals rejected"),
        (Learner.PLANNER, {"base": "scratch:1m"}, "preferences need a model that speaks"),
        (Learner.RESPONDER, {"balanced": True}, "only a planner answers with labels"),
    ],
)  # fmt: skip
def test_bad_pairs_are_told_in_a_sentence(m0: Path, tmp_path: Path, learner: Learner, more: dict[str, Any], says: str) -> None:
    base = more.pop("base", m0)
    with pytest.raises(InputError, match=says):
        train_dpo(dpo_config(tmp_path / "m", base, learner, **more))
    assert not list((tmp_path / "m").glob("*.safetensors"))


def test_an_adapter_of_another_base_is_refused(m0: Path, tmp_path: Path) -> None:
    adapter = train_dpo(dpo_config(tmp_path / "m1", m0, lora=LoraSettings(rank=4), max_steps=1)).folder
    other = train_sft(sft_config(tmp_path / "other", base="scratch:200k", max_steps=1)).folder
    with pytest.raises(InputError, match="the adapter was not made for other"):
        train_dpo(dpo_config(tmp_path / "m2", f"{adapter}@{other}"))
    with pytest.raises(InputError, match="is an adapter already"):
        train_dpo(dpo_config(tmp_path / "m3", f"{adapter}@{m0}", lora=LoraSettings()))
