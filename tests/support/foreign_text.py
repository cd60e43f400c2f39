"""Names that Markdown, spreadsheets or charts would read as more than names."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from emosense.settings import bundled_models_dir

NAMES = (
    *("www.evil.com.jpg", "WWW.evil.com", "a (www.evil.com) b", "_www.evil.com_", "a www.evil.com"),
    *("foo@evil.com.png", "mailto:foo@evil.com", "xmpp:foo@evil.com", "_foo@evil.com_"),
    *("[x](https:evil.com)", "![x](data:image,evil)", "[x]: evil.com", "[^1]", "[^1]: evil.com"),
    *("<img src=evil.png>", "<a href=evil.com>x", "<!-- x -->", "<evil:com>"),
    *("**b**", "__b__", "_b_", "a_b_c", "__init__.py", "_A_", "A_B", "~~s~~", "`c`", "``c", "*"),
    *("$x^2$", "$$x$$", "$5 and $6", ":smile:.jpg", ":+1:", "a:smile:", ":streamlit:"),
    *(":red[x]", ":red-background[x]", ":red-badge[x]", ":color[x]{foreground=red}", ":help[x]"),
    *(":material_face:", "a -> b", "<- a -- b >= c", "--", "&copy;&#x41;", "A&B &amp; C"),
    *("# head", "- item", "+ item", "1. item", "12) item", "> quote", "=== x", "- [ ] task"),
    *(
        "    code",
        "\tcode",
        " a ",
        "\u3000a\u00a0",
        "gpj.\u202eexe",
        "x:",
        ":",
        "::a::",
        ":small[]",
    ),
    *(
        "10:30:15.jpg",
        "{x}",
        "=1+1",
        "+1",
        "-1+2",
        "@sum",
        "\uff1d1+1",
        " =1+1",
        "a,b",
        "plain.jpg",
    ),
)
"""Names that browsers send as they are."""

ADDRESSES = (
    *("http://evil.com/x.jpg", "see https://evil.com", "ftp://evil.com", "<http://evil.com>"),
    *("[x](http://evil.com)", "![x](http://evil.com/i.png)", "<img src=http://evil.com/i.png>"),
    *(":material/face:", "xmpp:foo@evil.com/x", "a\n\n# b", "a\n- b", "\\", "\\*a", "a\\"),
    *("C:\\Users\\x.jpg", 'a"b'),
)
"""Names that uploaded files cannot have, but those in archives can."""

TEXT = (
    "=1+1 www.evil.com [x](http://evil.com) ![x](http://evil.com/i.png) "
    "<a href='http://evil.com'>a</a> <b>b</b> %{x} `c` $x^2$ :smile: :material/face: :red[x] "
    "foo@evil.com -> **b**"
)
"""All at once, as the title of a model."""


def shown(text: str) -> str:
    """Return how a page shows a text: in one line, with no sign that turns the rest around."""
    return " ".join(text.replace("\u202e", "\ufffd").split())


def write_hostile_model(folder: Path) -> Path:
    """Write a folder of models with one whose every text is :data:`TEXT`; return the folder."""
    model = folder / "www.evil.com [x](http:evil.com) `c`"
    shutil.copytree(bundled_models_dir() / "cnn8", model)
    card = json.loads((model / "card.json").read_text("utf-8"))
    card |= dict.fromkeys(("title", "summary", "input", "licence", "command"), TEXT)
    card["name"] = model.name
    card["data"]["name"] = TEXT
    card["training"] |= {"hardware": TEXT, "backend": TEXT, "versions": {TEXT: TEXT, "keras": TEXT}}
    for number, layer in enumerate(card["layers"]):
        layer |= {"name": f"{TEXT} {number}", "type": TEXT}
    (model / "card.json").write_text(json.dumps(card), "utf-8")
    # A model that cannot be used, of whose card a message speaks.
    broken = folder / "broken www.evil.com [x](http:evil.com)"
    broken.mkdir()
    (broken / "card.json").write_text(json.dumps({"name": TEXT, TEXT: 1}), "utf-8")
    return folder
