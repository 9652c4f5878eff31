"""A critic's values (n, 1) are subtracted from returns (n,), which gives a square of advantages.

Source: https://github.com/sunwuzhou03/reinforcement-learning-lab/issues/1
Healthy: critic_error < 0.1
Faulty: critic_error > 0.5
"""

import torch
from torch import nn
from torch.distributions import Categorical

torch.manual_seed(3)
actor = nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, 2))
critic = nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, 1))
optimizer = torch.optim.Adam([*actor.parameters(), *critic.parameters()], lr=0.01)


def play(states, actions):
    """The reward of each action, right where the first number of a state is above 0."""
    return states[:, 1] + ((states[:, 0] > 0).long() == actions).float()


for step in range(200):
    states = torch.randn(64, 4)
    policy = Categorical(logits=actor(states))
    actions = policy.sample()
    returns = play(states, actions)
    values = critic(states)
    advantages = returns - values  # fault: broadcast
    # healthy: advantages = returns - values.squeeze(-1)
    actor_loss = -(policy.log_prob(actions) * advantages.detach()).mean()
    critic_loss = advantages.pow(2).mean()
    optimizer.zero_grad()
    (actor_loss + 0.5 * critic_loss).backward()
    optimizer.step()
    if step % 50 == 49:
        print(f"step {step + 1}: reward {returns.mean():.2f}, critic loss {critic_loss.item():.3f}")

with torch.no_grad():
    states = torch.randn(500, 4)
    best = states[:, 1] + 1
    critic_error = (critic(states).squeeze(-1) - best).pow(2).mean().item()
print(f"error of the critic: {critic_error:.3f}")
