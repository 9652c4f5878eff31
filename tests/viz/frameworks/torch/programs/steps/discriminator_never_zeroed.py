"""The generator's gradients are cleared, the discriminator's never are.

Source: https://github.com/Hsintien-Ng/idinvert_pytorch-reproduced/issues/1
Healthy: distance < 0.5
Faulty: distance > 1
"""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(3)
real_data = 0.3 * torch.randn(1500, 2) + torch.tensor([-1.0, 2.0])
netG = nn.Sequential(nn.Linear(3, 24), nn.ReLU(), nn.Linear(24, 2))
netD = nn.Sequential(nn.Linear(2, 24), nn.LeakyReLU(0.2), nn.Linear(24, 1))
optimizer_G = torch.optim.Adam(netG.parameters(), lr=3e-3, betas=(0.5, 0.999))
optimizer_D = torch.optim.Adam(netD.parameters(), lr=3e-3, betas=(0.5, 0.999))

for step in range(300):
    real = real_data[torch.randint(0, 1500, (48,))]
    fake = netG(torch.randn(48, 3))
    d_loss = F.softplus(-netD(real)).mean() + F.softplus(netD(fake.detach())).mean()
    d_loss.backward()  # fault: lr_too_high
    # healthy: optimizer_D.zero_grad()
    # healthy: d_loss.backward()
    optimizer_D.step()  # or here

    g_loss = F.softplus(-netD(fake)).mean()
    optimizer_G.zero_grad()
    g_loss.backward()
    optimizer_G.step()

with torch.no_grad():
    distance = (netG(torch.randn(1000, 3)).mean(0) - real_data.mean(0)).norm().item()
print(f"d_loss {d_loss.item():.3f}, g_loss {g_loss.item():.3f}, means {distance:.2f} apart")
