"""requires_grad is set on a module, where it is just an attribute: the pretrained encoder is trained after all.

Source: https://github.com/BINE022/EEGPT/issues/18
Healthy: drift == 0 and accuracy > 0.8
Faulty: drift > 0.05
"""

import torch
from torch import nn, optim

torch.manual_seed(5)
eeg = torch.randn(600, 16)
mix = torch.randn(16, 4)
sources = torch.tanh(eeg @ mix / 4)

encoder = nn.Sequential(nn.Linear(16, 32), nn.Tanh(), nn.Linear(32, 4))
pretraining = optim.Adam(encoder.parameters(), lr=5e-3)
for step in range(150):
    batch = torch.randint(0, 600, (64,))
    loss = nn.functional.mse_loss(encoder(eeg[batch]), sources[batch])
    pretraining.zero_grad()
    loss.backward()
    pretraining.step()


class LinearProbe(nn.Module):
    def __init__(self, encoder):
        super().__init__()
        self.encoder = encoder
        self.encoder.requires_grad = False  # fault: frozen
        # healthy: self.encoder.requires_grad_(False)
        self.linear_probe = nn.Linear(4, 2)

    def forward(self, x):
        self.encoder.eval()
        return self.linear_probe(self.encoder(x))


features = encoder(eeg).detach()
task = (sources[:, 0] > sources[:, 1]).long()
model = LinearProbe(encoder)
optimizer = optim.Adam([p for p in model.parameters() if p.requires_grad], lr=0.01)
for step in range(120):
    batch = torch.randint(0, 600, (64,))
    loss = nn.functional.cross_entropy(model(eeg[batch]), task[batch])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

accuracy = (model(eeg).argmax(1) == task).float().mean().item()
drift = (encoder(eeg) - features).pow(2).mean().item()
print(f"accuracy of the probe {accuracy:.3f}, features changed by {drift:.4f}")
