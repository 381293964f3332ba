"""The contract of every mechanism: shapes, causality, gradients, counts, what it reduces to, and stacking by vmap."""

from __future__ import annotations

import copy

import pytest

torch = pytest.importorskip("torch", reason="the lab extra is not installed")

from torch import Tensor, nn  # noqa: E402
from torch.func import functional_call, stack_module_state, vmap  # noqa: E402
from torch.nn.attention import SDPBackend, sdpa_kernel  # noqa: E402
from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

from allometry.costs import Shape, forward_flops  # noqa: E402
from allometry.costs.flops import TRAINING_PASSES  # noqa: E402
from allometry.costs.shapes import STREAM_PREFIX  # noqa: E402
from allometry.lab.mechanisms import find_mechanism, list_mechanisms, mechanisms_of  # noqa: E402
from allometry.lab.mechanisms.experts import BALANCE, imbalance  # noqa: E402
from allometry.lab.models import build  # noqa: E402
from allometry.lab.transformer import Transformer  # noqa: E402
from allometry.notices import Refused  # noqa: E402

pytestmark = pytest.mark.lab
PLAIN = {"layers": 4, "width": 16, "heads": 2, "head_size": 8, "ffn": 32, "vocab": 24}
CONTEXT = 12
EXAMPLES = {name: mechanism.example for name, mechanism in list_mechanisms().items()}
DENSE = [name for name, mechanism in list_mechanisms().items() if mechanism.dense]
EXTRA = {
    "stable loop, diagonal": {"loops": 2, "injection": "diagonal"},
    "stable loop, all layers": {"loops": 2, "injection": "dense"},
    "low-rank": {"structure": "low-rank", "rank": 8},
    "block-dense": {"structure": "block-dense", "rank": 8, "blocks": 2},
    "experts in loops and streams": {"experts": 4, "active_experts": 2, "loops": 2, "streams": 2},
    "stable loop in streams": {"loops": 2, "injection": "dense", "streams": 3},
    "structured experts": {"experts": 2, "active_experts": 1, "structure": "low-rank", "rank": 4},
}
ALL = EXAMPLES | EXTRA


def shape_of(name: str, **changed: object) -> Shape:
    return Shape(**{**PLAIN, **ALL[name], **changed})  # type: ignore[arg-type]


def model_of(shape: Shape, seed: int = 0) -> Transformer:
    torch.manual_seed(seed)
    return build(shape, CONTEXT)


def tokens_of(batch: int = 2, length: int = CONTEXT) -> Tensor:
    return torch.randint(0, PLAIN["vocab"], (batch, length), generator=torch.Generator().manual_seed(1))


def scrambled(model: nn.Module, scale: float = 0.3) -> nn.Module:
    """The model with weights that are large enough for everything in it to be seen in the logits."""
    generator = torch.Generator().manual_seed(2)
    for weight in model.parameters():
        weight.data += scale * torch.randn(weight.shape, generator=generator).to(weight)
    return model


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_asks_for_its_mechanism_alone(name: str) -> None:
    assert list(mechanisms_of(shape_of(name))) == ([] if name == "plain" else [name])
    assert list_mechanisms()[name].parent in list_mechanisms()


@pytest.mark.parametrize("name", ALL)
def test_shapes_of_logits(name: str) -> None:
    model = model_of(shape_of(name))
    for length in (1, 5, CONTEXT):
        logits = model(tokens_of(3, length))
        assert logits.shape == (3, length, PLAIN["vocab"])
        assert torch.isfinite(logits).all()


