"""The encoding of Stripe's requests."""

from local.stripe.form import decoded


def test_nested_fields_become_objects_and_lists() -> None:
    text = "mode=payment&line_items[0][price]=price_1&line_items[0][quantity]=1&metadata[a]=b&expand[]=x&expand[]=y"
    assert decoded(text) == {
        "mode": "payment",
        "line_items": [{"price": "price_1", "quantity": "1"}],
        "metadata": {"a": "b"},
        "expand": ["x", "y"],
    }


def test_escapes_and_empty_values_are_kept() -> None:
    assert decoded("success_url=https%3A%2F%2Fa%2Fb%3Fc&name=") == {"success_url": "https://a/b?c", "name": ""}
