"""Every loss, forward and backward, against PyTorch or its definition."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from specnet.graph import ops
from specnet.graph.graph import Graph
from specnet.graph.leaves import leaf
from specnet.graph.sizes import BATCH
from specnet.vocabulary.losses import LOSSES
from specnet.vocabulary.metrics import METRICS
from tests.support.compiled import checked
from tests.support.examples import examples
from tests.support.graphs import pulled_back

torch = pytest.importorskip("torch")
F = torch.nn.functional

N, C = 12, 4
RNG = np.random.default_rng(0)
OUTPUTS = {
    "ordinary": RNG.normal(0.0, 3.0, (N, C)),
    "extreme": np.array([[-1e3, 1e3, 0.0, 1e-8], [1e-8, -1e-8, 0.0, 0.0], [700.0, -700.0, 40.0, -40.0]]),
    "zero": np.zeros((5, C)),
}
WEIGHTS = (0.5, 2.0, 1.0, 3.0)


def real(y):
    return np.random.default_rng(1).normal(0.0, 3.0, y.shape)


def near(y):
    return y + np.random.default_rng(1).choice([-1e-8, 0.0, 1e-8, 1e-4, 1e3], y.shape)


def binary(y):
    return np.random.default_rng(1).integers(0, 2, y.shape).astype(float)


def signs(y):
    return binary(y) * 2.0 - 1.0


def soft(y):
    return np.random.default_rng(1).random(y.shape)


def counts(y):
    return np.random.default_rng(1).poisson(2.0, y.shape).astype(float)


def index(y):
    return np.random.default_rng(1).integers(0, C, len(y))


def one_hot(y):
    return np.eye(C)[index(y)]


def rows(y):
    t = np.random.default_rng(1).dirichlet(np.ones(C), len(y))
    t[0] = [0.0, 0.5, 0.5, 0.0]
    return t


@dataclass(frozen=True)
class Row:
    type: str
    torch: Callable
    target: Callable
    options: dict = field(default_factory=dict)
    activation: str = "identity"
    outputs: tuple[str, ...] = ("ordinary", "extreme", "zero")


def smoothed_with_class_weights(y, t):
    # PyTorch weighs each term of a smoothed target; here the row has the weight of its class, as in Keras.
    return F.cross_entropy(y, t, reduction="none", label_smoothing=0.1) * torch.tensor(WEIGHTS)[t]


def kl(y, t):
    return F.kl_div(F.log_softmax(y, -1), t, reduction="none").sum(-1)


def log_cosh(y, t):
    r = (y - t).abs()
    # log(cosh(r)) = log1p(2 sinh(r / 2)^2), which overflows only where r - log(2) is exact.
    small = torch.log1p(2.0 * torch.sinh(r.clamp(max=300.0) / 2.0) ** 2)
    return torch.where(r < 300.0, small, r - np.log(2.0))


def bce(y, t, **options):
    return F.binary_cross_entropy_with_logits(y, t, reduction="none", **options)


def focal(y, t, gamma=2.0, weights=None):
    """The loss of Lin et al. (2017), from its definition."""
    logp = F.log_softmax(y, -1)
    t = F.one_hot(t, C).double() if t.dtype == torch.int64 else t
    missed = -torch.expm1(logp)
    terms = t * missed.clamp(min=1e-30) ** gamma * -logp
    return (terms if weights is None else terms * torch.tensor(weights)).sum(-1)


def binary_focal(y, t, gamma=2.0, alpha=None):
    """The lines of torchvision's `sigmoid_focal_loss`."""
    # 1 - p_t without the difference, which has no digits left where p_t is nearly 1.
    missed = t * torch.sigmoid(-y) + (1 - t) * torch.sigmoid(y)
    loss = bce(y, t) * missed.clamp(min=1e-30) ** gamma
    return loss if alpha is None else (alpha * t + (1 - alpha) * (1 - t)) * loss


def dice(y, t, smooth=1.0, power=1):
    p = y.softmax(-1)
    t = F.one_hot(t, C).double() if t.dtype == torch.int64 else t
    axes = tuple(range(1, y.dim() - 1))
    both, below = p * t, p**power + t**power
    if axes:
        both, below = both.sum(axes), below.sum(axes)
    return (1 - (2 * both + smooth) / (below + smooth)).mean(-1)


