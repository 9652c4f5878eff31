"""Published files of the model zoo: where they lie on the net and on this machine."""

import os
from dataclasses import dataclass
from pathlib import Path
from textwrap import shorten

from eagerflow.datasets.download import download, matches

__all__ = ["Published", "published"]

_SITE = "https://storage.googleapis.com/tensorflow/keras-applications/"


@dataclass(frozen=True)
class Published:
    """A file that Keras' makers publish."""

    url: str  # whole, or below the address of the zoo
    checksum: str = ""  # MD5 or SHA-256 in hexadecimal digits; empty where none is published
    name: str = ""  # what it is called here; default: as there

    def path(self, wanted_by: str, instead: str = "") -> Path:
        """The file in Keras' folder, `KERAS_HOME` or `~/.keras`, downloaded when it isn't there.

        When that fails, the message says which call needs it, which file goes where, and what can be done `instead`.
        """
        folder = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras").expanduser() / "models"
        url = self.url if "://" in self.url else _SITE + self.url
        place = folder / (self.name or url.rpartition("/")[2])
        there = place.is_file()
        if there and (not self.checksum or matches(place, self.checksum)):
            return place
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            reason = f"{folder} can't be made ({error.strerror})"
            raise OSError(f"{wanted_by} needs {place.name}: {reason}. Fix: set KERAS_HOME{instead}.") from None
        try:
            download(url, place, self.checksum or None)
        except (OSError, ValueError) as error:
            said = str(error).replace(url, "it").partition("). ")[0].partition("; ")[0]
            reason = "the file there has another checksum" if there else shorten(said.replace(" (", ": ", 1), 100)
            known = f" ({'sha256' if len(self.checksum) == 64 else 'md5'} {self.checksum})" if self.checksum else ""
            fix = f"Fix: get {url}{known} elsewhere and put it there: {place}{instead}."
            raise ConnectionError(f"{wanted_by} needs {place.name}: {reason}. {fix}") from None
        return place


def published(key: str, with_top: bool = True) -> Published:
    """A row of weights.txt."""
    rows = Path(__file__).with_name("weights.txt").read_text(encoding="utf-8").splitlines()
    address, *checksums, ending = next(row.split()[1:] for row in rows if row.split()[0] == key)
    url = address if with_top else address.replace(".h5", f"{ending}.h5")
    name = f"{key}{'' if with_top else '_no_top'}.h5" if key.startswith("nasnet") else ""  # as Keras calls them
    return Published(url, checksums[not with_top], name)
