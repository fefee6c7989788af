"""Makes the pictures of the README from the sample data, so that they show what the package draws today.

`make pictures` looks at a notebook and the dashboard in a browser, which leaves pictures in `build/pictures/`; this
draws `estimate.png` on a sample store and makes `lab.png` and `dashboard.png` of those.
"""

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import asp_analysis as asp  # noqa: E402
from asp_analysis import charts  # noqa: E402
from asp_analysis.probe.published.linear import fit_line  # noqa: E402
from asp_analysis.probe.question import Question, pose  # noqa: E402

SIZE = 18
LEVELS = (0.70, 0.90)
SEEN = {"lab.png": ("02-estimate-with-probe-window.png", 800), "dashboard.png": ("dashboard-light-1280.png", 1594)}
"""Picture of the README -> the picture it is made of, and how many pixels of it from the top."""
COLORS = 256  # enough for flat colours, in a smaller file


def sample_history() -> pd.DataFrame:
    """Return the finished tasks of the sample of which every cost is known: one row per task, summed over roles."""
    with TemporaryDirectory() as folder:
        store = Path(folder) / "sample.db"
        command = [sys.executable, "-m", "asp_analysis", "init", "--sample", "--db", str(store)]
        subprocess.run(command, check=True, cwd=ROOT, capture_output=True)
        with asp.connect(str(store)) as db:
            history = pose(db.view("task_history"), Question())
    return history[history["is_finished"]].dropna(subset=["size", "cost_usd"])


def draw_estimate(history: pd.DataFrame, picture: Path) -> None:
    """Draw cost against size with the fitted line, its bands and the estimate for a task of 18 units."""
    fit = fit_line(history["size"], history["cost_usd"])
    sizes = np.linspace(0, 1.05 * history["size"].max(), 60)
    bands = {level: fit.band(sizes, level).assign(size=sizes) for level in LEVELS}
    estimate = fit.band([SIZE], LEVELS[0]).assign(size=SIZE, level=LEVELS[0])
    title = f"What {len(history)} finished tasks say about the next one"
    axes = charts.plot_probe(history, bands, estimate, title=title)
    # Without the name of the writing program the same drawing is the same file.
    axes.figure.savefig(picture, dpi=160, metadata={"Software": None})


def shrink(seen: Path, height: int, picture: Path) -> None:
    """Keep the upper part of what was seen in the browser, with few colours."""
    with Image.open(seen) as image:
        upper = image.convert("RGB").crop((0, 0, image.width, min(height, image.height)))
    upper.quantize(COLORS, dither=Image.Dither.NONE).save(picture, optimize=True)


if __name__ == "__main__":
    mpl.use("Agg")
    charts.use_style()
    draw_estimate(sample_history(), Path(__file__).with_name("estimate.png"))
    plt.close("all")
    for name, (seen, height) in SEEN.items():
        shrink(ROOT / "build" / "pictures" / seen, height, Path(__file__).with_name(name))
