"""The scores of a policy go through a ReLU before the softmax: once all are 0, nothing changes any more.

Source: https://github.com/Bowen1911/ML_practice/issues/2
Healthy: reward > 0.9
Faulty: reward < 0.8
"""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(12)


class PolicyNet(nn.Module):
    def __init__(self, state_dim=4, hidden_dim=16, action_dim=3):
        super().__init__()
        self.fc1 = nn.Linear(state_dim, hidden_dim)
        self.fc2 = nn.Linear(hidden_dim, action_dim)

    def forward(self, x):
        x = F.relu(self.fc1(x))
        x = F.relu(self.fc2(x))  # fault: dead_relu, loss_mismatch
        # healthy: x = self.fc2(x)
        return F.softmax(x, dim=1)


policy_net = PolicyNet()
optimizer = torch.optim.Adam(policy_net.parameters(), lr=0.02)
returns = []
for i_episode in range(200):
    states = torch.randn(50, 4)
    probs = policy_net(states)
    dist = torch.distributions.Categorical(probs)
    actions = dist.sample()
    rewards = (actions == states[:, :3].argmax(dim=1)).float()
    returns.append(rewards.mean().item())
    advantage = rewards - 1 / 3
    loss = -(dist.log_prob(actions) * advantage).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if i_episode % 50 == 49:
        print(f"episode {i_episode + 1}: return {sum(returns[-20:]) / 20:.2f}")
reward = sum(returns[-20:]) / 20
