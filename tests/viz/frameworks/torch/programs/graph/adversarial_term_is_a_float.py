"""A term of the loss is turned into a float for the log before it is added, so it trains nothing.

Source: https://github.com/guopengf/FL-MRCM/issues/10
Healthy: gap < 0.25
Faulty: gap > 0.3
"""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(1)
source = torch.randn(600, 6)
shift = torch.tensor([3.0, 0, 0, 3, 3, 0])
labels = source[:, 1:2] - source[:, 2:3]
target_site = torch.randn(600, 6) + shift  # another scanner, without labels

encoder = nn.Sequential(nn.Linear(6, 24), nn.ReLU(), nn.Linear(24, 4))
regressor = nn.Linear(4, 1)
discriminator = nn.Sequential(nn.Linear(4, 24), nn.ReLU(), nn.Linear(24, 1))
optimizer = torch.optim.Adam([*encoder.parameters(), *regressor.parameters()], lr=3e-3)
optimizer_d = torch.optim.Adam(discriminator.parameters(), lr=3e-3)
logged = []

for step in range(250):
    rows = torch.randint(0, 600, (64,))
    here, there = encoder(source[rows]), encoder(target_site[rows])
    loss_d = F.softplus(-discriminator(here.detach())).mean() + F.softplus(discriminator(there.detach())).mean()
    optimizer_d.zero_grad()
    loss_d.backward()
    optimizer_d.step()

    loss_recon = F.mse_loss(regressor(here), labels[rows])
    loss_adv = F.softplus(-discriminator(there)).mean()
    loss_adv = loss_adv.detach().item()  # fault: no_gradient
    logged.append(loss_adv)
    # healthy: logged.append(loss_adv.item())
    optimizer.zero_grad()
    (loss_recon + loss_adv).backward()
    optimizer.step()

with torch.no_grad():
    gap = (encoder(source).mean(0) - encoder(target_site).mean(0)).norm().item()
print(f"error {loss_recon.item():.3f}, adversarial loss {logged[-1]:.3f}, gap between the sites {gap:.2f}")
