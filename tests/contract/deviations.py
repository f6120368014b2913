"""Where an emulator does not do what the service it stands for does. A test named here has to fail there: when it
passes, the emulator has got better and the line goes."""

from __future__ import annotations

from collections.abc import Mapping

_HOLDS = "test_a_condition_that_holds_lets_the_write_through"
_FAILS = "test_a_condition_that_does_not_hold_stops_the_write"

DEVIATIONS: Mapping[tuple[str, str], str] = {
    ("moto", "test_a_receipt_that_is_no_longer_good_is_no_error"): "takes old receipts",
    ("moto", "test_an_old_receipt_neither_deletes_nor_defers"): "takes old receipts",
    ("moto", "test_every_kind_of_value_comes_back_as_it_was[{'': 'empty name inside'}"): "trips over an empty name",
    ("moto", "test_an_update_makes_a_row_that_is_absent"): "trips over an update without an expression",
    ("moto", "test_a_sum_of_more_than_38_digits_is_refused"): "adds up any number of digits",
    ("moto", _FAILS + "[Equals(field='nothing', value=None)"): "takes an absent field for NULL",
    ("moto", _FAILS + "[Equals(field='yes', value=1)"): "takes true for 1",
    ("moto", _FAILS + "[Equals(field='list', value=['a', True])"): "takes 1 for true",
    ("moto", _FAILS + "[Equals(field='map', value={'k': [0]})"): "takes false for 0",
    ("moto", _FAILS + "[Less(field='text', value=9)"): "answers 500 when kinds differ",
    ("moto", _FAILS + "[Less(field='n', value='9')"): "answers 500 when kinds differ",
    ("moto", _FAILS + "[Less(field='yes', value=2)"): "takes true for 1",
    ("ministack", "test_large_and_negative_numbers_add_up_exactly"): "adds up with floating point",
    ("ministack", "test_a_sum_of_more_than_38_digits_is_refused"): "adds up any number of digits",
    ("dynalite", "test_a_sum_of_more_than_38_digits_is_refused"): "adds up any number of digits",
    ("dynalite", _HOLDS + "[Equals(field='list'"): "compares no lists",
    ("dynalite", _HOLDS + "[Equals(field='map'"): "compares no maps",
    ("dynalite", "test_text_is_compared_by_its_utf8_bytes"): "compares UTF-16",
}
