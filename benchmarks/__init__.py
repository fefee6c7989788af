"""How fast the workbench is, as ratios measured in one run on one machine. `make bench` prints them; none is a test."""
