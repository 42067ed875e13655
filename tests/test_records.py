"""Data classes are those of the standard library in all that can be seen of them."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
from dataclasses import FrozenInstanceError, field
from functools import cached_property

import pytest

from specnet import records

OPTIONS = [
    {"frozen": frozen, "slots": slots, **more}
    for frozen in (False, True)
    for slots in (False, True)
    for more in ({}, {"eq": False}, {"repr": False}, {"kw_only": True})
]


def classes(dataclass, options):
    """Return classes of all that fields can be, made by a decorator."""

    @dataclass(**options)
    class Plain:
        """A class."""

        a: int
        b: str = "b"
        c: list[int] = field(default_factory=list)

    @dataclass(**options)
    class Hidden:
        """A class."""

        a: int = field(repr=False)
        b: float = field(default=1.0, compare=False)
        c: int = field(default=3, kw_only=True)
        d: list[int] = field(default_factory=lambda: [7], init=False, compare=False)
        e: int = field(default=5, init=False)

    @dataclass(**options)
    class After(Plain):
        """A class."""

        d: int = 4
        e: int = field(init=False)

        def __post_init__(self):
            object.__setattr__(self, "e", self.a + self.d)

    @dataclass(**options)
    class Own:  # noqa: PLW1641
        """A class."""

        a: int

        def __eq__(self, other):
            return isinstance(other, Own)

        def __repr__(self):
            return "own"

    @dataclass(**options)
    class Hashed:
        """A class."""

        a: int

        def __hash__(self):
            return 1

    @dataclass(**options)
    class Empty:
        """A class."""

    class Below(Plain):
        pass

    found = [Plain, Hidden, After, Own, Hashed, Empty, Below]
    for each in found:
        # As if it were a module's, so that it can be pickled.
        each.__qualname__ = each.__name__
        each.__module__ = __name__
    return found


def made(cls):
    names = {"Empty": {}, "Hidden": {"a": 1, "c": 2}}.get(cls.__name__, {"a": 1})
    other = {name: value + 1 for name, value in names.items()}
    return cls(**names), cls(**names), cls(**other)


def seen(work):
    """Return what some work comes to, also as an error."""
    try:
        return work()
    except Exception as error:  # noqa: BLE001
        return type(error), str(error).replace("<lambda>.<locals>.", "")


def told(cls, options, monkeypatch):
    """Return all that can be seen of a class and its instances."""
    monkeypatch.setitem(globals(), cls.__name__, cls)
    one, same, other = made(cls)

    def assigned(name):
        mine = copy.copy(one)
        setattr(mine, name, 9)
        return getattr(mine, name)

    def deleted(name):
        mine = copy.copy(one)
        delattr(mine, name)
        return hasattr(mine, name)

    others = () if options.get("slots") else ("other",)
    names = [each.name for each in dataclasses.fields(cls)]
    read = lambda each: [getattr(each, name) for name in names]  # noqa: E731
    return {
        "signature": str(inspect.signature(cls)),
        "annotations": cls.__init__.__annotations__,
        "slots": cls.__dict__.get("__slots__"),
        "match": cls.__match_args__,
        "frozen": cls.__dataclass_params__.frozen,
        "repr": repr(one) if "object at" not in repr(one) else None,
        "read": [read(each) for each in (one, same, other)],
        "equal": [one == same, one == other, one != same, one == 1, one.__eq__(1)],
        "hash": seen(lambda: hash(one) == hash(same)),
        "hashable": cls.__hash__ is None,
        # Another attribute, where there are slots, fails in the standard library by a mistake.
        "assigned": [seen(lambda name=name: assigned(name)) for name in (*names, *others)],
        "deleted": [seen(lambda name=name: deleted(name)) for name in names],
        "copied": [read(copy.deepcopy(one)), read(pickle.loads(pickle.dumps(one)))],
        "replaced": seen(lambda: read(dataclasses.replace(one, **({"a": 5} if names else {})))),
        "plain": dataclasses.asdict(one),
        "missing": seen(lambda: cls(b=3) if names else cls(3)),
        "wrong": seen(lambda: cls(1, 2, 3, 4, 5, 6, 7)),
    }


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_all_that_can_be_seen_is_as_the_standard_library_has_it(options, monkeypatch):
    pairs = zip(classes(dataclasses.dataclass, options), classes(records.dataclass, options), strict=True)
    for theirs, ours in pairs:
        assert told(ours, options, monkeypatch) == told(theirs, options, monkeypatch), ours.__name__


@pytest.mark.parametrize("dataclass", [dataclasses.dataclass, records.dataclass])
def test_without_options_and_with_itself(dataclass):
    @dataclass
    class Node:
        next: object = None

    one = Node()
    one.next = one
    assert repr(one).endswith("Node(next=...)")
    with pytest.raises(TypeError, match="unhashable"):
        hash(one)


@pytest.mark.parametrize("dataclass", [dataclasses.dataclass, records.dataclass])
def test_what_is_computed_once_is_kept_by_a_frozen_instance(dataclass):
    @dataclass(frozen=True)
    class Circle:
        radius: float

        @cached_property
        def area(self):
            return 3 * self.radius**2

    circle = Circle(2.0)
    assert (circle.area, circle.area, circle == Circle(2.0)) == (12.0, 12.0, True)
    with pytest.raises(FrozenInstanceError, match="cannot assign to field 'area'"):
        circle.area = 1.0


@pytest.mark.parametrize("slots", [False, True])
@pytest.mark.parametrize("frozen", [False, True])
def test_classes_of_both_kinds_may_be_below_each_other(frozen, slots):
    first, second = dataclasses.dataclass, records.dataclass
    for above, below in ((first, second), (second, first)):

        @above(frozen=frozen, slots=slots)
        class Above:
            a: int

        @below(frozen=frozen, slots=slots)
        class Below(Above):
            b: int = 2

        one = Below(1)
        assert (one, hash(one) if frozen else 0) == (Below(1, 2), hash(Below(1)) if frozen else 0)
        if frozen:
            for name in "ab":
                with pytest.raises(FrozenInstanceError, match="cannot assign"):
                    setattr(one, name, 5)
        else:
            one.a = 5
            assert repr(one).endswith("Below(a=5, b=2)")
        with pytest.raises(TypeError, match="cannot inherit"):

            @below(frozen=not frozen, slots=slots)
            class Wrong(Above):
                b: int = 2


def test_no_default_may_come_before_a_field_without():
    with pytest.raises((TypeError, SyntaxError)):

        @records.dataclass
        class Wrong:
            a: int = 1
            b: int
