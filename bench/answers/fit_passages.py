#!/usr/bin/env python3
"""Fits the probability that a passage speaks of what was asked to the passages' rows of `bench-answers`. Python's own library only.

Usage: python3 bench/answers/fit_passages.py passages.tsv
"""

import csv
import math
import sys

FEATURES = ["cosine", "words", "share"]
SETS = ["faquad", "squad-pt", "xquad-en"]


def load(path):
    with open(path, encoding="utf-8") as rows:
        return [
            (row["set"], [float(row[name]) for name in FEATURES], int(row["holds"]))
            for row in csv.DictReader(rows, delimiter="\t")
        ]


def logistic(rows, steps=600, rate=1.0):
    """Weights (the last is the bias) by gradient descent on standardized columns, given back for plain ones."""
    count, width = len(rows), len(FEATURES)
    means = [sum(row[1][at] for row in rows) / count for at in range(width)]
    spreads = [math.sqrt(sum((row[1][at] - means[at]) ** 2 for row in rows) / count) or 1.0 for at in range(width)]
    scaled = [([(x - m) / s for x, m, s in zip(row[1], means, spreads)] + [1.0], row[2]) for row in rows]
    weights = [0.0] * (width + 1)
    for _ in range(steps):
        gradient = [0.0] * (width + 1)
        for row, label in scaled:
            guess = 1 / (1 + math.exp(-max(-30.0, min(30.0, sum(w * x for w, x in zip(weights, row))))))
            for at, value in enumerate(row):
                gradient[at] += (guess - label) * value / count
        weights = [weight - rate * slope for weight, slope in zip(weights, gradient)]
    plain = [weights[at] / spreads[at] for at in range(width)]
    return plain + [weights[-1] - sum(w * m for w, m in zip(plain, means))]


def probability(weights, row):
    return 1 / (1 + math.exp(-(sum(w * x for w, x in zip(weights, row)) + weights[-1])))


def main():
    rows = load(sys.argv[1])
    every = logistic(rows)
    print("weights:", ", ".join(f"{name} {weight:.3f}" for name, weight in zip(FEATURES + ["bias"], every)))
    for name in SETS:
        guesses = [(probability(every, row), holds) for of, row, holds in rows if of == name]
        answering = [guess for guess, holds in guesses if holds]
        others = [guess for guess, holds in guesses if not holds]
        for least in (0.005, 0.01, 0.02):
            kept = sum(guess >= least for guess in answering) / len(answering)
            dropped = sum(guess < least for guess in others) / len(others)
            print(f"{name}, from {least}: {kept:.4f} of those that answer kept, {dropped:.4f} of the others dropped")


main()
