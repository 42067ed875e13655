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

GROUP_MEANS = """\
def group_means(x, groups):
    n, places, features = x.shape
    means = x.reshape(n, places, groups, -1).mean(axis=(1, 3))
    return means.repeat(features // groups, axis=1)[:, np.newaxis]"""

GROUP_MOMENTS = """\
def group_moments(x, groups, epsilon):
    mean = group_means(x, groups)
    variance = group_means((x - mean) ** 2, groups)
    return np.concatenate([mean, 1 / np.sqrt(variance + epsilon)], axis=1)"""

GROUP_NORM_GRAD = """\
def group_norm_grad(g, y, moments, groups):
    return moments[:, 1:] * (g - group_means(g, groups) - y * group_means(g * y, groups))"""
