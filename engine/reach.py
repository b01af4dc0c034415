"""What can still come of what is alive, where not all ways are open: step by step, since summaries know of open ways only.

It is asked only where a join did not wait for all, or something was cancelled: then ways through it lead nowhere.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator

from .plan import ANY, Key, Plan


def reaches(plan: Plan, start: Key, goal: Key, closed: Collection[Key]) -> bool:
    """Whether a token can come from one activation to another, or to an earlier round of that, past all that is closed."""
    node, rounds = goal
    if start[0] == node:
        return True
    return any(
        key == goal or (key[0] == node and plan.earlier(node, key[1], rounds))
        for _, key in ahead(plan, start, goal, [key for key in closed if key != goal])
    )


def leads_only_to(
    plan: Plan, start: Key, goal: Key, closed: Collection[Key], *, without: Collection[int] = ()
) -> bool:
    """Whether an activation leads to the goal, and whatever else it leads to only leads there too.

    Args:
        plan: The graph.
        start: The activation.
        goal: Where it may lead.
        closed: What leads nowhere.
        without: Edges that do not count.
    """
    arcs = list(ahead(plan, start, goal, closed, without=without))
    sources: dict[Key, list[Key]] = {}
    for source, target in arcs:
        sources.setdefault(target, []).append(source)
    leading, stack = {goal}, [goal]
    while stack:
        fresh = [source for source in sources.get(stack.pop(), ()) if source not in leading]
        leading.update(fresh)
        stack += fresh
    return start in leading and all(target in leading for _, target in arcs)


def ahead(
    plan: Plan, start: Key, goal: Key, closed: Collection[Key], *, without: Collection[int] = ()
) -> Iterator[tuple[Key, Key]]:
    """What can come of what, step by step, from an activation on; nothing comes of what is closed or is after `goal`.

    A loop may go round for ever before a goal that is after it: rounds after the goal's and all closed are taken for one.
    """
    seen = {start}
    past = frozenset(closed)
    turns = _turns(plan, (goal, *past))
    stack = [start]
    while stack:
        node, rounds = stack.pop()
        for number in plan.outgoing[node]:
            if number in without:
                continue
            edge = plan.edges[number]
            reached = edge.rounds(rounds, ANY)
            if edge.level is not None and reached[edge.level] > (top := turns(edge.target, edge.level)):
                reached = (*reached[: edge.level], top, *reached[edge.level + 1 :])
            key = (edge.target, reached)
            if key in past:
                continue
            yield (node, rounds), key
            if key not in seen:
                seen.add(key)
                if key != goal and plan.blocks(*key, *goal):
                    stack.append(key)


def _turns(plan: Plan, keys: Iterable[Key]) -> Callable[[int, int], int]:
    """For a node and a level of its nest the first round that is after all of these keys there."""
    last: dict[str, int] = {}
    for node, rounds in keys:
        for level, name in enumerate(plan.nests[node]):
            if level not in plan.apart[node]:
                last[name] = max(last.get(name, -1), rounds[level])
    return lambda node, level: last.get(plan.nests[node][level], -1) + 1
