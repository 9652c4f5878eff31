"""What of the launcher's environment reaches ranks on other machines: what programs need, and no secrets."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

__all__ = ["ALLOWED", "allowed", "local"]

# Names, and beginnings of names (those with a star).
ALLOWED = """
    PATH HOME LANG LANGUAGE LC_* TZ USER LOGNAME SHELL TERM COLUMNS TMPDIR XDG_CACHE_HOME VIRTUAL_ENV CONDA_PREFIX
    LD_LIBRARY_PATH DYLD_LIBRARY_PATH PYTHON* EAGERFLOW_* VIZ_* KERAS_* OMP_* OPENBLAS_* MKL_* KMP_* BLIS_* VECLIB_*
    CUDA* NCCL* NVIDIA_* MPI* MPICH_* I_MPI_* FI_* UCX_*
    """.split()
# Names that look as if they held a secret go to ranks only if they are asked for.
_SECRET = re.compile("TOKEN|SECRET|PASS|CREDENTIAL|KEY|AUTH|PRIVATE|COOKIE|SESSION", re.IGNORECASE)


def allowed(environment: Mapping[str, str], also: Iterable[str] = ()) -> dict[str, str]:
    """The variables that ranks on other machines are given.

    Args:
        environment: of the launcher.
        also: names that were asked for by `--env`.

    >>> sorted(allowed({"PATH": "/bin", "PYTHONPATH": ".", "AWS_SECRET": "x", "RUN": "7"}, also=["RUN"]))
    ['PATH', 'PYTHONPATH', 'RUN']
    """
    asked = set(also)
    return {name: value for name, value in environment.items() if name in asked or _is_allowed(name)}


def local(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that ranks on this machine are given: all but those of mpiexec, and of ranks that start ranks."""
    return {name: value for name, value in environment.items() if not name.startswith(("HYDRA_", "PMI_", "PMIX_"))}


def _is_allowed(name: str) -> bool:
    if _SECRET.search(name):
        return False
    return any(name.startswith(rule[:-1]) if rule.endswith("*") else name == rule for rule in ALLOWED)
