"""`python -m benchmarks [NAME...]`: run all benchmarks, or those that are named."""

import sys
from importlib import import_module
from pathlib import Path

NAMES = sorted(path.stem.removesuffix("_bench") for path in Path(__file__).parent.glob("*_bench.py"))


def main(wanted: list[str]) -> None:
    """Run the benchmarks one after the other."""
    unknown = [name for name in wanted if name not in NAMES]
    if unknown:
        sys.exit(f"Error: There is no benchmark {unknown[0]!r}. Benchmarks: {', '.join(NAMES)}.")
    for name in wanted or NAMES:
        print(f"\n== {name} ==", flush=True)
        import_module(f"benchmarks.{name}_bench").main()


main(sys.argv[1:])