def binary_dice(y, t, smooth=1.0, power=1):
    p, t = y.sigmoid().flatten(1), t.flatten(1)
    return 1 - (2 * (p * t).sum(1) + smooth) / ((p**power).sum(1) + (t**power).sum(1) + smooth)


def gaussian(y, t, full=False, epsilon=1e-6):
    mean, s = y.chunk(2, -1)
    return F.gaussian_nll_loss(mean, t, s.exp() + epsilon, full=full, eps=1e-30, reduction="none")


def cosine(y, t, epsilon=5.0):
    # Where a length is below epsilon, PyTorch's own function gives the slope of the length all the same.
    a, b = (torch.clamp((x * x).sum(-1), min=epsilon**2).sqrt() for x in (y, t))
    costs = 1 - (y * t).sum(-1) / (a * b)
    torch.testing.assert_close(costs, 1 - F.cosine_similarity(y, t, -1, epsilon))
    return costs


def distance(a, b):
    return ((a - b) ** 2).sum().clamp(min=1e-12).sqrt()


def triplet(y, t, mining="semi_hard", margin=1.0):
    """The definitions, row by row and pair by pair."""
    costs = []
    for a in range(len(y)):
        ps = [distance(y[a], y[i]) for i in range(len(y)) if t[i] == t[a] and i != a]
        ns = [distance(y[a], y[i]) for i in range(len(y)) if t[i] != t[a]]
        if not ps or not ns:
            costs.append(y.sum() * 0.0)
        elif mining == "hard":
            costs.append((torch.stack(ps).amax() - torch.stack(ns).amin() + margin).relu())
        elif mining == "all":
            costs.append(torch.stack([(p - n + margin).relu() for p in ps for n in ns]).mean())
        else:
            beyond = [[n for n in ns if n > p] for p in ps]
            chosen = [torch.stack(b).amin() if b else torch.stack(ns).amax() for b in beyond]
            costs.append(
                torch.stack([(p - n + margin).relu() for p, n in zip(ps, chosen, strict=True)]).mean()
            )
    return torch.stack(costs)


def contrastive(y, t, margin=1.0):
    rows = range(len(y))
    return torch.stack([
        torch.stack([
            distance(y[i], y[j]) ** 2 / 2 if t[i] == t[j] else (margin - distance(y[i], y[j])).relu() ** 2 / 2
            for j in rows if j != i
        ]).mean()
        for i in rows
    ])  # fmt: skip


