"""Stand-ins of the three vendors, written from their pages, with faults that can be switched on.

They know nothing of the adapters, so that an error in one of the two shows in the other.
"""

from gateway.sandbox.cobalt import cobalt_app
from gateway.sandbox.faults import Fault
from gateway.sandbox.maxcare import maxcare_app
from gateway.sandbox.server import serve, serving
from gateway.sandbox.settings import (
    CobaltLink,
    CobaltSettings,
    MaxCareSettings,
    Provider,
    SandboxSettings,
    TaskApiSettings,
)
from gateway.sandbox.task_api import task_api_app

__all__ = [
    "CobaltLink",
    "CobaltSettings",
    "Fault",
    "MaxCareSettings",
    "Provider",
    "SandboxSettings",
    "TaskApiSettings",
    "cobalt_app",
    "maxcare_app",
    "serve",
    "serving",
    "task_api_app",
]
