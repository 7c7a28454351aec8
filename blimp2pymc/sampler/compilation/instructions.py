"""Instructions of the processor that numba has no word for; `reference_types` tells it what they are.

In plain Python, without numba, these functions say what they do.
"""

from __future__ import annotations

import math


def prefetch(values, index):
    """Ask for an element of an array to be brought into the cache."""


def power_of_two(exponent):
    """2 to a whole power between -1022 and 1023: written as the bits of a number, so that loops over it are vectors."""
    return math.ldexp(1.0, int(exponent))


def whole_logarithm(value):
    """The whole number below the logarithm to base 2 of a positive number, not a tiny one: the exponent in its bits."""
    return math.frexp(value)[1] - 1
