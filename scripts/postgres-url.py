"""Takes the address of a Postgres apart for the scripts, from standard input, so that a password is in nobody's arguments.

    postgres-url.py describe          mode, host, port, user and database, one a line; never the password
    postgres-url.py run PROGRAM …     runs the program with PGHOST, PGPASSWORD and so on, DATABASE_URL and DATABASE_DIRECT_URL;
                                      the rest of standard input is for it

Modes: `transaction` (Supabase's pooler at port 6543), `session` (its pooler at 5432), `direct` (db.PROJECT.supabase.co,
reached over IPv6), `other`.
"""

import os
import sys
from urllib.parse import parse_qs, unquote, urlsplit


class Address:
    def __init__(self, text):
        try:
            parts = urlsplit(text.strip())
        except ValueError:
            # What it says shows the password.
            sys.exit("postgres-url: the address has characters that no address may have: write them as `%` and two digits")
        if parts.scheme not in ("postgres", "postgresql") or not parts.hostname:
            sys.exit("postgres-url: not of the form `postgres://user:password@host:port/database`")
        try:
            self.port = parts.port or 5432
        except ValueError:
            sys.exit("postgres-url: the port is not a number below 65,536")
        self.text = text.strip()
        self.host = parts.hostname
        self.user = unquote(parts.username or "postgres")
        self.password = unquote(parts.password or "")
        self.database = unquote(parts.path.lstrip("/")) or "postgres"
        self.sslmode = parse_qs(parts.query).get("sslmode", ["prefer"])[0]

    def mode(self):
        pooler = self.host.endswith(".pooler.supabase.com")
        if self.port == 6543:
            return "transaction"
        if pooler:
            return "session"
        return "direct" if self.host.endswith(".supabase.co") else "other"

    def environment(self):
        return {
            "PGHOST": self.host,
            "PGPORT": str(self.port),
            "PGUSER": self.user,
            "PGPASSWORD": self.password,
            "PGDATABASE": self.database,
            "PGSSLMODE": self.sslmode,
            "PGCONNECT_TIMEOUT": os.environ.get("PGCONNECT_TIMEOUT", "15"),
            "DATABASE_URL": self.text,
            "DATABASE_DIRECT_URL": self.text,
        }


def first_line():
    """Byte by byte, since what follows is for the program that is run."""
    line = b""
    while (byte := os.read(0, 1)) not in (b"", b"\n"):
        line += byte
    return line.decode(errors="replace")


def main():
    address = Address(first_line())
    match sys.argv[1:]:
        case ["describe"]:
            print(address.mode(), address.host, address.port, address.user, address.database, sep="\n")
        case ["run", program, *arguments]:
            os.execvpe(program, [program, *arguments], os.environ | address.environment())
        case _:
            sys.exit(__doc__)


main()
