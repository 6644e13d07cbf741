"""Who is answered, what each answer says of itself, and that hostile text stays text."""

import asyncio
import functools
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

import autopack
from autopack.errors import InvalidInputError
from autopack_web import create_app
from autopack_web.routes import page_routes
from autopack_web.security import HEADERS, known_hosts

HERE = "http://127.0.0.1"
READ = tuple(route.path for route in page_routes() if route.path != "/events")
"""The pages; what is told of news has no end, and a test of its own."""

PATHS = ("/", "/acted", "/nowhere", "/static/app.css", "/static/nothing", "/?at=99")


@pytest.fixture
def log():
    with autopack.create_log("memory:") as log:
        autopack.create_run(log, "r", [autopack.PhaseSpec("one")])
        yield log


def asking(log, base=HERE, **given):
    return TestClient(create_app(log, **given), base_url=base)


class TestHost:
    """Only who asks for this machine by a name that was told is answered."""

    @pytest.mark.parametrize(
        "host", ["127.0.0.1", "127.0.0.1:8642", "localhost:1", "LOCALHOST", "[::1]", "[::1]:8642"]
    )
    def test_this_machine_is(self, log, host):
        """By each of its names, at any port."""
        assert 200 == asking(log).get("/", headers={"host": host}).status_code

    @pytest.mark.parametrize(
        "host",
        ["evil.example", "evil.example:8642", "127.0.0.1.evil.example", "", "::1", "localhost.",
         "127.0.0.1:80@evil.example", "[::1", "0.0.0.0", "127.0.0.1 evil.example"],
    )  # fmt: skip
    def test_others_are_not(self, log, host):
        """A name that somebody lets stand for this machine reads nothing, on any path."""
        client = asking(log, allow_writes=True, token="t")
        answers = [client.get(path, headers={"host": host}) for path in PATHS]

        assert {421} == {answer.status_code for answer in answers}
        assert {"Ask for one of 127.0.0.1, [::1], localhost."} == {one.text for one in answers}

    def test_two_are_one_too_many(self, log):
        """Whichever a proxy believes."""
        answer = asking(log).get("/", headers=[("host", "127.0.0.1"), ("host", "evil.example")])

        assert 421 == answer.status_code

    def test_a_name_that_was_told_is_answered(self, log):
        """And this machine still is."""
        client = asking(log, hosts=known_hosts("0.0.0.0", ["box.local"]))

        assert [200, 200, 421] == [
            client.get("/", headers={"host": host}).status_code
            for host in ("box.local:8642", "localhost", "0.0.0.0")
        ]

    @pytest.mark.parametrize("listens", ["0.0.0.0", "::", "192.168.1.9", "box.local"])
    def test_nothing_is_served_beyond_this_machine_unasked(self, listens):
        """Whoever listens there says by which name it may be asked."""
        with pytest.raises(InvalidInputError, match="--allow-host"):
            known_hosts(listens, [])

    @pytest.mark.parametrize("listens", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
    def test_this_machine_needs_no_more(self, listens):
        """It is the default."""
        assert ("127.0.0.1", "localhost", "[::1]") == known_hosts(listens, [])


class TestHeaders:
    """Each answer tells the browser what it may do with it."""

    @pytest.mark.parametrize("path", [*PATHS, *READ])
    def test_every_answer_has_them(self, log, path):
        """Refusals and files too; nobody else's page may read any."""
        path = path.replace("{run}", "r").replace("{phase:path}", "one")
        for answer in (asking(log).get(path), asking(log).post(path)):
            found = {name: answer.headers[name.decode()].encode() for name in HEADERS}

            assert HEADERS == found
            assert "access-control-allow-origin" not in answer.headers
            assert "server" not in answer.headers

    def test_the_stream_has_them_too(self, log):
        """It begins with them, and ends when nobody listens any more."""
        app, told = create_app(log), []

        async def listened():
            async def receive():
                await asyncio.sleep(0.05)
                return {"type": "http.disconnect"}

            async def send(message):
                told.append(message)

            headers = [(b"host", b"127.0.0.1")]
            scope = {"type": "http", "method": "GET", "path": "/events", "raw_path": b"/events",
                     "query_string": b"", "headers": headers, "http_version": "1.1",
                     "scheme": "http", "server": ("127.0.0.1", 1), "root_path": ""}  # fmt: skip
            await app(scope, receive, send)

        asyncio.run(listened())

        assert HEADERS.items() <= dict(told[0]["headers"]).items()
        assert 0 == app.state.news.listeners

    def test_no_script_or_style_stands_in_a_page(self, log):
        """The policy allows neither, inline or from elsewhere."""
        policy = HEADERS[b"content-security-policy"].decode()

        assert "unsafe" not in policy
        assert "*" not in policy
        assert policy.startswith("default-src 'none'")

    @pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "POST"])
    def test_pages_are_only_read(self, log, method):
        """Another method is refused, and nothing is said of who else may ask."""
        answer = asking(log).request(method, "/", headers={"origin": "http://evil.example"})

        assert 405 == answer.status_code
        assert not [name for name in answer.headers if name.startswith("access-control")]


