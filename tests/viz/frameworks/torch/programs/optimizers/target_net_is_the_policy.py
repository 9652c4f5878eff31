"""The target network of a DQN is the policy network itself, under a second name.

Source: https://github.com/datawhalechina/easy-rl/pull/117
Healthy: lag > 0 and 0.9 < values[-1] < 1.1
Faulty: lag == 0
"""

import copy

import torch
from torch import nn, optim

torch.manual_seed(7)
N, GAMMA = 8, 0.9  # a corridor; at its right end there is a reward


def step(position, action):
    position = (position + 2 * action - 1).clamp(0, N - 1)
    reward = (position == N - 1).float()
    return position, reward, position == N - 1


def one_hot(position):
    return nn.functional.one_hot(position, N).float()


policy_net = nn.Sequential(nn.Linear(N, 32), nn.ReLU(), nn.Linear(32, 2))
target_net = policy_net  # fault: frozen
# healthy: target_net = copy.deepcopy(policy_net)
optimizer = optim.Adam(policy_net.parameters(), lr=3e-3)
lags = []

for update in range(400):
    state = torch.randint(0, N - 1, (32,))
    action = torch.randint(0, 2, (32,))
    next_state, reward, done = step(state, action)
    q_values = policy_net(one_hot(state)).gather(1, action[:, None]).squeeze(1)
    with torch.no_grad():
        next_q = target_net(one_hot(next_state)).max(dim=1).values
    expected_q = reward + GAMMA * next_q * (~done)
    loss = nn.functional.smooth_l1_loss(q_values, expected_q)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    lags.append((policy_net[0].weight - target_net[0].weight).abs().max().item())
    if update % 20 == 19:
        target_net.load_state_dict(copy.deepcopy(policy_net.state_dict()))

lag = max(lags)
values = policy_net(one_hot(torch.arange(N - 1))).max(dim=1).values
print(f"loss {loss.item():.4f}, values from left to right {[round(v, 2) for v in values.tolist()]}")
