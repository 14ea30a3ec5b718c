#!/usr/bin/env python3
"""Fits the weights of sentences and of the answer's confidence to the rows of `bench-answers`. Python's own library only.

Usage: python3 bench/answers/fit.py answers.tsv
"""

import csv
import math
import sys
from collections import defaultdict

SENTENCE = ["words", "context", "pairs", "neighbors", "passage", "expected", "is_title", "length", "cosine"]
CONFIDENCE = ["coverage", "neighbors", "pairs", "cosine", "share"]
SETS = ["faquad", "squad-pt", "xquad-en"]
QUOTES = 3


def load(path):
    questions = defaultdict(list)
    with open(path, encoding="utf-8") as rows:
        for row in csv.DictReader(rows, delimiter="\t"):
            values = {name: float(row[name]) for name in row if name not in ("set", "question")}
            questions[(row["set"], row["question"], int(row["kind"]))].append(values)
    return questions


def logistic(rows, labels, steps=400, rate=0.5, ridge=1e-3):
    """Weights (the last is the bias) by gradient descent on standardized columns, given back for plain ones."""
    count, width = len(rows), len(rows[0])
    means = [sum(row[at] for row in rows) / count for at in range(width)]
    spreads = [math.sqrt(sum((row[at] - means[at]) ** 2 for row in rows) / count) or 1.0 for at in range(width)]
    scaled = [[(row[at] - means[at]) / spreads[at] for at in range(width)] + [1.0] for row in rows]
    weights = [0.0] * (width + 1)
    for _ in range(steps):
        gradient = [ridge * weight for weight in weights]
        for row, label in zip(scaled, labels):
            guess = 1 / (1 + math.exp(-max(-30.0, min(30.0, sum(w * x for w, x in zip(weights, row))))))
            for at, value in enumerate(row):
                gradient[at] += (guess - label) * value / count
        weights = [weight - rate * slope for weight, slope in zip(weights, gradient)]
    plain = [weights[at] / spreads[at] for at in range(width)]
    return plain + [weights[-1] - sum(w * m for w, m in zip(plain, means))]


def pairs(questions, sets):
    """Differences of a sentence that holds the answer and one of the same question that does not."""
    rows = []
    for (name, _, kind), sentences in questions.items():
        if kind != 1 or name not in sets:
            continue
        good = [s for s in sentences if s["holds"]]
        bad = [s for s in sentences if not s["holds"]]
        for one in good[:2]:
            rows += [[one[f] - other[f] for f in SENTENCE] for other in bad]
    return rows


def fit_sentences(questions, sets):
    """Without a bias: pairs are given both ways round."""
    rows = pairs(questions, sets)
    both = rows + [[-value for value in row] for row in rows]
    return logistic(both, [1] * len(rows) + [0] * len(rows), steps=150)[:-1]


def found(questions, name, weights):
    first = within = total = 0
    for (of, _, kind), sentences in questions.items():
        if of != name or kind != 1:
            continue
        total += 1
        ranked = sentences
        if weights:
            ranked = sorted(sentences, key=lambda s: -sum(w * s[f] for w, f in zip(weights, SENTENCE)))
        first += bool(ranked and ranked[0]["holds"])
        within += any(s["holds"] for s in ranked[:QUOTES])
    return f"{first / total:.3f} first, {within / total:.3f} in {QUOTES}, of {total}"


def tops(questions, sets, weights):
    """The best sentence of each question: its features, and the question's kind."""
    for (name, _, kind), sentences in questions.items():
        if name in sets and sentences:
            best = max(sentences, key=lambda s: sum(w * s[f] for w, f in zip(weights, SENTENCE)))
            yield [best[f] for f in CONFIDENCE], kind


def rates(questions, name, sentence_weights, weights, threshold):
    answered, total = defaultdict(int), defaultdict(int)
    for row, kind in tops(questions, [name], sentence_weights):
        guess = 1 / (1 + math.exp(-(sum(w * x for w, x in zip(weights, row)) + weights[-1])))
        total[kind] += 1
        answered[kind] += guess >= threshold
    parts = [f"wrongly refused {1 - answered[1] / total[1]:.3f}", f"wrongly answered, paragraph gone {answered[0] / total[0]:.3f}"]
    if total[2]:
        parts.append(f"wrongly answered, made unanswerable {answered[2] / total[2]:.3f}")
    return ", ".join(parts)


def main():
    questions = load(sys.argv[1])
    every = fit_sentences(questions, SETS)
    for name in SETS:
        others = [other for other in SETS if other != name]
        weights = fit_sentences(questions, others)
        print(f"{name}: as it is {found(questions, name, None)}; fitted on the others {found(questions, name, weights)}; "
              f"on all {found(questions, name, every)}")
    print("sentence weights:", ", ".join(f"{f} {w:.3f}" for f, w in zip(SENTENCE, every)))
    sure = logistic(*map(list, zip(*((row, int(kind == 1)) for row, kind in tops(questions, SETS, every) if kind < 2))))
    print("confidence weights:", ", ".join(f"{f} {w:.3f}" for f, w in zip(CONFIDENCE + ["bias"], sure)))
    for name in SETS:
        others = [other for other in SETS if other != name]
        held = logistic(*map(list, zip(*((row, int(kind == 1)) for row, kind in tops(questions, others, every) if kind < 2))))
        for threshold in (0.2, 0.25, 0.3, 0.4):
            print(f"{name}, fitted on the others, from {threshold}: {rates(questions, name, every, held, threshold)}")


main()
