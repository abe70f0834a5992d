"""Importing this package registers every property, in the order of the checks: value, derivative, contracts."""

# isort: off
from ltdcheck.properties import values  # noqa: F401
from ltdcheck.properties import adjoint  # noqa: F401
from ltdcheck.properties import lags  # noqa: F401
from ltdcheck.properties import arrangement  # noqa: F401
from ltdcheck.properties import sequences  # noqa: F401
from ltdcheck.properties import ragged  # noqa: F401
from ltdcheck.properties import calls  # noqa: F401
from ltdcheck.properties import effects  # noqa: F401
from ltdcheck.properties import training  # noqa: F401
from ltdcheck.properties import pair  # noqa: F401
from ltdcheck.properties import protocol  # noqa: F401
from ltdcheck.properties import clipping_kind  # noqa: F401
from ltdcheck.properties import clipping  # noqa: F401
from ltdcheck.properties import clipping_contract  # noqa: F401
from ltdcheck.properties import clipping_edges  # noqa: F401
from ltdcheck.properties import jacobians  # noqa: F401
from ltdcheck.properties import lstm_gates  # noqa: F401
from ltdcheck.properties import gru_gates  # noqa: F401
