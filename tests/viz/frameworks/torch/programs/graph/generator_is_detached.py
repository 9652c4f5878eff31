"""In the generator's own step its output is detached, so only the reconstruction trains it.

Source: https://github.com/nikhilsinghmus/image2reverb/issues/37
Healthy: spread > 0.75
Faulty: spread < 0.6
"""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(3)
image = torch.randn(1000, 2)
sign = torch.where(torch.rand(1000, 1) < 0.5, -1.0, 1.0)
reverb = sign + 0.1 * torch.randn(1000, 1)  # can't be told from the image: a mean error wants 0

g = nn.Sequential(nn.Linear(4, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, 1))
d = nn.Sequential(nn.Linear(1, 48), nn.LeakyReLU(0.2), nn.Linear(48, 1))
optimizer_g = torch.optim.Adam(g.parameters(), lr=1e-3, betas=(0.5, 0.99))
optimizer_d = torch.optim.Adam(d.parameters(), lr=2e-3, betas=(0.5, 0.99))
one, zero = torch.ones(64, 1), torch.zeros(64, 1)

for step in range(500):
    rows = torch.randint(0, 1000, (64,))
    spec = reverb[rows]
    fake_spec = g(torch.cat([image[rows], torch.randn(64, 2)], dim=1))

    d_loss = F.mse_loss(d(spec), one) + F.mse_loss(d(fake_spec.detach()), zero)
    optimizer_d.zero_grad()
    d_loss.backward()
    optimizer_d.step()

    d_fake = d(fake_spec.detach())  # fault: no_gradient
    # healthy: d_fake = d(fake_spec)
    g_loss = F.mse_loss(d_fake, one) + 0.01 * F.l1_loss(fake_spec, spec)
    optimizer_g.zero_grad()
    g_loss.backward()
    optimizer_g.step()

with torch.no_grad():
    spread = g(torch.cat([image, torch.randn(1000, 2)], dim=1)).std().item()
print(f"G {g_loss.item():.3f}, D {d_loss.item():.3f}, spread of what is generated {spread:.2f} (real: 1.0)")
