"""What is asked of which index with which models in; an error out, if there is one that can be found in a moment.

Loading the models takes many times as long, and who mistyped a field or a name should not wait for it. Imports no
torch.
"""

from __future__ import annotations

from pathlib import Path

from odqa.addresses import Address
from odqa.answering.ranking import check_ranking
from odqa.index.filters import Filters, parsed
from odqa.index.stores import store_at
from odqa.models import resolve


def precheck(
    index: Address, *, filters: Filters = (), reader: str | Path | None = None, ranking: str | None = None
) -> None:
    """Check an index, the fields of filters, a reader's name and a ranking's, as far as it needs no model.

    Raises IndexFolderError for a missing or damaged index, UsageError for a field that no document has or an unknown
    ranking, and ModelError for a reader that is not there.
    """
    check_ranking(ranking)
    store_at(index).check_fields(parsed(filters))
    if reader is not None:
        resolve(reader)
