"""`python -m asp_analysis` is `asp-analysis`."""

from asp_analysis.cli import main

if __name__ == "__main__":
    main()
