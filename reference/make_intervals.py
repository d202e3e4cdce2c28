"""Writes `testdata/intervals.json`: exact binomial bounds from scipy's inverse of the incomplete beta function.

Per case: successes, tries, confidence, lower and upper Clopper-Pearson bound. No more tries than these: with 87 million scipy
itself is off by 2e-9 (found with 40 digits).
"""
import json
from pathlib import Path

from scipy.special import betainccinv, betaincinv

CONFIDENCES = [0.5, 0.95, 0.99, 0.999999]
TRIES = [1, 2, 7, 30, 83, 1000, 123457]


def bounds(count, tries, confidence):
    tail = (1 - confidence) / 2
    lower = 0.0 if count == 0 else float(betaincinv(count, tries - count + 1, tail))
    upper = 1.0 if count == tries else float(betainccinv(count + 1, tries - count, tail))
    return lower, upper


cases = []
for tries in TRIES:
    for count in sorted({0, 1, tries // 50, tries // 3, tries // 2, tries - 1, tries} & set(range(tries + 1))):
        for confidence in CONFIDENCES:
            cases.append([count, tries, confidence, *bounds(count, tries, confidence)])

target = Path(__file__).parent.parent / "testdata" / "intervals.json"
target.write_text("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")
print(f"{len(cases)} cases")
