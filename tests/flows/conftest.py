"""The gateway on a new database."""

from __future__ import annotations

import pytest
from flows.doubles import House


@pytest.fixture
def house(tmp_path):
    return House(tmp_path / "gateway.db")
