"""The weights of a mixture are normalized over the batch instead of over its components.

Source: https://github.com/ctallec/world-models/issues/10
Healthy: abs(total - 1) < 1e-4 and nll < 1.2
Faulty: total < 0.9
"""

import math

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(9)
GAUSSIANS = 3
x = torch.randn(800, 20, 2)
side = torch.where(torch.rand(800, 20) < 0.5, -1.0, 1.0)
y = x[..., 0] + 2 * side + 0.3 * torch.randn(800, 20)  # two answers for each x


class MDN(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 3 * GAUSSIANS))

    def forward(self, x):
        pi, mu, log_sigma = self.body(x).chunk(3, dim=-1)
        logpi = F.log_softmax(pi, dim=-2)  # fault: softmax_axis
        # healthy: logpi = F.log_softmax(pi, dim=-1)
        return logpi, mu, log_sigma.clamp(-3, 3)


def negative_log_likelihood(logpi, mu, log_sigma, y):
    z = (y[..., None] - mu) / log_sigma.exp()
    log_probs = logpi - log_sigma - 0.5 * z.pow(2) - 0.5 * math.log(2 * math.pi)
    return -torch.logsumexp(log_probs, dim=-1).mean()


mdn = MDN()
optimizer = torch.optim.Adam(mdn.parameters(), lr=0.01)
for epoch in range(15):
    for batch in torch.randperm(800).split(50):
        loss = negative_log_likelihood(*mdn(x[batch]), y[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
nll = loss.item()
total = mdn(x)[0].exp().sum(dim=-1).mean().item()
print(f"negative log-likelihood {nll:.3f}, weights sum to {total:.3f}")
