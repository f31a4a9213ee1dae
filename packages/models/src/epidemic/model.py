"""The epidemic model's program: one JSON line in, one JSON line out, until stdin ends."""

import json
import os
import sys

# Answers keep the real stdout; whatever else prints, in C too, goes to stderr and cannot garble them.
answers = os.fdopen(os.dup(1), "w", buffering=1)
os.dup2(2, 1)


def answer(line):
    # NaN is no JSON; allow_nan=False makes it an error here, with a traceback, instead of a garbled line.
    answers.write(json.dumps(line, allow_nan=False) + "\n")


try:
    import numpy as np
except ImportError as error:
    answer({"unable": f"numpy is missing in {sys.executable}: {error}. Run: python3 -m pip install numpy"})
    sys.exit()


def simulate(seed, population, infected, r0, infectiousDays, runs):
    """`runs` epidemics side by side, day by day: chain-binomial SIR (Bailey 1975, chapter 14)."""
    random = np.random.default_rng(seed)
    recovery = 1 - np.exp(-1 / infectiousDays)
    # Days are whole: a case is infectious for 1 / recovery of them on average.
    infection = r0 * recovery / population
    s = np.full(runs, population - infected)
    i = np.full(runs, infected)
    peak, peak_day, day = i.copy(), np.zeros(runs, dtype=int), 0
    while i.any():
        day += 1
        new = random.binomial(s, 1 - np.exp(-infection * i))
        i = i + new - random.binomial(i, recovery)
        s = s - new
        peak_day[i > peak] = day
        peak = np.maximum(peak, i)
    share = 1 - s / population
    return {
        "meanShareInfected": share.mean(),
        "outbreakShare": (share > 0.1).mean(),
        "meanPeakShare": peak.mean() / population,
        "meanPeakDay": peak_day.mean(),
        "lastDay": day,
    }


for line in sys.stdin:
    asked = json.loads(line)
    results = {
        name: value.item() if isinstance(value, np.generic) else value
        for name, value in simulate(asked["seed"], **asked["parameters"]).items()
    }
    answer({"simulation": asked["simulation"], "results": results})
