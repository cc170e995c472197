"""A network that has the loopback device alone."""

from __future__ import annotations

import fcntl
import socket
import struct
from pathlib import Path


def bring_loopback_up() -> None:
    """Does the same as `ip link set lo up`."""
    set_flags, up_and_running = 0x8914, 0x1 | 0x40
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, set_flags, struct.pack("16sH14x", b"lo", up_and_running))


def devices() -> list[str]:
    lines = Path("/proc/net/dev").read_text().splitlines()[2:]
    return [line.split(":")[0].strip() for line in lines]


def without_route() -> int:
    """How often a program has tried to reach another host: by TCP or UDP, so also to look up a name."""
    names, values = (line.split() for line in Path("/proc/net/snmp").read_text().splitlines() if line.startswith("Ip:"))
    version_6 = dict(line.split() for line in Path("/proc/net/snmp6").read_text().splitlines())
    return int(values[names.index("OutNoRoutes")]) + int(version_6["Ip6OutNoRoutes"])
