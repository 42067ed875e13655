"""Convolution as functions that a person would write, for the programs that models are exported to."""

PATCHES = """\
def patches(x, kernel, strides, padding, dilation):
    x = np.pad(x, ((0, 0), *padding, (0, 0)))
    reach = [(size - 1) * apart + 1 for size, apart in zip(kernel, dilation)]
    seen = np.lib.stride_tricks.sliding_window_view(x, reach, axis=(1, 2))
    seen = seen[:, :: strides[0], :: strides[1], :, :: dilation[0], :: dilation[1]]
    return seen.transpose(0, 1, 2, 4, 5, 3)"""

CONV2D = """\
def conv2d(x, kernel, strides, padding, dilation, groups):
    seen = np.split(patches(x, kernel.shape[:2], strides, padding, dilation), groups, axis=-1)
    filters = np.split(kernel, groups, axis=-1)
    return np.concatenate([np.tensordot(s, f, 3) for s, f in zip(seen, filters)], axis=-1)"""

CONV2D_INPUT = """\
def conv2d_input(g, kernel, size, strides, padding, dilation, groups):
    (top, bottom), (left, right) = padding
    flowing, filters = np.split(g, groups, axis=-1), np.split(kernel, groups, axis=-1)
    sent = np.concatenate([np.tensordot(d, f, (3, 3)) for d, f in zip(flowing, filters)], axis=-1)
    x = np.zeros((len(g), size[0] + top + bottom, size[1] + left + right, sent.shape[-1]), g.dtype)
    for a, b in np.ndindex(kernel.shape[:2]):
        down, across = a * dilation[0], b * dilation[1]
        rows = slice(down, down + (g.shape[1] - 1) * strides[0] + 1, strides[0])
        columns = slice(across, across + (g.shape[2] - 1) * strides[1] + 1, strides[1])
        x[:, rows, columns] += sent[:, :, :, a, b]
    return x[:, top : top + size[0], left : left + size[1]]"""

CONV2D_KERNEL = """\
def conv2d_kernel(x, g, size, strides, padding, dilation, groups):
    seen = patches(x, size, strides, padding, dilation)[:, : g.shape[1], : g.shape[2]]
    pairs = zip(np.split(seen, groups, axis=-1), np.split(g, groups, axis=-1))
    axes = ((0, 1, 2), (0, 1, 2))
    return np.concatenate([np.tensordot(s, d, axes) for s, d in pairs], axis=-1)"""
