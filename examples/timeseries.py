"""A forecast: from the last two days of a made-up temperature, hour by hour, to the next six hours.

    python examples/timeseries.py

A Conv1D and a GRU, compared with the two rules that any forecast must beat.
"""

import numpy as np

import eagerflow as ef
from eagerflow import layers

PAST, AHEAD = 48, 6


# The temperatures are made up of a yearly wave, a daily wave, and weather that changes slowly and at random.
def temperatures(hours: int, rng: np.random.Generator) -> np.ndarray:
    """Days, seasons, and weather that stays a while."""
    hour = np.arange(hours)
    weather = np.zeros(hours)
    for i in range(1, hours):
        weather[i] = 0.98 * weather[i - 1] + rng.normal(0, 0.4)
    return 10 + 8 * np.sin(hour * 2 * np.pi / 8766) + 5 * np.sin((hour - 9) * 2 * np.pi / 24) + weather


# Each sample is a window of the series: the network sees the first 48 hours, and has to predict the 6 hours after them.
def windows(series: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pieces of the series: what is known, and what comes next."""
    pieces = np.lib.stride_tricks.sliding_window_view(series, PAST + AHEAD)
    return pieces[:, :PAST, None].astype("float32"), pieces[:, PAST:].astype("float32")


# The convolution shortens the 48 hours to half as many steps, the GRU reads them in order, and the last layer gives one
# number for each hour of the forecast.
def build() -> ef.Model:
    """A convolution shortens the past, a GRU reads it, one output per hour ahead."""
    return ef.Sequential(
        [
            layers.Input((PAST, 1)),
            layers.Conv1D(16, 4, strides=2, activation="relu"),
            layers.GRU(32),
            layers.Dense(AHEAD),
        ]
    )


def main(epochs: int = 15, hours: int = 4000, verbose: int = 2) -> float:
    """Train on the first part, forecast the rest; return the error as a share of the best simple rule's."""
    # A time series is split by time, never at random. Otherwise the network would be trained on hours that lie between
    # those that it is tested on, and the test would look better than any real forecast. For the same reason, the mean
    # and the scale are computed from the training part alone.
    ef.utils.set_random_seed(10)
    series = temperatures(hours, np.random.default_rng(10))
    mean, scale = series[: hours * 3 // 4].mean(), series[: hours * 3 // 4].std()
    x_train, y_train = windows((series[: hours * 3 // 4] - mean) / scale)
    x_test, y_test = windows((series[hours * 3 // 4 :] - mean) / scale)

    # A network that is trained for too long begins to learn its training data by heart, and gets worse on everything
    # else. `EarlyStopping` ends the training when the validation loss hasn't improved for three epochs, and restores
    # the best weights.
    model = build()
    model.compile(ef.optimizers.Adam(0.003), loss="mse", metrics=["mae"])
    stop = ef.callbacks.EarlyStopping(patience=3, restore_best_weights=True)
    model.fit(x_train, y_train, batch_size=32, epochs=epochs, validation_split=0.2, callbacks=[stop], verbose=verbose)

    # An error means little until you compare it with something. Two rules need no network at all: the temperature stays
    # as it is now, or it will be what it was a day before. A forecast is only worth its cost if it beats both.
    forecast = model.predict(x_test, verbose=0)
    errors = {
        "as it is now": np.abs(x_test[:, -1] - y_test).mean(),
        "as a day ago": np.abs(x_test[:, -24 : -24 + AHEAD, 0] - y_test).mean(),
        "the network": np.abs(forecast - y_test).mean(),
    }
    for name, error in errors.items():
        print(f"{name:14} is wrong by {error * scale:.2f} °C on average")
    celsius = np.round([forecast[0] * scale + mean, y_test[0] * scale + mean], 1)
    print("the next hours:", *celsius[0], "and what came:", *celsius[1])
    *rules, network = errors.values()
    return float(network / min(rules))


if __name__ == "__main__":
    print(f"error of the network, as a share of the best rule's: {main():.0%}")
