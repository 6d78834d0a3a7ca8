"""Reads a page as a browser's parser and an accessibility checker would."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = {"meta", "link", "input", "br", "hr", "img", "path", "rect", "circle", "line"}
LABELLED = {"input", "select", "textarea"}


class Page(HTMLParser):
    """Everything that the tests ask of a page; `faults` is what no page may have."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.faults: list[str] = []
        self.ids: list[str] = []
        self.references: set[str] = set()  # what the page loads
        self.links: set[str] = set()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.title = ""
        self.text = ""
        self._open: list[str] = []
        self._labels: set[str] = set()
        self.feed(text)
        self.close()
        self._finish()

    def of(self, tag: str, **wanted: str) -> list[dict[str, str]]:
        """The attributes of each element of a kind."""
        return [
            attributes
            for name, attributes in self.tags
            if name == tag and all(attributes.get(key) == value for key, value in wanted.items())
        ]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        if len(attributes) != len(attrs):
            self.faults.append(f"<{tag}> has an attribute twice")
        self.tags.append((tag, attributes))
        if tag not in VOID:
            self._open.append(tag)
        for name in attributes:
            if name.startswith("on") or name == "style":
                self.faults.append(f"<{tag}> has {name}: the policy forbids it")
        if tag == "style" or (tag == "script" and not attributes.get("src")):
            self.faults.append(f"inline <{tag}>")
        if "id" in attributes:
            self.ids.append(attributes["id"])
        if tag == "label":
            self._labels.add(attributes.get("for", ""))
        if tag in ("script", "img") or (tag == "link" and attributes.get("rel") != "canonical"):
            self.references.add(attributes.get("src") or attributes.get("href", ""))
        if tag == "a":
            self.links.add(attributes["href"])

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        if not self._open or self._open.pop() != tag:
            self.faults.append(f"</{tag}> closes another element")

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._open[-1:] == ["title"] and "svg" not in self._open:
            self.title += data

    def _finish(self) -> None:
        if self._open:
            self.faults.append(f"never closed: {self._open}")
        self._one("h1")
        self._one("main")
        if self.of("html") != [{**self.of("html")[0], "lang": "en"}]:
            self.faults.append("no language")
        if not self.title.strip():
            self.faults.append("no title")
        twice = {each for each in self.ids if self.ids.count(each) > 1}
        if twice:
            self.faults.append(f"ids twice: {sorted(twice)}")
        for tag, attributes in self.tags:
            self._check_names(tag, attributes)
        for link in self.links:
            if link.startswith("#") and link[1:] not in self.ids:
                self.faults.append(f"link to nowhere: {link}")

    def _check_names(self, tag: str, attributes: dict[str, str]) -> None:
        named = attributes.get("id", "") in self._labels or "aria-label" in attributes
        if tag in LABELLED and attributes.get("type") != "hidden" and not named:
            self.faults.append(f"no label: {attributes}")
        for name in ("aria-labelledby", "aria-describedby", "data-confirm", "data-copy"):
            for target in attributes.get(name, "").split():
                if target not in self.ids:
                    self.faults.append(f"{name} names nothing: {target}")
        if tag == "form" and "data-api" in attributes and attributes.get("method") != "post":
            self.faults.append("a form whose fields would go into the address without scripts")
        if tag == "svg" and not {"aria-hidden", "aria-label"} & set(attributes):
            self.faults.append("a picture without a name")
        if tag == "th" and attributes.get("scope") not in ("row", "col"):
            self.faults.append("a heading of a table without scope")

    def _one(self, tag: str) -> None:
        if len(self.of(tag)) != 1:
            self.faults.append(f"{len(self.of(tag))} <{tag}>")
