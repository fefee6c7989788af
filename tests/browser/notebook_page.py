"""A notebook in JupyterLab as a person meets it: open, Run All, wait, look, change a parameter."""

import re
from dataclasses import dataclass
from pathlib import Path

from tests.browser.jupyter_server import LabServer

WINDOW = {"width": 1280, "height": 800}
TALLEST = 16_000  # pixels, of a picture; chromium's limit is 16,384
OPENS_WITHIN = 60_000  # milliseconds
RUNS_WITHIN = 90_000  # milliseconds
IDLE = re.compile(r"Python 3 \(ipykernel\) \| Idle")
CODE = ".jp-Notebook .jp-CodeCell"
IN_RED = '[data-mime-type="application/vnd.jupyter.error"], [data-mime-type="application/vnd.jupyter.stderr"]'
SETTLED = """([last, red]) => {
    const prompts = [...document.querySelectorAll('.jp-Notebook .jp-CodeCell .jp-InputPrompt')].map(e => e.textContent);
    const errors = document.querySelectorAll(red).length;
    return !prompts.includes('[*]:') && (prompts.at(-1) === `[${last}]:` || errors > 0);
}"""
SHOWN = "images => images.filter(image => image.complete && image.naturalWidth > 100 && image.offsetWidth > 100).length"

WIDE = "outputs => outputs.filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.innerText.slice(0, 80))"


@dataclass
class NotebookPage:
    """One notebook in one tab."""

    tab: object
    runs: int = 0

    @classmethod
    def open(cls, tab, server: LabServer, name: str) -> "NotebookPage":
        tab.set_viewport_size(WINDOW)
        tab.goto(f"{server.url}lab/tree/{name}?reset&token={server.token}", timeout=OPENS_WITHIN)
        page = cls(tab)
        page.wait_for_idle()
        return page

    def wait_for_idle(self) -> None:
        """Wait for the words of the status bar; the toolbar says so too early."""
        self.tab.locator("#jp-main-statusbar").get_by_text(IDLE).wait_for(timeout=OPENS_WITHIN)

    def run_all(self) -> None:
        """Run all cells by the menu, and wait until the last one has its number (or one failed) and none is running."""
        self.tab.locator("#jp-MainMenu").get_by_text("Run", exact=True).click()
        self.tab.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        self.runs += 1
        last = self.runs * self.tab.locator(CODE).count()
        self.tab.wait_for_function(SETTLED, arg=[last, IN_RED], timeout=RUNS_WITHIN)
        self.wait_for_idle()

    def errors(self) -> list[str]:
        """Return what stands in red: errors, and what was written to stderr."""
        return self.tab.locator(IN_RED).all_inner_texts()

    def figures(self) -> int:
        """Return how many pictures are drawn in the outputs."""
        return self.tab.locator(".jp-OutputArea-output img").evaluate_all(SHOWN)

    def too_wide(self) -> list[str]:
        """Return how every output begins of which a part is hidden at the right."""
        return self.tab.locator(".jp-OutputArea-output").evaluate_all(WIDE)

    def set_parameter(self, name: str, value: str) -> None:
        """Write a new value into the line `name = ...`, as a person would."""
        line = self.tab.locator(".cm-line").filter(has_text=re.compile(rf"^{name} = ")).first
        line.click()
        self.tab.keyboard.press("Home")
        self.tab.keyboard.press("Shift+End")
        self.tab.keyboard.insert_text(f"{name} = {value}")

    def output_after(self, code: str) -> str:
        """Return the text of the output of the first code cell that holds some code."""
        return self.tab.locator(CODE).filter(has_text=code).first.locator(".jp-Cell-outputArea").inner_text()

    def picture(self, path: Path) -> None:
        """Take a picture of the window with the first figure in it."""
        figure = self.tab.locator(".jp-OutputArea-output img").first
        figure.evaluate("e => e.scrollIntoView({block: 'center'})")
        self.tab.mouse.move(WINDOW["width"] / 2, 15)
        self.tab.wait_for_timeout(300)
        self.tab.screenshot(path=path)

    def tall_picture(self, path: Path) -> None:
        """Take a picture of the whole notebook."""
        panel = self.tab.locator(".jp-WindowedPanel-outer")
        height = panel.evaluate("e => e.scrollHeight") + 200
        self.tab.set_viewport_size({**WINDOW, "height": min(height, TALLEST)})
        panel.evaluate("e => { e.scrollTop = 0; }")
        self.tab.wait_for_timeout(300)
        self.tab.screenshot(path=path)
        self.tab.set_viewport_size(WINDOW)
