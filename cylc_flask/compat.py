# This file is part of cylc-flask, the web server inside the Cylc scheduler.
# Copyright (C) the cylc-flask developers.
#
# This program is free software: you can redistribute it and/or modify
# it under the terms of the GNU General Public License as published by
# the Free Software Foundation, either version 3 of the License, or
# (at your option) any later version.
#
# This program is distributed in the hope that it will be useful,
# but WITHOUT ANY WARRANTY; without even the implied warranty of
# MERCHANTABILITY or FITNESS FOR A PARTICULAR PURPOSE.  See the
# GNU General Public License for more details.
#
# You should have received a copy of the GNU General Public License
# along with this program.  If not, see <http://www.gnu.org/licenses/>.
"""All that differs between the supported lines of cylc-flow, 8.5 to 8.7."""

from __future__ import annotations

from typing import Any

from cylc.flow import data_messages_pb2, data_store_mgr

#: The protobuf messages of the data store. Not every line ships their types.
pb: Any = data_messages_pb2

#: What protobuf tells of a message, and of one of its fields. It ships no
#: types.
Descriptor = Any
FieldDescriptor = Any

#: Kinds of elements which the scheduler replaces by a fresh copy each time it
#: merges an update into one; the others are merged where they stand. Only
#: from 8.6 on does the scheduler have a name for them.
RENEWED_KINDS: frozenset[str] = frozenset(getattr(
    data_store_mgr, 'RESET_PROTOBUF_TYPES', ('tasks', 'families')
))


def is_repeated(field: FieldDescriptor) -> bool:
    """Tell whether a protobuf field is a list, or a map.

    Newer protobuf has a property for it, and has given up the label.
    """
    try:
        return bool(field.is_repeated)
    except AttributeError:
        return bool(field.label == field.LABEL_REPEATED)
