"""Threads and ranks compute the same bits when they are watched; each records itself, and ranks are put together."""

from __future__ import annotations

import concurrent.futures
import subprocess
import sys
import warnings

import pytest

import viz
from viz.facts.ranks import uses

torch = pytest.importorskip("torch", reason="PyTorch isn't installed here: make test-torch")

from torch import nn  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_thread")

SECONDS = 240  # a program that hangs is ended


class Training:
    """A model with data of its own, which needs no random numbers once it is made."""

    def __init__(self, width: int, workers: int) -> None:
        torch.manual_seed(width)
        self.model = nn.Sequential(nn.Linear(6, width), nn.ReLU(), nn.Linear(width, 2))
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=0.01)
        self.schedule = torch.optim.lr_scheduler.StepLR(self.optimizer, 2)
        data = torch.utils.data.TensorDataset(torch.randn(40, 6), torch.randint(0, 2, (40,)))
        order = torch.Generator().manual_seed(width)
        self.loader = torch.utils.data.DataLoader(data, 8, shuffle=True, generator=order, num_workers=workers)

    def run(self) -> list[float]:
        losses = []
        for x, y in self.loader:
            self.optimizer.zero_grad()
            loss = nn.functional.cross_entropy(self.model(x), y)
            loss.backward()
            nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
            self.optimizer.step()
            self.schedule.step()
            losses.append(loss.item())
        return losses

    def recorded(self):
        with viz.trace(stats="basic") as t:
            losses = self.run()
        return losses, t


def in_threads(*functions):
    with concurrent.futures.ThreadPoolExecutor(len(functions)) as pool:
        return [future.result(timeout=SECONDS) for future in [pool.submit(each) for each in functions]]


def state(training):
    return [*training.model.parameters(), *(x.grad for x in training.model.parameters())]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_two_threads_record_two_trainings_and_compute_the_same_bits():
    plain = [Training(8, workers=1), Training(12, workers=0)]
    losses = in_threads(*[each.run for each in plain])
    watched = [Training(8, workers=1), Training(12, workers=0)]
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        found = in_threads(*[each.recorded for each in watched])
    assert [each for each, _ in found] == losses
    for a, b in zip(plain, watched):
        assert all(torch.equal(x, y) for x, y in zip(state(a), state(b)))
    for training, (losses, t) in zip(watched, found):
        assert [log.values["loss"] for log in t.logs] == losses
        assert len(t.steps) == 5
        shapes = {x.shape for x in t.tensors if x.role == "parameter"}
        assert shapes == {tuple(x.shape) for x in training.model.parameters()}
    assert torch.nn.Module.__call__ is torch.nn.Module._wrapped_call_impl
    assert torch._C._len_torch_function_stack() == 0


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_recording_is_of_the_thread_that_makes_it():
    plain, here = Training(8, workers=0), Training(12, workers=0)
    losses = plain.run()
    other = Training(8, workers=0)
    with viz.trace() as t:
        (elsewhere,) = in_threads(other.run)
        here.run()
    assert elsewhere == losses
    assert all(torch.equal(x, y) for x, y in zip(state(plain), state(other)))
    assert {x.shape for x in t.tensors if x.role == "parameter"} == {tuple(x.shape) for x in here.model.parameters()}


THREADS = """
import threading
import torch
from torch import nn

torch.manual_seed(0)
net = nn.Linear(6, 2)
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
x, y = torch.randn(32, 6), torch.randint(0, 2, (32,))

def train():
    for _ in range(30):
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(x), y).backward()
        optimizer.step()

thread = threading.Thread(target=train)
thread.start()
thread.join()
print(*[p.detach().sum().item().hex() for p in net.parameters()])
"""

RANKS = """
import os, sys
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, DistributedSampler, TensorDataset

def train(rank):
    torch.manual_seed(0)
    net = DistributedDataParallel(nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 2)))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    data = TensorDataset(torch.randn(64, 6), torch.randint(0, 2, (64,)))
    for x, y in DataLoader(data, 4, sampler=DistributedSampler(data)):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(x), y)
        loss.backward()
        optimizer.step()
    with open(f"{sys.argv[1]}.{rank}", "w") as file:
        print(loss.item().hex(), *[p.detach().sum().item().hex() for p in net.parameters()], file=file)

def spawned(rank, address):
    import viz
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{address}", rank=rank, world_size=2)
    with viz.trace(ranks=True) as t:
        train(rank)
    if not rank:
        t.save(sys.argv[1] + ".efz")
    dist.destroy_process_group()

if __name__ == "__main__":
    if "RANK" in os.environ:
        dist.init_process_group("gloo")
        train(dist.get_rank())
        dist.destroy_process_group()
    else:
        mp.spawn(spawned, (os.path.abspath(sys.argv[1]) + ".store",), nprocs=2)
"""


# About one process in eighty with PyTorch's gloo aborts like this when it ends, without viz, too: it is started again.
GLOO_ABORTED = "terminate called without an active exception"


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", ":".join(sys.path))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")

    def run(*command):
        whole = [sys.executable, *command]
        for _ in range(4):
            done = subprocess.run(whole, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=SECONDS)
            if GLOO_ABORTED not in done.stderr:
                break
        return done

    return run


def test_a_script_that_trains_in_a_thread_runs_as_ever_and_the_doctor_says_what_it_watches(run, tmp_path):
    (tmp_path / "train.py").write_text(THREADS, encoding="utf-8")
    plain = run("train.py")
    assert plain.returncode == 0, plain.stderr
    recorded, judged = run("-m", "viz", "run", "train.py"), run("-m", "viz", "doctor", "train.py")
    assert recorded.returncode == 0, recorded.stderr
    assert viz.load(tmp_path / "train.efz").steps == []
    assert judged.returncode == 3
    assert "main thread" in judged.stderr
    assert plain.stdout in recorded.stdout
    assert plain.stdout in judged.stdout


TORCHRUN = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")


def test_ranks_are_recorded_together_and_compute_the_same_bits(run, tmp_path):
    (tmp_path / "train.py").write_text(RANKS, encoding="utf-8")
    done = {
        "plain": run(*TORCHRUN, "train.py", "plain"),
        "recorded": run(*TORCHRUN, "-m", "viz", "run", "-o", "recorded.efz", "train.py", "recorded"),
        "judged": run(*TORCHRUN, "-m", "viz", "doctor", "train.py", "judged"),
        "spawned": run("train.py", "spawned"),
    }
    for name, each in done.items():
        assert each.returncode == 0, (name, each.stdout, each.stderr)
        for rank in range(2):
            bits = [(tmp_path / f"{kind}.{rank}").read_text(encoding="utf-8") for kind in ("plain", name)]
            assert bits[0] == bits[1], (name, rank)
    assert done["judged"].stdout.count("8 training steps watched") == 1
    assert "oversubscribed" not in done["judged"].stdout
    for name in ("recorded", "spawned"):
        t = viz.load(tmp_path / f"{name}.efz")
        assert [(use.rank, use.steps) for use in uses(t)] == [(0, 8), (1, 8)]
        for each in (t, *t.others):
            assert {op.phase for op in each.ops} >= {"forward", "backward", "update"}
