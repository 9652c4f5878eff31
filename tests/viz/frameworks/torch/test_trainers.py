"""Loops that Lightning and transformers make are loops like any other: names, lines, steps, the same bits."""

from __future__ import annotations

import warnings

import pytest

import viz

torch = pytest.importorskip("torch", reason="PyTorch isn't installed here: make test-torch")

pytestmark = pytest.mark.filterwarnings("ignore")


def lightning_run(folder):
    lightning = pytest.importorskip("lightning.pytorch", reason="Lightning isn't installed here")

    class Lit(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.net = torch.nn.Sequential(torch.nn.Linear(6, 8), torch.nn.ReLU(), torch.nn.Linear(8, 3))

        def training_step(self, batch, index):
            x, y = batch
            loss = torch.nn.functional.cross_entropy(self.net(x), y)
            self.log("train_loss", loss)
            return loss

        def configure_optimizers(self):
            return torch.optim.Adam(self.parameters(), lr=0.01)

    lightning.seed_everything(0, verbose=False)
    data = torch.utils.data.TensorDataset(torch.randn(24, 6), torch.randint(0, 3, (24,)))
    model = Lit()
    trainer = lightning.Trainer(
        default_root_dir=folder,
        max_epochs=2,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    return model, lambda: trainer.fit(model, torch.utils.data.DataLoader(data, batch_size=8, shuffle=True))


def transformers_run(folder):
    transformers = pytest.importorskip("transformers", reason="transformers isn't installed here")
    pytest.importorskip("accelerate")
    torch.manual_seed(0)
    config = transformers.GPT2Config(vocab_size=32, n_positions=16, n_embd=16, n_layer=1, n_head=2)
    model = transformers.GPT2LMHeadModel(config)
    rows = [{"input_ids": x, "labels": x} for x in torch.randint(0, 32, (12, 8))]
    options = {"output_dir": str(folder), "max_steps": 6, "per_device_train_batch_size": 4, "seed": 0}
    args = transformers.TrainingArguments(
        **options, save_strategy="no", report_to=[], disable_tqdm=True, use_cpu=True, learning_rate=1e-2
    )
    return model, transformers.Trainer(model=model, args=args, train_dataset=rows).train


def same_parameters(run, folder):
    plain, train = run(folder)
    train()
    model, train = run(folder)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "viz", RuntimeWarning)
        with viz.trace() as t:
            train()
    assert all(torch.equal(x, y) for x, y in zip(plain.parameters(), model.parameters()))
    return t


def test_a_lightning_trainer_is_a_loop_like_any_other(tmp_path):
    t = same_parameters(lightning_run, tmp_path)
    assert len(t.steps) == 6
    assert [list(log.values) for log in t.logs] == [["loss"]] * 6
    assert {x.name for x in t.tensors if x.role == "parameter"} == {
        f"model/net/{name}" for name in ("0/weight", "0/bias", "2/weight", "2/bias")
    }
    linear = next(op for op in t.ops if op.name == "linear")
    assert linear.stack[0].code == "loss = torch.nn.functional.cross_entropy(self.net(x), y)"
    updates = [op for op in t.ops if op.phase == "update" and op.step == 1]
    assert {op.name for op in updates} == {"adam_update"}
    assert all("adam" in t.path(op.scope) for op in updates)
    assert all("adam" not in t.path(op.scope) for op in t.ops if op.phase in ("forward", "backward"))


def test_a_trainer_of_transformers_is_a_loop_like_any_other(tmp_path):
    t = same_parameters(transformers_run, tmp_path)
    assert len(t.steps) == 6
    assert [list(log.values) for log in t.logs] == [["loss"]] * 6
    names = {x.name for x in t.tensors if x.role == "parameter"}
    assert "model/transformer/h.0/attn/c_attn/weight" in names
    assert {op.name for op in t.ops if op.phase == "update"} >= {"adamw_update"}
    files = {op.stack[0].file for op in t.ops if op.stack}
    assert files == {__file__}
