"""``python -m support.gated MODULE ...``: runs a module whose inference processes wait at gates.

For example ``python -m support.gated streamlit run app.py`` or ``python -m gated emosense batch ...``, with
the environment of :func:`support.gates.gated_environment`.
"""

import functools
import runpy
import sys

from emosense.worker.client import InferenceWorker
from support.gates import WORKER

if __name__ == "__main__":
    InferenceWorker.__init__ = functools.partialmethod(InferenceWorker.__init__, WORKER)
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
