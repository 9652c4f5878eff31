"""The optimizer of an autoencoder is given the parameters of its encoder alone.

Source: https://github.com/zdebruine/MMVAE/issues/39
Healthy: loss < 0.25
Faulty: loss > 0.4
"""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(2)
genes = torch.tanh(torch.randn(512, 3) @ torch.randn(3, 24)) + 0.1 * torch.randn(512, 24)
cells = DataLoader(TensorDataset(genes), batch_size=32, shuffle=True)


class SharedAutoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(24, 32), nn.ReLU(), nn.Linear(32, 4))
        self.decoder = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 24))

    def forward(self, x):
        return self.decoder(self.encoder(x))


model = SharedAutoencoder()
optimizers = {
    "shared": torch.optim.Adam(model.encoder.parameters(), lr=3e-3)  # fault: frozen
    # healthy: "shared": torch.optim.Adam(model.parameters(), lr=3e-3)
}

for epoch in range(15):
    losses = []
    for (x,) in cells:
        reconstruction_loss = nn.functional.mse_loss(model(x), x)
        model.zero_grad()
        reconstruction_loss.backward()
        optimizers["shared"].step()
        losses.append(reconstruction_loss.item())
    loss = sum(losses) / len(losses)
    print(f"epoch {epoch}: {loss:.4f}")
