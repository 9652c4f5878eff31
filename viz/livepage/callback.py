"""The callback of `fit` that shows training on a page."""

from __future__ import annotations

from typing import Any

from eagerflow.callbacks import Callback
from viz.livepage.handle import LivePage, live

__all__ = ["Live"]


class Live(Callback):
    """Shows `fit` on a local web page while it runs; see `viz.live`.

    Later calls of `fit` with the same object continue on the same page. In data-parallel training, rank 0 serves it.

    Args:
        **options: as for `viz.live`: `port`, `open_browser`, `every`, `every_steps`, `overhead`, `linger`, `name`.

    Attributes:
        page: the `LivePage`; None before the first training.

    Raises:
        TypeError: for an unknown option.

    >>> import eagerflow as ef
    >>> model = ef.Sequential([ef.Input((3,)), ef.layers.Dense(2)])
    >>> model.compile("sgd", "mse")
    >>> show = ef.callbacks.Live(open_browser=False, linger=0)
    >>> history = model.fit(ef.ops.ones((8, 3)), ef.ops.ones((8, 2)), verbose=0, callbacks=[show])
    >>> show.page.close()
    """

    _writes = True  # where ranks train together, one of them does

    def __init__(self, **options: Any) -> None:
        super().__init__()
        unknown = set(options) - set(live.__annotations__) | {"model"} & set(options)
        if unknown:
            raise TypeError(f"Live({min(unknown)}=...): no such option; see viz.live")
        self.page: LivePage | None = None
        self._options = options

    def on_train_begin(self, logs: Any = None) -> None:
        if self.page is None:
            self.page = live(self.model, **self._options)
        else:
            self.page.resume()
        self.page.within_fit(self.model)

    def on_train_end(self, logs: Any = None) -> None:
        if self.page is not None:
            self.page.within_fit()
            self.page.pause()
