"""The triplet losses as loops over float64 numbers."""

import numpy as np


def distance(x, y, kind):
    if kind == "cosine":
        sizes = np.linalg.norm(x) * np.linalg.norm(y)
        return 1.0 - (x @ y / sizes if sizes > 0 else 0.0)
    squared = sum((p - q) ** 2 for p, q in zip(x, y, strict=True))
    return np.sqrt(squared) if kind == "l2" else squared


def matrix(x, kind):
    n = len(x)
    d = np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            if i != j:
                d[i, j] = distance(x[i], x[j], kind)
    return d


def semi_hard(d, labels, a, p, margin=np.inf, fallback=None, others=None):
    """Index of the chosen negative, or None."""
    others = labels if others is None else others
    best, beyond, farthest = None, False, None
    for n in range(len(others)):
        if others[n] == labels[a]:
            continue
        if farthest is None or d[a, n] > d[a, farthest]:
            farthest = n
        if d[a, n] > d[a, p]:
            beyond = True
            inside = d[a, n] < d[a, p] + margin
            if inside and (best is None or d[a, n] < d[a, best]):
                best = n
    if best is None and not beyond and fallback == "largest":
        return farthest
    return best


def triplets(d, labels, mining, fallback=None, pairs=None, others=None):
    """Yields (a, p, n), n None where a pair has none; hard: at most one."""
    others = labels if others is None else others
    columns = range(len(others))
    for a in range(len(labels)):
        positives = [
            p for p in columns if others[p] == labels[a] and pairs(a, p)
        ]
        negatives = [n for n in columns if others[n] != labels[a]]
        if mining == "semi-hard":
            for p in positives:
                chosen = semi_hard(
                    d, labels, a, p, fallback=fallback, others=others
                )
                yield a, p, chosen
        elif mining == "all":
            for p in positives:
                for n in negatives:
                    yield a, p, n
        elif positives and negatives:
            hardest = max(positives, key=lambda p: d[a, p])
            yield a, hardest, min(negatives, key=lambda n: d[a, n])


def anchor_values(x, labels, loss, pairs=None):
    """(N,) values of a TripletLoss, and the (a, p, n) that are active."""
    d = matrix(x.astype("float64"), loss.distance)
    pairs = pairs or (lambda a, p: a != p)
    values, active, count = np.zeros(len(x)), [], 0
    for a, p, n in triplets(d, labels, loss.mining, loss.fallback, pairs):
        count += 1
        if n is None:
            continue
        hinge = d[a, p] - d[a, n] + loss.margin
        if hinge > 0:
            values[a] += hinge
            active.append((a, p, n))
    if loss.mining == "hard":
        count = len(x)
    return values * len(x) / max(count, 1), active


def slopes(x, active, scale, kind):
    """Derivative of `scale x` the sum of the hinges of some triplets."""
    x = x.astype("float64")
    found = np.zeros(x.shape)
    for a, p, n in active:
        for other, sign in ((p, 1.0), (n, -1.0)):
            by_a, by_other = pair_slopes(x[a], x[other], kind)
            found[a] += sign * scale * by_a
            found[other] += sign * scale * by_other
    return found


def pair_slopes(x, y, kind):
    """Derivatives of a distance by both vectors; zero at its corners."""
    if kind == "squared-l2":
        return 2 * (x - y), 2 * (y - x)
    if kind == "l2":
        size = np.linalg.norm(x - y)
        slope = (x - y) / size if size > 0 else np.zeros(len(x))
        return slope, -slope
    of_x, of_y = np.linalg.norm(x), np.linalg.norm(y)
    u, v = x / of_x, y / of_y
    cosine = u @ v
    return -(v - cosine * u) / of_x, -(u - cosine * v) / of_y
