"""What setup.cfg can't say: the README as PyPI shows it, which knows no files beside it."""

import configparser
import re
from pathlib import Path

HERE = Path(__file__).resolve().parent

_LINK = re.compile(r"(!?)\[([^\]]*)\]\((?!https?://|#)([^)\s]+)\)")


def home():
    """The address of the repository, ``url`` in setup.cfg; empty if it has none yet."""
    settings = configparser.ConfigParser()
    settings.read(HERE / "setup.cfg", encoding="utf-8")
    return settings["metadata"].get("url", "").rstrip("/")


def description(url):
    """The README with links to files of the repository made absolute.

    Without an address they can't be: then links become their words, and pictures go.
    """

    def absolute(link):
        picture, words, path = link.groups()
        if url:
            return f"{picture}[{words}]({url}/{'raw' if picture else 'blob'}/main/{path})"
        return "" if picture else words

    return _LINK.sub(absolute, (HERE / "README.md").read_text(encoding="utf-8"))


if __name__ == "__main__":
    from setuptools import setup

    setup(long_description=description(home()), long_description_content_type="text/markdown")
