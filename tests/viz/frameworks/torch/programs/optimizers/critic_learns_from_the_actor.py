"""The advantage isn't detached, so the policy's loss pulls at the baseline, too.

Source: https://github.com/jingw2/neural-combinatorial-optimization-rl/issues/1
Healthy: baseline_error < 0.1
Faulty: baseline_error > 0.3
"""

import torch
from torch import nn, optim
from torch.distributions import Categorical

torch.manual_seed(0)


class ActorCritic(nn.Module):
    def __init__(self):
        super().__init__()
        self.policy = nn.Sequential(nn.Linear(3, 32), nn.Tanh(), nn.Linear(32, 3))
        self.value = nn.Sequential(nn.Linear(3, 32), nn.Tanh(), nn.Linear(32, 1))

    def forward(self, tour):
        return Categorical(logits=self.policy(tour)), self.value(tour).view(-1)


model = ActorCritic()
optimizer = optim.Adam(model.parameters(), lr=5e-3)
for step in range(300):
    tours = torch.rand(64, 3)
    choice, b = model(tours)
    picked = choice.sample()
    L = tours.gather(1, picked.unsqueeze(1)).squeeze(1)  # a length, to be made short
    advantage = L - b.view(-1)  # fault: opposed_updates, loss_mismatch
    # healthy: advantage = L - b.view(-1).detach()
    actor_loss = (advantage * choice.log_prob(picked)).mean()  # or here
    critic_loss = 0.1 * (L - b).pow(2).mean()
    optimizer.zero_grad()
    (actor_loss + critic_loss).backward()
    optimizer.step()

with torch.no_grad():
    tours = torch.rand(1000, 3)
    choice, b = model(tours)
    baseline_error = ((choice.probs * tours).sum(1) - b).pow(2).mean().item()
print(f"length {L.mean().item():.3f}, error of the baseline {baseline_error:.3f}")