class TestPaths:
    """Nothing but the pages and their own files is served."""

    @pytest.mark.parametrize(
        "path",
        ["/static/../app.py", "/static/%2e%2e/app.py", "/static/..%2fapp.py", "/static//etc/passwd",
         "/static/%2fetc%2fpasswd", "/static/..\\app.py", "/static/vendor/../../app.py", "/static",
         "/static/", "/static/vendor", "/app.py", "/etc/passwd", "/static/%00", "/.git/config"],
    )  # fmt: skip
    def test_no_other_file_is(self, log, path):
        """However it is written."""
        answer = asking(log).get(path)

        assert answer.status_code in (404, 405, 400)
        assert "import" not in answer.text
        assert "root:" not in answer.text


class Found(HTMLParser):
    """What a browser would take for elements and attributes, and what for text."""

    def __init__(self):
        super().__init__()
        self.tags, self.attributes, self.text = [], [], ""

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [name for name, _value in attrs]
        for name, value in attrs:
            if name in ("href", "src", "action", "formaction", "hx-get", "xlink:href"):
                assert re.match(r"(/|#|\?|data:,|$)", value or ""), (tag, name, value)

    def handle_data(self, data):
        self.text += data


HOSTILE = st.text(min_size=1, max_size=60) | st.lists(
    st.sampled_from(
        ["<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "</title>", "<!--", "]]>",
         '" onmouseover="alert(1)', "' autofocus onfocus='x", "javascript:alert(1)", "{{ 7*7 }}",
         "{% raw %}", "\u202e", "\u2066", "\x1b[31m", "&lt;b&gt;", "&#0;", "<svg/onload=x>", "\n",
         "../../etc", "</pre>", "--- a\n+++ b\n@@ -1 +1 @@\n-<b>\n+<i>", "\x00", "é", "?at=1&"]
    ),
    min_size=1,
    max_size=4,
).map("".join)  # fmt: skip


class TestHostileText:
    """Names, reasons, errors and diffs are others' words."""

    @settings(max_examples=8)
    @given(text=HOSTILE)
    def test_it_never_becomes_markup(self, text):
        """A page has the elements that pages have with words that mean no harm, and no others."""
        tags, names = _calm()
        for path, page in _pages(text).items():
            found = Found()
            found.feed(page)

            assert set(found.tags) <= tags, path
            assert set(found.attributes) <= names, path
            assert not [name for name in found.attributes if name.startswith("on")]
            assert not re.search("[\u202a-\u202e\u2066-\u2069\x00\x1b]", page), path


@functools.cache
def _calm():
    """Return the elements and attributes of all pages about ordinary words, and about nothing."""
    found = Found()
    for query in ("plain words", "nowhere"):
        for page in _pages("plain words", query).values():
            found.feed(page)
    with autopack.create_log("memory:") as log:
        for path in READ:
            found.feed(asking(log).get(path).text)
    return set(found.tags), set(found.attributes)


def _pages(words, query=None):
    """Return every page of a log in which these words stand wherever there may be any."""
    with autopack.create_log("memory:") as log:
        spec = autopack.PhaseSpec("one", goal=words, labels={"gate": words}, deliverables=(words,))
        two = autopack.PhaseSpec("two", max_attempts=1)
        autopack.create_run(log, "r", [spec, two], goal=words)

        def execute(phase, attempt):
            if phase.phase_id == "two":
                return autopack.Failed("error", words, excerpt=words)
            attempt.attach("work.diff", words)
            return autopack.NeedsPerson(words, outputs={"a": words}, summary=words)

        autopack.drain(log, executor=execute)
        autopack.pause_run(log, "r", why=words if words.strip() else "so")
        client = asking(log, allow_writes=True, token="t")
        asked = [
            path.replace("{run}", "r").replace("{phase:path}", phase)
            for path in READ
            for phase in (("one", "two") if "{phase" in path else ("",))
        ]
        return {path: client.get(path, params={"q": query or words}).text for path in asked}


@pytest.mark.parametrize("at", ["-1", "99999999999999999999", "x", "<b>", "1e9", "\u202e1", " "])
def test_a_moment_that_is_none_is_told_as_text(log, at):
    """It is refused, and named as it was typed, as far as that can be seen."""
    answer = asking(log).get("/", params={"at": at})

    assert answer.status_code in (200, 400)
    assert "<b>" not in answer.text.partition("<h1")[2]
