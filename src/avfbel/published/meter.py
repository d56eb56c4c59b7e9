"""Measure a network while it runs: depth, operations and memory, from what torch is asked to do."""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten
from torch.utils.flop_counter import FlopCounterMode

_aten = torch.ops.aten
_PRODUCTS = frozenset({_aten.mm, _aten.addmm, _aten.bmm, _aten.baddbmm, _aten.convolution, _aten.mul})


class Cost(NamedTuple):
    """What one pass took."""

    depth: int
    """Products with weights on the longest way from input to output: layers in the usual sense. A product may
    be elementwise, as in the limbic system."""
    operations: int
    """Multiply-accumulates of all matrix products and convolutions."""
    peak_bytes: int
    """Most memory held at once by tensors made during the pass; weights and inputs not counted."""


class _Watch(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Follow every tensor of a pass: how deep it lies, and how long its memory is held."""

    def __init__(self, weights: Iterable[Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.kept = list(weights)  # alive, so that nothing else takes their names
        self.weights = {id(weight) for weight in self.kept}
        self.known = {weight.untyped_storage().data_ptr() for weight in self.kept}
        self.depth: dict[int, int] = {}
        self.held = self.peak = 0
        self.deepest = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        given = [part for part in tree_flatten((args, kwargs))[0] if isinstance(part, Tensor)]
        result = func(*args, **kwargs)
        made = [part for part in tree_flatten(result)[0] if isinstance(part, Tensor)]
        of_weight = [self._of_weight(tensor) for tensor in given]
        below = max((self._depth(t) for t, w in zip(given, of_weight, strict=True) if not w), default=0)
        layer = func.overloadpacket in _PRODUCTS and any(of_weight) and not all(of_weight)
        for tensor in made:
            if given and all(of_weight):
                self._mark(tensor)
            else:
                self._sink(tensor, below + layer)
            self._hold(tensor)
        return result

    def _of_weight(self, tensor: Tensor) -> bool:
        return id(tensor) in self.weights

    def _depth(self, tensor: Tensor) -> int:
        return self.depth.get(id(tensor), 0)

    def _mark(self, tensor: Tensor) -> None:
        self.weights.add(id(tensor))
        weakref.finalize(tensor, self.weights.discard, id(tensor))

    def _sink(self, tensor: Tensor, depth: int) -> None:
        name = id(tensor)
        self.depth[name] = max(depth, self.depth.get(name, 0))
        self.deepest = max(self.deepest, depth)
        weakref.finalize(tensor, self.depth.pop, name, None)

    def _hold(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        name = storage.data_ptr()
        if name in self.known or not storage.nbytes():
            return
        self.known.add(name)
        self.held += storage.nbytes()
        self.peak = max(self.peak, self.held)
        weakref.finalize(storage, self._release, name, storage.nbytes())

    def _release(self, name: int, n_bytes: int) -> None:
        self.known.discard(name)
        self.held -= n_bytes


def measure(run: Callable[..., Any], inputs: Iterable[Tensor], weights: Iterable[Tensor]) -> Cost:
    """Run once and measure.

    Parameters
    ----------
    run : callable
        Takes the inputs; runs without gradient.
    inputs, weights : iterable of Tensor
        What it is given, and the weights it uses.

    Returns
    -------
    Cost
        Depth, operations and memory; the same at every run.

    Examples
    --------
    >>> layer = torch.nn.Linear(3, 2)
    >>> measure(layer, [torch.zeros(10, 3)], layer.parameters())
    Cost(depth=1, operations=60, peak_bytes=80)
    """
    inputs = list(inputs)
    watch = _Watch(weights)
    watch.known |= {part.untyped_storage().data_ptr() for part in inputs}
    with torch.no_grad():
        with FlopCounterMode(display=False) as counter:
            run(*inputs)
        with watch:
            run(*inputs)
    return Cost(watch.deepest, counter.get_total_flops() // 2, watch.peak)


def seconds(run: Callable[[], Any], *, repeats: int = 3) -> float:
    """Return the shortest of a few runs, in s, after one that warms up; without gradient."""
    taken = []
    with torch.no_grad():
        run()
        for _ in range(repeats):
            begin = time.perf_counter()
            run()
            taken.append(time.perf_counter() - begin)
    return min(taken)
