from __future__ import annotations

from specnet.diagnostics.codes.code import Code

_TEXT = ("notes.npz", "These are not arrays.\n")
_IDX = '[data]\ntype = "idx"\ninputs = "{inputs}"\ntargets = "{targets}"\n'
_INLINE = '[data]\ntype = "inline"\ninputs = {inputs}\ntargets = {targets}\n'
_SYNTHETIC = '[data]\ntype = "synthetic"\nkind = "sine"\n'
_PAIRS = _INLINE.format(inputs="[[0.0, 1.0], [1.0, 0.0]]", targets="[0.0, 1.0]")

DATA = (
    Code(
        "SN520",
        "an npz or npy file is damaged",
        "The file is no NumPy array or zip archive of such, was cut off, or an array's header does not go with its "
        "contents. Nothing of it is used.",
        '[data]\ntype = "npz"\npath = "notes.npz"\n',
        '[data]\ntype = "npz"\npath = "measured.npz"\n',
        files=(_TEXT, ("measured.npz", "<inputs of shape (4, 1), and targets of shape (4,)>")),
    ),
    Code(
        "SN521",
        "an npz file does not have an array",
        "The arrays are called `inputs` and `targets`, unless the document names others.",
        '[data]\ntype = "npz"\npath = "measured.npz"\ninputs = "x"\n',
        '[data]\ntype = "npz"\npath = "measured.npz"\ninputs = "inputs"\n',
        files=(("measured.npz", "<inputs of shape (4, 1), and targets of shape (4,)>"),),
    ),
    Code(
        "SN522",
        "an array does not hold numbers",
        "Arrays of text, complex numbers or Python objects cannot be learnt from. Objects are stored as "
        "pickles, which can run any program when they are read, and specnet never reads them.",
        '[data]\ntype = "npz"\npath = "measured.npz"\ninputs = "names"\n',
        '[data]\ntype = "npz"\npath = "measured.npz"\ninputs = "inputs"\n',
        files=(("measured.npz", "<inputs of shape (4, 1), targets of shape (4,), and four texts as names>"),),
    ),
    Code(
        "SN530",
        "a file is not idx",
        "An idx file begins with two zero bytes, a byte for the type of its elements and one for the number of "
        "its axes.",
        _IDX.format(inputs="notes.idx", targets="labels.idx"),
        _IDX.format(inputs="images.idx", targets="labels.idx"),
        files=(
            ("notes.idx", "These are not images.\n"),
            ("images.idx", "<four rows of one byte>"),
            ("labels.idx", "<four bytes>"),
        ),
    ),
    Code(
        "SN531",
        "an idx file is cut off or damaged",
        "Its header tells of more, or fewer, elements than the file has, or its compression is damaged. A "
        "download that broke off is the commonest cause.",
        _IDX.format(inputs="torn.idx", targets="labels.idx"),
        _IDX.format(inputs="images.idx", targets="labels.idx"),
        files=(
            ("torn.idx", "<the header of four rows, and two bytes>"),
            ("images.idx", "<four rows of one byte>"),
            ("labels.idx", "<four bytes>"),
        ),
    ),
    Code(
        "SN540",
        "a value is not a number",
        "Rows in a document are numbers, or arrays of numbers, all of one shape. Only `targets` may be text: "
        "classes.",
        _INLINE.format(inputs='[["one"], [1.0]]', targets="[0.0, 1.0]"),
        _INLINE.format(inputs="[[1.0], [1.0]]", targets="[0.0, 1.0]"),
    ),
    Code(
        "SN541",
        "a row has another shape than the others",
        "All rows have as many elements, along each axis.",
        _INLINE.format(inputs="[[0.0, 1.0], [1.0]]", targets="[0.0, 1.0]"),
        _PAIRS,
    ),
    Code(
        "SN542",
        "inputs and targets have unequal numbers of rows",
        "The first row of the inputs belongs to the first target, and so on: none may be left over.",
        _INLINE.format(inputs="[[0.0, 1.0], [1.0, 0.0]]", targets="[0.0]"),
        _PAIRS,
    ),
    Code(
        "SN543",
        "there are rows without elements",
        "A row needs one number at least.",
        _INLINE.format(inputs="[[], []]", targets="[0.0, 1.0]"),
        _PAIRS,
    ),
    Code(
        "SN550",
        "a split is empty",
        "Of n rows, a fraction f takes round(n · f). Where that is none, or all, the split or the training has "
        "no rows.",
        f"{_PAIRS}[data.split]\nvalidation = 0.1\n",
        f"{_PAIRS}[data.split]\nvalidation = 0.5\n",
    ),
    Code(
        "SN551",
        "a class has too few rows to be stratified",
        "A stratified split gives each class its share of the rows in every split, and at least one row.",
        '[data]\ntype = "inline"\ninputs = [[0.0], [1.0], [2.0], [3.0], [4.0]]\ntargets = [0, 0, 0, 0, 1]\n'
        "[data.split]\nvalidation = 0.4\nstratify = true\n",
        '[data]\ntype = "inline"\ninputs = [[0.0], [1.0], [2.0], [3.0], [4.0]]\ntargets = [0, 0, 0, 0, 1]\n'
        "[data.split]\nvalidation = 0.4\n",
    ),
    Code(
        "SN552",
        "there are no classes to stratify by",
        "A stratified split needs one class a row as target: text, or whole numbers from 0.",
        f"{_SYNTHETIC}[data.split]\nvalidation = 0.2\nstratify = true\n",
        f"{_SYNTHETIC}[data.split]\nvalidation = 0.2\n",
    ),
    Code(
        "SN554",
        "a split's data are unlike the training data",
        "All splits go through one network, so that their examples have one shape and their tables the same "
        "columns.",
        f"{_PAIRS}[data.validation]\ninputs = [[0.5]]\ntargets = [0.5]\n",
        f"{_PAIRS}[data.validation]\ninputs = [[0.5, 0.5]]\ntargets = [0.5]\n",
    ),
    Code(
        "SN560",
        "a transform does not fit the data's shape",
        "A transform's settings have to go with the shape of the examples that reach it: a `reshape` keeps "
        "their number of elements.",
        f'{_PAIRS}[[data.transforms]]\ntype = "reshape"\nshape = [3]\n',
        f'{_PAIRS}[[data.transforms]]\ntype = "reshape"\nshape = [2]\n',
    ),
    Code(
        "SN561",
        "a transform cannot take a value",
        "A value is outside what the transform, or the document's `dtype`, can hold. It is found when all "
        "of the data are read, which `specnet run` does and `specnet validate` does not.",
    ),
    Code(
        "SN570",
        "the data are larger than this machine's memory",
        "All rows lie in memory as numbers of the document's `dtype` while a model trains, unless they are read "
        'in batches: with `load = "batches"`, which CSV, npy, npz, idx and images know, they stay in their files.',
    ),
    Code(
        "SN571",
        "new data come in a form that the model cannot read",
        "A trained model reads files of the kind that it was trained on, and rows as arrays of numbers; rows "
        "with names of columns need a table that gave the columns names. No document shows it.",
    ),
    Code(
        "SN572",
        "new data have another shape than the training data",
        "A trained model predicts for examples of the shape that it learnt from. No document shows it.",
    ),
    Code(
        "SN573",
        "data cannot be read in batches",
        'With `load = "batches"`, single rows are read from where they lie in a file. In a compressed file they '
        "lie nowhere, and in an array whose first axis runs fastest each lies scattered over all of it. A frame is "
        "in memory already.",
        '[data]\ntype = "npz"\npath = "packed.npz"\nload = "batches"\n',
        '[data]\ntype = "npz"\npath = "measured.npz"\nload = "batches"\n',
        files=(
            ("packed.npz", "<the same arrays as in measured.npz, by numpy.savez_compressed>"),
            ("measured.npz", "<inputs of shape (4, 1), and targets of shape (4,)>"),
        ),
    ),
    Code(
        "SN574",
        "a path leads to the system's state",
        "What lies in /proc, /sys and /dev is made up by the system when it is read: the environment of a process, "
        "the settings of the kernel, devices. None of it is data, some of it is secret, and some never ends. It does "
        "not matter whether the document names such a path or a link that leads there.",
        '[data]\ntype = "csv"\npath = "/proc/self/environ"\ntarget = "width"\n',
        '[data]\ntype = "csv"\npath = "flowers.csv"\ntarget = "width"\n',
        files=(("flowers.csv", "length,width\n5.1,3.5\n4.9,3.0\n6.3,3.3\n"),),
    ),
    Code(
        "SN575",
        "a path leads out of the folder that a check is confined to",
        "With `specnet validate --confine DIR`, nothing outside of DIR is read for a document, and nothing is said "
        "of what lies there: neither by an absolute path, nor by `..`, nor through links, nor in SPECNET_DATA. CI "
        "that checks the documents of strangers should confine itself to the repository.",
    ),
)
