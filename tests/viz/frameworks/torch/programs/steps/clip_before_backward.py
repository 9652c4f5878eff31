"""The training step clips the gradients before there are any: zero_grad has just removed the last ones.

Source: https://github.com/simchowitzlabpublic/nano-world-model/pull/22
Healthy: error < 0.1
Faulty: not error < 1
"""

import torch
from torch import nn

torch.manual_seed(1)
ROLLOUT = 10
angle = torch.tensor(0.3)
turn = torch.stack([torch.stack([angle.cos(), -angle.sin()]), torch.stack([angle.sin(), angle.cos()])])
states = [torch.randn(300, 2)]
for _ in range(ROLLOUT):
    states.append(states[-1] @ turn)
states = torch.stack(states, dim=1)


class WorldModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.encode = nn.Linear(2, 8)
        self.dynamics = nn.Linear(8, 8)
        self.decode = nn.Linear(8, 2)

    def forward(self, state):
        h, frames = self.encode(state), []
        for _ in range(ROLLOUT):
            h = h + self.dynamics(h)
            frames.append(self.decode(h))
        return torch.stack(frames, dim=1)


model = WorldModel()
optimizer = torch.optim.SGD(model.parameters(), lr=0.2)


def training_step(batch):
    optimizer.zero_grad()
    loss = nn.functional.mse_loss(model(batch[:, 0]), batch[:, 1:])
    nn.utils.clip_grad_norm_(model.parameters(), 0.5)  # fault: exploding_gradient, lr_too_high
    loss.backward()
    # healthy: nn.utils.clip_grad_norm_(model.parameters(), 0.5)
    optimizer.step()  # or here
    return loss.item()


for epoch in range(30):
    losses = [training_step(states[batch]) for batch in torch.randperm(300).split(30)]
    error = sum(losses) / len(losses)
    print(f"epoch {epoch}: {error:.4f}")
