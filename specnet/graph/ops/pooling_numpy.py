"""Pooling as functions that a person would write, for the programs that models are exported to."""

MAX_POOL = """\
def max_pool(x, axis, windows):
    x = np.moveaxis(x, axis, 0)
    largest = [x[max(start, 0) : stop].max(axis=0) for start, stop in windows]
    return np.moveaxis(np.stack(largest), 0, axis)"""

MAX_UNPOOL = """\
def max_unpool(g, x, axis, windows):
    out = np.zeros(x.shape, g.dtype)
    x, g, parts = (np.moveaxis(array, axis, 0) for array in (x, g, out))
    for flowing, (start, stop) in zip(g, windows):
        part = parts[max(start, 0) : stop]
        place = x[max(start, 0) : stop].argmax(axis=0)[np.newaxis]
        np.put_along_axis(part, place, np.take_along_axis(part, place, 0) + flowing, 0)
    return out"""

MAX_PICK = """\
def max_pick(values, x, axis, windows):
    values, x = (np.moveaxis(array, axis, 0) for array in (values, x))
    picked = []
    for start, stop in windows:
        seen = slice(max(start, 0), stop)
        place = x[seen].argmax(axis=0)[np.newaxis]
        picked.append(np.take_along_axis(values[seen], place, 0)[0])
    return np.moveaxis(np.stack(picked), 0, axis)"""

WINDOW_SUM = """\
def window_sum(x, axis, windows):
    x = np.moveaxis(x, axis, 0)
    sums = [x[max(start, 0) : stop].sum(axis=0) for start, stop in windows]
    return np.moveaxis(np.stack(sums), 0, axis)"""

WINDOW_SUM_GRAD = """\
def window_sum_grad(g, axis, windows, size):
    out = np.zeros((*g.shape[:axis], size, *g.shape[axis + 1 :]), g.dtype)
    parts = np.moveaxis(out, axis, 0)
    for flowing, (start, stop) in zip(np.moveaxis(g, axis, 0), windows):
        parts[max(start, 0) : stop] += flowing
    return out"""
