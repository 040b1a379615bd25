"""In how many ways a table is tried as a log."""

from verify.logs.reading import _OWN, _chosen


def test_parameters_and_state_are_all_of_one_moment() -> None:
    """Sixteen columns of them have two meanings, not 65,536: a table of homework took minutes to be no log."""
    own = dict.fromkeys(range(16), _OWN)
    assert [set(means.values()) for means in _chosen(own)] == [{"after"}, {"before"}]
    with_loss = list(_chosen({0: ("as_it_is", "mean"), **dict.fromkeys((1, 2), _OWN)}))
    assert len(with_loss) == 4
    assert all(means[1] == means[2] for means in with_loss)
    assert [*with_loss[0]] == [0, 1, 2]
