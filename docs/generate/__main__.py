"""`make docs`: bring the generated parts up to date."""

import sys

from docs.generate.pages import DOCS, current, pages


def main() -> None:
    """Rewrite each page that is behind, and name it."""
    for page in pages():
        before = page.read_text()
        after = current(before)
        if after != before:
            page.write_text(after)
            sys.stdout.write(f"{page.relative_to(DOCS.parent)}\n")


if __name__ == "__main__":
    main()
