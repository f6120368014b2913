"""A private Rspamd as judge of DKIM, SPF, DMARC and ARC together, as a large receiver would run it."""

import http.client
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.parts.judges import Envelope
from tests.parts.name_server import NameServer
from tests.parts.part import Part
from tests.parts.ports import LOOPBACK, accepts, free_port
from tests.parts.program import Program, own_folder, require_program

_SECONDS = 30.0
_PLUGINS = Path("/usr/share/rspamd/plugins")

# No local networks and `check_local`: mail from 127.0.0.1 is judged like any other. Nothing is cached.
_CONFIG = """
options {{
  filters = "dkim";
  url_tld = "{folder}/suffixes";
  dns {{ nameserver = ["127.0.0.1:{dns}"]; timeout = 2s; retransmits = 2; sockets = 1; }}
  pidfile = "{folder}/rspamd.pid";
  control_socket = "{folder}/control.sock mode=0600";
  cache_file = "{folder}/symbols.cache";
  hs_cache_dir = "{folder}";
  tempdir = "{folder}";
  local_addrs = [];
  disable_hyperscan = true;
  disable_monitoring = true;
}}
logging {{ type = "console"; level = "info"; }}
worker "normal" {{ bind_socket = "127.0.0.1:{port}"; count = 1; }}
modules {{ {modules} }}
dkim {{ check_local = true; check_authed = true; dkim_cache_size = 0; }}
spf {{ check_local = true; check_authed = true; spf_cache_size = 0; }}
dmarc {{ check_local = true; check_authed = true; }}
arc {{ check_local = true; check_authed = true; sign_inbound = false; sign_local = false; sign_authenticated = false; }}
"""


class Rspamd(Part):
    """Asks `server` for every record, and nobody else for anything. `suffixes`: the public suffixes it knows (the
    whole list takes seconds to load); a domain of DMARC is one label below one of them."""

    def __init__(self, server: NameServer, suffixes: Sequence[str] = ("test", "com", "net", "org")) -> None:
        program = require_program("rspamd")
        self._port = free_port()
        self.folder = own_folder("rspamd")
        (self.folder / "suffixes").write_text("".join(f"{suffix}\n" for suffix in suffixes))
        modules = " ".join(f'path = "{_PLUGINS}/{name}.lua";' for name in ("spf", "dmarc", "arc"))
        config = self.folder / "rspamd.conf"
        config.write_text(_CONFIG.format(folder=self.folder, dns=server.port, port=self._port, modules=modules))
        # --insecure: as root it would want another user to run as; it sees nothing but our own mail.
        self._program = Program([program, "--no-fork", "--insecure", "--config", str(config)], self.folder)
        try:
            self._program.wait_until(lambda: accepts(self._port))
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End it and remove its folder."""
        self._program.close()
        shutil.rmtree(self.folder)

    def log(self) -> str:
        """Rspamd's own account."""
        return self._program.log()

    def verdict(self, raw: bytes, envelope: Envelope) -> Mapping[str, tuple[str, ...]]:
        """Rspamd's symbols with their options: `R_DKIM_ALLOW` → (`acme.test:s=selector`, …), `R_DKIM_REJECT`,
        `R_SPF_ALLOW`, `R_SPF_FAIL`, `DMARC_POLICY_ALLOW`, `DMARC_POLICY_REJECT`, …"""
        headers = {"IP": envelope.ip, "Helo": envelope.helo, "From": f"<{envelope.mail_from}>"}
        connection = http.client.HTTPConnection(LOOPBACK, self._port, timeout=_SECONDS)
        try:
            connection.request("POST", "/checkv2", raw, headers)
            response = connection.getresponse()
            answer = response.read()
        finally:
            connection.close()
        if response.status != http.client.OK:
            raise AssertionError(f"rspamd answered {response.status}: {answer.decode('utf-8', 'replace')}")
        symbols = json.loads(answer)["symbols"]
        return {name: tuple(symbol.get("options", ())) for name, symbol in symbols.items()}
