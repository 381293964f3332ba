"""Laws: what a scaling law is, and the catalogue of declarations, one TOML file each.

A law is found by name, by file or from the text of a formula, and never asks where rows come from.
"""

from allometry.laws.catalogue import find_law, is_shipped, laws_on, list_laws, published
from allometry.laws.declaration import law_from_table, law_table, read_law
from allometry.laws.law import Bounds, Design, Figure, Law, Parameter, Published

__all__ = [
    "Bounds",
    "Design",
    "Figure",
    "Law",
    "Parameter",
    "Published",
    "find_law",
    "is_shipped",
    "law_from_table",
    "law_table",
    "laws_on",
    "list_laws",
    "published",
    "read_law",
]
