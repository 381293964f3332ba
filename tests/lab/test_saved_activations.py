"""Bytes that torch keeps for the backward pass of a layer, against what is counted."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="the lab extra is not installed")

from torch import Tensor, nn  # noqa: E402
from torch.nn import functional  # noqa: E402
from torch.nn.attention import SDPBackend, sdpa_kernel  # noqa: E402

from allometry.costs import Shape  # noqa: E402
from allometry.costs.training import Job, Parallelism, layer_activations  # noqa: E402

pytestmark = pytest.mark.lab
BATCH, CONTEXT = 4, 64


class Layer(nn.Module):
    """One layer as a shape describes it, of operations that torch has."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape, inner, cached = shape, shape.heads * shape.head_size, shape.key_value_heads * shape.head_size
        self.norms = nn.ModuleList(nn.LayerNorm(shape.width, bias=False) for _ in range(2))
        self.q, self.k, self.v = (nn.Linear(shape.width, size, bias=False) for size in (inner, cached, cached))
        self.o, self.down = nn.Linear(inner, shape.width, bias=False), nn.Linear(shape.ffn, shape.width, bias=False)
        self.up = nn.Linear(shape.width, shape.ffn, bias=False)
        self.gate = nn.Linear(shape.width, shape.ffn, bias=False) if shape.gated else None

    def forward(self, x: Tensor) -> Tensor:
        y = self.norms[0](x)
        q, k, v = (
            m(y).view(BATCH, CONTEXT, -1, self.shape.head_size).transpose(1, 2) for m in (self.q, self.k, self.v)
        )
        mixed = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.o(mixed.transpose(1, 2).reshape(BATCH, CONTEXT, -1))
        y = self.norms[1](x)
        inner = functional.gelu(self.up(y)) if self.gate is None else functional.silu(self.gate(y)) * self.up(y)
        return x + self.down(inner)


def saved_bytes(layer: nn.Module, x: Tensor) -> int:
    """Bytes of the distinct tensors, other than parameters, that autograd keeps of a forward pass."""
    own, kept = {p.data_ptr() for p in layer.parameters()}, {}

    def pack(tensor: Tensor) -> Tensor:
        if tensor.untyped_storage().data_ptr() not in own:
            kept[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor), sdpa_kernel(SDPBackend.FLASH_ATTENTION):
        out = layer(x)
    found = sum(tensor.untyped_storage().nbytes() for tensor in kept.values())
    assert out.requires_grad
    return found


@pytest.mark.parametrize(
    "changes",
    [{"gated": False}, {"gated": False, "ffn": 1024}, {}, {"heads": 16, "head_size": 16}],
)
def test_what_is_kept_is_what_is_counted(changes: dict[str, object]) -> None:
    fields = {"layers": 1, "width": 256, "heads": 4, "head_size": 64, "ffn": 704, "vocab": 8, "norm": "layer"}
    shape = Shape(**{**fields, **changes})  # type: ignore[arg-type]
    layer = Layer(shape).bfloat16()
    found = saved_bytes(layer, torch.randn(BATCH, CONTEXT, shape.width, dtype=torch.bfloat16, requires_grad=True))
    job = Job(shape=shape, batch=BATCH, context=CONTEXT)
    counted = layer_activations(job, Parallelism(micro_batch=BATCH))
    # unfused, the activation of a gate is kept besides its input
    counted += shape.gated * 2 * shape.ffn * BATCH * CONTEXT
    assert counted == pytest.approx(found, rel=0.02)