@pytest.mark.parametrize("name", ALL)
def test_no_position_sees_the_future(name: str) -> None:
    model, one = scrambled(model_of(shape_of(name)).double()), tokens_of()
    with torch.no_grad():
        before = model(one)
        for place in (1, 7, CONTEXT - 1):
            other = one.clone()
            other[:, place] = (other[:, place] + 5) % PLAIN["vocab"]
            after = model(other)
            assert torch.allclose(after[:, :place], before[:, :place], rtol=0, atol=1e-12)
            assert not torch.allclose(after[:, place:], before[:, place:], rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", ALL)
def test_rows_of_a_batch_are_apart(name: str) -> None:
    model, tokens = scrambled(model_of(shape_of(name)).double()), tokens_of(3)
    with torch.no_grad():
        assert torch.allclose(model(tokens)[1:2], model(tokens[1:2]), rtol=0, atol=1e-12)


def loss_of(model: Transformer, tokens: Tensor) -> Tensor:
    logits = model(tokens)
    value = nn.functional.cross_entropy(logits[:, :-1].flatten(0, 1), tokens[:, 1:].flatten())
    extra = model.auxiliary_loss()
    return value if extra is None else value + extra


@pytest.mark.parametrize("name", ALL)
def test_gradients_are_those_of_finite_differences(name: str) -> None:
    model, tokens = scrambled(model_of(shape_of(name)).double()), tokens_of(4)
    loss_of(model, tokens).backward()
    generator = torch.Generator().manual_seed(3)
    for name_of, weight in model.named_parameters():
        assert weight.grad is not None, name_of
        assert weight.grad.abs().sum() > 0, name_of
        way = torch.randn(weight.shape, generator=generator, dtype=torch.float64)
        step = 1e-6 / float(way.norm())
        ends = []
        for sign in (1, -1):
            weight.data += sign * step * way
            with torch.enable_grad():  # for the load balance, which is kept where there is a gradient
                ends.append(float(loss_of(model, tokens).detach()))
            weight.data -= sign * step * way
        slope = float((weight.grad * way).sum())
        assert (ends[0] - ends[1]) / (2 * step) == pytest.approx(slope, rel=1e-4, abs=1e-7), name_of


@pytest.mark.parametrize("name", ALL)
def test_counts_equal_torchs(name: str) -> None:
    shape = shape_of(name)
    model, tokens = model_of(shape), tokens_of(1)
    assert shape.parameters().total == sum(p.numel() for p in model.parameters())
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as forward:
        loss = model(tokens).logsumexp(-1).sum()
    square = forward_flops(shape, CONTEXT, causal=False).total  # the math back end multiplies the whole square
    assert forward.get_total_flops() == square
    with FlopCounterMode(display=False) as backward:
        loss.backward()
    assert backward.get_total_flops() == (TRAINING_PASSES - 1) * square


@pytest.mark.parametrize("name", DENSE)
def test_stacked_models_are_the_separate_ones(name: str) -> None:
    models = [scrambled(model_of(shape_of(name), seed).double()) for seed in range(3)]
    weights, buffers = stack_module_state(models)
    tokens = torch.stack([tokens_of(), tokens_of().flip(0), tokens_of().roll(1, 1)])
    frame = copy.deepcopy(models[0]).to("meta")

    def loss(of: dict[str, Tensor], kept: dict[str, Tensor], batch: Tensor) -> Tensor:
        return functional_call(frame, (of, kept), (batch,)).logsumexp(-1).mean()

    with sdpa_kernel(SDPBackend.MATH):  # the fused attention of CPUs has no batched form
        slopes, values = vmap(torch.func.grad_and_value(loss))(weights, buffers, tokens)
    for number, model in enumerate(models):
        alone = model(tokens[number]).logsumexp(-1).mean()
        assert values[number].item() == pytest.approx(alone.item(), rel=1e-12)
        alone.backward()
        for name_of, weight in model.named_parameters():
            assert torch.allclose(slopes[name_of][number], weight.grad, rtol=1e-9, atol=1e-12), name_of


def test_the_plain_model_is_drawn_as_ever() -> None:
    """Names, and weights of a seed, in the order that the shipped ladder and the character model were drawn in."""
    shape = Shape(**PLAIN)
    width, inner, deviation = shape.width, shape.heads * shape.head_size, 0.02
    torch.manual_seed(3)
    expected = {"embedding.weight": nn.Embedding(shape.vocab, width).weight}
    for i in range(shape.layers):
        sizes = {"attention.qkv": (width, 3 * inner), "attention.out": (inner, width),
                 "feed_forward.up": (width, 2 * shape.ffn), "feed_forward.out": (shape.ffn, width)}  # fmt: skip
        expected |= {f"blocks.{i}.{k}.weight": nn.Linear(*size, bias=False).weight for k, size in sizes.items()}
    for name, weight in expected.items():
        nn.init.normal_(weight, std=deviation / (2 * shape.layers) ** 0.5 if name.endswith("out.weight") else deviation)
    drawn = model_of(shape, 3).state_dict()
    assert {name for name in drawn if "norm" not in name} == set(expected)
    assert all(torch.equal(drawn[name], weight) for name, weight in expected.items())
    assert all((drawn[name] == 1).all() for name in drawn if "norm" in name)


@pytest.mark.parametrize("name", ["looped", "stable_loop", "streams"])
def test_at_one_there_is_nothing_but_the_plain_model(name: str) -> None:
    one = shape_of(name, **{key: 1 for key in ("loops", "streams") if key in ALL[name]}, looped_layers=None)
    plain = Shape(**PLAIN)
    assert mechanisms_of(one) == {}
    assert one.parameters() == plain.parameters()
    assert forward_flops(one, CONTEXT) == forward_flops(plain, CONTEXT)
    assert torch.equal(model_of(one)(tokens_of()), model_of(plain)(tokens_of()))


@pytest.mark.parametrize("loops", [1, 2, 3])
def test_a_loop_is_the_deep_model_of_the_same_blocks(loops: int) -> None:
    model = scrambled(model_of(shape_of("looped", loops=2)))
    model.body.loops = loops
    order = [0, *[1, 2] * loops, 3]
    deep = model_of(Shape(**{**PLAIN, "layers": len(order)}))
    deep.load_state_dict(
        {k: v for k, v in model.state_dict().items() if "blocks" not in k}
        | {f"blocks.{place}.{k}": v for place, i in enumerate(order) for k, v in model.blocks[i].state_dict().items()}
    )
    assert torch.equal(model(tokens_of()), deep(tokens_of()))


@pytest.mark.parametrize("injection", ["diagonal", "dense"])
def test_without_injection_the_stable_loop_is_the_loop(injection: str) -> None:
    stable = scrambled(model_of(shape_of("stable_loop", injection=injection)))
    looped = model_of(shape_of("looped"))
    looped.load_state_dict({k: v for k, v in stable.state_dict().items() if not k.startswith("body.")})
    stable.body.decay.data.fill_(-torch.inf)  # exp(-step exp(a)) = 1: all of the state is kept
    stable.body.inject.data.zero_()
    assert torch.equal(stable(tokens_of()), looped(tokens_of()))


def test_the_state_of_a_stable_loop_contracts_whatever_is_learned() -> None:
    body = model_of(shape_of("stable_loop")).body
    assert torch.allclose(body.kept(), torch.tensor(-1.0).exp())
    body.decay.data.normal_(std=2)
    body.step.data.normal_(std=2)
    assert (body.kept() < 1).all()
    assert (body.kept() >= 0).all()


def test_streams_that_are_equal_are_one_stream() -> None:
    """With one prefix for all, streams agree and any weights that sum to one give what a stream gives."""
    model = scrambled(model_of(shape_of("streams", streams=3)).double())
    for block in model.blocks:
        for prefix in (block.attention.prefix_key, block.attention.prefix_value):
            prefix.data[:] = prefix.data[:1].clone()
    tokens, heard = tokens_of(), []
    model.norm.register_forward_hook(lambda module, given, made: heard.append(made))
    logits = model(tokens)
    each = heard[0].unflatten(0, (3, -1))
    assert torch.allclose(each[0], each[2], rtol=0, atol=1e-12)
    assert torch.allclose(logits, each[0] @ model.embedding.weight.T, rtol=0, atol=1e-10)


def test_a_prefix_takes_its_share_of_the_attention() -> None:
    """Keys of zeros score exp(0) = 1 each: they add their number to the sum that the scores are divided by."""
    attention = scrambled(model_of(shape_of("streams")).double()).blocks[0].attention
    attention.prefix_key.data.zero_()
    attention.prefix_value.data.zero_()
    query, key, value = torch.randn((3, 4, 2, 6, 8), dtype=torch.float64)
    scores = (query @ key.transpose(-1, -2) / 8**0.5).exp().tril()
    expected = scores @ value / (scores.sum(-1, keepdim=True) + STREAM_PREFIX)
    assert torch.allclose(attention.mix(query, key, value), expected, rtol=0, atol=1e-12)


def test_one_expert_is_the_feed_forward() -> None:
    model = scrambled(model_of(Shape(**PLAIN, experts=1, active_experts=1)))
    plain = model_of(Shape(**PLAIN))
    plain.load_state_dict({k.replace("experts.0.", ""): v for k, v in model.state_dict().items() if "router" not in k})
    assert torch.equal(model(tokens_of()), plain(tokens_of()))
    assert model.auxiliary_loss().item() == pytest.approx(BALANCE * PLAIN["layers"])


def test_a_token_meets_its_experts_and_no_other() -> None:
    """Against the sum over all experts, weighed by the probabilities of the chosen alone."""
    mixture = scrambled(model_of(shape_of("experts")).double()).blocks[2].feed_forward
    x = torch.randn((2, 5, PLAIN["width"]), dtype=torch.float64)
    probability = mixture.router(x).softmax(-1)
    least = probability.sort(-1, descending=True).values[..., [mixture.active - 1]]
    weights = probability * (probability >= least)
    every = torch.stack([expert(x) for expert in mixture.experts], dim=-1)
    expected = (every * weights.unsqueeze(-2)).sum(-1) + mixture.shared[0](x)
    assert torch.allclose(mixture(x), expected, rtol=0, atol=1e-12)


def test_imbalance_is_one_when_even_and_experts_when_all_go_to_one() -> None:
    even = imbalance(torch.full((8, 4), 0.25), torch.arange(16).reshape(8, 2) % 4)
    one = imbalance(torch.eye(4)[torch.zeros(8, dtype=torch.long)], torch.zeros((8, 1), dtype=torch.long))
    assert (float(even), float(one)) == (1.0, 4.0)


def test_the_auxiliary_loss_is_that_of_the_last_pass() -> None:
    model = model_of(shape_of("experts"))
    first, twice = (model(tokens_of()), model.auxiliary_loss())[1], (model(tokens_of()), model.auxiliary_loss())[1]
    assert first.item() == twice.item() == model.auxiliary_loss().item()
    copied = copy.deepcopy(model)
    assert copied.auxiliary_loss() is None
    copied(tokens_of())
    assert copied.auxiliary_loss().item() == first.item()
    with torch.no_grad():
        model(tokens_of())
    assert model.auxiliary_loss() is None
    assert model_of(Shape(**PLAIN)).auxiliary_loss() is None


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"window": 4, "window_layers": 1}, "window, window_layers"),
        ({"loops": 2, "recursive": True}, "recursive"),
        ({"gated": False}, "gated, tied and multi-head"),
        ({"kv_heads": 1}, "gated, tied and multi-head"),
        ({"norm": "layer"}, "norm"),
    ],
)
def test_what_no_mechanism_builds_is_refused(fields: dict[str, object], said: str) -> None:
    with pytest.raises(Refused, match=said):
        build(Shape(**{**PLAIN, **fields}), CONTEXT)


@pytest.mark.parametrize("name", [name for name in EXAMPLES if name != "plain"])
def test_the_bare_transformer_takes_no_mechanism_for_plain(name: str) -> None:
    with pytest.raises(Refused, match="the plain transformer has no"):
        Transformer(shape_of(name), CONTEXT)


def test_an_unknown_mechanism_is_refused_with_the_nearest() -> None:
    with pytest.raises(Refused, match="looped"):
        find_mechanism("loopd")
