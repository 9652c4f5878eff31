"""Gradients are clipped after the step that they were computed for.

Source: https://github.com/VGraphRNN/VGRNN/issues/4
Healthy: loss < 0.5
Faulty: not loss < 2
"""

import torch
from torch import nn

torch.manual_seed(0)
signal = torch.randn(200, 20, 2)
target = signal[:, :, 0].cumsum(1)[:, -1:] * 0.3


class Summer(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.RNN(2, 24, batch_first=True, nonlinearity="relu")
        self.out = nn.Linear(24, 1)
        nn.init.eye_(self.rnn.weight_hh_l0)

    def forward(self, x):
        states, _ = self.rnn(x)
        return self.out(states[:, -1])


model = Summer()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
loss_fn = nn.MSELoss()
losses = []
for epoch in range(20):
    for batch in torch.randperm(200).split(20):
        loss = loss_fn(model(signal[batch]), target[batch])
        optimizer.zero_grad()
        loss.backward()
        # healthy: torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()  # or here
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)  # fault: exploding_gradient, lr_too_high
        losses.append(loss.item())
loss = sum(losses[-10:]) / 10
print(f"loss {loss:.3f}")
