"""Opens the demo's report in a browser and uses it as a reader would; writes a picture of it where asked.

usage: report.py RESULTS SCHEMA [--picture FILE]
"""

import json
import sys
from pathlib import Path

import jsonschema

from chromium import Page

SECTIONS = [
    "Summary", "Scores", "Curves", "Metrics", "Kinds of defects", "Training pictures", "Data", "Model card",
]


def main():
    results, schema = Path(sys.argv[1]), Path(sys.argv[2])
    page, report = results / "report.html", json.loads((results / "report.json").read_text())
    jsonschema.Draft202012Validator(json.loads(schema.read_text())).validate(report)
    assert page.stat().st_size < 5_000_000, f"{page.stat().st_size} bytes"
    with Page(1100, 900) as tab:
        tab.open(page)
        check_contents(tab, report)
        for i, category in enumerate(report["categories"]):
            check_slider(tab, category, i)
        check_phone(tab)
        pdf = tab.pdf()
        assert pdf.startswith(b"%PDF-") and pdf.count(b"/Type /Page\n") >= 4, len(pdf)
        assert not tab.errors, tab.errors
        outside = [url for url in tab.requests if not url.startswith(("file:", "data:"))]
        assert not outside, outside
        check_without_script(tab, page, report)
    if "--picture" in sys.argv:
        save_picture(page, Path(sys.argv[sys.argv.index("--picture") + 1]))
    print(f"report: {len(report['categories'])} categories, page and JSON agree")


def check_contents(tab, report):
    assert tab.ask("document.title") == report["title"]
    names = [category["name"] for category in report["categories"]]
    assert tab.ask("[...document.querySelectorAll('section.category h2')].map(e => e.textContent)") == names
    for i, name in enumerate(names):
        headings = tab.ask(f"[...document.querySelectorAll('#category-{i + 1} h3')].map(e => e.textContent)")
        missing = [heading for heading in SECTIONS if heading not in headings]
        assert not missing, (name, missing)
    broken = tab.ask("[...document.images].filter(e => !e.complete || e.naturalWidth === 0).length")
    assert (broken, tab.ask("document.images.length") > 8) == (0, True)


def check_slider(tab, category, i):
    """Moves the slider by keyboard and by hand; every count is compared with a recount of the scores in the JSON."""
    box = f"document.querySelectorAll('.what-if')[{i}]"
    threshold = category["threshold"]
    assert shown(tab, box) == recount(category, threshold["image"]), category["name"]
    assert tab.ask(f"{box}.querySelector('.oracle').hidden") is True
    tab.ask(f"{box}.querySelector('input').focus()")
    start = tab.ask(f"Number({box}.querySelector('input').value)")
    for _ in range(7):
        tab.press("ArrowRight", 39)
    assert tab.ask(f"Number({box}.querySelector('input').value)") == start + 7
    check_moved(tab, box, category)
    for position in range(0, 400, 23):
        if position != start:
            tab.ask(f"{{const s = {box}.querySelector('input'); s.value = {position}; s.dispatchEvent(new Event('input'))}}")
            check_moved(tab, box, category)
    tab.ask(f"{box}.querySelector('button').click()")
    assert shown(tab, box) == recount(category, threshold["image"])
    assert tab.ask(f"{box}.querySelector('.oracle').hidden") is True


def check_moved(tab, box, category):
    position = tab.ask(f"Number({box}.querySelector('input').value)")
    threshold = tab.ask(f"JSON.parse({box}.querySelector('script').textContent).thresholds[{position}]")
    assert shown(tab, box) == recount(category, threshold), (category["name"], position)
    assert tab.ask(f"{box}.querySelector('.oracle').hidden") is False
    assert abs(float(tab.ask(f"{box}.querySelector('output').textContent")) / threshold - 1) < 1e-4
    assert tab.ask(f"{box}.parentElement.querySelector('.moved').getAttribute('visibility')") == "visible"


def shown(tab, box):
    """Counts by label and verdict, as the table shows them."""
    cells = (
        f"Object.fromEntries(['good', 'bad'].flatMap(l => [...{box}.querySelectorAll(`.${{l}} td`)].map("
        "c => [`${l} ${c.classList[1]}`, Number(c.querySelector('.count').textContent)])))"
    )
    return tab.ask(cells)


def recount(category, threshold):
    review = category["threshold"]["review"]
    counts = {}
    for label in ("good", "bad"):
        scores = [p["score"] for p in category["test"]["pictures"] if p["anomalous"] == (label == "bad")]
        defect = sum(score >= threshold for score in scores)
        below = sum(review is not None and review <= score < threshold for score in scores)
        counts[f"{label} defect"], counts[f"{label} ok"] = defect, len(scores) - defect - below
        if review is not None:
            counts[f"{label} review"] = below
    return counts


def check_phone(tab):
    tab.resize(360, 740)
    widths = tab.ask("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert widths[0] <= widths[1] == 360, widths
    tab.resize(1100, 900)


def check_without_script(tab, page, report):
    tab.call("Emulation.setScriptExecutionDisabled", value=True)
    tab.open(page)
    sliders = tab.ask("[...document.querySelectorAll('.slider')].filter(e => e.getClientRects().length).length")
    tables = tab.ask("[...document.querySelectorAll('table.counts')].filter(e => e.getClientRects().length).length")
    assert (sliders, tables) == (0, len(report["categories"])), (sliders, tables)


def save_picture(page, file):
    """The last category, from its summary to its curves."""
    with Page(1000, 900) as tab:
        tab.open(page)
        tab.resize(1000, tab.ask("document.documentElement.scrollHeight"))
        place = "[...document.querySelectorAll('{}')].pop().getBoundingClientRect().{}"
        top, bottom = tab.ask(place.format("h2 + .summary", "top")), tab.ask(place.format("section:has(> .curves)", "bottom"))
        file.write_bytes(tab.picture({"x": 0, "y": top, "width": 1000, "height": bottom - top + 16, "scale": 1}))


main()
