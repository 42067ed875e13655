from __future__ import annotations

from specnet.interchange.numpy.layout import without_unused

PROGRAM = """\
rows = len(inputs)
step, seen = 0, 0
parameters = [
    a, b,
]
for epoch in range(3):
    total += float(loss) * rows
    seen += rows
    step += 1
    mean = total / seen
    a[...] = a - 1 / step
print(a)
""".splitlines()


def test_what_a_program_does_not_read_is_left_out_with_what_only_that_reads():
    names = ("rows", "parameters", "mean", "total", "seen", "step")
    assert without_unused(PROGRAM, names) == [
        "step, seen = 0, 0",
        "for epoch in range(3):",
        "    step += 1",
        "    a[...] = a - 1 / step",
        "print(a)",
    ]


def test_other_names_stay_and_so_does_all_that_they_read():
    assert without_unused(PROGRAM, ("rows", "step")) == PROGRAM
    assert without_unused(PROGRAM, ("parameters",)) == [*PROGRAM[:2], *PROGRAM[5:]]
