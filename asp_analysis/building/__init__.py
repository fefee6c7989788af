"""Builds a lake: what all writers have published becomes tables without repetitions, and marts of what changed.

`build` runs one build. A lease lets one builder work at a time; the pointer is replaced last, so that a build that ends
anywhere else leaves the former one as it was.
"""

from asp_analysis.building.one_build import Built, Order, build

__all__ = ["Built", "Order", "build"]
