"""`asp-analysis views`: what can be asked."""

import click

from asp_analysis.cli.options import format_options
from asp_analysis.cli.printing import print_frame
from asp_analysis.errors import QueryError


@click.command()
@click.argument("name", required=False)
@click.option("--metrics", "is_metrics", is_flag=True, help="List what is measured: unit, SQL, whether it adds up.")
@format_options
def command(name: str | None, is_metrics: bool, output: str | None) -> None:
    """List the views, or one view's columns with their units.

    The key identifies the rows of a view; `view()` in Python and exports come in its order.

    Example: asp-analysis views executions
    """
    import pandas as pd

    from asp_analysis.session import describe_view, view_key, view_names
    from asp_analysis.session.metrics import list_metrics

    if is_metrics and name is not None:
        raise click.UsageError(f"--metrics lists the metrics of all views. Leave {name} out.")
    rows: list[dict[str, object]]
    if is_metrics:
        rows = [vars(metric) for metric in list_metrics()]
    elif name is None:
        rows = [
            {"view": view, "one_row_is": describe_view(view)[0], "key": ", ".join(view_key(view))}
            for view in view_names()
        ]
    elif name in view_names():
        key = view_key(name)
        rows = [{**vars(column), "is_key": column.name in key} for column in describe_view(name)[1]]
    else:
        raise QueryError(f"There is no view {name!r}. Views: {', '.join(view_names())}.")
    print_frame(pd.DataFrame(rows), output)
