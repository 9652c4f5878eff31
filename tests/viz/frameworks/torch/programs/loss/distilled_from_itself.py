"""In the loss of a distillation the student's own scores are replaced by the teacher's.

Source: https://github.com/labmlai/annotated_deep_learning_paper_implementations/issues/66
Healthy: soft_loss < 0.04
Faulty: soft_loss > 0.06
"""

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(7)
x = torch.randn(600, 8)
large = nn.Sequential(nn.Linear(8, 64), nn.Tanh(), nn.Linear(64, 5))
with torch.no_grad():
    large[2].weight.mul_(4)
    labels = torch.distributions.Categorical(logits=large(x)).sample()
small = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 5))
optimizer = torch.optim.SGD(small.parameters(), lr=0.02, momentum=0.9)
temperature = 4.0


def distillation_loss(logits, large_logits):
    soft_targets = F.softmax(large_logits / temperature, dim=-1)
    soft_output = F.log_softmax(large_logits / temperature, dim=-1)  # fault: no_gradient
    # healthy: soft_output = F.log_softmax(logits / temperature, dim=-1)
    return F.kl_div(soft_output, soft_targets, reduction="batchmean") * temperature**2  # or here


for epoch in range(15):
    for batch in torch.randperm(600)[:64].split(16):  # few of the rows have labels
        logits = small(x[batch])
        with torch.no_grad():
            large_logits = large(x[batch])
        loss = distillation_loss(logits, large_logits) + 0.1 * F.cross_entropy(logits, labels[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

with torch.no_grad():
    log_small, log_large = (F.log_softmax(net(x) / temperature, dim=-1) for net in (small, large))
    soft_loss = F.kl_div(log_small, log_large, log_target=True, reduction="batchmean").item() * 4
print(f"loss {loss.item():.3f}, divergence from the teacher {soft_loss:.3f}")
