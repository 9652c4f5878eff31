"""The mean loss of an epoch is summed up from tensors, and with them all graphs of the epoch.

Source: https://github.com/jostmey/NakedAttention/issues/1
Healthy: nodes == 0 and e_train < 0.2
Faulty: nodes > 100
"""

import torch
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(7)
features = torch.randn(1600, 10)
values = torch.tanh(features[:, :1] - features[:, 1:2])
loader_train = DataLoader(TensorDataset(features, values), batch_size=16, shuffle=True)

model = nn.Sequential(nn.Linear(10, 64), nn.ReLU(), nn.Linear(64, 1))
loss_fn = nn.MSELoss()
optimizer = optim.Adam(model.parameters(), lr=3e-3)


def graph_size(tensor):
    """How many operations a tensor still knows."""
    seen, todo = set(), [getattr(tensor, "grad_fn", None)]
    while todo:
        node = todo.pop()
        if node is not None and node not in seen:
            seen.add(node)
            todo += [following for following, _ in node.next_functions]
    return len(seen)


for epoch in range(3):
    e_train = 0.0
    for x, y in loader_train:
        optimizer.zero_grad()
        e_batch = loss_fn(model(x), y)
        e_batch.backward()
        optimizer.step()
        e_train += e_batch / len(loader_train)  # fault: memory_growth
        # healthy: e_train += e_batch.item() / len(loader_train)
    nodes = graph_size(e_train)
    print(f"epoch {epoch}: {float(e_train):.4f}")
