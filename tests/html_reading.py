"""What a page says, read with the standard library: texts of elements by attribute, rows of tables by section."""

from html.parser import HTMLParser

VOID = {"meta", "link", "wbr", "br"}


class Reading(HTMLParser):
    """``facts``: texts by ``data-fact``; ``rows``: cells of table rows by section; ``regions``: texts by region."""

    def __init__(self, text):
        super().__init__()
        self.open, self.facts, self.rows, self.regions, self.section = [], {}, {}, {}, ""
        self.row, self.cell, self.fact, self.region, self.small, self.styles = None, None, "", "", 0, []
        self.words, self.tags = {}, []
        self.feed(text)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.tags.append((tag, found))
        if tag not in VOID:
            self.open.append(tag)
        self.section = found.get("id", self.section) if tag == "section" else self.section
        self.fact = found.get("data-fact", self.fact)
        self.region = found.get("data-region", self.region)
        if tag == "tr":
            self.row = []
        if tag in {"td", "th"}:
            self.cell = []
        self.small += tag in {"small", "title"}

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, tag
        self.small -= tag in {"small", "title"}
        if tag in {"td", "th"}:
            self.row.append(" ".join("".join(self.cell).split()))
            self.cell = None
        if tag == "tr":
            self.rows.setdefault(self.section, []).append(self.row)
        if tag == "dd":
            self.fact = ""
        if tag == "section":
            self.section = self.region = ""

    def handle_data(self, data):
        self.words.setdefault(self.section, []).append(data)
        if self.small:
            return
        if self.cell is not None:
            self.cell.append(data)
        if self.fact:
            self.facts[self.fact] = self.facts.get(self.fact, "") + data.strip()
        if self.region and data.strip():
            self.regions.setdefault(self.region, []).append(data.strip())

    def text(self, section):
        """What a section says, on one line."""
        return " ".join(" ".join(self.words.get(section, [])).split())


def number(text):
    """The number that a text begins with."""
    return float(text.split()[0].replace(",", "").replace("−", "-"))
