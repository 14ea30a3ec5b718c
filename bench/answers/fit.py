#!/usr/bin/env python3
"""Fits the weights of sentences and of the answer's confidence to the rows of `bench-answers`. Python's own library only.

Usage: python3 bench/answers/fit.py answers.tsv
"""

import csv
import math
import sys
import zlib
from collections import Counter, defaultdict

SENTENCE = ["words", "context", "pairs", "neighbors", "passage", "expected", "is_title", "length", "cosine"]
CONFIDENCE = ["in_passage", "missing_names", "missing_numbers", "pairs", "cosine", "share", "is_unmet", "agrees", "is_opposed", "is_negated"]
# Thresholds of the curve that is printed.
CURVE = [0.10, 0.15, 0.20, 0.25, 0.30, 0.35, 0.40, 0.50]
SETS = ["faquad", "squad-pt", "xquad-en"]
QUOTES = 3


def load(path):
    questions = defaultdict(list)
    with open(path, encoding="utf-8") as rows:
        for row in csv.DictReader(rows, delimiter="\t"):
            values = {name: float(row[name]) for name in row if name not in ("set", "question")}
            questions[(row["set"], row["question"], int(row["kind"]))].append(values)
    return questions


def logistic(rows, labels, shares=None, steps=400, rate=0.5, ridge=1e-3):
    """Weights (the last is the bias) by gradient descent on standardized columns, given back for plain ones. `shares`: how much each row counts."""
    count, width = len(rows), len(rows[0])
    shares = shares or [1 / count] * count
    means = [sum(row[at] for row in rows) / count for at in range(width)]
    spreads = [math.sqrt(sum((row[at] - means[at]) ** 2 for row in rows) / count) or 1.0 for at in range(width)]
    scaled = [[(row[at] - means[at]) / spreads[at] for at in range(width)] + [1.0] for row in rows]
    weights = [0.0] * (width + 1)
    for _ in range(steps):
        gradient = [ridge * weight for weight in weights[:-1]] + [0.0]
        for row, label, share in zip(scaled, labels, shares):
            guess = 1 / (1 + math.exp(-max(-30.0, min(30.0, sum(w * x for w, x in zip(weights, row))))))
            for at, value in enumerate(row):
                gradient[at] += (guess - label) * value * share
        weights = [weight - rate * slope for weight, slope in zip(weights, gradient)]
    plain = [weights[at] / spreads[at] for at in range(width)]
    return plain + [weights[-1] - sum(w * m for w, m in zip(plain, means))]


def pairs(questions, sets):
    """Differences of a sentence that holds the answer and one of the same question that does not."""
    rows = []
    for (name, _, kind), sentences in questions.items():
        if kind != 1 or name not in sets:
            continue
        sentences = [s for s in sentences if s["rank"] >= 0]
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
        ranked = [s for s in sentences if s["rank"] >= 0]
        if weights:
            ranked = sorted(ranked, key=lambda s: -sum(w * s[f] for w, f in zip(weights, SENTENCE)))
        first += bool(ranked and ranked[0]["holds"])
        within += any(s["holds"] for s in ranked[:QUOTES])
    return f"{first / total:.3f} first, {within / total:.3f} in {QUOTES}, of {total}"


def tops(questions):
    """Of each question its set, its id, its kind and what its confidence is made of; `None` where nothing relevant was found."""
    for (name, question, kind), sentences in questions.items():
        best = next((s for s in sentences if s["rank"] == 0), None)
        yield name, question, kind, [best[f"sure.{f}"] for f in CONFIDENCE] if best else None


def fit_confidence(rows):
    """Each set counts the same, and in each set those that have an answer as much as those that have none, of either kind."""
    rows = [row for row in rows if row[3]]
    counts = Counter((name, kind) for name, _, kind, _ in rows)
    sets = len({name for name, _ in counts})

    def share(name, kind):
        kinds = 1 if kind == 1 else sum((name, other) in counts for other in (0, 2))
        return 1 / (2 * sets * kinds * counts[(name, kind)])

    shares = [share(name, kind) for name, _, kind, _ in rows]
    return logistic([row[3] for row in rows], [int(row[2] == 1) for row in rows], shares)


def rates(rows, weights, threshold):
    answered, total = Counter(), Counter()
    for _, _, kind, row in rows:
        total[kind] += 1
        if row:
            guess = 1 / (1 + math.exp(-(sum(w * x for w, x in zip(weights, row)) + weights[-1])))
            answered[kind] += guess >= threshold
    share = lambda kind: answered[kind] / total[kind]
    parts = [f"{1 - share(1):.3f} wrongly refused", f"{share(0):.3f} wrongly answered, paragraph gone"]
    if total[2]:
        parts.append(f"{share(2):.3f} made unanswerable")
    return ", ".join(parts)


def curve(title, rows, weights):
    print(title)
    for threshold in CURVE:
        print(f"  from {threshold:.2f}: {rates(rows, weights, threshold)}")


def main():
    questions = load(sys.argv[1])
    every = fit_sentences(questions, SETS)
    for name in SETS:
        others = [other for other in SETS if other != name]
        weights = fit_sentences(questions, others)
        print(f"{name}: as it is {found(questions, name, None)}; fitted on the others {found(questions, name, weights)}; "
              f"on all {found(questions, name, every)}")
    print("sentence weights:", ", ".join(f"{f} {w:.3f}" for f, w in zip(SENTENCE, every)))
    rows = list(tops(questions))
    sure = fit_confidence(rows)
    print("confidence weights:", ", ".join(f"{f} {w:.3f}" for f, w in zip(CONFIDENCE + ["bias"], sure)))
    for name in SETS:
        held = fit_confidence([row for row in rows if row[0] != name])
        curve(f"{name}, fitted on the other two sets", [row for row in rows if row[0] == name], held)
    # Half of the questions of each set; a question is on one side with all its kinds.
    is_held = lambda row: zlib.crc32(row[1].encode()) % 2 == 0
    half = fit_confidence([row for row in rows if not is_held(row)])
    for name in SETS:
        curve(f"{name}, half of its questions, fitted on the other halves", [row for row in rows if row[0] == name and is_held(row)], half)


main()
