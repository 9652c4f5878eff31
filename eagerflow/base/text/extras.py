"""The packages that some parts need: from which version on, and the extra of eagerflow that brings them."""

from __future__ import annotations

__all__ = ["EXTRAS", "NEEDED", "brought_by", "missing_package", "pip_install"]

# As in pyproject.toml, which a test compares: an installed eagerflow may have come from anywhere.
EXTRAS = {
    "pdf": ("cairosvg>=2.7",),
    "image": ("pillow>=10",),
    "sklearn": ("scikit-learn>=1.6",),
    "bfloat16": ("ml_dtypes>=0.4",),
    "onnx": ("onnx>=1.17",),
    "tensorboard": ("tensorboard>=2.17",),
    "fast": ("llvmlite>=0.50", "numba>=0.68"),
    "mpi": ("mpi4py>=4.1", "mpich>=4.3"),
    "cuda12": ("cupy-cuda12x[ctk]>=14",),
    "cuda13": ("cupy-cuda13x[ctk]>=14",),
}
NEEDED = ("h5py>=3.11", "resvg-py>=0.5")  # by all: only a damaged installation lacks them

_REQUIREMENTS = {each.partition(">=")[0]: each for each in (*NEEDED, *[r for extra in EXTRAS.values() for r in extra])}


def pip_install(*packages: str) -> str:
    """The command that installs packages, each from the version on that works here.

    >>> from eagerflow.base.text.extras import pip_install
    >>> pip_install("mpi4py", "mpich")
    "pip install 'mpi4py>=4.1' 'mpich>=4.3'"
    """
    return f"pip install {' '.join([repr(_REQUIREMENTS[each]) for each in packages])}"


def brought_by(*packages: str) -> str:
    """The extra that brings packages, as pip knows it; empty for what eagerflow brings itself.

    >>> from eagerflow.base.text.extras import brought_by
    >>> brought_by("pillow"), brought_by("h5py")
    ("'eagerflow[image]'", '')
    """
    wanted = {_REQUIREMENTS[each] for each in packages}
    return next((f"'eagerflow[{name}]'" for name, brought in EXTRAS.items() if wanted <= {*brought}), "")


def missing_package(package: str, install: str, purpose: str) -> ImportError:
    """The error for an optional package that isn't installed; `install` is what pip calls it.

    >>> from eagerflow.base.text.extras import missing_package
    >>> missing_package("Pillow", "pillow", "This").args[0]
    "This needs Pillow, which is not installed; 'eagerflow[image]' brings it. Fix: pip install 'pillow>=10'"
    """
    extra = brought_by(install)
    brings = f"; {extra} brings it" if extra else ""
    return ImportError(f"{purpose} needs {package}, which is not installed{brings}. Fix: {pip_install(install)}")
