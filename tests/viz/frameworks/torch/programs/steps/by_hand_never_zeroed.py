"""A line is fitted without an optimizer, and its gradients are never set to zero: each update adds all of them.

Source: https://github.com/greebear/pytorch-learning/issues/1
Healthy: final < 1.0
Faulty: final > 10 or math.isnan(final)
"""

import torch

torch.manual_seed(0)
lr = 0.02
x = torch.rand(200, 1) * 4
y = 3 * x + (5 + torch.randn(200, 1))
w = torch.randn(1, requires_grad=True)
b = torch.zeros(1, requires_grad=True)

for iteration in range(300):
    y_pred = w * x + b
    loss = (0.5 * (y - y_pred) ** 2).mean()  # or here
    loss.backward()  # fault: lr_too_high
    # healthy: loss.backward()
    b.data.sub_(lr * b.grad)  # or here
    w.data.sub_(lr * w.grad)  # or here
    # healthy: w.grad.zero_()
    # healthy: b.grad.zero_()
    final = loss.item()
print(f"loss {final:.3f}")
