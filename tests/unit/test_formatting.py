import pytest

from emosense.formatting import percent, probability_percent


@pytest.mark.parametrize(
    ("fraction", "digits", "text"),
    [
        (0.624, 0, "62 %"),
        (0.624, 1, "62.4 %"),
        (0.994, 0, "99 %"),
        (0.996, 0, ">99 %"),
        (0.9996, 1, ">99.9 %"),
        (0.004, 0, "<1 %"),
        (0.0004, 1, "<0.1 %"),
        (0.006, 0, "1 %"),
        (0.0, 0, "0 %"),
        (1.0, 0, "100 %"),
        (1.0, 1, "100.0 %"),
    ],
)
def test_a_fraction_is_never_all_or_nothing(fraction, digits, text):
    assert percent(fraction, digits) == text


def test_no_probability_is_certain():
    assert probability_percent(1.0) == ">99 %"
    assert probability_percent(0.0) == "<1 %"
    assert probability_percent(0.5) == "50 %"


def test_the_rounding_error_of_sums_is_ignored():
    assert sum([0.1] * 10) < 1
    assert percent(sum([0.1] * 10)) == "100 %"
    assert percent(1 - sum([0.1] * 10)) == "0 %"
    assert probability_percent(sum([0.1] * 10)) == ">99 %"
