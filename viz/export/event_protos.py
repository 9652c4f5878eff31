"""The messages of TensorBoard's files, and what writes them: all of tensorboardX that is used."""

from __future__ import annotations

import functools
from types import SimpleNamespace
from typing import Any

__all__ = ["protos"]


@functools.cache
def protos() -> Any:
    """What is used of tensorboardX.

    Raises:
        ImportError: without it; says how to get it.
    """
    try:
        from google.protobuf.message import DecodeError
        from tensorboardX import record_writer, summary as summaries
        from tensorboardX.proto import (
            api_pb2,
            attr_value_pb2,
            event_pb2,
            graph_pb2,
            plugin_hparams_pb2,
            summary_pb2,
            tensor_pb2,
            tensor_shape_pb2,
            types_pb2,
        )
    except ImportError as error:
        raise ImportError(
            f"writing for TensorBoard needs tensorboardX: pip install 'tensorboardX>=2.6.2' ({error})"
        ) from None
    return SimpleNamespace(
        api=api_pb2,
        hparams=plugin_hparams_pb2,
        check=record_writer.masked_crc32c,
        attr=attr_value_pb2,
        damaged=DecodeError,
        event=event_pb2,
        graph=graph_pb2,
        summary=summary_pb2,
        summaries=summaries,
        tensor=tensor_pb2,
        shape=tensor_shape_pb2,
        types=types_pb2,
    )
