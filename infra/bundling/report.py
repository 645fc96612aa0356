"""A report on the bundles: their sizes, and whether they contain bytecode."""

from collections.abc import Iterable

from infra.bundling.bytecode import MARKER, RUNTIME
from infra.bundling.code import function_bundle
from infra.bundling.layers import layer_bundle, layers_of


def report(handlers: Iterable[str]) -> str:
    """Return the report as text. Sizes are unpacked, as Lambda counts them."""
    own = {handler: function_bundle(handler).bytes for handler in handlers}
    layers = {name: layer_bundle(name) for handler in own for name in layers_of(handler)}
    whole = {handler: own[handler] + sum(layers[name].bytes for name in layers_of(handler)) for handler in own}
    heaviest, fullest = max(own, key=own.__getitem__), max(whole, key=whole.__getitem__)
    lines = [
        f"{len(own)} functions, the largest {own[heaviest] / 1e3:.0f} kB ({heaviest})",
        *(f"layer {name}: {layer.bytes / 1e6:.1f} MB" for name, layer in layers.items()),
        f"at most {whole[fullest] / 1e6:.1f} MB of a function and its layers ({fullest})",
    ]
    if not all(layer.bytecode for layer in layers.values()):
        lines.append(
            f"WITHOUT BYTECODE: no Python {RUNTIME} was found. Functions will compile their code at every cold start, "
            f"which then takes about 3.5 times as long. Install it, or set {MARKER} to its path."
        )
    return "\n".join(lines)
