"""Input is strict and finite, and output has names in camelCase."""

import pytest
from pydantic import TypeAdapter, ValidationError

from shared.core.wire import Id, View, Wire


class Parcel(Wire):
    its_weight: float
    its_label: str = "none"


class ShownView(View):
    its_weight: float


@pytest.mark.parametrize(
    "text",
    [
        '{"itsWeight": NaN}', '{"itsWeight": Infinity}', '{"itsWeight": -Infinity}', '{"itsWeight": 1e999}',
        '{"itsWeight": 1, "more": 2}', '{"itsWeight": "heavy"}', '{"itsWeight": null}', "[]", "",
        r'{"itsWeight": 1, "itsLabel": "\ud800"}',
    ],
)  # fmt: skip
def test_inexact_input_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        Parcel.model_validate_json(text)


def test_names_are_camel_case_on_the_wire_and_space_around_text_is_dropped() -> None:
    parcel = Parcel.model_validate_json('{"itsWeight": 1.5, "itsLabel": "  fragile "}')
    assert parcel.model_dump_json(by_alias=True) == '{"itsWeight":1.5,"itsLabel":"fragile"}'
    assert ShownView.model_validate(parcel).model_dump(by_alias=True) == {"itsWeight": 1.5}


def test_input_is_immutable() -> None:
    with pytest.raises(ValidationError):
        Parcel(its_weight=1).its_weight = 2  # type: ignore[misc]  # the test needs a write to a frozen model


def test_errors_do_not_repeat_the_input() -> None:
    with pytest.raises(ValidationError) as refused:
        Parcel.model_validate({"itsWeight": "my secret"})
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("text", ["", "a b", "a/b", "a.b", "x" * 65, "é", "a\n", "\x00", "٣"])
def test_ids_are_plain(text: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Id).validate_python(text)
    assert TypeAdapter(Id).validate_python("job_01K0") == "job_01K0"
