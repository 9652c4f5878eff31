"""The policy's outputs are copied with detach before invalid actions are masked: the policy gets no gradient.

Source: https://github.com/alexhernandezgarcia/gflownet/pull/251
Healthy: moved > 0.1 and loss < 0.5
Faulty: moved == 0
"""

import torch
from torch import nn, optim

torch.manual_seed(2)


class Env:
    """Three binary choices; a state's reward is larger the more ones it has."""

    length = 3

    def get_logprobs(self, policy_outputs, step):
        logits = policy_outputs.clone().detach()  # fault: no_gradient
        # healthy: logits = policy_outputs.clone()
        logits[:, 2:] = -1e9  # no such actions here
        return logits.log_softmax(dim=1)


env = Env()
policy = nn.Sequential(nn.Linear(2 * env.length, 32), nn.ReLU(), nn.Linear(32, 4))
log_z = nn.Parameter(torch.zeros(()))
optimizer = optim.Adam([{"params": policy.parameters(), "lr": 5e-3}, {"params": [log_z], "lr": 0.05}])
start = policy[0].weight.detach().clone()

for iteration in range(200):
    state = torch.zeros(64, 2 * env.length)
    total = torch.zeros(64)
    for step in range(env.length):
        logprobs = env.get_logprobs(policy(state), step)
        action = torch.distributions.Categorical(logits=logprobs).sample()
        total = total + logprobs.gather(1, action[:, None]).squeeze(1)
        state = state.clone()
        state[torch.arange(64), 2 * step + action] = 1
    log_reward = 1.5 * state[:, 1::2].sum(dim=1)
    trajectory_balance = (log_z + total - log_reward).pow(2).mean()
    optimizer.zero_grad()
    trajectory_balance.backward()
    optimizer.step()
    if iteration % 50 == 49:
        print(f"{iteration + 1}: loss {trajectory_balance.item():.3f}, log Z {log_z.item():.2f}")

loss = trajectory_balance.item()
moved = (policy[0].weight - start).abs().max().item()
