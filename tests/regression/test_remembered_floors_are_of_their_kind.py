"""Averages got the floors of plain sums with the same numbers, from the memory of those that were found."""

import numpy as np

from mcuq.fixedpoint import quantize_multiplier
from mcuq.floors import Sums, floors
from mcuq.kernels.s3.pool import Averages


def test_floors_of_averages_are_not_those_of_sums():
    count = 3
    multiplier, shift = (np.array([value]) for value in quantize_multiplier(1 / count))
    ends = np.array([-128 * count]), np.array([127 * count])
    averages = Averages(*ends, multiplier, shift, count)
    x = np.arange(-128 * count, 127 * count + 1)[np.newaxis]

    floors(Sums(*ends, multiplier, shift, count), -int(shift[0]))
    found = floors(averages, -int(shift[0]))

    assert found.found == 1
    np.testing.assert_array_equal(found.outputs(x), averages.outputs(x))
