"""What of the launcher's environment reaches ranks on other machines: what programs need, and no secrets."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

__all__ = ["ALLOWED", "allowed", "local"]

ALLOWED = """
    PATH HOME LANG LANGUAGE LC_* TZ USER LOGNAME SHELL TERM COLUMNS TMPDIR XDG_CACHE_HOME VIRTUAL_ENV CONDA_PREFIX
    LD_LIBRARY_PATH DYLD_LIBRARY_PATH PYTHON* EAGERFLOW_* VIZ_* KERAS_* OMP_* OPENBLAS_* MKL_* KMP_* BLIS_* VECLIB_*
    CUDA* NCCL* NVIDIA_* MPI* MPICH_* I_MPI_* FI_* UCX_*
    """.split()
# Names that look as if they held a secret go to ranks only if they are asked for.
_SECRET = re.compile("TOKEN|SECRET|PASS|CREDENTIAL|KEY|AUTH|PRIVATE|COOKIE|SESSION", re.IGNORECASE)


def allowed(environment: Mapping[str, str], also: Iterable[str] = ()) -> dict[str, str]:
    """The variables that ranks on other machines get; `also` are those that `--env` asks for.

    >>> sorted(allowed({"PATH": "/bin", "PYTHONPATH": ".", "AWS_SECRET": "x", "RUN": "7"}, also=["RUN"]))
    ['PATH', 'PYTHONPATH', 'RUN']
    """
    return {name: value for name, value in environment.items() if name in set(also) or _is_allowed(name)}


def local(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that ranks on this machine get: all but those of mpiexec, and of ranks that start ranks."""
    return {name: value for name, value in environment.items() if not name.startswith(("HYDRA_", "PMI_", "PMIX_"))}


def _is_allowed(name: str) -> bool:
    return not _SECRET.search(name) and any(fnmatchcase(name, rule) for rule in ALLOWED)
