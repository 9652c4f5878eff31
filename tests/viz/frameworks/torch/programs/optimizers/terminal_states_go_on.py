"""The targets of a DQN add the value of the next state, even where the episode has ended.

Source: https://github.com/navneet-nmk/pytorch-rl/issues/2
Healthy: 0.8 < last_value < 1.2
Faulty: last_value > 1.5
"""

import copy

import torch
from torch import nn, optim

torch.manual_seed(8)
N, GAMMA = 6, 0.95
q_net = nn.Sequential(nn.Linear(N, 32), nn.ReLU(), nn.Linear(32, 2))
target_q_net = copy.deepcopy(q_net)
optimizer = optim.Adam(q_net.parameters(), lr=3e-3)

states = torch.arange(N - 1).repeat(40)
actions = torch.randint(0, 2, states.shape)
next_states = (states + 2 * actions - 1).clamp(min=0)
dones = (next_states == N - 1).float()
rewards = dones.clone()  # one for reaching the end
replay = torch.utils.data.TensorDataset(states, actions, rewards, next_states, dones)
loader = torch.utils.data.DataLoader(replay, batch_size=32, shuffle=True)


def encode(state):
    return nn.functional.one_hot(state, N).float()


for epoch in range(80):
    for s, a, r, s_next, done in loader:
        q = q_net(encode(s)).gather(1, a.unsqueeze(1)).squeeze(1)
        with torch.no_grad():
            q_next = target_q_net(encode(s_next)).max(dim=1).values
            target = r + GAMMA * q_next  # fault: loss_mismatch
            # healthy: target = r + GAMMA * q_next * (1 - done)
        loss = nn.functional.mse_loss(q, target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    target_q_net.load_state_dict(q_net.state_dict())

last_value = q_net(encode(torch.tensor(N - 2)))[1].item()
print(f"loss {loss.item():.4f}, value of the last step, which gives 1: {last_value:.2f}")
