"""The functions of listings: what several lines would say each time, or what NumPy has no function for."""

from __future__ import annotations

from specnet.compiler.image_phrases import IMAGE_HELPERS

HELPERS = {
    "sigmoid": """\
def sigmoid(x):
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-x))""",
    "softplus": """\
def softplus(x):
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))""",
    "softmax": """\
def softmax(x, axis=-1):
    exponential = np.exp(x - x.max(axis=axis, keepdims=True))
    return exponential / exponential.sum(axis=axis, keepdims=True)""",
    "log_softmax": """\
def log_softmax(x, axis=-1):
    shifted = x - x.max(axis=axis, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))""",
    "elu": """\
def elu(x, alpha):
    return np.maximum(x, 0) + alpha * np.expm1(np.minimum(x, 0))""",
    "huber": """\
def huber(x, delta):
    near = np.minimum(np.abs(x), delta)
    return near * (np.abs(x) - near / 2)""",
    "log_cosh": """\
def log_cosh(x):
    near = np.minimum(np.abs(x), 20)
    grown = np.expm1(near)
    return np.abs(x) - near + np.log1p(grown**2 / (2 * (grown + 1)))""",
    "erf": """\
def erf(x):
    return np.vectorize(math.erf, otypes=[x.dtype])(x)""",
    "dropout_mask": """\
def dropout_mask(generator, shape, rate):
    kept = generator.random(shape, dtype=np.float32) >= rate
    return kept.astype(dtype) * (1 / (1 - rate))""",
    "normal_noise": """\
def normal_noise(generator, shape, stddev):
    return generator.standard_normal(shape, dtype=dtype) * stddev""",
    "normal": """\
def normal(x, mean, variance, epsilon):
    return (x - mean) / np.sqrt(variance + epsilon)""",
    "batch_moments": """\
def batch_moments(x):
    variance = x.var(axis=0)
    return np.stack([x.mean(axis=0), variance, variance * (len(x) / max(len(x) - 1, 1))])""",
    "batch_norm": """\
def batch_norm(x, moments, gamma, beta, epsilon):
    return gamma * normal(x, moments[0], moments[1], epsilon) + beta""",
    "batch_norm_sums": """\
def batch_norm_sums(g, x, moments, epsilon):
    return np.stack([g.sum(axis=0), (g * normal(x, moments[0], moments[1], epsilon)).sum(axis=0)])""",
    "batch_norm_grad": """\
def batch_norm_grad(g, x, moments, sums, gamma, epsilon):
    shared = sums[0] + normal(x, moments[0], moments[1], epsilon) * sums[1]
    return gamma / np.sqrt(moments[1] + epsilon) * (g - shared / len(x))""",
    "layer_norm": """\
def layer_norm(x, center, epsilon):
    x = x - x.mean(axis=1, keepdims=True) if center else x
    return x / np.sqrt((x**2).mean(axis=1, keepdims=True) + epsilon)""",
    "layer_norm_grad": """\
def layer_norm_grad(g, y, x, center, epsilon):
    x = x - x.mean(axis=1, keepdims=True) if center else x
    slope = g - y * (g * y).mean(axis=1, keepdims=True)
    slope = slope - g.mean(axis=1, keepdims=True) if center else slope
    return slope / np.sqrt((x**2).mean(axis=1, keepdims=True) + epsilon)""",
    "by_groups": """\
def by_groups(function, arrays, groups, **options):
    n, places, features = arrays[0].shape
    parts = [a.reshape(n, places, groups, -1).swapaxes(1, 2).reshape(n * groups, -1) for a in arrays]
    made = function(*parts, center=True, **options).reshape(n, groups, places, -1)
    return made.swapaxes(1, 2).reshape(n, places, features)""",
    "group_norm": """\
def group_norm(x, groups, epsilon):
    return by_groups(layer_norm, (x,), groups, epsilon=epsilon)""",
    "group_norm_grad": """\
def group_norm_grad(g, y, x, groups, epsilon):
    return by_groups(layer_norm_grad, (g, y, x), groups, epsilon=epsilon)""",
    "mixture": """\
def mixture(size, factor):
    at = np.clip((np.arange(size * factor) + 0.5) / factor - 0.5, 0, size - 1)
    return np.maximum(1 - np.abs(at[:, None] - np.arange(size)), 0).astype(dtype)""",
    "upsample": """\
def upsample(x, factor):
    return mixture(x.shape[1], factor) @ x""",
    "upsample_grad": """\
def upsample_grad(x, factor):
    return mixture(x.shape[1] // factor, factor).T @ x""",
    "scatter_add": """\
def scatter_add(x, index, size):
    table = np.zeros((size, *x.shape[index.ndim :]), dtype)
    np.add.at(table, index, x)
    return table""",
    **IMAGE_HELPERS,
}
"""The functions that a listing may call, as they are written; `dtype` is the program's."""

CALLED = {
    "batch_norm": {"normal"},
    "batch_norm_grad": {"normal"},
    "batch_norm_sums": {"normal"},
    "group_norm": {"by_groups", "layer_norm"},
    "group_norm_grad": {"by_groups", "layer_norm_grad"},
    "upsample": {"mixture"},
    "upsample_grad": {"mixture"},
}
"""Which of these functions call others of them."""

DTYPED = {"dropout_mask", "mixture", "normal_noise", "scatter_add"}
"""Those that know the program's dtype."""
