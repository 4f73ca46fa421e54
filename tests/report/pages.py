"""What a page consists of, as a browser would see it."""

from html.parser import HTMLParser

#: Tags that have no end.
VOID = {"meta", "br", "input", "!doctype"}
#: All that the template has; whatever else stands in a page came from somewhere else.
TAGS = {
    "html", "head", "meta", "title", "style", "body", "svg", "defs", "pattern", "rect", "path",
    "circle", "line", "polyline", "text", "p", "h1", "h2", "h3", "b", "ul", "li", "span", "small",
    "div", "strong", "code", "table", "thead", "tbody", "tr", "th", "td", "a", "section", "details",
    "summary", "input", "script", "br", "g", "use",
}  # fmt: skip


class Page(HTMLParser):
    """The tags and the texts of a page; `unbalanced` tells where tags do not match."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.texts, self.unbalanced = [], [], [], []
        self.scripts = []
        self._open = []
        self.feed(text)
        self.close()
        self.unbalanced += self._open

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += attributes
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += attributes

    def handle_endtag(self, tag):
        if not self._open or self._open.pop() != tag:
            self.unbalanced.append(f"/{tag}")

    def handle_data(self, data):
        if self._open and self._open[-1] == "script":
            self.scripts.append(data)
        elif data.strip() and not {"style", "script"} & set(self._open):
            self.texts.append(" ".join(data.split()))

    @property
    def text(self):
        return " ".join(self.texts)
