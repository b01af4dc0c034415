"""Opening hours and other intervals."""


def union(intervals):
    """Join intervals [start, end] that overlap or touch; the result is sorted."""
    joined = []
    for start, end in sorted(intervals):
        if joined and start <= joined[-1][1]:
            joined[-1][1] = end
        else:
            joined.append([start, end])
    return joined
