"""Addresses in compiled code: calls of functions known by their address alone.

They are how the loop of a chain reaches code that it was not compiled with.

The loop is compiled once for all models; a block drawn by NUTS brings the log density of its own model, compiled by
PyTensor. These names stand for the calls in compiled code; `reference_types` tells numba what they are.
"""

from __future__ import annotations


def call_block(address, block, number):
    """Call the machine code of a `Loop` that takes one reference, by its address; -1 where it failed."""
    raise NotImplementedError("blocks drawn by NUTS need compiled code: unset NUMBA_DISABLE_JIT")


def call_density(address, values, gradient, theta, columns):
    """Call a log density of some parameters' values given all others and the completed columns; sets the gradient."""
    raise NotImplementedError("blocks drawn by NUTS need compiled code: unset NUMBA_DISABLE_JIT")
