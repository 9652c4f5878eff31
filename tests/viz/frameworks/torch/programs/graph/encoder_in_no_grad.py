"""The observations are encoded inside of torch.no_grad() while the encoder is to be trained.

Source: https://github.com/rll-research/cic/issues/5
Healthy: loss < 0.3
Faulty: loss > 0.4
"""

import torch
from torch import nn, optim

torch.manual_seed(5)
obs = torch.randn(512, 1, 12)
skill = obs[:, 0, ::4].abs().amax(dim=1).gt(1.2).long()


class Agent(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Conv1d(1, 4, 4, stride=4), nn.ReLU(), nn.Flatten())
        self.skill_net = nn.Linear(12, 2)

    def forward(self, obs):
        with torch.no_grad():  # fault: no_gradient
            h = self.encoder(obs)  # fault: no_gradient
        # healthy: h = self.encoder(obs)
        return self.skill_net(h)


agent = Agent()
encoder_opt = optim.Adam(agent.encoder.parameters(), lr=0.01)
skill_opt = optim.Adam(agent.skill_net.parameters(), lr=0.01)
for update in range(300):
    batch = torch.randint(0, 512, (64,))
    pretrain_loss = nn.functional.cross_entropy(agent(obs[batch]), skill[batch])
    encoder_opt.zero_grad()
    skill_opt.zero_grad()
    pretrain_loss.backward()
    encoder_opt.step()
    skill_opt.step()
    if update % 100 == 99:
        print(f"update {update + 1}: {pretrain_loss.item():.3f}")

with torch.no_grad():
    loss = nn.functional.cross_entropy(agent(obs), skill).item()
print(f"over all: {loss:.3f}")
