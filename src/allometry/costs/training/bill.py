"""What device-hours come to in energy and money, empty with a reason where that is not known."""

from __future__ import annotations

from allometry.costs._intervals import through, times
from allometry.costs.hardware import Hardware
from allometry.costs.prices import SECONDS_PER_HOUR, Price
from allometry.notices import Interval

JOULES_PER_KILOWATT_HOUR = 3.6e6


def energy_of(device_hours: Interval, hardware: Hardware) -> Interval:
    """Kilowatt-hours of devices at full power; hosts, network and cooling come on top."""
    if hardware.power is None:
        return Interval(None, why=f"the power of {hardware.name} is not known")
    return times(device_hours, hardware.power * SECONDS_PER_HOUR / JOULES_PER_KILOWATT_HOUR)


def money_of(device_hours: Interval, hardware: Hardware, price: Price | None) -> Interval:
    """Money in the price's currency."""
    if price is None:
        return Interval(None, why=f"no price of {hardware.name} is known: give one in a file")
    return through(
        device_hours,
        lambda hours: price.of_devices(hours * SECONDS_PER_HOUR),
        why="this is a price of tokens, not of device-hours",
    )
