"""The text that is made from HTML: what a reader sees, and in time that grows with the input alone."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailit.mime.html_text import text_from_html

SIZE = 300_000


@pytest.mark.parametrize(
    ("html", "text"),
    [
        # MJML sets the size of all containers to 0 and that of each text to its own.
        ('<td style="font-size:0px"><div style="font-size:13px">Hello</div> x</td>', "Hello"),
        ('<p style="font:0/0 a">no</p><p style="font:14px Arial">yes</p>', "yes"),
        # A button that Outlook shows in another form, in a comment.
        ('<!--[if mso]><v:rect>B</v:rect><![endif]--><a href="https://x.test" style="mso-hide:all">B</a>', "B (https://x.test)"),
        ("<![if !mso]><p>Seen</p><![endif]>", "Seen"),
        ('<div style="display:none;max-height:0;mso-hide:all">Preview\u200c\u00a0\u200c</div>Hi', "Hi"),
        ('<div data-skip-in-text="true">Preview</div><div hidden>no</div>Hi', "Hi"),
        ('<div style="height:0;overflow:hidden">no</div><div style="line-height:0;height:0">yes</div>', "yes"),
        ('<div style="display:none"><span>a</span> b</div>c', "c"),
        ('<p style="display:none">a<p>b', "b"),
        ('<div style="max-height:0.5em;opacity:0.9">yes</div>', "yes"),
        ("<script>if (a</b>c) '</p>'</script><style>a > b{}</style>Hi<noscript>no</noscript>", "Hi"),
        ("<!-- > <p>no</p> --><!-->yes", "yes"),
        ('<img alt="a > b"><p title=\'"\'>x', "a > b\n\nx"),
        ("<p title=it's>x</p>y", "x\n\ny"),
        ("1 < 2 <3 & 4 &lt; 5 &#x26; &notit; &#" + "1" * 5000 + ";", "1 < 2 <3 & 4 < 5 & ¬it; \ufffd"),
        ("One<br><br>Two<br/>Three", "One\n\nTwo\nThree"),
        ("<ol><li>a</li><li><p>b</p></li></ol><ul><li>c<ul><li>d</ul><li></ul>e", "1. a\n\n2. b\n\n- c\n  - d\n\n- e"),
        ("<pre>a\n  b\r\n\tc\n</pre><p>d", "a\n  b\n\tc\n\nd"),
        ("<a href='mailto:a@b.test'>a@b.test</a> <a href=tel:+1>+1</a> <a href=#x>up</a>", "a@b.test +1 up"),
        ('<a href="https://x.test/"><img alt="Logo"></a> <a href="http://y.test"><img></a>', "Logo (https://x.test/) http://y.test"),
        ('<a href="https://x.test/a\n b"><table><tr><td>Buy</td></tr></table></a>Next', "Buy (https://x.test/ab)\n\nNext"),
        ("<a href='https://x.test'>one<a href='https://y.test'>two", "one (https://x.test)two (https://y.test)"),
        ("<table><tr><th>Item<th>Price<tr><td>Shirt<td>9 €</table>", "Item Price\nShirt 9 €"),
        ("<p>👩\u200d💻 می\u200cخواهم ex\u00adample</p>", "👩\u200d💻 می\u200cخواهم example"),
        ("e\u0301&nbsp;\u00e9", "\u00e9 \u00e9"),
        ("<p>unclosed <b>and </i>wrong</p></div> tail <b", "unclosed and wrong\n\ntail"),
    ],
)  # fmt: skip
def test_the_text_is_what_a_reader_sees(html: str, text: str) -> None:
    assert text_from_html(html) == text


@given(st.text(st.sampled_from("<>/!-='\"&#; \n\0\rapbdivstyle:nohd\u0301é"), max_size=300))
def test_any_input_gives_clean_text(html: str) -> None:
    text = text_from_html(html)
    assert text == text.strip("\n")
    assert not set(text) & set("\r\0\f\x0b")


@pytest.mark.parametrize(
    "html",
    [
        "<p>" + "".join(f"<font a={number}>" for number in range(1000)) + "</p><p>x" * 20_000,
        "<div>" * (SIZE // 5),
        "<li>x" * (SIZE // 5),
        "<ul><li>x" * (SIZE // 9),
        '<a b=">"' * (SIZE // 8),
        "<a b='x\">" * (SIZE // 9),
        "<!--" * (SIZE // 4),
        "<!" * (SIZE // 2),
        "<script></scrip" * (SIZE // 15),
        "<a " * (SIZE // 3),
        "<p " + " ".join(f"a{number}" for number in range(SIZE // 6)) + " hidden>x",
        "<p style=display" + " " * SIZE + ">x",
        '<p style="' + "height:" * (SIZE // 7) + '">x',
        "a" + "\u0323\u0301" * (SIZE // 2),
        "\u200c" * SIZE + "x",
        "&" * SIZE,
        "&#" * (SIZE // 2),
        " " * SIZE + "x",
    ],
    ids=lambda html: html[:12],
)
def test_html_made_to_be_slow_is_not(html: str) -> None:
    started = time.process_time()
    text_from_html(html)
    assert time.process_time() - started < 2


def test_the_text_of_a_very_large_page_is_that_of_its_beginning() -> None:
    assert text_from_html("<p>First" + " " * 5_000_000 + "last") == "First"
