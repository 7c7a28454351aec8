"""Exponential and logarithm without branches and calls: loops over rows become vector instructions.

Both go back to small arguments by whole powers of 2, whose exponents are bits of a number. There the exponential is a
polynomial of degree 11, and the logarithm that of (1 + z) / (1 - z), a polynomial in z of degree 17.
"""

from __future__ import annotations

import math

import numpy as np

from blimp2pymc.sampler.compilation.compiled import inlined
from blimp2pymc.sampler.compilation.instructions import power_of_two, whole_logarithm

LARGEST = 700.0
"""Arguments of the exponential are cut off here, above and below."""
WHOLE, LOG_2_HIGH, LOG_2_LOW = 1.4426950408889634, 0.6931471803691238, 1.9082149292705877e-10
"""1 / log(2), and log(2) in two parts, the first of which has few digits."""
ROOT_TWO = math.sqrt(2.0)


@inlined
def exponential(x):
    """exp(x), as if x were `LARGEST` beyond it; relative error below 1e-13."""
    x = min(max(x, -LARGEST), LARGEST)
    whole = np.int32(math.floor(x * WHOLE + 0.5))
    r = (x - whole * LOG_2_HIGH) - whole * LOG_2_LOW
    series = 2.505210838544172e-08
    series = series * r + 2.755731922398589e-07
    series = series * r + 2.7557319223985893e-06
    series = series * r + 2.48015873015873e-05
    series = series * r + 0.0001984126984126984
    series = series * r + 0.001388888888888889
    series = series * r + 0.008333333333333333
    series = series * r + 0.041666666666666664
    series = series * r + 0.16666666666666666
    series = series * r + 0.5
    series = series * r + 1.0
    series = series * r + 1.0
    return series * power_of_two(whole)


@inlined
def logarithm(x):
    """log(x) of a number from 1e-300 to 1e300; absolute error below 1e-13, or relative where that is more."""
    whole = np.int32(whole_logarithm(x))
    f = x * power_of_two(-whole)
    above = f > ROOT_TWO
    f = 0.5 * f if above else f
    whole = whole + 1 if above else whole
    z = (f - 1.0) / (f + 1.0)
    s = z * z
    series = 1.0 / 17.0
    series = series * s + 1.0 / 15.0
    series = series * s + 1.0 / 13.0
    series = series * s + 1.0 / 11.0
    series = series * s + 1.0 / 9.0
    series = series * s + 1.0 / 7.0
    series = series * s + 1.0 / 5.0
    series = series * s + 1.0 / 3.0
    series = series * s + 1.0
    return whole * 0.6931471805599453 + 2.0 * z * series


@inlined
def log_of_one_plus(x):
    """log(1 + exp(x)), for any x; relative error below 1e-13.

    No digits are lost where exp(x) is small: log(1 + e) is that of (1 + z) / (1 - z) with z = e / (2 + e).
    """
    e = exponential(-abs(x))
    z = e / (2.0 + e)
    s = z * z
    series = 1.0 / 27.0
    series = series * s + 1.0 / 25.0
    series = series * s + 1.0 / 23.0
    series = series * s + 1.0 / 21.0
    series = series * s + 1.0 / 19.0
    series = series * s + 1.0 / 17.0
    series = series * s + 1.0 / 15.0
    series = series * s + 1.0 / 13.0
    series = series * s + 1.0 / 11.0
    series = series * s + 1.0 / 9.0
    series = series * s + 1.0 / 7.0
    series = series * s + 1.0 / 5.0
    series = series * s + 1.0 / 3.0
    series = series * s + 1.0
    return max(x, 0.0) + 2.0 * z * series
