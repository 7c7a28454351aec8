"""Quantiles of a column of which some values are known and sorted, the others drawn anew: by selection."""

from __future__ import annotations

import math

from blimp2pymc.sampler.compilation.compiled import compiled


@compiled
def count_below(values, bound, included, first, last):
    """First place of sorted values, from `first` to `last`, with a value above the bound, or equal if not included."""
    while first < last:
        middle = (first + last) // 2
        if values[middle] < bound or (included and values[middle] == bound):
            first = middle + 1
        else:
            last = middle
    return first


@compiled
def select(known, values, rank, low, first):
    """Value of a rank (from 0) among sorted known values and others, which are put in another order (hoare 1961).

    The first `low` of the values and the first `first` of the known ones must be no larger than all others, and not
    more than the rank. Returns the same two numbers for the next rank, too: together they are rank + 1.
    """
    high, last = values.size, known.size
    while low < high:
        pivot = values[(low + high) // 2]
        i, j = low, high - 1
        while i <= j:
            while values[i] < pivot:
                i += 1
            while values[j] > pivot:
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                i += 1
                j -= 1
        # values[j + 1 : i] and known[below:above] are equal to the pivot.
        below = count_below(known, pivot, False, first, last)
        above = count_below(known, pivot, True, below, last)
        if rank <= j + below:
            high, last = j + 1, below
        elif rank >= i + above:
            low, first = i, above
        else:
            low = min(rank + 1 - below, i)
            return pivot, low, rank + 1 - low
    return known[rank - low], low, rank - low + 1


@compiled
def smallest(known, values, low, first):
    """Smallest of sorted known values from `first` on, and of others from `low` on."""
    least = known[first] if first < known.size else math.inf
    for i in range(low, values.size):
        least = min(least, values[i])
    return least


@compiled
def largest(known, values):
    """Largest of sorted known values, and others."""
    most = known[known.size - 1] if known.size > 0 else -math.inf
    for i in range(values.size):
        most = max(most, values[i])
    return most


@compiled
def quantile(known, values, probability, low, first):
    """Quantile by linear interpolation between order statistics; arguments and results as those of `select`.

    Begins anew where a smaller quantile has come too far for this one.
    """
    place = probability * (known.size + values.size - 1)
    below = math.floor(place)
    if below < low + first:
        low = first = 0
    value, low, first = select(known, values, below, low, first)
    if place > below:
        value += (place - below) * (smallest(known, values, low, first) - value)
    return value, low, first


@compiled
def add_summary(known, values, total):
    """Add quartiles, minimum and maximum of a completed column; `values` are put in another order."""
    low = first = 0
    for k in range(3):
        value, low, first = quantile(known, values, 0.25 * (k + 1), low, first)
        total[k] += value
    total[3] += smallest(known, values, 0, 0)
    total[4] += largest(known, values)
