"""The generator of a GAN is trained towards the label that the discriminator learns for its pictures.

Source: https://github.com/ptran1203/pytorch-animeGAN/issues/17
Healthy: distance < 0.6
Faulty: distance > 1.2
"""

import torch
from torch import nn

torch.manual_seed(2)
real_data = torch.randn(2000, 2) * 0.3 + torch.tensor([1.5, -1.0])
G = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 2))
D = nn.Sequential(nn.Linear(2, 32), nn.LeakyReLU(0.2), nn.Linear(32, 1))
optimizer_G = torch.optim.Adam(G.parameters(), lr=2e-3, betas=(0.5, 0.999))
optimizer_D = torch.optim.Adam(D.parameters(), lr=2e-3, betas=(0.5, 0.999))
bce = nn.BCEWithLogitsLoss()
ones, zeros = torch.ones(64, 1), torch.zeros(64, 1)

for step in range(400):
    real = real_data[torch.randint(0, 2000, (64,))]
    fake = G(torch.randn(64, 4))

    loss_D = bce(D(real), ones) + bce(D(fake.detach()), zeros)
    optimizer_D.zero_grad()
    loss_D.backward()
    optimizer_D.step()

    loss_G = bce(D(fake), zeros)  # fault: loss_sign
    # healthy: loss_G = bce(D(fake), ones)
    optimizer_G.zero_grad()
    loss_G.backward()
    optimizer_G.step()
    if step % 100 == 99:
        print(f"step {step + 1}: D {loss_D.item():.3f}, G {loss_G.item():.3f}")

with torch.no_grad():
    distance = (G(torch.randn(1000, 4)).mean(0) - real_data.mean(0)).norm().item()
print(f"means of real and generated points are {distance:.2f} apart")
