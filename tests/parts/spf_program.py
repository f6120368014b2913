"""pyspf in its own process: a question as JSON on stdin, the result as JSON on stdout."""

import json
import sys

import dns.resolver
import spf  # type: ignore[import-untyped]


def main() -> None:
    """Point the process's resolver at the test's name server and check."""
    asked = json.load(sys.stdin)
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers = ["127.0.0.1"]
    resolver.port = asked["port"]
    dns.resolver.default_resolver = resolver
    result, explanation = spf.check2(i=asked["ip"], s=asked["mail_from"], h=asked["helo"], querytime=20)
    json.dump({"result": result, "explanation": explanation}, sys.stdout)


if __name__ == "__main__":
    main()
