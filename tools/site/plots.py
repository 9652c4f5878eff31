"""Plots of the tutorials.

The programs of examples/ run where nothing but eagerflow is installed, so they print. Their pages and notebooks draw
with matplotlib instead of what they print, or beside it; and they leave out what only a program needs, such as where it
leaves its files.
"""

from __future__ import annotations

from typing import NamedTuple


class Plot(NamedTuple):
    """What stands in a tutorial in place of some lines of its program.

    Attributes:
        printed: the lines of the program.
        drawn: those of the tutorial.
    """

    printed: str
    drawn: str


PLOTS = {
    "custom_loop": [
        Plot(
            """\
    # Finally the same metric, on points that the network hasn't been trained on.""",
            """\
    # Here is what the network has learned: the class that it sees at each place of the plane, and points that it hasn't
    # been trained on (plots need `pip install matplotlib`).
    import matplotlib.pyplot as plt
    colors = ["#0a7d91", "#e4572e", "#f2a541"]
    line = np.linspace(-1.2, 1.2, 200, dtype="float32")
    plane = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)
    classes = model.predict(plane, verbose=0).argmax(axis=1).reshape(200, 200)
    plt.figure(figsize=(4.5, 4.5))
    plt.contourf(line, line, classes, levels=[-0.5, 0.5, 1.5, 2.5], colors=colors, alpha=0.3)
    for kind, color in enumerate(colors):
        plt.scatter(*x_test[y_test == kind].T, s=6, color=color)
    plt.axis("equal")
    plt.show()

    # Finally the same metric, on points that the network hasn't been trained on.""",
        )
    ],
    "digits": [
        Plot("    folder.mkdir(parents=True, exist_ok=True)\n", ""),
        Plot("\n\nLeaves `step.svg` and `step.efz` in FOLDER (default: `runs/digits`).", ""),
    ],
    "digits_cnn": [
        Plot("images: int | None = None, ", ""),
        Plot("x_train[:images, ..., None]", "x_train[..., None]"),
        Plot("y_train[:images]", "y_train"),
        Plot(
            """\
    print(f"{len(wrong)} of {len(y_test)} digits misread, among them:", ", ".join(wrong[:5]))
""",
            """\
    print(f"{len(wrong)} of {len(y_test)} digits misread, among them:", ", ".join(wrong[:5]))

    # Here they are, and some that were read rightly, each with its digit and what was read (plots need
    # `pip install matplotlib`):
    import matplotlib.pyplot as plt
    order = np.argsort(guesses == y_test, kind="stable")  # the misread ones come first
    figure, axes = plt.subplots(2, 6, figsize=(7.2, 3))
    for axis, place in zip(axes.flat, order):
        axis.imshow(x_test[place, :, :, 0], cmap="gray_r")
        is_right = guesses[place] == y_test[place]
        axis.set_title(f"{y_test[place]} → {guesses[place]}", color="gray" if is_right else "#e4572e")
        axis.axis("off")
    plt.show()

    # And the share of test images that were read rightly:
""",
        ),
        Plot("import eagerflow as keras\n", "import numpy as np\n\nimport eagerflow as keras\n"),
    ],
    "siamese": [
        Plot(
            """\
    for i in range(4):
        distance = model.predict_on_batch([x[0][i : i + 1], x[1][i : i + 1]])[0, 0]
        print(f"pair {i}: {'same digit' if same[i, 0] else 'two digits'}, distance {distance:.2f}")
""",
            """
    # Some pairs of images that are new to it, and the distance that it sees (plots need `pip install matplotlib`):
    import matplotlib.pyplot as plt
    distances = model.predict(x, verbose=0)[:, 0]
    figure, axes = plt.subplots(1, 6)
    for i, axis in enumerate(axes):
        axis.imshow(np.hstack([x[0][i], x[1][i]])[..., 0], cmap="gray_r")
        axis.set_title(f"{'same' if same[i, 0] else 'different'}\\n{distances[i]:.2f}")
        axis.axis("off")
    plt.show()

    # And all 1000 new pairs. The network is right about those that lie on their side of 0.5, the dashed line.
    alike, different = distances[same[:, 0] == 1], distances[same[:, 0] == 0]
    plt.hist([alike, different], bins=40, histtype="stepfilled", alpha=0.6, label=["same digit", "different digits"])
    plt.axvline(0.5, color="gray", linestyle="--")
    plt.xlabel("distance")
    plt.ylabel("pairs")
    plt.legend()
    plt.show()

    # As a number, this is the accuracy:
""",
        )
    ],
    "timeseries": [
        Plot(
            """\
    celsius = np.round([forecast[0] * scale + mean, y_test[0] * scale + mean], 1)
    print("the next hours:", *celsius[0], "and what came:", *celsius[1])
""",
            """
    # Three of the forecasts, a week apart, beside what came (plots need `pip install matplotlib`):
    import matplotlib.pyplot as plt
    figure, axes = plt.subplots(1, 3, sharey=True)
    before, ahead = np.arange(-24, 0), np.arange(AHEAD)
    for axis, begin in zip(axes, [0, 7 * 24, 14 * 24]):
        axis.plot(before, x_test[begin, -24:, 0] * scale + mean, color="gray")
        axis.plot(ahead, y_test[begin] * scale + mean, label="what came")
        axis.plot(ahead, forecast[begin] * scale + mean, label="forecast")
        axis.set_xlabel("hours")
    axes[0].set_ylabel("°C")
    axes[0].legend()
    plt.show()

    # As one number, the network's error as a share of the better rule's:
""",
        )
    ],
    "transfer": [
        Plot(
            """    print(f"from scratch, for comparison:  {accuracy(scratch, test):.1%}")
""",
            """    print(f"from scratch, for comparison:  {accuracy(scratch, test):.1%}")

    # Which digits are easy to tell? Here is the share of right answers for each of them, with the base that was
    # trained on the large task, and from scratch (plots need `pip install matplotlib`).
    import matplotlib.pyplot as plt
    for number, (name, trained) in enumerate({"with transfer": model, "from scratch": scratch}.items()):
        right = trained.predict(x_test, verbose=0).argmax(axis=1) == y_test % 2
        shares = [right[y_test == digit].mean() for digit in range(10)]
        plt.bar(np.arange(10) + 0.4 * number - 0.2, shares, 0.4, label=name)
    plt.xticks(range(10))
    plt.xlabel("digit")
    plt.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2)
    plt.show()

    # As one number, the accuracy with transfer:
""",
        )
    ],
    "vae": [
        Plot(
            '''# The images are small enough to be printed: the brighter a pixel, the denser its character.
def draw(rows: np.ndarray) -> str:
    """Rows of images (rows, columns, 8, 8) as text."""
    shades = np.array(list(" .:+#"))
    lines = shades[(rows * 4.99).astype(int)].transpose(0, 2, 1, 3)
    return "\\n".join("  ".join("".join(2 * s for s in part) for part in line) for row in lines for line in row)
''',
            "",
        ),
        Plot("(x_train, _), (x_test, _) =", "(x_train, _), (x_test, y_test) ="),
        Plot(
            """\
    # The decoder turns any two numbers into a digit, even those that no image was squeezed into. A grid of them shows
    # the map that it has learned, on which digits that look alike are neighbours.
    steps = np.linspace(-1.5, 1.5, 5)
    grid = np.array([(a, b) for a in steps[::2] for b in steps], "float32")
    print(draw(decoder.predict(grid, verbose=0).reshape(3, 5, 8, 8)))
""",
            """\
    # The encoder gives each image a place on a plane. Here are the test digits, each kind in its own colour: images of
    # the same digit lie together, although the network has never seen a label (plots need `pip install matplotlib`).
    import matplotlib.pyplot as plt
    places = encoder.predict(x_test, verbose=0)[0]
    plt.figure(figsize=(5.5, 4.5))
    plt.scatter(*places.T, c=y_test, s=12, cmap="tab10", vmin=-0.5, vmax=9.5)
    plt.colorbar(ticks=range(10), label="digit")
    plt.show()

    # The decoder turns any two numbers into a digit, even those that no image was squeezed into. A grid of them shows
    # the map that it has learned, on which digits that look alike are neighbours.
    steps = np.linspace(-1.8, 1.8, 12)
    grid = np.array([(a, b) for b in steps[::-1] for a in steps], "float32")
    images = np.pad(decoder.predict(grid, verbose=0).reshape(12, 12, 8, 8), [(0, 0), (0, 0), (1, 1), (1, 1)])
    plt.figure(figsize=(5.5, 5.5))
    plt.imshow(images.transpose(0, 2, 1, 3).reshape(120, 120), cmap="gray_r")
    plt.axis("off")
    plt.show()
""",
        ),
    ],
    "gan": [
        Plot(
            '''def picture(points: np.ndarray, size: int = 15) -> str:
    """The points as text."""
    cells, _, _ = np.histogram2d(points[:, 1], points[:, 0], bins=size, range=[[-1.4, 1.4]] * 2)
    return "\\n".join("".join("  " if n == 0 else ". " if n < 4 else "# " for n in row) for row in cells)
''',
            "",
        ),
        Plot("# The real data, and a way to look at points.\n", "# The real data are points near a circle.\n"),
        Plot(
            """\
    # The losses don't tell whether the invented points are any good, so look at the points themselves.
    points = gan.invent(1000).numpy()
    print(picture(points))
""",
            """\
    # Once the networks are in balance, the losses hardly change, and the discriminator's stays near log(2), the dashed
    # line (plots need `pip install matplotlib`).
    import matplotlib.pyplot as plt
    for name, values in history.history.items():
        plt.plot(range(1, epochs + 1), values, label=name)
    plt.axhline(np.log(2), color="gray", linestyle="--")
    plt.xlabel("epoch")
    plt.legend()
    plt.show()

    # So look at the points themselves: real ones on the left, invented ones on the right.
    points = gan.invent(500).numpy()
    figure, axes = plt.subplots(1, 2, figsize=(6.4, 3.2), sharex=True, sharey=True)
    for axis, shown, name in zip(axes, [ring(500, np.random.default_rng(5)), points], ["real", "invented"]):
        axis.scatter(*shown.T, s=3)
        axis.set_title(name)
        axis.set_aspect("equal")
    plt.show()

    # A number for it: how many of the invented points lie near the ring.
""",
        ),
    ],
}


def with_plots(name: str, program: str) -> str:
    """The program of a tutorial with its plots.

    Args:
        name: of the program.
        program: its text.

    Raises:
        ValueError: when the program has no longer, or more than once, what a plot stands in place of.

    >>> with_plots("viz_nan", "print(1)")
    'print(1)'
    """
    for plot in PLOTS.get(name, []):
        if program.count(plot.printed) != 1:
            raise ValueError(f"examples/{name}.py should have this once, where its page has a plot:\n{plot.printed}")
        program = program.replace(plot.printed, plot.drawn)
    return program
