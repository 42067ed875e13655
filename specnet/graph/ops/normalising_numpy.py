"""Normalising as functions that a person would write, for the programs that models are exported to."""

NORMAL = """\
def normal(x, mean, variance, epsilon):
    return (x - mean) / np.sqrt(variance + epsilon)"""

BATCH_MOMENTS = """\
def batch_moments(x):
    variance = x.var(axis=0)
    return np.stack([x.mean(axis=0), variance, variance * (len(x) / max(len(x) - 1, 1))])"""

BATCH_NORM = """\
def batch_norm(x, moments, gamma, beta, epsilon):
    return gamma * normal(x, moments[0], moments[1], epsilon) + beta"""

BATCH_NORM_SUMS = """\
def batch_norm_sums(g, x, moments, epsilon):
    return np.stack([g.sum(axis=0), (g * normal(x, moments[0], moments[1], epsilon)).sum(axis=0)])"""

BATCH_NORM_GRAD = """\
def batch_norm_grad(g, x, moments, sums, gamma, epsilon):
    shared = sums[0] + normal(x, moments[0], moments[1], epsilon) * sums[1]
    return gamma / np.sqrt(moments[1] + epsilon) * (g - shared / len(x))"""

LAYER_NORM = """\
def layer_norm(x, center, epsilon):
    x = x - x.mean(axis=1, keepdims=True) if center else x
    return x / np.sqrt((x**2).mean(axis=1, keepdims=True) + epsilon)"""

LAYER_NORM_GRAD = """\
def layer_norm_grad(g, y, x, center, epsilon):
    x = x - x.mean(axis=1, keepdims=True) if center else x
    slope = g - y * (g * y).mean(axis=1, keepdims=True)
    slope = slope - g.mean(axis=1, keepdims=True) if center else slope
    return slope / np.sqrt((x**2).mean(axis=1, keepdims=True) + epsilon)"""

BY_GROUPS = """\
def by_groups(function, arrays, groups, **options):
    n, places, features = arrays[0].shape
    parts = [a.reshape(n, places, groups, -1).swapaxes(1, 2).reshape(n * groups, -1) for a in arrays]
    made = function(*parts, center=True, **options).reshape(n, groups, places, -1)
    return made.swapaxes(1, 2).reshape(n, places, features)"""

GROUP_NORM = """\
def group_norm(x, groups, epsilon):
    return by_groups(layer_norm, (x,), groups, epsilon=epsilon)"""

GROUP_NORM_GRAD = """\
def group_norm_grad(g, y, x, groups, epsilon):
    return by_groups(layer_norm_grad, (g, y, x), groups, epsilon=epsilon)"""
