from bench.results import Result, Spread, at_least, at_most, percentile, ratios


def line(**more):
    given = {"topic": "t", "what": "w", "unit": "entries/s", "value": Spread.of([10.0])}
    return Result(**(given | more))


def test_the_median_counts_and_the_noise_stands_beside_it():
    assert Spread.of([30.0, 10.0, 11.0]) == (11.0, 10.0, 30.0)


def test_a_ratio_is_taken_round_by_round_so_that_noise_which_met_both_is_gone():
    # the second round was slow for both
    assert ratios([100.0, 10.0, 100.0], [200.0, 20.0, 200.0]) == (0.5, 0.5, 0.5)


def test_a_target_that_is_missed_by_a_little_is_not_met():
    assert line(ratio=Spread.of([0.499]), target=at_least(0.5)).verdict == "not met"
    assert line(ratio=Spread.of([0.5]), target=at_least(0.5)).verdict == "met"
    assert line(value=Spread.of([2.001]), target=at_most(2)).verdict == "not met"
    assert line(value=Spread.of([2.0]), target=at_most(2)).verdict == "met"


def test_the_best_run_does_not_make_up_for_the_median():
    assert line(ratio=Spread.of([0.4, 0.4, 9.0]), target=at_least(0.5)).verdict == "not met"


def test_what_was_not_measured_meets_no_target():
    assert line(value=None, target=at_most(2)).verdict == "not met"
    assert line(ratio=None, target=at_least(0.5)).verdict == "not met"


def test_without_a_target_there_is_no_verdict():
    assert line().verdict == ""


def test_a_percentile_is_one_of_the_values_and_never_below_its_share():
    values = [float(value) for value in range(100, 0, -1)]
    assert percentile(values, 0.5) == 51
    assert percentile(values, 0.99) == 100
    assert percentile([7.0], 0.99) == 7
