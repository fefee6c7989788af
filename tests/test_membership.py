"""Names are found among others as pandas finds them."""

import pandas as pd
import pytest

from asp_analysis.membership import is_among


@pytest.mark.parametrize("others", [["a", "c", "c"], [], [None, "b"]])
@pytest.mark.parametrize("dtype", ["str", "object"])
def test_the_answer_is_that_of_isin(others, dtype):
    names = pd.Series(["a", "b", None, "c"], index=[3, 1, 7, 5], dtype=dtype)
    asked = pd.Series(others, dtype=dtype)
    pd.testing.assert_series_equal(is_among(names, asked), names.isin(asked))
