from __future__ import annotations

import sys
from typing import Annotated

from specnet.cli.guard import MISUSED
from specnet.cli.options import NamedPlugins, Page, argument, choice
from specnet.cli.terminal import failed, results, write_json


def docs(
    name: Annotated[
        str | None, argument("NAME", help="A kind or a key, such as dense, seed or training.checkpoint.")
    ] = None,
    plugins: NamedPlugins = None,
    output: Annotated[Page, choice("--output", kinds=Page, help="The output format.")] = Page.TEXT,
) -> int:
    """Explain a kind or a key of the language, or list all.

    Without NAME, `--output markdown` prints the complete reference.
    """
    from specnet.cli.keys import Language
    from specnet.cli.named_plugins import import_named

    import_named(plugins)
    language = Language()
    if name is None:
        if output is Page.TEXT:
            from specnet.cli.docs_text import TextPage

            TextPage(results(), language).overview()
        elif output is Page.JSON:
            from specnet.cli.docs_json import contents

            write_json(contents(language))
        else:
            from specnet.cli.docs_markdown import page

            sys.stdout.write(page(language))
        return 0
    found = language.find(name)
    if not found:
        meant = language.meant(name)
        help = f"did you mean `{meant}`?" if meant else "`specnet docs` lists all names"
        failed(f"nothing is called `{name}`; {help}")
        return MISUSED
    if output is Page.JSON:
        from specnet.cli.docs_json import entries

        write_json({"name": name, "found": entries(language, found)})
    elif output is Page.MARKDOWN:
        from specnet.cli.docs_markdown import sections

        sys.stdout.write(sections(language, found))
    else:
        from specnet.cli.docs_text import TextPage

        TextPage(results(), language).entries(found)
    return 0
