"""Pictures, sounds and texts: `add_image`, `add_audio`, `add_text` and the like."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy

from viz.boundary import boundaries
from viz.export.png import png
from viz.export.pytorch.run import Run
from viz.export.tensorboard_events import as_array, checked_tag
from viz.export.values.boxes import framed
from viz.export.values.figures import close_figure, figure_pixels
from viz.export.values.pixels import as_bytes, grid, ordered
from viz.export.values.sounds import wav_files
from viz.export.values.video import animated

__all__ = ["Media"]


@boundaries
class Media(Run):
    """Pictures, sounds and texts by PyTorch's names."""

    def _write_picture(self, tag: str, pixels: numpy.ndarray, step: int | None, walltime: float | None) -> None:
        if not pixels.size:
            return
        height, width, channels = pixels.shape
        made = self._protos.summary.Summary.Image(
            height=height, width=width, colorspace=channels, encoded_image_string=png(pixels)
        )
        self.value(step or 0, walltime, tag=tag, image=made)

    def add_image(
        self,
        tag: str,
        img_tensor: Any,
        global_step: int | None = None,
        walltime: float | None = None,
        dataformats: str = "CHW",
    ) -> None:
        """Writes a picture with its channels first by default; `image` expects them last.

        Args:
            tag: the name under which TensorBoard shows it.
            img_tensor: whole numbers from 0 to 255, or floats from 0 to 1.
            global_step: the number of the step.
            walltime: the time of the event, in seconds since 1970; default: now.
            dataformats: a letter for each axis, such as `"HWC"` or `"HW"`.

        Raises:
            ValueError: for another shape.

        >>> import viz
        >>> with viz.SummaryWriter("logs") as writer:
        ...     writer.add_image("noise", np.random.default_rng(0).random((3, 8, 8)), 0)
        """
        checked_tag(tag, "add_image(tag, img_tensor, global_step)")
        what = f"add_image({tag!r})"
        pixels = ordered(as_array(img_tensor, what), dataformats, what)
        self._write_picture(tag, as_bytes(pixels, self._tell), global_step, walltime)

    def add_images(
        self,
        tag: str,
        img_tensor: Any,
        global_step: int | None = None,
        walltime: float | None = None,
        dataformats: str = "NCHW",
    ) -> None:
        """Writes several pictures as one, eight side by side; `images` writes them one by one.

        Args:
            tag: the name under which TensorBoard shows it.
            img_tensor: whole numbers from 0 to 255, or floats from 0 to 1.
            global_step: the number of the step.
            walltime: the time of the event, in seconds since 1970; default: now.
            dataformats: a letter for each axis, such as `"NHWC"`.

        Raises:
            ValueError: for another shape.
        """
        checked_tag(tag, "add_images(tag, img_tensor, global_step)")
        what = f"add_images({tag!r})"
        pixels = ordered(as_array(img_tensor, what), dataformats, what)
        self._write_picture(tag, as_bytes(pixels, self._tell), global_step, walltime)

    def add_image_with_boxes(
        self,
        tag: str,
        img_tensor: Any,
        box_tensor: Any,
        global_step: int | None = None,
        walltime: float | None = None,
        rescale: float = 1,
        dataformats: str = "CHW",
        labels: str | Sequence[str] | None = None,
    ) -> None:
        """Writes a picture with bounding boxes.

        Args:
            tag: the name under which TensorBoard shows it.
            img_tensor: as for `add_image`.
            box_tensor: (boxes, 4): the left, upper, right and lower edges in pixels.
            global_step: the number of the step.
            walltime: the time of the event, in seconds since 1970; default: now.
            rescale: the factor by which the picture is enlarged.
            dataformats: a letter for each axis of the picture.
            labels: a text for each box; they need Pillow.

        Raises:
            ValueError: for another shape, or another number of texts.
        """
        checked_tag(tag, "add_image_with_boxes(tag, img_tensor, box_tensor, global_step)")
        what = f"add_image_with_boxes({tag!r})"
        pixels = as_bytes(ordered(as_array(img_tensor, what), dataformats, what), self._tell)
        texts = [labels] if isinstance(labels, str) else labels
        self._write_picture(
            tag, framed(pixels, as_array(box_tensor, what), texts, rescale, what), global_step, walltime
        )

    def add_figure(
        self, tag: str, figure: Any, global_step: int | None = None, close: bool = True, walltime: float | None = None
    ) -> None:
        """Writes a matplotlib figure as a picture, or several of the same size as one picture; see `figure`.

        Args:
            tag: the name under which TensorBoard shows it.
            figure: a `matplotlib.figure.Figure`, or a list of them.
            global_step: the number of the step.
            close: whether to close the figure in pyplot afterwards.
            walltime: the time of the event, in seconds since 1970; default: now.
        """
        checked_tag(tag, "add_figure(tag, figure, global_step)")
        figures = list(figure) if isinstance(figure, (list, tuple)) else [figure]
        if not figures:
            raise ValueError(f"add_figure({tag!r}): expected a matplotlib Figure, or several; got none")
        pixels = numpy.stack([figure_pixels(each, f"add_figure({tag!r})")[..., :3] for each in figures])
        self._write_picture(tag, grid(pixels, 8), global_step, walltime)
        for each in figures if close else ():
            close_figure(each)

    def add_video(
        self, tag: str, vid_tensor: Any, global_step: int | None = None, fps: float = 4, walltime: float | None = None
    ) -> None:
        """Writes a video for the Images tab, as an animated GIF; several are shown side by side. It needs Pillow.

        Args:
            tag: the name under which TensorBoard shows it.
            vid_tensor: (number, frames, channels, height, width) of bytes, or of floats from 0 to 1.
            global_step: the number of the step.
            fps: frames per second.
            walltime: the time of the event, in seconds since 1970; default: now.

        Raises:
            ValueError: for another shape.
            ImportError: without Pillow.
        """
        checked_tag(tag, "add_video(tag, vid_tensor, global_step)")
        what = f"add_video({tag!r})"
        made = animated(as_array(vid_tensor, what), fps, what, self._tell)
        self.value(global_step or 0, walltime, tag=tag, image=self._protos.summary.Summary.Image(**made._asdict()))

    def add_audio(
        self,
        tag: str,
        snd_tensor: Any,
        global_step: int | None = None,
        sample_rate: int = 44100,
        walltime: float | None = None,
    ) -> None:
        """Writes a sound with one channel; see `audio`.

        Args:
            tag: the name under which TensorBoard shows it.
            snd_tensor: (1, frames) or (frames,), from -1 to 1.
            global_step: the number of the step.
            sample_rate: frames per second.
            walltime: the time of the event, in seconds since 1970; default: now.

        Raises:
            ValueError: for another shape.
        """
        checked_tag(tag, "add_audio(tag, snd_tensor, global_step)")
        sound = as_array(snd_tensor, f"add_audio({tag!r})")
        sound = sound.reshape(-1) if max(sound.shape, default=1) == sound.size or not sound.size else sound
        if sound.ndim != 1:
            raise ValueError(
                f"add_audio({tag!r}): expected (1, frames) or (frames,); got {sound.shape}. Of several channels: "
                "audio(tag, samples, step) with (frames, channels)"
            )
        if not sound.size:
            return
        (file,) = wav_files(sound, sample_rate, self._tell)
        made = self._protos.summary.Summary.Audio(
            sample_rate=sample_rate,
            num_channels=1,
            length_frames=len(sound),
            encoded_audio_string=file,
            content_type="audio/wav",
        )
        self.value(global_step or 0, walltime, tag=tag, audio=made)

    def add_text(
        self, tag: str, text_string: Any, global_step: int | None = None, walltime: float | None = None
    ) -> None:
        """Writes a text in Markdown, under the tag `<tag>/text_summary`; see `text`.

        Args:
            tag: the name under which TensorBoard shows it.
            text_string: the text.
            global_step: the number of the step.
            walltime: the time of the event, in seconds since 1970; default: now.
        """
        checked_tag(tag, "add_text(tag, text_string, global_step)")
        parts = [str(text_string).encode("utf-8", "replace")]
        self._texts(f"{tag}/text_summary", parts, (1,), global_step or 0, "text", walltime=walltime)
