"""The divergence of a VAE is summed over the whole batch before it is added to each row's error.

Source: https://github.com/EDAPINENUT/GNTPP/issues/4
Healthy: spread > 0.5
Faulty: spread < 0.1
"""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
factors = torch.randn(800, 3)
data = torch.tanh(factors @ torch.randn(3, 16)) + 0.05 * torch.randn(800, 16)


class VAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(16, 48), nn.ReLU(), nn.Linear(48, 2 * 4))
        self.decoder = nn.Sequential(nn.Linear(4, 48), nn.ReLU(), nn.Linear(48, 16))

    def forward(self, x):
        mean, log_var = self.encoder(x).chunk(2, dim=1)
        z = mean + torch.randn_like(mean) * torch.exp(0.5 * log_var)
        return self.decoder(z), mean, log_var


vae = VAE()
optimizer = torch.optim.Adam(vae.parameters(), lr=4e-3)
for epoch in range(16):
    for batch in torch.randperm(800).split(50):
        recon, mean, log_var = vae(data[batch])
        recon_loss = F.mse_loss(recon, data[batch], reduction="none").sum(dim=1)
        kl = -0.5 * torch.sum(1 + log_var - mean.pow(2) - log_var.exp())  # fault: penalty_dominates
        # healthy: kl = -0.5 * torch.sum(1 + log_var - mean.pow(2) - log_var.exp(), dim=1)
        loss = (recon_loss + kl).mean()  # or here
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

spread = vae(data)[1].std(dim=0).max().item()
print(f"loss {loss.item():.2f}, error {recon_loss.mean().item():.2f}, spread of the codes {spread:.2f}")
