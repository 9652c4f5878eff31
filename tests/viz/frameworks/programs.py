"""Small PyTorch programs as people write them: each function makes a step, with all that it trains in `kept`."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.checkpoint import checkpoint


class Program(NamedTuple):
    """What a program made: the function of one step, which returns numbers, and what it changes."""

    step: Callable[[], Any]
    kept: tuple[Any, ...]


PROGRAMS: dict[str, Callable[[], Program]] = {}


def program(make: Callable[[], Program]) -> Callable[[], Program]:
    PROGRAMS[make.__name__] = make
    return make


def trained(model: nn.Module, optimizer: torch.optim.Optimizer, loss: Callable[[], torch.Tensor]) -> Program:
    """The usual step."""

    def step():
        optimizer.zero_grad()
        found = loss()
        found.backward()
        optimizer.step()
        return found.item()

    return Program(step, (model, optimizer))


def net(*sizes: int) -> nn.Sequential:
    layers = [each for a, b in itertools.pairwise(sizes) for each in (nn.Linear(a, b), nn.ReLU())]
    return nn.Sequential(*layers[:-1])


@program
def mlp():
    model, loss_fn = net(16, 32, 4), nn.CrossEntropyLoss()
    x, y = torch.randn(8, 16), torch.randint(0, 4, (8,))
    return trained(model, torch.optim.AdamW(model.parameters()), lambda: loss_fn(model(x), y))


class CNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(inplace=True), nn.MaxPool2d(2)
        )
        self.head = nn.Linear(8 * 16, 5)

    def forward(self, images):
        return self.head(torch.flatten(self.features(images), 1))


def images():
    return torch.randn(4, 3, 8, 8), torch.randint(0, 5, (4,))


@program
def cnn():
    model, (x, y) = CNN(), images()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, foreach=True)
    return trained(model, optimizer, lambda: F.cross_entropy(model(x), y))


@program
def tagger():
    embed, lstm, tag = nn.Embedding(50, 16), nn.LSTM(16, 12, batch_first=True, bidirectional=True), nn.Linear(24, 5)
    model = nn.ModuleDict({"embed": embed, "lstm": lstm, "tag": tag})
    tokens, tags = torch.randint(0, 50, (4, 7)), torch.randint(0, 5, (4, 7))
    optimizer = torch.optim.Adam(model.parameters())

    def step():
        states, (_, _) = lstm(embed(tokens))
        loss = F.cross_entropy(tag(states).flatten(0, 1), tags.flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        return loss.item()

    return Program(step, (model, optimizer))


class Block(nn.Module):
    def __init__(self, width=32):
        super().__init__()
        self.ln1, self.ln2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attn = nn.MultiheadAttention(width, 4, batch_first=True)
        self.mlp = nn.Sequential(nn.Linear(width, 64), nn.GELU(), nn.Linear(64, width))

    def forward(self, x):
        h = self.ln1(x)
        mask = torch.triu(torch.ones(x.shape[1], x.shape[1], dtype=torch.bool), 1)
        a, _ = self.attn(h, h, h, attn_mask=mask, need_weights=False)
        x = x + a
        return x + self.mlp(self.ln2(x))


class GPT(nn.Module):
    def __init__(self, depth=2):
        super().__init__()
        self.tok, self.pos = nn.Embedding(50, 32), nn.Parameter(torch.zeros(1, 16, 32))
        self.blocks = nn.ModuleList([Block() for _ in range(depth)])
        self.norm, self.head = nn.LayerNorm(32), nn.Linear(32, 50, bias=False)
        self.head.weight = self.tok.weight

    def forward(self, idx):
        x = self.tok(idx) + self.pos[:, : idx.shape[1]]
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))


@program
def gpt():
    model, idx = GPT(), torch.randint(0, 50, (4, 16))
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-4, fused=True)

    def loss():
        logits = model(idx[:, :-1])
        return F.cross_entropy(logits.reshape(-1, 50), idx[:, 1:].reshape(-1))

    return trained(model, optimizer, loss)


@program
def gan():
    G, D = net(8, 16, 12), net(12, 16, 1)
    opt_g, opt_d = torch.optim.Adam(G.parameters(), lr=2e-4), torch.optim.Adam(D.parameters(), lr=2e-4)
    bce, real = nn.BCEWithLogitsLoss(), torch.randn(6, 12)

    def step():
        fake = G(torch.randn(6, 8))
        opt_d.zero_grad()
        d_loss = bce(D(real), torch.ones(6, 1)) + bce(D(fake.detach()), torch.zeros(6, 1))
        d_loss.backward()
        opt_d.step()
        opt_g.zero_grad()
        g_loss = bce(D(fake), torch.ones(6, 1))
        g_loss.backward()
        opt_g.step()
        return d_loss.item(), g_loss.item()

    return Program(step, (G, D, opt_g, opt_d))


@program
def shared_tower():
    tower = net(10, 16, 8)
    left, right, same = torch.randn(6, 10), torch.randn(6, 10), torch.ones(6)
    optimizer = torch.optim.SGD(tower.parameters(), lr=0.1)
    return trained(tower, optimizer, lambda: F.mse_loss(F.cosine_similarity(tower(left), tower(right)), same))


class InPlace(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(10, 20), nn.Linear(20, 3)
        self.register_buffer("count", torch.zeros(()))

    def forward(self, x):
        self.count += 1
        x = x.clone()
        x[:, 0] = 0.0
        h = self.fc1(x)
        h += 1
        h[:, :4].mul_(2.0)
        h.relu_()
        return self.fc2(h)


@program
def in_place():
    model, x, y = InPlace(), torch.randn(6, 10), torch.randn(6, 3)
    return trained(model, torch.optim.RMSprop(model.parameters()), lambda: ((model(x) - y) ** 2).mean())


@program
def accumulated():
    model, xs, ys = nn.Linear(10, 3), torch.randn(4, 5, 10), torch.randn(4, 5, 3)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    def step():
        total = 0.0
        optimizer.zero_grad()
        for x, y in zip(xs, ys):
            loss = F.mse_loss(model(x), y) / 4
            loss.backward()
            total += loss.item()
        optimizer.step()
        return total

    return Program(step, (model, optimizer))


@program
def bfloat16():
    model, (x, y) = CNN(), images()

    def loss():
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return F.cross_entropy(model(x), y)

    return trained(model, torch.optim.AdamW(model.parameters()), loss)


@program
def evaluation():
    model, (x, y) = CNN().eval(), images()

    def step():
        with torch.no_grad():
            return (model(x).argmax(1) == y).float().mean().item()

    return Program(step, (model,))


@program
def inference_mode():
    model, (x, _) = CNN().eval(), images()

    def step():
        with torch.inference_mode():
            h = model(x)
            h += 1
            return h.softmax(-1).max().item()

    return Program(step, (model,))


@program
def retained():
    model, x = nn.Sequential(nn.Linear(6, 6), nn.Tanh(), nn.Linear(6, 2)), torch.randn(4, 6)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    def step():
        out = model(x)
        a, b = out[:, 0].mean(), (out[:, 1] ** 2).mean()
        optimizer.zero_grad()
        a.backward(retain_graph=True)
        b.backward()
        optimizer.step()
        return (a + b).item()

    return Program(step, (model, optimizer))


def checkpointed(reentrant: bool) -> Program:
    inp, body, out = nn.Linear(10, 16), nn.ModuleList([net(16, 16, 16) for _ in range(2)]), nn.Linear(16, 3)
    model = nn.ModuleList([inp, body, out])
    x, y = torch.randn(4, 10), torch.randint(0, 3, (4,))

    def loss():
        h = inp(x)
        for part in body:
            h = checkpoint(part, h, use_reentrant=reentrant)
        return F.cross_entropy(out(h), y)

    return trained(model, torch.optim.SGD(model.parameters(), lr=0.1), loss)


@program
def checkpoint_recomputed():
    return checkpointed(False)


@program
def checkpoint_reentrant():
    return checkpointed(True)


def loaded(workers: int) -> Program:
    model = nn.Sequential(nn.Linear(6, 12), nn.ReLU(), nn.Dropout(0.2), nn.Linear(12, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 2, 0.5)
    data = torch.utils.data.TensorDataset(torch.randn(20, 6), torch.randn(20, 1))
    batches = torch.utils.data.DataLoader(data, batch_size=8, shuffle=True, num_workers=workers)
    loss_fn = nn.MSELoss()

    def step():
        losses = []
        for xb, yb in batches:
            optimizer.zero_grad()
            loss = loss_fn(model(xb), yb)
            loss.backward()
            optimizer.step()
            scheduler.step()
            losses.append(loss.item())
        return losses

    return Program(step, (model, optimizer))


@program
def loader():
    return loaded(0)


@program
def loader_with_workers():
    return loaded(2)


class Basic(nn.Module):
    def __init__(self, cin, cout, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(cin, cout, 3, stride, 1, bias=False), nn.BatchNorm2d(cout)
        self.conv2, self.bn2 = nn.Conv2d(cout, cout, 3, 1, 1, bias=False), nn.BatchNorm2d(cout)
        self.relu, self.down = nn.ReLU(inplace=True), None
        if stride != 1 or cin != cout:
            self.down = nn.Sequential(nn.Conv2d(cin, cout, 1, stride, bias=False), nn.BatchNorm2d(cout))

    def forward(self, x):
        identity = x if self.down is None else self.down(x)
        out = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        out += identity
        return self.relu(out)


class ResNet(nn.Module):
    """ResNet-18 with a width to choose."""

    def __init__(self, width=64, classes=10):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, width, 7, 2, 3, bias=False), nn.BatchNorm2d(width)
        self.relu, self.maxpool = nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1)
        sizes = [width, width, 2 * width, 4 * width, 8 * width]
        for i in range(4):
            blocks = [Basic(sizes[i], sizes[i + 1], 1 if i == 0 else 2), Basic(sizes[i + 1], sizes[i + 1], 1)]
            setattr(self, f"layer{i + 1}", nn.Sequential(*blocks))
        self.avgpool, self.fc = nn.AdaptiveAvgPool2d(1), nn.Linear(sizes[-1], classes)

    def forward(self, x):
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(torch.flatten(self.avgpool(x), 1))


@program
def resnet18():
    model, x, y = ResNet(8), torch.randn(2, 3, 32, 32), torch.randint(0, 10, (2,))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-4)
    return trained(model, optimizer, lambda: F.cross_entropy(model(x), y))


class Square(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return 2 * x * g


@program
def custom_derivative():
    model, x = nn.Linear(5, 5), torch.randn(3, 5)
    return trained(model, torch.optim.SGD(model.parameters(), lr=0.1), lambda: Square.apply(model(x)).mean())


class Straight(torch.autograd.Function):
    """Two outputs, one without gradient, and C++ alone in its backward pass."""

    @staticmethod
    def forward(ctx, x, scale):
        ctx.scale = scale
        ctx.mark_non_differentiable(signs := x.sign())
        return x * scale, signs

    @staticmethod
    def backward(ctx, g, _):
        return g, None


@program
def custom_two_outputs():
    model, x = nn.Linear(5, 5), torch.randn(3, 5)

    def loss():
        a, b = Straight.apply(model(x), 3.0)
        return (a * b).mean()

    return trained(model, torch.optim.SGD(model.parameters(), lr=0.1), loss)


@program
def gradient_penalty():
    critic, x = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 1)), torch.randn(6, 4)

    def loss():
        probe = x.clone().requires_grad_(True)
        score = critic(probe)
        (g,) = torch.autograd.grad(score.sum(), probe, create_graph=True)
        return score.mean() + 10 * ((g.norm(dim=1) - 1) ** 2).mean()

    return trained(critic, torch.optim.Adam(critic.parameters()), loss)


@program
def by_hand():
    w, b = torch.randn(4, 1, requires_grad=True), torch.zeros(1, requires_grad=True)
    x, y = torch.randn(10, 4), torch.randn(10, 1)

    def step():
        loss = ((x @ w + b - y) ** 2).mean()
        loss.backward()
        with torch.no_grad():
            for p in (w, b):
                p -= 0.1 * p.grad
                p.grad = None
        return loss.item()

    return Program(step, (w, b))


@program
def by_hand_data():
    w, x = torch.randn(4, 1, requires_grad=True), torch.randn(10, 4)

    def step():
        loss = ((x @ w) ** 2).mean()
        (g,) = torch.autograd.grad(loss, w)
        w.data.sub_(0.1 * g)
        w.data = w.data * 0.999
        return loss.item()

    return Program(step, (w,))


@program
def scaled():
    model, x, y = nn.Linear(8, 2), torch.randn(4, 8), torch.randn(4, 2)
    optimizer, scaler = torch.optim.SGD(model.parameters(), lr=0.1), torch.amp.GradScaler("cpu")

    def step():
        with torch.autocast("cpu", dtype=torch.float16):
            loss = F.mse_loss(model(x), y)
        optimizer.zero_grad()
        scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        scaler.step(optimizer)
        scaler.update()
        return loss.item()

    return Program(step, (model, optimizer))


@program
def lbfgs():
    model, x, y = nn.Linear(3, 1), torch.randn(9, 3), torch.randn(9, 1)
    optimizer = torch.optim.LBFGS(model.parameters(), lr=0.5, max_iter=3)

    def step():
        def closure():
            optimizer.zero_grad()
            loss = F.mse_loss(model(x), y)
            loss.backward()
            return loss

        return optimizer.step(closure).item()

    return Program(step, (model, optimizer))


@program
def zeroed_in_place():
    model, x, y = net(6, 8, 2), torch.randn(5, 6), torch.randn(5, 2)
    optimizer = torch.optim.Adagrad(model.parameters())

    def step():
        loss = F.smooth_l1_loss(model(x), y)
        optimizer.zero_grad(set_to_none=False)
        loss.backward()
        optimizer.step()
        return loss.item()

    return Program(step, (model, optimizer))


@program
def with_hooks():
    model, x, seen = net(6, 8, 2), torch.randn(5, 6), torch.zeros(())
    model[0].register_forward_hook(lambda module, given, out: out * 0.5)
    model[2].register_full_backward_hook(lambda module, given, out: None)
    model[2].weight.register_hook(lambda g: g.clamp(-0.01, 0.01))
    model[0].weight.register_post_accumulate_grad_hook(lambda p: [seen.add_(p.grad.norm())].clear())
    return trained(model, torch.optim.SGD(model.parameters(), lr=0.1), lambda: model(x).pow(2).mean() + 0 * seen)


@program
def optimizer_in_backward():
    model, x = net(6, 8, 2), torch.randn(5, 6)
    optimizers = {p: torch.optim.SGD([p], lr=0.1) for p in model.parameters()}
    for p in model.parameters():
        p.register_post_accumulate_grad_hook(lambda p: [optimizers[p].step(), p.grad.zero_()].clear())

    def step():
        loss = model(x).square().mean()
        loss.backward()
        return loss.item()

    return Program(step, (model,))


@program
def frozen_part():
    model, x, y = net(6, 8, 8, 2), torch.randn(5, 6), torch.randint(0, 2, (5,))
    model[0].requires_grad_(False)
    optimizer = torch.optim.NAdam([p for p in model.parameters() if p.requires_grad])
    return trained(model, optimizer, lambda: F.nll_loss(F.log_softmax(model(x), -1), y))


@program
def moving_average():
    model, x = net(6, 8, 2), torch.randn(5, 6)
    average = copy.deepcopy(model).requires_grad_(False)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    def step():
        with torch.no_grad():
            target = average(x).softmax(-1)
        loss = F.kl_div(model(x).log_softmax(-1), target, reduction="batchmean") + model(x).abs().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            for a, p in zip(average.parameters(), model.parameters()):
                a.lerp_(p, 0.1)
        return loss.item()

    return Program(step, (model, average, optimizer))


@program
def encoder_layers():
    model = nn.TransformerEncoder(nn.TransformerEncoderLayer(16, 4, 32, 0.1, batch_first=True), 2)
    x = torch.randn(3, 5, 16)
    return trained(model, torch.optim.Adam(model.parameters()), lambda: model(x).square().mean())


@program
def encoder_layers_fast_path():
    model = nn.TransformerEncoder(nn.TransformerEncoderLayer(16, 4, 32, 0.1, batch_first=True), 2).eval()
    x = torch.randn(3, 5, 16)

    def step():
        with torch.no_grad():
            return model(x).square().mean().item()

    return Program(step, (model,))


@program
def attention_fast_path():
    model, x = nn.MultiheadAttention(16, 4, batch_first=True).eval(), torch.randn(3, 5, 16)

    def step():
        with torch.inference_mode():
            return model(x, x, x)[0].square().mean().item()

    return Program(step, (model,))


@program
def scripted():
    model, x = torch.jit.script(net(6, 8, 2)), torch.randn(5, 6)
    return trained(model, torch.optim.SGD(model.parameters(), lr=0.1), lambda: model(x).square().mean())


def sigmoid_gelu(x: torch.Tensor) -> torch.Tensor:
    return x * torch.sigmoid(1.702 * x)


@program
def scripted_function():
    model, x, gelu = nn.Linear(6, 3), torch.randn(5, 6), torch.jit.script(sigmoid_gelu)
    for _ in range(4):  # it computes otherwise once it has been optimized
        gelu(x.clone().requires_grad_()).sum().backward()
    return trained(model, torch.optim.SGD(model.parameters(), lr=0.1), lambda: gelu(model(x)).mean())


@program
def compiled_model():
    model, x = net(6, 8, 2), torch.randn(5, 6)
    quick = torch.compile(model, backend="aot_eager")
    return trained(model, torch.optim.SGD(model.parameters(), lr=0.1), lambda: quick(x).square().mean())


@program
def compiled_function():
    model, x = nn.Linear(6, 3), torch.randn(5, 6)
    quick = torch.compile(lambda h: (h.sin() * h).mean(), backend="aot_eager")
    return trained(model, torch.optim.SGD(model.parameters(), lr=0.1), lambda: quick(model(x)))


@program
def functional_transforms():
    w, x = torch.randn(4, requires_grad=True), torch.randn(7, 4)

    def one(w, row):
        return (w @ row).tanh()

    def step():
        g = torch.func.vmap(torch.func.grad(one), (None, 0))(w, x)
        loss = ((x @ w).tanh() - g.detach().sum(1)).square().mean()
        loss.backward()
        with torch.no_grad():
            w.sub_(w.grad, alpha=0.1)
        w.grad = None
        return loss.item()

    return Program(step, (w,))


@program
def second_order_step():
    model, x, y = net(3, 8, 1), torch.randn(6, 3), torch.randn(6, 1)
    meta = torch.optim.SGD(model.parameters(), lr=0.1)

    def step():
        names = [name for name, _ in model.named_parameters()]
        inner = F.mse_loss(model(x), y)
        grads = torch.autograd.grad(inner, list(model.parameters()), create_graph=True)
        fast = {n: p - 0.1 * g for n, p, g in zip(names, model.parameters(), grads)}
        outer = F.mse_loss(torch.func.functional_call(model, fast, (x,)), y)
        meta.zero_grad()
        outer.backward()
        meta.step()
        return outer.item()

    return Program(step, (model, meta))


@program
def sparse_embedding():
    embed, at = nn.Embedding(20, 4, sparse=True), torch.tensor([[1, 2], [2, 5]])
    return trained(embed, torch.optim.SparseAdam(embed.parameters()), lambda: embed(at).square().mean())


@program
def packed_sequence():
    gru, x = nn.GRU(4, 6, num_layers=2, dropout=0.2, batch_first=True), torch.randn(3, 5, 4)
    optimizer = torch.optim.Adam(gru.parameters())

    def loss():
        packed = nn.utils.rnn.pack_padded_sequence(x, torch.tensor([5, 3, 2]), batch_first=True)
        out, _ = nn.utils.rnn.pad_packed_sequence(gru(packed)[0], batch_first=True)
        return out.square().mean()

    return trained(gru, optimizer, loss)


@program
def weight_norm():
    model, x = nn.utils.parametrizations.weight_norm(nn.Linear(6, 3)), torch.randn(5, 6)
    return trained(model, torch.optim.SGD(model.parameters(), lr=0.1), lambda: model(x).square().mean())


@program
def spectral_norm():
    model, x = nn.utils.parametrizations.spectral_norm(nn.Linear(6, 3)), torch.randn(5, 6)
    return trained(model, torch.optim.SGD(model.parameters(), lr=0.1), lambda: model(x).square().mean())


@program
def variational_autoencoder():
    encoder, decoder, x = nn.Linear(12, 8), nn.Linear(4, 12), torch.rand(6, 12)
    model = nn.ModuleDict({"encoder": encoder, "decoder": decoder})

    def loss():
        mean, log_variance = encoder(x).chunk(2, dim=-1)
        z = mean + (0.5 * log_variance).exp() * torch.randn_like(mean)
        kl = -0.5 * (1 + log_variance - mean.pow(2) - log_variance.exp()).sum()
        return F.binary_cross_entropy_with_logits(decoder(z), x, reduction="sum") + kl

    return trained(model, torch.optim.Adam(model.parameters()), loss)


@program
def policy_gradient():
    policy = net(4, 16, 2)
    optimizer = torch.optim.Adam(policy.parameters(), lr=1e-2)

    def step():
        state, logs, rewards = torch.randn(4), [], []
        for _ in range(5):
            choice = torch.distributions.Categorical(logits=policy(state))
            action = choice.sample()
            logs.append(choice.log_prob(action))
            rewards.append(float(action))
            state = state * 0.9 + action
        loss = -(torch.stack(logs) * torch.tensor(rewards)).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    return Program(step, (policy, optimizer))


@program
def lazy_layers():
    model, x = nn.Sequential(nn.LazyLinear(8), nn.ReLU(), nn.LazyLinear(2)), torch.randn(5, 6)
    model(x)
    return trained(model, torch.optim.SGD(model.parameters(), lr=0.1), lambda: model(x).square().mean())


@program
def groups_of_rates():
    model, x = net(6, 8, 2), torch.randn(5, 6)
    groups = [{"params": model[0].parameters(), "lr": 0.01}, {"params": model[2].parameters()}]
    optimizer = torch.optim.SGD(groups, lr=0.1)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, [0.1, 0.2], total_steps=9)
    made = trained(model, optimizer, lambda: model(x).square().mean())
    return Program(lambda: (made.step(), scheduler.step())[0], made.kept)


@program
def error_in_forward():
    model, x, bad = net(6, 8, 2), torch.randn(5, 6), torch.randn(5, 7)
    made = trained(model, torch.optim.SGD(model.parameters(), lr=0.1), lambda: model(x).square().mean())

    def step():
        try:
            model(bad)
        except RuntimeError as error:
            return str(error), made.step()

    return Program(step, made.kept)


@program
def error_in_backward():
    model, x = nn.Linear(6, 2), torch.randn(5, 6)
    made = trained(model, torch.optim.SGD(model.parameters(), lr=0.1), lambda: model(x).square().mean())

    def step():
        h = model(x).exp()
        loss = h.sum()
        h.add_(1)
        try:
            loss.backward()
        except RuntimeError as error:
            return str(error)[:60], made.step()

    return Program(step, made.kept)


@program
def error_in_optimizer():
    model, x = nn.Linear(6, 2), torch.randn(5, 6)
    made = trained(model, torch.optim.SGD(model.parameters(), lr=0.1), lambda: model(x).square().mean())
    strange = torch.optim.SparseAdam(model.parameters())

    def step():
        first = made.step()
        try:
            strange.step()
        except RuntimeError as error:
            return str(error), first, made.step()

    return Program(step, made.kept)


@program
def default_device_and_copies():
    model, x = net(6, 8, 2), torch.randn(5, 6)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    def loss():
        with torch.device("cpu"):
            noise = torch.randn(5, 2)
        copied = copy.deepcopy(model)
        return (model(x) + 0.1 * noise - copied(x).detach()).square().mean()

    return trained(model, optimizer, loss)


@program
def resized():
    model, x, buffer = nn.Linear(6, 2), torch.randn(5, 6), torch.zeros(2)

    def loss():
        buffer.resize_(3).fill_(1.0)
        buffer.resize_(2)
        return (model(x) + buffer).square().mean()

    return trained(model, torch.optim.SGD(model.parameters(), lr=0.1), loss)


@program
def double_precision_and_complex():
    model, x = nn.Linear(6, 4).double(), torch.randn(5, 6, dtype=torch.float64)

    def loss():
        spectrum = torch.fft.rfft(model(x))
        return spectrum.abs().square().mean() + torch.view_as_real(spectrum).mean()

    return trained(model, torch.optim.ASGD(model.parameters()), loss)
