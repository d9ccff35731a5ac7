"""Which customer every identifier is, out of the facts that link and unlink them: pure, and whatever the order of the facts.

In order:

1. The facts about a pair, by the time from which they count: the last one says whether the two are linked or kept apart, but
   after a block only a person's own link links them again.
2. customer_ids that somebody linked with each other are one person.
3. Linked pairs are edges, unless an end of them proves nothing by its type, or is shared: linked with more persons than its
   type allows.
4. What an edge joins becomes one cluster, the strongest edge first, unless that would bring together two that are kept apart,
   or more persons than either end of the edge allows. So a chain of identifiers merges two persons as little as one of them does.
   The strongest edge is the one whose weaker end is the strongest; among equals the oldest.
5. A cluster's customer is its oldest customer_id; without any, its oldest identifier.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from features.catalogue.identifiers import IdentifierType
from features.domain import PERSON, Link
from features.identity.clusters import united
from features.identity.standing import Pair, Standing, Worth, standing_after, worth_of
from features.instants import microseconds


def resolve(links: Sequence[Link], *, types: Mapping[str, IdentifierType], since: Mapping[str, datetime]) -> dict[str, str]:
    """The customer of every identifier that the facts name.

    Who is not connected by facts has no effect on each other: the facts of one connected component, whatever
    they say, are enough for the identifiers in it.

    Parameters
    ----------
    links : facts, in any order; one that is there twice counts once.
    types : the types of identifiers there are; `type:digest` of any other type is a customer_id.
    since : when an identifier became known; where it is not said, when the first of the facts that name it did.
    """
    standings, first = _told(links)
    of_type = worth_of(types)
    worth = {identifier: of_type(identifier) for identifier in first}
    known = {each: microseconds(since[each]) if each in since else at for each, at in first.items()}
    linked = {pair: standing.linked_at for pair, standing in standings.items() if standing.linked_at is not None}
    apart = [pair for pair, standing in standings.items() if standing.linked_at is None]
    clusters = united(linked, apart, worth)
    customers: dict[str, str] = {}
    for cluster in {clusters.of(identifier) for identifier in worth}:
        members = clusters.members(cluster)
        customers.update(dict.fromkeys(members, oldest(members, worth, known)))
    return customers


def oldest(members: Sequence[str], worth: Mapping[str, Worth], since: Mapping[str, int]) -> str:
    """Who a cluster is called after: its oldest customer_id, else its oldest identifier; ties by name."""
    return min(members, key=lambda each: (not worth[each].is_customer, since[each], each))


def _told(links: Sequence[Link]) -> tuple[dict[Pair, Standing], dict[str, int]]:
    """How each pair stands, and when each identifier was first named."""
    standings: dict[Pair, Standing] = {}
    first: dict[str, int] = {}
    for link in sorted(links, key=lambda link: (link.visible_at, link.link_id)):
        at, pair = microseconds(link.visible_at), (min(link.left, link.right), max(link.left, link.right))
        first.setdefault(link.left, at)
        first.setdefault(link.right, at)
        if link.left != link.right:
            standings[pair] = standing_after(standings.get(pair), link.action, by_person=link.source == PERSON, at=at)
    return standings, first
