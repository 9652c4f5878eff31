"""A student is distilled with kl_div, to which its probabilities are given instead of their logarithms.

Source: https://github.com/microsoft/ProDA/issues/20
Healthy: gap < 0.1
Faulty: gap > 0.2 and loss < 0
"""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(4)
teacher = nn.Sequential(nn.Linear(10, 32), nn.Tanh(), nn.Linear(32, 6))
with torch.no_grad():
    teacher[2].weight.mul_(6)
teacher.eval()
student = nn.Sequential(nn.Linear(10, 48), nn.ReLU(), nn.Linear(48, 6))
optimizer = torch.optim.Adam(student.parameters(), lr=3e-3)

x = torch.randn(1000, 10)
with torch.no_grad():
    teacher_probs = F.softmax(teacher(x), dim=1)

for epoch in range(20):
    for batch in torch.randperm(1000).split(50):
        out = F.softmax(student(x[batch]), dim=1)  # fault: loss_mismatch
        # healthy: out = F.log_softmax(student(x[batch]), dim=1)
        loss = F.kl_div(out, teacher_probs[batch], reduction="batchmean")  # or here
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

with torch.no_grad():
    log_probs = F.log_softmax(student(x), dim=1)
    gap = (teacher_probs * (teacher_probs.log() - log_probs)).sum(dim=1).mean().item()
print(f"kl {loss.item():.4f} in the last batch, {gap:.4f} over all rows")
