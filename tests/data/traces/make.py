#!/usr/bin/env python3
"""Makes office.csv: a made-up morning of eight machines, the same bytes each time.

usage: tests/data/traces/make.py > tests/data/traces/office.csv

Four desktops wake at nine, three servers hum, one batch machine works in bursts.
"""

import math

STEP_S = 300
LENGTH_S = 6 * 3600


def noise(vm: int, step: int) -> float:
    """-1 .. 1, from the numbers alone."""
    value = (vm * 2654435761 + step * 40503 + 12345) % 2**32
    value = (value ^ (value >> 15)) * 2246822519 % 2**32
    return (value ^ (value >> 13)) % 2**32 / 2**31 - 1


def used(kind: str, vm: int, at_s: int) -> float:
    """Share of the capacity."""
    hour = at_s / 3600
    if kind == "desktop":
        return 0.10 + 0.40 / (1 + math.exp(-(hour - 3 - vm * 0.2) * 4))
    if kind == "server":
        return 0.35 + 0.05 * math.sin(hour + vm)
    return 0.65 if (at_s // 2700) % 3 == 1 else 0.05


MACHINES = [("desktop", 4 << 20)] * 4 + [("server", 8 << 20)] * 3 + [("batch", 16 << 20)]

print("vm,t_s,capacity_kib,used_kib")
for number, (name, capacity_kib) in enumerate(MACHINES):
    for time_s in range(0, LENGTH_S + 1, STEP_S):
        share = used(name, number, time_s) * (1 + 0.05 * noise(number, time_s // STEP_S))
        print(f"{name}-{number + 1},{time_s},{capacity_kib},{int(share * capacity_kib)}")
