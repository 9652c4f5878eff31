"""A list that holds itself is refused in one sentence, wherever it is given."""

import pytest

import eagerflow as ef

ENDLESS: list = [1.0]
ENDLESS.append(ENDLESS)


def fitted():
    model = ef.Sequential([ef.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(ENDLESS, ENDLESS, verbose=0)


@pytest.mark.parametrize(
    "give",
    [
        lambda: ef.ops.sum(ENDLESS),
        lambda: ef.ops.add(1.0, ENDLESS),
        lambda: ef.ops.stack(ENDLESS),
        lambda: ef.layers.Dense(2)(ENDLESS),
        lambda: ef.layers.Add()(ENDLESS),
        lambda: ef.Sequential([ef.layers.Dense(1)])(ENDLESS),
        lambda: ef.losses.MeanSquaredError()(ENDLESS, ENDLESS),
        lambda: ef.tree.flatten(ENDLESS),
        lambda: ef.tree.map_structure(abs, ENDLESS),
        fitted,
    ],
    ids="sum add stack layer merging model loss flatten map fit".split(),
)
def test_a_list_that_holds_itself_is_refused(give):
    with pytest.raises(ValueError, match="holds itself"):
        give()


def test_an_endless_recursion_of_the_users_own_stays_what_it_is():
    def endless(x):
        return endless(x)

    with pytest.raises(RecursionError):
        ef.tree.map_structure(endless, [1.0])
