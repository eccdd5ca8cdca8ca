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
"""From where somebody calls, who may have many addresses."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address

#: All addresses by which this machine calls itself: each of its users has
#: all of them.
LOOPBACK = 'loopback'

#: How many bits of an address of IPv6 tell networks apart; the others are
#: the client's own choice.
NETWORK = 64


def client_of(address: str) -> str:
    """Return the same for all addresses that one client can choose among.

    Examples:
        >>> client_of('127.8.0.1'), client_of('::1'), client_of('192.0.2.1')
        ('loopback', 'loopback', '192.0.2.1')
        >>> client_of('2001:db8::1:2:3:4'), client_of('::ffff:192.0.2.1')
        ('2001:db8::/64', '192.0.2.1')
        >>> client_of('')
        ''
    """
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if isinstance(found, IPv6Address):
        found = found.ipv4_mapped or found
    if found.is_loopback:
        return LOOPBACK
    if isinstance(found, IPv6Address):
        rest = 128 - NETWORK
        network = IPv6Address(int(found) >> rest << rest)
        return f'{network}/{NETWORK}'
    return str(found)
