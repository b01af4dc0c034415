"""A cache that forgets what was used least lately."""


def misses(requests, size):
    """How often something asked for is not in a cache of `size` places."""
    cache = {}
    count = 0
    for now, name in enumerate(requests):
        if name not in cache:
            count += 1
            if len(cache) >= size:
                oldest = min(cache, key=cache.get)
                del cache[oldest]
        cache[name] = now
    return count


# --- defects
FUNCTION = "misses"
INPUTS = [
    [[], 2],
    [["a", "a"], 1],
    [["a", "b", "a"], 1],
    [["a", "b", "a", "c", "a"], 2],
    [["a", "b", "c", "a", "b", "c"], 2],
    [["a", "b", "c", "a", "b", "c"], 3],
    [["a", "b", "a", "c", "b", "a"], 2],
]
HELD = [[list("abcdabeabcde"), size] for size in range(1, 6)] + [[list("aabbccabc"), 2]]
DEFECTS = [
    ("a wrong comparison", "len(cache) >= size", "len(cache) > size"),
    ("a wrong call", "min(cache, key=cache.get)", "max(cache, key=cache.get)"),
    ("a wrong target", "cache[name] = now", "cache[name] = count"),
    ("a missing update", "                del cache[oldest]\n", "                pass\n"),
    (
        "a wrong order",
        "                del cache[oldest]\n        cache[name] = now\n",
        "                del cache[oldest]\n            cache[name] = now\n",
    ),
    ("a lost condition", "            if len(cache) >= size:\n", "            if cache:\n"),
    ("a missing wrap", "min(cache, key=cache.get)", "min(cache)"),
]
