"""A plain training loop in the manner of nanoGPT: one file, one model, nothing that can be exchanged.

Its model is of the lab's plain shape (RMS norms, rotary positions, SwiGLU, tied head), so that both sides compute the
same FLOPs; batches are drawn at random offsets, AdamW is fused, the gradient is clipped, the rate follows a cosine.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional


class Attention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.c_attn = nn.Linear(width, 3 * width, bias=False)
        self.c_proj = nn.Linear(width, width, bias=False)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        b, t, c = x.shape
        q, k, v = self.c_attn(x).split(c, dim=2)
        q, k, v = (part.view(b, t, self.heads, c // self.heads).transpose(1, 2) for part in (q, k, v))
        q, k = q * cos + half_turned(q) * sin, k * cos + half_turned(k) * sin
        y = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.c_proj(y.transpose(1, 2).contiguous().view(b, t, c))


class Block(nn.Module):
    def __init__(self, width: int, heads: int, ffn: int) -> None:
        super().__init__()
        self.ln_1, self.ln_2 = nn.RMSNorm(width), nn.RMSNorm(width)
        self.attn = Attention(width, heads)
        self.gate, self.up = nn.Linear(width, ffn, bias=False), nn.Linear(width, ffn, bias=False)
        self.down = nn.Linear(ffn, width, bias=False)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        x = x + self.attn(self.ln_1(x), cos, sin)
        h = self.ln_2(x)
        return x + self.down(functional.silu(self.gate(h)) * self.up(h))


class Model(nn.Module):
    def __init__(self, layers: int, width: int, heads: int, ffn: int, vocab: int, context: int) -> None:
        super().__init__()
        self.wte = nn.Embedding(vocab, width)
        self.h = nn.ModuleList(Block(width, heads, ffn) for _ in range(layers))
        self.ln_f = nn.RMSNorm(width)
        size = width // heads
        angle = torch.outer(torch.arange(context), 10000.0 ** (-torch.arange(0, size, 2) / size))
        self.register_buffer("cos", torch.cat((angle, angle), dim=1).cos())
        self.register_buffer("sin", torch.cat((angle, angle), dim=1).sin())
        for parameter in self.parameters():
            if parameter.dim() > 1:
                nn.init.normal_(parameter, std=0.02)

    def forward(self, tokens: Tensor, targets: Tensor) -> Tensor:
        x, t = self.wte(tokens), tokens.shape[1]
        for block in self.h:
            x = block(x, self.get_buffer("cos")[:t], self.get_buffer("sin")[:t])
        logits = functional.linear(self.ln_f(x), self.wte.weight)
        return functional.cross_entropy(logits.view(-1, logits.shape[-1]), targets.reshape(-1))


def half_turned(x: Tensor) -> Tensor:
    first, second = x.chunk(2, dim=-1)
    return torch.cat((-second, first), dim=-1)


class PlainLoop:
    """The loop: `step()` does one."""

    def __init__(
        self, shape: Any, data: np.ndarray, context: int, batch: int, rate: float, steps: int, device: str
    ) -> None:
        self.data, self.context, self.batch, self.device = data, context, batch, device
        self.rate, self.steps, self.iteration = rate, steps, 0
        self.model = Model(shape.layers, shape.width, shape.heads, shape.ffn, shape.vocab, context).to(device)
        decayed = [p for p in self.model.parameters() if p.dim() >= 2]
        others = [p for p in self.model.parameters() if p.dim() < 2]
        groups = [{"params": decayed, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}]
        self.optimiser = torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.95), fused=True)

    def drawn(self) -> tuple[Tensor, Tensor]:
        starts = torch.randint(len(self.data) - self.context - 1, (self.batch,)).tolist()
        x = torch.stack([torch.from_numpy(self.data[i : i + self.context].astype(np.int64)) for i in starts])
        y = torch.stack([torch.from_numpy(self.data[i + 1 : i + 1 + self.context].astype(np.int64)) for i in starts])
        return x.to(self.device), y.to(self.device)

    def step(self) -> float:
        self.iteration += 1
        rate = self.rate * 0.5 * (1 + math.cos(math.pi * self.iteration / self.steps))
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        x, y = self.drawn()
        loss = self.model(x, y)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimiser.step()
        return float(loss.detach())
