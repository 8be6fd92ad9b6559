"""A Microsoft 365 tenant on the wire: made-up people behind Graph's own surface, on loopback, over TLS.

It is the other side of the wire and imports nothing of the rest of the product: a mistake shared between
client and server would hide.
"""

from pipelines.simulator.corrections import Correction
from pipelines.simulator.faults import Fault, FaultRules, Rule
from pipelines.simulator.faults_file import FaultFileError, describe_faults, read_faults
from pipelines.simulator.faults_library import Scope
from pipelines.simulator.journal import RequestLog, RequestRecord, WriteLog, WriteRecord
from pipelines.simulator.serve import serve
from pipelines.simulator.server import SimulatorServer
from pipelines.simulator.spec import (
    ACTION_PERMISSIONS,
    ACTIONS_APP,
    READ_PERMISSIONS,
    AppRegistration,
    Limits,
    Pace,
    TenantSpec,
)
from pipelines.simulator.tenant import Tenant
from pipelines.simulator.wire import Call, Reply

__all__ = [
    "ACTIONS_APP",
    "ACTION_PERMISSIONS",
    "AppRegistration",
    "Call",
    "Correction",
    "Fault",
    "FaultFileError",
    "FaultRules",
    "Limits",
    "Pace",
    "READ_PERMISSIONS",
    "Reply",
    "RequestLog",
    "RequestRecord",
    "Rule",
    "Scope",
    "SimulatorServer",
    "Tenant",
    "TenantSpec",
    "WriteLog",
    "WriteRecord",
    "describe_faults",
    "read_faults",
    "serve",
]
