from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest
from pydantic import Field, PositiveFloat, PositiveInt, ValidationError, model_validator

from specnet.vocabulary.describe import describe
from specnet.vocabulary.domain import Domain, domain_of, plain_data
from specnet.vocabulary.family import Family
from specnet.vocabulary.kind import Kind, Table, Words, fault
from specnet.vocabulary.wording import words


class Fruit(Kind):
    """What grows."""

    ripe: bool = False
    """Whether it can
    be eaten."""


class Apple(Fruit):
    """An apple
    of a tree.

    More of it.
    """

    type: Literal["apple"] = "apple"
    seeds: PositiveInt
    """How many seeds."""
    kin: tuple[Annotated[Fruit, "replaced below"], ...] = ()
    """Its relations."""


class Pear(Fruit):
    """A pear."""

    type: Literal["pear"] = "pear"
    weight: PositiveFloat = 0.5
    """In kilograms."""

    @model_validator(mode="after")
    def _sound(self) -> Pear:
        if self.weight > 9:
            raise fault("{weight} is { too = much }", key=("weight", 0), code="SN299", part="key", help="eat")
        return self


FRUITS: Family[Fruit] = Family("fruit", Fruit, __name__, {"apple": "Apple", "pear": "Pear"})


class Basket(Table):
    fruits: tuple[Annotated[Fruit, FRUITS], ...]


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        (bool, "true or false"),
        (PositiveInt, "a whole number above 0"),
        (Annotated[int, Field(ge=2)], "a whole number of at least 2"),
        (Annotated[float, Field(ge=0, lt=1)], "a number from 0 to below 1"),
        (Annotated[float, Field(ge=0, le=1)], "a number from 0 to 1"),
        (Annotated[float, Field(gt=0, le=0.5)], "a number above 0 and at most 0.5"),
        (Annotated[float, Field(lt=0)], "a number below 0"),
        (str, "a string"),
        (Annotated[str, Field(min_length=1)], "a string that is not empty"),
        (Annotated[str, Field(min_length=1, max_length=1)], "a string of one character"),
        (Annotated[str, Field(pattern="^a$")], "a string that matches ^a$"),
        (Annotated[str, Field(pattern="^a$"), Words("the letter a")], "the letter a"),
        (Annotated[str, Field(pattern="^a$"), Words("the letter a")] | None, "the letter a"),
        (Literal["a", "b", 3], '"a", "b" or 3'),
        (PositiveInt | Literal["full"], 'a whole number above 0 or "full"'),
        (Literal["a", "b"] | int, '"a" or "b", or a whole number'),
        (tuple[float, float], "an array of 2 numbers"),
        (tuple[int, ...], "an array of whole numbers"),
        (Annotated[tuple[int, ...], Field(min_length=1)], "an array of one or more whole numbers"),
        (Annotated[list[str], Field(min_length=3)], "an array of at least 3 strings"),
        (tuple[int, str], "an array of 2 values"),
        (tuple[Annotated[Fruit, FRUITS], ...], "an array of fruits"),
        (Annotated[Fruit, FRUITS], "a fruit: its name, or a table with `type`"),
        (dict[str, int], "a table"),
        (Basket, "a table"),
        (Any, "anything"),
        (tuple[PositiveInt | Literal[-1], ...], "an array of values, each a whole number above 0 or -1"),
    ],
)
def test_words(annotation: Any, expected: str) -> None:
    assert words(domain_of(annotation)) == expected


def test_null() -> None:
    assert domain_of(int | None) == Domain("int", null=True)
    assert domain_of(int | str | None).null


def test_a_description_comes_from_the_source() -> None:
    found = describe(Apple)
    assert (found.name, found.summary) == ("apple", "An apple of a tree.")
    assert found.text.endswith("More of it.")
    assert [(f.name, f.text, f.required, f.default) for f in found.fields] == [
        ("seeds", "How many seeds.", True, None),
        ("kin", "Its relations.", False, []),
        ("ripe", "Whether it can be eaten.", False, False),
    ]
    assert found.fields[0].takes == "a whole number above 0"
    assert describe(Basket).name == "Basket"


def test_a_class_without_source_has_no_texts() -> None:
    made = type("Made", (Table,), {"__annotations__": {"a": int}, "a": 1, "__module__": __name__})
    (field,) = describe(made).fields
    assert (field.text, field.default) == ("", 1)


def test_plain_data_is_what_a_document_says() -> None:
    basket = Basket(fruits=(Apple(seeds=3), Pear()))
    assert plain_data(basket) == {"fruits": [{"type": "apple", "seeds": 3}, "pear"]}
    assert Basket.model_validate(plain_data(basket)) == basket


def errors(data: Any) -> list[tuple[str, tuple[str | int, ...]]]:
    with pytest.raises(ValidationError) as caught:
        Basket.model_validate({"fruits": data})
    return [(e["type"], e["loc"]) for e in caught.value.errors()]


def test_a_family_keeps_plain_key_paths() -> None:
    assert (
        Basket.model_validate({"fruits": ["pear", {"type": "apple", "seeds": 1}, Pear()]}).fruits[2] == Pear()
    )
    assert errors(["apple"]) == [("missing", ("fruits", 0, "seeds"))]
    assert errors([{"type": "plum"}, "plum"]) == [
        ("kind_unknown", ("fruits", 0, "type")),
        ("kind_unknown", ("fruits", 1)),
    ]
    assert errors([{}, 5, {"type": 5}]) == [
        ("kind_missing", ("fruits", 0)),
        ("kind_type", ("fruits", 1)),
        ("kind_type", ("fruits", 2, "type")),
    ]
    assert errors([{"type": "apple", "seeds": 0, "x": 1}]) == [
        ("greater_than", ("fruits", 0, "seeds")),
        ("extra_forbidden", ("fruits", 0, "x")),
    ]


def test_a_fault_keeps_its_words_and_its_place() -> None:
    with pytest.raises(ValidationError) as caught:
        Basket.model_validate({"fruits": [{"type": "pear", "weight": 10}]})
    (error,) = caught.value.errors()
    assert error["msg"] == "{weight} is { too = much }"
    assert error["loc"] == ("fruits", 0)
    assert error["ctx"]["path"] == ("weight", 0)
    assert (error["ctx"]["code"], error["ctx"]["part"], error["ctx"]["help"]) == ("SN299", "key", "eat")


def test_tables_are_strict_closed_and_finite() -> None:
    for weight in (True, "1", float("inf"), float("nan")):
        with pytest.raises(ValidationError):
            Pear.model_validate({"type": "pear", "weight": weight})
    assert Pear.model_validate({"type": "pear", "weight": 1}).weight == 1.0
    with pytest.raises(ValidationError):
        Pear(ripe=True).ripe = False  # type: ignore[misc]
