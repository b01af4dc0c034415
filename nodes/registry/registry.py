"""Agents by id, role and function."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from .cards import AgentCard, RegistryError


class Registry:
    """Who there is. Ids are unique; roles and functions may be shared.

    Example::

        registry = Registry(AgentCard("ann", flow, role="coder"), AgentCard("bob", flow, role="coder"))
        registry.by_role("coder")
    """

    def __init__(self, *cards: AgentCard) -> None:
        """Register agents. Raises RegistryError with all that is wrong."""
        self._cards: dict[str, AgentCard] = {}
        self.add(*cards)

    def add(self, *cards: AgentCard) -> None:
        """Register more agents: all of them, or none.

        Raises:
            RegistryError: Something is wrong with some, or an id is taken.
        """
        problems: list[str] = []
        fresh: dict[str, AgentCard] = {}
        for given in cards:
            card: object = given
            if not isinstance(card, AgentCard):
                problems.append(f"agents are registered as an AgentCard, not as {type(card).__name__}")
                continue
            wrong = card.problems()
            problems += wrong
            if not wrong and (card.id in self._cards or card.id in fresh):
                problems.append(f"there is an agent {card.id!r}: each needs an id of its own")
            fresh.setdefault(str(card.id), card)
        if problems:
            raise RegistryError(problems)
        self._cards |= fresh

    def remove(self, who: str) -> AgentCard:
        """Forget an agent, and give its card back. What it does goes on; jobs that are kept stay. Raises RegistryError."""
        card = self.by_id(who)
        del self._cards[who]
        return card

    def by_id(self, who: str) -> AgentCard:
        """The agent of this id. Raises RegistryError."""
        card = self._cards.get(who)
        if card is None:
            raise RegistryError([self._unknown(who)])
        return card

    def by_role(self, role: str) -> tuple[AgentCard, ...]:
        """All agents with this role, in order of registration; none is no error."""
        return tuple(card for card in self._cards.values() if card.role == role)

    def by_function(self, function: str) -> tuple[AgentCard, ...]:
        """All agents that can do this, in order of registration; none is no error."""
        return tuple(card for card in self._cards.values() if function in card.functions)

    @property
    def roles(self) -> tuple[str, ...]:
        """All roles that any agent has, in order of registration."""
        return tuple(dict.fromkeys(card.role for card in self._cards.values() if card.role))

    @property
    def functions(self) -> tuple[str, ...]:
        """All that any agent can do, in order of registration."""
        return tuple(dict.fromkeys(one for card in self._cards.values() for one in card.functions))

    def __iter__(self) -> Iterator[AgentCard]:
        return iter(tuple(self._cards.values()))

    def __len__(self) -> int:
        return len(self._cards)

    def __contains__(self, who: object) -> bool:
        return who in self._cards

    def _unknown(self, who: object) -> str:
        if not self._cards:
            return f"there is no agent {who!r}: the registry is empty"
        near = get_close_matches(str(who), self._cards, n=1)
        meant = f"; did you mean {near[0]!r}?" if near else ""
        return f"there is no agent {who!r}; there is {', '.join(self._cards)}{meant}"