def half(y):
    return np.random.default_rng(1).normal(0.0, 3.0, (*y.shape[:-1], y.shape[-1] // 2))


def pinball(y, t, levels=(0.2, 0.7)):
    y = y.reshape(len(y), -1, len(levels))
    return torch.stack(
        [
            torch.where(t >= y[..., i], q * (t - y[..., i]), (q - 1) * (t - y[..., i]))
            for i, q in enumerate(levels)
        ],
        -1,
    )


TABLE = [
    Row("quantile", pinball, half, {"quantiles": [0.2, 0.7]}, activation="median"),
    Row("mse", lambda y, t: F.mse_loss(y, t, reduction="none"), real),
    Row("mse", lambda y, t: F.mse_loss(y, t, reduction="none"), near),
    Row("mae", lambda y, t: F.l1_loss(y, t, reduction="none"), real),
    Row("mae", lambda y, t: F.l1_loss(y, t, reduction="none"), near),
    Row("huber", lambda y, t: F.huber_loss(y, t, reduction="none"), real),
    Row("huber", lambda y, t: F.huber_loss(y, t, reduction="none", delta=2.5), near, {"delta": 2.5}),
    Row("log_cosh", log_cosh, real),
    Row("log_cosh", log_cosh, near),
    Row("cross_entropy", lambda y, t: F.cross_entropy(y, t, reduction="none"), index, activation="softmax"),
    Row("cross_entropy", lambda y, t: F.cross_entropy(y, t, reduction="none"), one_hot, activation="softmax"),
    Row("cross_entropy", lambda y, t: F.cross_entropy(y, t, reduction="none"), rows, activation="softmax"),
    *(
        Row(
            "cross_entropy",
            lambda y, t: F.cross_entropy(y, t, reduction="none", label_smoothing=0.1),
            target,
            {"label_smoothing": 0.1},
            "softmax",
        )
        for target in (index, one_hot, rows)
    ),
    *(
        Row(
            "cross_entropy",
            lambda y, t: F.cross_entropy(y, t, torch.tensor(WEIGHTS, dtype=y.dtype), reduction="none"),
            target,
            {"class_weights": list(WEIGHTS)},
            "softmax",
        )
        for target in (index, one_hot)
    ),
    Row(
        "cross_entropy",
        smoothed_with_class_weights,
        index,
        {"class_weights": list(WEIGHTS), "label_smoothing": 0.1},
        "softmax",
    ),
    Row("kl_divergence", kl, rows, activation="softmax"),
    Row("kl_divergence", lambda y, t: F.cross_entropy(y, t, reduction="none"), index, activation="softmax"),
    Row("binary_cross_entropy", bce, binary, activation="sigmoid"),
    Row("binary_cross_entropy", bce, soft, activation="sigmoid"),
    Row(
        "binary_cross_entropy",
        lambda y, t: bce(y, t, pos_weight=torch.tensor(3.0)),
        binary,
        {"positive_weight": 3.0},
        "sigmoid",
    ),
    Row(
        "binary_cross_entropy",
        lambda y, t: bce(y, t * 0.8 + 0.1),
        binary,
        {"label_smoothing": 0.2},
        "sigmoid",
    ),
    Row("hinge", lambda y, t: (1.0 - t * y).relu(), signs),
    Row("hinge", lambda y, t: (1.0 - (2.0 * t - 1.0) * y).relu(), binary),
    Row("squared_hinge", lambda y, t: (1.0 - t * y).relu() ** 2, signs),
    Row("squared_hinge", lambda y, t: (1.0 - (2.0 * t - 1.0) * y).relu() ** 2, binary),
    # exp(1000) is infinite, in PyTorch as here.
    Row(
        "poisson",
        lambda y, t: F.poisson_nll_loss(y, t, reduction="none"),
        counts,
        activation="exp",
        outputs=("ordinary", "zero"),
    ),
    Row(
        "poisson",
        lambda y, t: F.poisson_nll_loss(y.exp(), t, log_input=False, reduction="none"),
        counts,
        {"log_input": False},
        outputs=("ordinary", "zero"),
    ),
    *(Row("focal", focal, target, activation="softmax") for target in (index, one_hot, rows)),
    *(
        Row("focal", lambda y, t, g=g: focal(y, t, g, WEIGHTS), target, {"gamma": g, "class_weights": list(WEIGHTS)},
            "softmax")
        for target in (index, rows) for g in (0.0, 0.5, 1.0, 3.0)
    ),
    *(Row("binary_focal", binary_focal, target, activation="sigmoid") for target in (binary, soft)),
    *(
        Row("binary_focal", lambda y, t, g=g: binary_focal(y, t, g, 0.25), binary, {"gamma": g, "alpha": 0.25},
            "sigmoid")
        for g in (0.0, 0.5, 1.0, 3.0)
    ),
    *(Row("dice", dice, target, activation="softmax") for target in (index, one_hot, rows)),
    Row("dice", lambda y, t: dice(y, t, 0.1, 2), rows, {"smooth": 0.1, "squared": True}, "softmax"),
    *(Row("binary_dice", binary_dice, target, activation="sigmoid") for target in (binary, soft)),
    Row("binary_dice", lambda y, t: binary_dice(y, t, 0.1, 2), soft, {"smooth": 0.1, "squared": True}, "sigmoid"),
    Row("cosine_similarity", lambda y, t: 1 - F.cosine_similarity(y, t, -1, 1e-8), real),
    Row("cosine_similarity", cosine, real, {"epsilon": 5.0}),
    *(
        Row("triplet", lambda y, t, o=o: triplet(y, t, **o), index, o, outputs=("ordinary", "zero"))
        for o in ({}, {"mining": "hard"}, {"mining": "hard", "margin": 4.0}, {"margin": 5.0}, {"mining": "all"},
                  {"mining": "all", "margin": 5.0})
    ),
    *(
        Row("contrastive", lambda y, t, o=o: contrastive(y, t, **o), index, o, outputs=("ordinary", "zero"))
        for o in ({}, {"margin": 6.0})
    ),
    # exp(1000) is infinite, and PyTorch takes the variance itself.
    Row("gaussian_nll", gaussian, half, activation="mean", outputs=("ordinary", "zero")),
    Row(
        "gaussian_nll",
        lambda y, t: gaussian(y, t, full=True, epsilon=0.01),
        half,
        {"full": True, "epsilon": 0.01},
        "mean",
        outputs=("ordinary", "zero"),
    ),
]  # fmt: skip
ROWS = pytest.mark.parametrize(
    "row", [pytest.param(r, id=f"{r.type}-{r.target.__name__}-{i}") for i, r in enumerate(TABLE)]
)


def loss_of(row):
    return LOSSES.validate({"type": row.type, **row.options})


def test_the_table_covers_every_loss():
    # Its targets are sequences: tests/vocabulary/test_ctc.py.
    assert {row.type for row in TABLE} == set(LOSSES.kinds) - {"ctc"}


def ours(loss, y, t, dtype="float64", through=None):
    """Return the elements, and the gradient of their mean, from plans that agree with the reference."""
    graph = Graph(dtype)
    output = leaf(graph, "y", "input", (BATCH, *y.shape[1:]))
    target = leaf(graph, "t", "target", (BATCH, *t.shape[1:]), "int64" if t.dtype == np.int64 else None)
    assert loss.fault(output.shape, target.shape, target.dtype, None) is None
    elements = loss.elements(output if through is None else through(output), target)
    (slope,) = pulled_back(graph, ops.mean_all(elements), [output])
    return checked(graph, {"y": y, "t": t}, [elements, slope], len(y))


@ROWS
@pytest.mark.parametrize("which", OUTPUTS)
def test_it_agrees_with_pytorch(row, which):
    if which not in row.outputs:
        return
    y, loss = OUTPUTS[which], loss_of(row)
    t = row.target(y)
    there = torch.tensor(y, requires_grad=True)
    meant = row.torch(there, torch.tensor(t))
    meant.mean().backward()
    exponential = row.type == "poisson" and not loss.log_input
    elements, slope = ours(loss, y, t, through=ops.exp if exponential else None)
    np.testing.assert_allclose(elements, meant.detach(), 1e-9, 1e-15)
    np.testing.assert_allclose(slope, there.grad, 1e-9, 1e-15)
    assert loss.output_activation == row.activation


@ROWS
def test_float32_is_finite_at_the_extremes(row):
    if "extreme" in row.outputs:
        y = OUTPUTS["extreme"]
        elements, slope = ours(loss_of(row), y, row.target(y), "float32")
        assert np.isfinite(elements).all()
        assert np.isfinite(slope).all()


BY_ROW = ("binary_dice", "cosine_similarity")


@pytest.mark.parametrize(
    "row", [r for r in TABLE if r.target in (real, binary) and r.type not in BY_ROW], ids=lambda r: r.type
)
def test_one_output_may_meet_targets_without_an_axis_of_their_own(row):
    """A target (n,) must not stretch against an output (n, 1) into a matrix."""
    y, loss = OUTPUTS["ordinary"][:, :1], loss_of(row)
    t = row.target(y)
    plain, _ = ours(loss, y, t)
    flat, _ = ours(loss, y, t[:, 0])
    whole, _ = ours(loss, y, np.round(t[:, 0]).astype(np.int64))
    assert flat.shape == (N, 1)
    np.testing.assert_array_equal(plain, flat)
    np.testing.assert_array_equal(whole, ours(loss, y, np.round(t))[0])


@pytest.mark.parametrize("name", ["cross_entropy", "kl_divergence"])
def test_sequences_have_a_class_at_each_place(name):
    y = np.random.default_rng(3).normal(size=(5, 2, C))
    t = np.random.default_rng(4).integers(0, C, (5, 2))
    elements, _ = ours(LOSSES.validate(name), y, t)
    meant = F.cross_entropy(torch.tensor(y.reshape(10, C)), torch.tensor(t.reshape(10)), reduction="none")
    np.testing.assert_allclose(elements.reshape(10), meant, 1e-12)


@pytest.mark.parametrize(
    ("name", "shape", "meant", "drawn"),
    [
        ("dice", (5, 3, 2, C), dice, lambda y: F.one_hot(torch.tensor(y).argmax(-1), C).double().numpy()),
        ("binary_dice", (5, 3, 2, 1), binary_dice, binary),
        ("binary_dice", (5, 3, 2), binary_dice, soft),
    ],
)
def test_overlaps_are_of_whole_examples(name, shape, meant, drawn):
    y = np.random.default_rng(3).normal(size=shape)
    t = drawn(np.random.default_rng(4).normal(size=shape))
    there = torch.tensor(y, requires_grad=True)
    expected = meant(there, torch.tensor(t))
    expected.mean().backward()
    elements, slope = ours(LOSSES.validate(name), y, t)
    assert elements.shape == (5,)
    np.testing.assert_allclose(elements, expected.detach(), 1e-12)
    np.testing.assert_allclose(slope, there.grad, 1e-10)


def test_focal_without_gamma_is_cross_entropy():
    y = OUTPUTS["ordinary"]
    for name, plain, t in (
        ("focal", "cross_entropy", index(y)),
        ("binary_focal", "binary_cross_entropy", soft(y)),
    ):
        elements, slope = ours(LOSSES.validate({"type": name, "gamma": 0.0}), y, t)
        meant, meant_slope = ours(LOSSES.validate(plain), y, t)
        np.testing.assert_allclose(elements, meant, 1e-14)
        np.testing.assert_allclose(slope, meant_slope, 1e-12, 1e-15)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ["triplet", "contrastive"])
def test_embeddings_far_apart_and_in_one_place_have_finite_slopes(name, dtype):
    for y in (OUTPUTS["extreme"], OUTPUTS["extreme"] * 1e4, np.ones((4, 2)), np.full((3, 2), 1e6)):
        for mining in ("hard", "semi_hard", "all") if name == "triplet" else (None,):
            options = {} if mining is None else {"mining": mining}
            loss = LOSSES.validate({"type": name, **options})
            elements, slope = ours(loss, y, np.arange(len(y)) % 2, dtype)
            assert np.isfinite(elements).all()
            assert np.isfinite(slope).all()


@pytest.mark.parametrize("options", [{"mining": m} for m in ("hard", "semi_hard", "all")])
@pytest.mark.parametrize("classes", [(0, 0, 0), (0, 1, 2), (0, 0, 1), (3,)])
def test_rows_without_a_triplet_cost_nothing(options, classes):
    y, t = np.random.default_rng(0).normal(size=(len(classes), 2)), np.array(classes)
    elements, slope = ours(LOSSES.validate({"type": "triplet", "margin": 9.0, **options}), y, t)
    whole = [np.sum(t == c) > 1 and np.any(t != c) for c in t]
    np.testing.assert_array_equal(elements > 0.0, whole)
    assert np.isfinite(slope).all()


def test_a_gaussian_is_smallest_at_the_targets_own_spread():
    """Over many draws the best log-variance is that of the draws: the slope there is 0."""
    t = np.random.default_rng(0).normal(2.0, 3.0, (500, 1))
    best = np.array([[t.mean(), np.log(t.var())]])
    _, slope = ours(LOSSES.validate({"type": "gaussian_nll", "epsilon": 1e-12}), np.repeat(best, 500, 0), t)
    np.testing.assert_allclose(slope.sum(0), 0.0, atol=1e-12)


def test_log_cosh_keeps_its_digits_near_zero():
    y = np.array([[1e-8], [-1e-5], [3e-4], [0.02]])
    elements, _ = ours(LOSSES.validate("log_cosh"), y, np.zeros((4, 1)))
    series = y**2 / 2 - y**4 / 12 + y**6 / 45
    np.testing.assert_allclose(elements, series, 1e-12)


@settings(max_examples=examples(30), deadline=None)
@given(st.lists(st.floats(-1e4, 1e4), min_size=2, max_size=6), st.integers(0, 1))
def test_cross_entropy_of_two_classes_is_binary_cross_entropy(values, label):
    z = np.array(values)
    two = np.stack([np.zeros_like(z), z], axis=1)
    t = np.full(len(z), label)
    elements, _ = ours(LOSSES.validate("cross_entropy"), two, t)
    single, _ = ours(LOSSES.validate("binary_cross_entropy"), z[:, None], t.astype(float)[:, None])
    np.testing.assert_allclose(elements, single[:, 0], 1e-12, 1e-12)


FAULTS = [
    ("mse", (BATCH, 2), (BATCH, 1), "float32", None, "gives 2 values per row, and the data has 1 number"),
    ("mse", (BATCH, 1), (BATCH, 1), "float32", None, None),
    ("mse", (BATCH,), (BATCH, 1), "float32", None, None),
    ("mae", (BATCH, 4, 4, 3), (BATCH, 4, 4), "float32", None, "gives 4 x 4 x 3 values per row"),
    ("cross_entropy", (BATCH, 3), (BATCH,), "int64", 3, None),
    ("cross_entropy", (BATCH, 2), (BATCH,), "int64", 3, "gives 2 values, and the data has 3 classes"),
    # The highest classes may be missing from the data at hand.
    ("cross_entropy", (BATCH, 5), (BATCH,), "int64", 3, None),
    ("cross_entropy", (BATCH, 1), (BATCH,), "int64", 2, "give it 2 units, or take binary_cross_entropy"),
    (
        "cross_entropy",
        (BATCH, 4, 3),
        (BATCH,),
        "int64",
        3,
        "one class per row, and the last layer gives 4 x 3 values",
    ),
    ("cross_entropy", (BATCH, 3), (BATCH, 3), "float32", None, None),
    (
        "cross_entropy",
        (BATCH, 3),
        (BATCH, 4),
        "float32",
        None,
        "it gives 3 values, and the data has 4 numbers per row",
    ),
    (
        "cross_entropy",
        (BATCH, 1),
        (BATCH, 1),
        "float32",
        None,
        "it gives 1 value, and the data has 1 number per row",
    ),
    ("cross_entropy", (BATCH, 2), (BATCH, 3), "float32", 3, "gives 2 values, and the data has 3 classes"),
    ("mse", (BATCH, 3), (BATCH, 1), "float32", 3, "cross_entropy takes a class index for that many outputs"),
    ("kl_divergence", (BATCH, 3), (BATCH, 1), "float32", None, "takes a class index for each row"),
    ("binary_cross_entropy", (BATCH, 1), (BATCH, 1), "float32", 2, None),
    ("binary_cross_entropy", (BATCH, 3), (BATCH, 3), "float32", None, None),
    (
        "binary_cross_entropy",
        (BATCH, 1),
        (BATCH, 1),
        "float32",
        3,
        "the data has 3: cross_entropy with 3 outputs",
    ),
    (
        "binary_cross_entropy",
        (BATCH, 2),
        (BATCH, 1),
        "float32",
        2,
        "gives 2 values per row, and the data has 1 label",
    ),
    ("focal", (BATCH, 1), (BATCH,), "int64", 2, "give it 2 units, or take binary_focal"),
    ("dice", (BATCH, 1), (BATCH,), "int64", 2, "give it 2 units, or take binary_dice"),
    ("dice", (BATCH, 4, 4, 3), (BATCH, 4, 4, 3), "float32", None, None),
    ("binary_dice", (BATCH, 4, 4, 1), (BATCH, 4, 4), "float32", None, None),
    (
        "binary_dice",
        (BATCH, 4, 4),
        (BATCH, 4, 2),
        "float32",
        None,
        "gives 4 x 4 values per row, and the data has 4 x 2",
    ),
    ("binary_focal", (BATCH, 1), (BATCH, 1), "float32", 3, "the data has 3: cross_entropy with 3 outputs"),
    ("cosine_similarity", (BATCH, 3), (BATCH, 3), "float32", None, None),
    ("cosine_similarity", (BATCH, 1), (BATCH, 1), "float32", None, "a single value per row has only two"),
    (
        "cosine_similarity",
        (BATCH, 3),
        (BATCH, 2),
        "float32",
        None,
        "gives 3 values per row, and the data has 2 numbers",
    ),
    ("gaussian_nll", (BATCH, 2), (BATCH, 1), "float32", None, None),
    ("gaussian_nll", (BATCH, 2), (BATCH,), "float32", None, None),
    ("gaussian_nll", (BATCH, 5, 6), (BATCH, 5, 3), "float32", None, None),
    (
        "gaussian_nll",
        (BATCH, 1),
        (BATCH, 1),
        "float32",
        None,
        "gives 1 value per row, and the data has 1 number: it takes 2 values",
    ),
    (
        "gaussian_nll",
        (BATCH, 3),
        (BATCH, 3),
        "float32",
        None,
        "gives 3 values per row, and the data has 3 numbers: it takes 6 values",
    ),
    ("triplet", (BATCH, 7), (BATCH,), "int64", 3, None),
    ("triplet", (BATCH, 1), (BATCH,), "int64", 3, None),
    (
        "contrastive",
        (BATCH, 2, 7),
        (BATCH,),
        "int64",
        3,
        "the last layer gives 2 x 7 values: a `flatten` layer",
    ),
    (
        "contrastive",
        (BATCH, 7),
        (BATCH, 1),
        "float32",
        None,
        "a class index for each row, and the data has 1 number",
    ),
    ("hinge", (BATCH, 1), (BATCH,), "int64", 4, "is for two classes, and the data has 4"),
]


@pytest.mark.parametrize(("name", "output", "target", "dtype", "classes", "message"), FAULTS)
def test_outputs_that_do_not_fit_the_data_are_reported(name, output, target, dtype, classes, message):
    found = LOSSES.validate(name).fault(output, target, dtype, classes)
    assert (found is None) if message is None else (message in (found or ""))


@pytest.mark.parametrize(
    ("name", "least", "most", "message"),
    [
        ("mse", -1e9, 1e9, None),
        ("cross_entropy", 0.0, 9.0, None),
        ("cross_entropy", -0.5, 1.0, "cross_entropy takes targets of at least 0, and the data has -0.5"),
        ("kl_divergence", -1.0, 1.0, "kl_divergence takes targets of at least 0, and the data has -1"),
        ("binary_cross_entropy", 0.0, 1.0, None),
        (
            "binary_cross_entropy",
            -1.0,
            1.0,
            "binary_cross_entropy takes targets from 0 to 1, and the data has -1",
        ),
        (
            "binary_cross_entropy",
            0.0,
            9.0,
            "binary_cross_entropy takes targets from 0 to 1, and the data has 9",
        ),
        ("hinge", -1.0, 1.0, None),
        ("squared_hinge", 0.0, 2.0, "squared_hinge takes targets from -1 to 1, and the data has 2"),
        ("focal", -1.0, 1.0, "focal takes targets of at least 0, and the data has -1"),
        ("binary_dice", 0.0, 2.0, "binary_dice takes targets from 0 to 1, and the data has 2"),
        ("gaussian_nll", -1e9, 1e9, None),
        ("poisson", 0.0, 1e6, None),
        ("poisson", -0.25, 4.0, "poisson takes targets of at least 0, and the data has -0.25"),
    ],
)
def test_targets_that_a_loss_makes_no_sense_of_are_reported(name, least, most, message):
    assert LOSSES.validate(name).value_fault(least, most) == message


def test_class_weights_are_as_many_as_the_outputs():
    loss = LOSSES.validate({"type": "cross_entropy", "class_weights": [1.0, 2.0]})
    found = loss.fault((BATCH, 3), (BATCH,), "int64", 3)
    assert found == "`class_weights` has 2 numbers, and the last layer gives 3 values"
    assert loss.fault((BATCH, 2), (BATCH,), "int64", 2) is None


@pytest.mark.parametrize("loss", list(LOSSES), ids=lambda kind: kind.__name__)
def test_default_metrics_exist(loss):
    assert loss.default_metrics or loss.targets == "groups"
    assert set(loss.default_metrics) <= set(METRICS.kinds)


@pytest.mark.parametrize(
    "options",
    [
        {"type": "huber", "delta": 0.0},
        {"type": "cross_entropy", "label_smoothing": 1.0},
        {"type": "cross_entropy", "class_weights": [1.0]},
        {"type": "cross_entropy", "class_weights": [1.0, 0.0]},
        {"type": "binary_cross_entropy", "positive_weight": -1.0},
        {"type": "focal", "gamma": -0.5},
        {"type": "focal", "class_weights": [1.0]},
        {"type": "binary_focal", "alpha": 1.0},
        {"type": "dice", "smooth": 0.0},
        {"type": "gaussian_nll", "epsilon": 0.0},
        {"type": "triplet", "margin": 0.0},
        {"type": "triplet", "mining": "soft"},
        {"type": "mse", "scale": 0.0},
        {"type": "mse", "reduction": "none"},
    ],
)
def test_options_out_of_range_are_refused(options):
    with pytest.raises(ValidationError):
        LOSSES.validate(options)
