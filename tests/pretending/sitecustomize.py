"""Lets programs believe that it is another time, by so many seconds; found by Python where PYTHONPATH leads here."""

import os
from datetime import UTC, datetime, timedelta

from loyalty.clock import SystemClock

_AHEAD = timedelta(seconds=float(os.environ["PRETENDED_SECONDS"]))

SystemClock.now = lambda _: datetime.now(UTC) + _AHEAD
