"""Progress bars show the names of files as they are."""

import io

from rich.console import Console

from emosense.cli.progress import progress_bar


def test_a_name_is_no_markup_of_rich():
    """A tag that closes what no tag has opened ended the command."""
    bar = progress_bar()
    bar.add_task("[/b] [red]holiday[/red].mp4", total=1)
    console = Console(file=io.StringIO(), width=200)
    console.print(bar.get_renderable())
    assert "[/b] [red]holiday[/red].mp4" in console.file.getvalue()
