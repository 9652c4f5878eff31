"""REINFORCE multiplies the mean of all log-probabilities with each return, so no action gets its own.

Source: https://github.com/Farama-Foundation/Gymnasium/issues/1336
Healthy: reward > 0.9
Faulty: reward < 0.65
"""

import torch
from torch import nn, optim
from torch.distributions import Categorical

torch.manual_seed(1)


class Policy(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(3, 16), nn.Tanh(), nn.Linear(16, 2))

    def forward(self, state):
        return Categorical(logits=self.net(state))


policy = Policy()
optimizer = optim.Adam(policy.parameters(), lr=0.02)
history = []

for episode in range(150):
    states = torch.randn(40, 3)  # an episode of 40 independent decisions
    dist = policy(states)
    actions = dist.sample()
    rewards = (actions == (states[:, 0] > states[:, 1]).long()).float()
    returns = (rewards - rewards.mean()) / (rewards.std() + 1e-6)
    log_probs = dist.log_prob(actions)
    log_prob_mean = log_probs.mean()  # fault: not_learning, loss_mismatch, no_gradient
    loss = -torch.sum(log_prob_mean * returns)  # fault: not_learning, loss_mismatch, no_gradient
    # healthy: loss = -torch.mean(log_probs * returns)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    history.append(rewards.mean().item())

reward = sum(history[-20:]) / 20
print(f"reward at first {sum(history[:20]) / 20:.2f}, at last {reward:.2f}")
