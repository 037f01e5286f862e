"""Claims: whatever stands in names and metadata, the report page shows it as text. Parsed by two independent parsers
(html.parser; Chromium where it is installed): no tag, attribute or address but those of the page itself, and each
payload comes back from the DOM letter by letter, in every place that takes texts."""

import ctypes
import html.parser
import os
import pathlib
import re
import shutil
import subprocess

import pytest

PAYLOADS = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onmouseover='alert(1)' x='",
    "</title></style></pre></details><svg/onload=alert(1)>",
    "javascript:alert(document.domain)",
    "&lt;script&gt; &amp;#60; &#x3c;b>",
    "<!-- --><![CDATA[ ]]> <?php ?>",
    "</td></tr></table><iframe src=//evil.test></iframe>",
    "`${7*7}` {{7*7}} %s%n \\u003cscript\\u003e",
    "café 漢 \U0001f4a3 a\tb <a href='data:,x'>x</a>",
]
FACT_PAYLOADS = [p.replace("\t", " ") for p in PAYLOADS]  # facts keep no control characters
TAGS = {"html", "head", "meta", "title", "style", "body", "header", "h1", "h2", "h3", "h4", "nav", "ul", "li", "a", "main", "p",
        "div", "table", "caption", "b", "span", "thead", "tbody", "tr", "th", "td", "code", "figure", "img", "figcaption",
        "details", "summary", "pre", "footer"}
ATTRIBUTES = {"lang", "charset", "http-equiv", "content", "name", "id", "href", "class", "scope", "style", "alt", "src", "aria-label"}


def library():
    binary = os.environ.get("SEITOMO_BIN")
    if not binary:
        pytest.skip("SEITOMO_BIN is not set")
    for folder in (pathlib.Path(binary).parent, pathlib.Path(binary).parent.parent / "lib"):
        found = sorted(folder.rglob("libseitomo.so"))
        if found:
            return ctypes.CDLL(str(found[0]))
    pytest.skip("libseitomo.so is not beside SEITOMO_BIN")


class Facts(ctypes.Structure):
    _fields_ = [("count", ctypes.c_size_t), ("items", ctypes.c_void_p)]


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    lib = library()
    folder = tmp_path_factory.mktemp("hostile")
    svg = folder / "picture.svg"
    svg.write_text("<svg xmlns='http://www.w3.org/2000/svg' width=\"10\" height=\"10\" onload='document.title=1'>"
                   "<script>document.title='owned'</script><rect width='10' height='10'/></svg>")

    def call(name, *arguments):
        status = getattr(lib, name)(*arguments)
        lib.sei_last_error.restype = ctypes.c_char_p
        assert status == 0, lib.sei_last_error()

    handle = ctypes.c_void_p()
    call("sei_page_begin", PAYLOADS[0].encode(), ctypes.byref(handle))
    facts, numbers = Facts(), Facts()
    for i, (text, fact) in enumerate(zip(PAYLOADS, FACT_PAYLOADS)):
        raw = text.encode()
        call("sei_page_heading", handle, 2 + i % 3, raw)
        call("sei_page_paragraph", handle, raw)
        call("sei_page_picture", handle, str(svg).encode(), raw)
        call("sei_page_picture", handle, str(folder / "absent").encode(), raw)
        call("sei_page_provenance", handle, raw, raw)
        call("sei_facts_set", ctypes.byref(facts), fact.encode(), fact.encode(), fact.encode())
        call("sei_numbers_set", ctypes.byref(numbers), fact.encode(), ctypes.c_double(i), b"<i>", ctypes.c_double(1))
    call("sei_page_facts", handle, PAYLOADS[1].encode(), ctypes.byref(facts))
    call("sei_page_numbers", handle, PAYLOADS[2].encode(), ctypes.byref(numbers))
    path = folder / "page.html"
    call("sei_page_finish", handle, str(path).encode(), False)
    return path


class Reader(html.parser.HTMLParser):
    """Collects tags, attributes and the texts of each kind of element."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.tags, self.attributes, self.open, self.texts, self.others = set(), [], [], {}, []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        if tag not in ("meta", "img"):
            self.open.append(tag)
            self.texts.setdefault(tag, []).append("")

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, f"</{tag}> closes {self.open[-1:]}"
        self.open.pop()

    def handle_data(self, data):
        if self.open:
            self.texts[self.open[-1]][-1] += data

    def handle_comment(self, data):
        self.others.append(data)

    def handle_pi(self, data):
        self.others.append(data)

    def unknown_decl(self, data):
        self.others.append(data)


def test_only_the_pages_own_markup(page):
    reader = Reader()
    reader.feed(page.read_text(encoding="utf-8"))
    reader.close()
    assert reader.open == [] and reader.others == []
    assert reader.tags <= TAGS, reader.tags - TAGS
    for tag, name, value in reader.attributes:
        assert name in ATTRIBUTES and not name.startswith("on"), (tag, name)
        if name == "href":
            assert re.fullmatch(r"#s\d+", value)
        if name == "src":
            assert re.fullmatch(r"data:image/(png|svg\+xml);base64,[A-Za-z0-9+/]+=*", value)
        if name == "style":
            assert re.fullmatch(r"width:\d+px", value)
    policy = [value for tag, name, value in reader.attributes if tag == "meta" and name == "content" and "default-src" in value]
    assert policy == ["default-src 'none'; img-src data:; style-src 'unsafe-inline'"]


@pytest.mark.parametrize("i", range(len(PAYLOADS)))
def test_payloads_come_back_as_text(page, i):
    reader = Reader()
    reader.feed(page.read_text(encoding="utf-8"))
    text, fact = PAYLOADS[i], FACT_PAYLOADS[i]
    for tag in ("p", "summary", f"h{2 + i % 3}", "span"):
        assert text in reader.texts[tag], tag
    assert "\n" + text in reader.texts["pre"]
    assert reader.texts["code"].count(fact) == 2 and reader.texts["td"].count(fact) == 2
    assert [value for tag, name, value in reader.attributes if (tag, name) == ("img", "alt")][i] == text
    assert reader.texts["title"] == [PAYLOADS[0]] and reader.texts["h1"] == [PAYLOADS[0]]


def test_in_a_browser(page, tmp_path):
    browser = next((found for found in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if found), None)
    if browser is None:
        pytest.skip("no Chromium on this machine")
    done = subprocess.run([browser, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}", "--dump-dom",
                           page.as_uri()], capture_output=True, timeout=120, check=False)
    dom = done.stdout.decode("utf-8")
    if not dom:
        pytest.skip("Chromium does not start here: " + done.stderr.decode(errors="replace")[-200:])
    reader = Reader()
    reader.feed(dom)
    assert reader.tags <= TAGS, reader.tags - TAGS
    assert reader.others == []
    assert reader.texts["title"] == [PAYLOADS[0]]  # the script in the SVG did not run
    for i, text in enumerate(PAYLOADS):
        for tag in ("p", "summary", f"h{2 + i % 3}", "span"):
            assert text in reader.texts[tag], tag
    assert not any(name.startswith("on") for _, name, _ in reader.attributes)
